"""Pause, resume, hold, unknown, discard: what is asked for is in Kafka together with its audit row, or nothing is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cli import exits
from psfabric.engine import receipts as receipt
from psfabric.engine.control import Act, Control, read_control
from psfabric.errors import Answer, Parent, Period
from psfabric.event import Record
from psfabric.kafka import read_topic
from psfabric.outcomes import Discarded
from replay import standings
from tests.cli.conftest import Run
from tests.replay.plant import Plant

ASKED = datetime(2026, 6, 3, 17, 0, tzinfo=UTC)


def held_id(here: Plant, record: Record) -> str:
    return f"{here.name}/{record.coordinates}"


def waits(here: Plant, until: Any = None, partition: int = 0) -> Record:
    record = here.record(here.time_event(), partition=partition)
    here.hold(record, until)
    return record


def orders(here: Plant) -> list[tuple[Record, Control]]:
    return [(record, read_control(record)) for record in here.redone()]


def audit(here: Plant) -> list[dict[str, Any]]:
    """Rows of acts on this installation, oldest first."""
    rows = [json.loads(record.value or b"") for record in read_topic(here.kafka, "fabric.operations")]
    return [row for row in rows if here.name in json.dumps(row["detail"])]


# ------------------------------------------------------------------------------------------------ pause, resume


def test_pause_and_resume_are_written_with_who_and_why(run: Run, here: Plant) -> None:
    paused = run("pause", here.name, "--reason", "month end")
    assert paused.code == exits.CLEAN
    assert "within 5 s" in paused.out
    standing = standings(here.kafka)[here.name]
    assert (standing.state, standing.why) == ("paused", "month end")
    again = run("pause", here.name, "--reason", "twice", "--output", "json").json
    assert (again["changed"], again["after"]["why"]) == (False, "month end")
    resumed = run("resume", here.name, "--reason", "over", "--output", "json").json
    assert (resumed["before"]["state"], resumed["after"]["state"]) == ("paused", "running")
    rows = audit(here)
    assert [(r["act"], r["reason"], r["result"]) for r in rows] == [
        ("component.pause", "month end", "done"),
        ("component.resume", "over", "done"),
    ]
    assert all(r["who"] and r["where"] and r["at"] and r["id"] and r["who_is"] == "claimed" for r in rows)


def test_resume_is_for_a_component_that_its_limit_stopped_too(run: Run, here: Plant) -> None:
    from psfabric.standing import Standing

    here.write(Standing("stopped", "200 records in a row", "dead-letter limit@x", "now").to_write(here.name))
    assert "nothing was written" in run("pause", here.name, "--reason", "x").out
    assert "It was stopped: 200 records in a row." in run("resume", here.name, "--reason", "repaired").out
    assert standings(here.kafka)[here.name].state == "running"
    assert "is running" in run("resume", here.name, "--reason", "repaired").out


def test_a_misspelt_component_is_named_with_the_nearest(run: Run, here: Plant) -> None:
    ran = run("pause", f"{here.name}x", "--reason", "x")
    assert ran.code == exits.USAGE
    assert f"did you mean {here.name}?" in ran.err


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
def test_every_act_wants_a_reason(run: Run, here: Plant, reason: tuple[str, ...]) -> None:
    for act in (
        ("pause", here.name),
        ("resume", here.name),
        ("hold", "release", "x/y/0/1"),
        ("hold", "bury", "x/y/0/1"),
        ("unknown", "resolve", "x/y/0/1", "--absent"),
        ("dlq", "discard", "x/0/1"),
    ):
        assert run(*act, *reason).code == exits.USAGE
    assert audit(here) == []


# ------------------------------------------------------------------------------------------------ hold


@pytest.mark.parametrize("verb", ["release", "bury"])
def test_what_waits_is_released_or_buried_by_a_control_record_on_its_own_partition(
    run: Run, here: Plant, verb: str
) -> None:
    record = waits(here, partition=1)
    ran = run("hold", verb, held_id(here, record), "--reason", "seen", "--output", "json")
    assert (ran.code, ran.json["asked"], len(ran.json["records"])) == (exits.CLEAN, True, 1)
    ((stored, control),) = orders(here)
    assert (stored.partition, stored.key) == (1, record.key)
    assert (control.act, control.of, control.reason) == (Act(verb), record.coordinates, "seen")
    (row,) = audit(here)
    assert (row["act"], row["id"], row["result"]) == (f"record.{verb}", control.id, "asked of the owner")
    assert row["detail"]["records"] == [held_id(here, record)]
    assert row["who"] == control.who


def test_many_are_chosen_by_what_they_wait_for_after_a_question(run: Run, here: Plant) -> None:
    period = [waits(here, Period("UK01", "2026-05")) for _ in range(3)]
    waits(here, Parent("project", "PRJ-1"))
    options = ("hold", "release", "--until", "period:UK01", "--reason", "opened")
    refused = run(*options)
    assert refused.code == exits.REFUSED
    assert "Release 3 waiting records" in refused.err
    assert run(*options, "--dry-run").out.endswith("nothing was asked for (--dry-run).\n")
    assert (orders(here), audit(here)) == ([], [])
    assert run(*options, "--yes").code == exits.CLEAN
    assert {control.of for _, control in orders(here)} == {record.coordinates for record in period}
    assert len(audit(here)) == 1, "one act, one row"
    nothing = run("hold", "release", "--until", "approval", "--reason", "x", "--yes")
    assert nothing.out == "Nothing that waits fits; nothing was asked for.\n"


def test_what_went_on_or_never_waited_is_said_and_nothing_is_asked(run: Run, here: Plant) -> None:
    record = waits(here)
    here.release(record)
    ran = run("hold", "release", held_id(here, record), "--reason", "x")
    assert ran.code == exits.USAGE
    assert "is not held: it went on" in ran.err
    for wrong in (here.name, f"{here.name}/deliver/x/1", f"{here.name}/0/1", "", "a/b/c/d/e"):
        assert run("hold", "bury", wrong, "--reason", "x").code == exits.USAGE
    both = run("hold", "bury", held_id(here, record), "--key", "k", "--reason", "x")
    assert both.code == exits.USAGE
    assert (orders(here), audit(here)) == ([], [])


def test_a_held_record_is_shown_masked_and_revealed(run: Run, here: Plant) -> None:
    record = waits(here)
    masked = run("hold", "show", held_id(here, record), "--output", "json").json
    assert masked["until"] == "parent:project:PRJ-1001"
    assert masked["payload"]["resource_id"] == "***"
    assert "5b10ac8d82e05b22cc7d4ef5" in run("hold", "show", held_id(here, record), "--reveal").out


def test_it_is_said_when_nobody_will_act_before_a_resume(run: Run, here: Plant) -> None:
    record = waits(here)
    run("pause", here.name, "--reason", "month end")
    ran = run("hold", "release", held_id(here, record), "--reason", "x")
    assert f"{here.name} is paused (month end): it acts on this only when it goes on" in ran.out
    run("resume", here.name, "--reason", "over")


# ------------------------------------------------------------------------------------------------ unknown


def test_what_is_unknown_is_a_finding_and_is_resolved_by_what_was_found(run: Run, here: Plant) -> None:
    assert run("unknown", "list").out == "Nothing is unknown.\n"
    there, absent = waits(here, Answer(ASKED)), waits(here, Answer(ASKED))
    waits(here)
    listed = run("unknown", "list", "--output", "json")
    assert listed.code == exits.FINDINGS
    assert {each["id"] for each in listed.json["unknown"]} == {held_id(here, there), held_id(here, absent)}
    options = ("--delivered", "INV-88", "--number", "2026/88", "--reason", "seen")
    assert run("unknown", "resolve", held_id(here, there), *options).code == exits.CLEAN
    assert run("unknown", "resolve", held_id(here, absent), "--absent", "--reason", "looked").code == exits.CLEAN
    found = {control.of: (control.outcome, control.reference, control.number) for _, control in orders(here)}
    assert found == {there.coordinates: ("delivered", "INV-88", "2026/88"), absent.coordinates: ("absent", "", "")}
    assert [row["detail"].get("reference") for row in audit(here)] == ["INV-88", None]


def test_an_answer_that_is_none_is_refused(run: Run, here: Plant) -> None:
    unknown, waiting = waits(here, Answer(ASKED)), waits(here)
    for wrong in ((), ("--absent", "--delivered", "x"), ("--delivered", ""), ("--absent", "--number", "7")):
        assert run("unknown", "resolve", held_id(here, unknown), *wrong, "--reason", "x").code == exits.USAGE
    other = run("unknown", "resolve", held_id(here, waiting), "--absent", "--reason", "x")
    assert other.code == exits.REFUSED
    assert "not for an answer" in other.err
    assert (orders(here), audit(here)) == ([], [])


# ------------------------------------------------------------------------------------------------ discard


def test_a_dead_letter_is_discarded_by_its_owner_and_stays_readable(run: Run, here: Plant) -> None:
    record = here.record(here.time_event(), partition=1)
    here.bury(record)
    (id,) = [each["id"] for each in run("dlq", "list", "--output", "json").json["dead_letters"]]
    ran = run("dlq", "discard", id, "--reason", "test data")
    assert (ran.code, "discard was asked for 1 record" in ran.out) == (exits.CLEAN, True)
    ((stored, control),) = orders(here)
    assert (stored.partition, stored.key) == (1, record.key)
    assert (control.act, control.of) == (Act.DISCARD, record.coordinates)
    assert control.about == record.header("ce_id")
    assert control.about_type == record.header("ce_type")
    outcome = Discarded("test data", control.about, control.about_type)
    here.receipt(control.about, "terminal", receipt.discarded(here.name, outcome))
    assert run("dlq", "list").out == "No open dead letters.\n"
    (closed,) = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert closed["state"] == "discarded"
    assert run("dlq", "show", id).code == exits.CLEAN
    again = run("dlq", "discard", id, "--reason", "test data")
    assert f"{id} is discarded already; nothing was asked for." in again.out
    assert len(orders(here)) == len(audit(here)) == 1


def test_a_notice_that_was_no_event_can_be_discarded_too(run: Run, here: Plant) -> None:
    here.bury(here.raw(b"{", "n-1"), code="malformed-json")
    here.bury(here.raw(b"{", "n-2"), code="malformed-json")
    ids = [each["id"] for each in run("dlq", "list", "--output", "json").json["dead_letters"]]
    assert run("dlq", "discard", *ids, "--dry-run", "--reason", "x").code == exits.CLEAN
    assert orders(here) == []
    assert run("dlq", "discard", *ids, "--reason", "noise", "--output", "json").json["records"] == ids
    assert [control.about for _, control in orders(here)] == ["jira-acme/n-1", "jira-acme/n-2"]


def test_discard_of_what_is_not_there_is_exit_2(run: Run, here: Plant) -> None:
    for wrong in (f"{here.name}/0/99", f"{here.name}/77/0", here.name, "nobody/0/0"):
        assert run("dlq", "discard", wrong, "--reason", "x").code == exits.USAGE
    assert audit(here) == []
