"""From a dead letter to its receipt, on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import exits
from psfabric.engine import Write
from psfabric.errors import Answer, Parent, Period
from tests.cli.conftest import Run
from tests.replay.plant import Plant, event_of, example


def test_list_shows_open_ones_as_a_table_and_as_json(run: Run, here: Plant) -> None:
    event, home = here.time_event(), here.time_event()
    here.bury(here.record(event))
    here.bury(here.record(home))
    here.deliver(home)
    table, body = run("dlq", "list"), run("dlq", "list", "--output", "json")
    assert (table.code, body.code) == (exits.CLEAN, exits.CLEAN)
    assert "resource-unknown" in table.out
    assert home.aggregate_id not in table.out
    (letter,) = body.json["dead_letters"]
    assert (letter["id"], letter["code"], letter["key"]) == (f"{here.name}/0/0", "resource-unknown", event.aggregate_id)
    assert letter["origin"]["topic"] == f"deliver.{here.name}"
    both = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert [x["state"] for x in both] == ["open", "delivered"]


def test_text_of_a_record_cannot_drive_the_terminal(run: Run, here: Plant) -> None:
    here.bury(here.raw(b"{", "n-1", key="\x1b[2J[red]boo"), code="malformed-json")
    ran = run("dlq", "list")
    assert "\x1b" not in ran.out
    assert "\\x1b[2J[red]boo" in ran.out


def test_show_masks_personal_and_confidential_fields_until_asked(run: Run, here: Plant) -> None:
    here.bury(here.record(here.time_event()))
    masked = run("dlq", "show", f"{here.name}/0/0", "--output", "json").json
    assert masked["payload"]["resource_id"] == masked["payload"]["enrichment"]["hourly_rate"] == "***"
    assert masked["payload"]["role"] == "Consultant"
    assert "On-board the person" in masked["do"]
    open_ = run("dlq", "show", f"{here.name}/0/0", "--reveal", "--output", "json").json
    assert open_["payload"]["resource_id"] == "5b10ac8d82e05b22cc7d4ef5"


def test_show_masks_names_inside_addresses(run: Run, here: Plant) -> None:
    here.bury(here.record(event_of(example("client.ClientOnboarded"))), code="client-unknown")
    ran = run("dlq", "show", f"{here.name}/0/0")
    assert ran.code == exits.CLEAN
    assert not [word for word in ("Brindlewood", "Tannery", "Leeds") if word in ran.out]
    assert "Leeds" in run("dlq", "show", f"{here.name}/0/0", "--reveal").out


def test_show_covers_bodies_as_received_and_headers_of_strangers(run: Run, here: Plant) -> None:
    here.bury(here.raw(b'{"author": "Mara Quill"}', "n-1"), code="malformed-json")
    masked, revealed = run("dlq", "show", f"{here.name}/0/0"), run("dlq", "show", f"{here.name}/0/0", "--reveal")
    assert "Mara Quill" not in masked.out
    assert "hunter2" not in masked.out
    assert "Mara Quill" in revealed.out


@pytest.mark.parametrize("id", ["{name}/0/99", "{name}/77/0", "{name}", "{name}/x/y", "nobody/0/0", ""])
def test_show_of_what_is_not_there_is_exit_2(run: Run, here: Plant, id: str) -> None:
    here.bury(here.record(here.time_event()))
    ran = run("dlq", "show", id.format(name=here.name))
    assert ran.code == exits.USAGE
    assert ran.err.startswith("psfabric: ")


def test_plan_apply_verify_bring_a_refused_record_home(run: Run, here: Plant, tmp_path: Path) -> None:
    event, plan = here.time_event(), str(tmp_path / "plan.json")
    here.bury(here.record(event))
    made = run("replay", "plan", "--code", "resource-unknown", "--to", plan)
    assert made.code == exits.CLEAN
    assert "187.5" in made.out
    sent = run("replay", "apply", plan, "--yes", "--reason", "on-boarded", "--output", "json")
    assert (sent.code, sent.json["sent"]) == (exits.CLEAN, 1)
    early = run("replay", "verify", plan, "--wait", "0", "--output", "json")
    assert (early.code, early.json["counts"]["unknown"]) == (exits.PARTIAL, 1)
    here.deliver(event)
    late = run("replay", "verify", plan, "--wait", "20", "--output", "json")
    assert (late.code, late.json["home"], late.json["counts"]["delivered"]) == (exits.CLEAN, True, 1)
    again = run("replay", "apply", plan)
    assert (again.code, len(here.redone())) == (exits.CLEAN, 1)
    assert "already applied" in again.out
    assert run("replay", "status", plan, "--output", "json").json["plans"][0]["state"] == "done"
    assert run("dlq", "list").out.startswith("No open dead letters")


def test_verify_of_what_failed_again_is_exit_1(run: Run, here: Plant, tmp_path: Path) -> None:
    event, plan = here.time_event(), str(tmp_path / "plan.json")
    here.bury(here.record(event))
    run("replay", "plan", "--to", plan)
    run("replay", "apply", plan, "--yes")
    here.refuse(event)
    ran = run("replay", "verify", plan)
    assert ran.code == exits.FINDINGS
    assert "failed again" in ran.out


def test_an_empty_selection_writes_no_plan(run: Run, here: Plant, tmp_path: Path) -> None:
    ran = run("replay", "plan", "--to", str(tmp_path / "plan.json"))
    assert ran.code == exits.FINDINGS
    assert "No plan was written" in ran.err
    assert not (tmp_path / "plan.json").exists()


def test_a_tampered_plan_is_refused_and_nothing_is_sent(run: Run, here: Plant, tmp_path: Path) -> None:
    here.bury(here.record(here.time_event()))
    path = tmp_path / "plan.json"
    run("replay", "plan", "--to", str(path))
    path.write_text(path.read_text().replace('"partition": 0', '"partition": 1'))
    for verb in (("apply", str(path), "--yes"), ("verify", str(path)), ("status", str(path))):
        assert run("replay", *verb).code == exits.REFUSED
    assert here.redone() == []


def test_apply_without_an_answer_is_refused(run: Run, here: Plant, tmp_path: Path) -> None:
    here.bury(here.record(here.time_event()))
    run("replay", "plan", "--to", str(tmp_path / "plan.json"))
    ran = run("replay", "apply", str(tmp_path / "plan.json"))
    assert ran.code == exits.REFUSED
    assert "say --yes" in ran.err
    assert here.redone() == []


def test_a_dry_run_changes_nothing(run: Run, here: Plant, tmp_path: Path) -> None:
    here.bury(here.record(here.time_event()))
    path = tmp_path / "plan.json"
    assert run("replay", "plan", "--dry-run", "--to", str(path)).code == exits.CLEAN
    assert not path.exists()
    run("replay", "plan", "--to", str(path))
    assert "1 of 1 records would be sent" in run("replay", "apply", str(path), "--dry-run").out
    assert here.redone() == []


@pytest.mark.parametrize("rate", ["-1", "fast", "1/m"])
def test_a_rate_that_is_none_is_exit_2(run: Run, here: Plant, rate: str) -> None:
    assert run("replay", "apply", "plan.json", "--rate", rate).code == exits.USAGE


def test_a_plan_that_is_not_there_or_cannot_be_written_is_exit_2(run: Run, here: Plant, tmp_path: Path) -> None:
    here.bury(here.record(here.time_event()))
    assert run("replay", "apply", str(tmp_path / "none.json"), "--yes").code == exits.USAGE
    assert run("replay", "plan", "--to", str(tmp_path / "no" / "plan.json")).code == exits.USAGE


def test_hold_list_says_what_is_waited_for(run: Run, here: Plant) -> None:
    record = here.record(here.time_event())
    here.hold(record, Parent("project", "PRJ-77"))
    (waiting,) = run("hold", "list", "--output", "json").json["held"]
    assert (waiting["until"], waiting["origin"]) == ("parent:project:PRJ-77", record.coordinates)
    assert "parent:project:PRJ-77" in run("hold", "list").out
    here.release(record)
    assert run("hold", "list").out == "Nothing waits.\n"


def test_status_counts_lag_held_and_dead(run: Run, here: Plant) -> None:
    record = here.record(here.time_event())
    here.write(*(write_of(here, n) for n in range(3)))
    here.hold(record)
    here.bury(here.record(here.time_event()))
    (row,) = run("status", "--output", "json").json["components"]
    assert (row["component"], row["kind"], row["behind"], row["held"], row["dead"]) == (here.name, "sink", 3, 1, 1)
    assert row["lag"] == {f"deliver.{here.name}": 3, f"redo.{here.name}": 0}
    assert row["oldest_held_seconds"] > 0
    assert (row["held_for"], row["unknown"], row["oldest_unknown_seconds"]) == ({"parent": 1}, 0, None)
    assert 0 <= row["oldest_dead_seconds"] < 120
    assert row["breaker"] is None, "nobody works on it"
    assert run("status").code == exits.CLEAN


def test_status_tells_what_is_held_for_what_and_what_is_unknown(run: Run, here: Plant) -> None:
    for until in (Parent("project", "P-1"), Parent("project", "P-2"), Period("UK01", "2026-10")):
        here.hold(here.record(here.time_event()), until)
    here.hold(here.record(here.time_event()), Answer(datetime(2026, 6, 3, tzinfo=UTC)), "no answer")
    (row,) = run("status", "--output", "json").json["components"]
    assert (row["held"], row["held_for"]) == (4, {"parent": 2, "period": 1, "unknown": 1})
    assert row["unknown"] == 1
    assert row["oldest_unknown_seconds"] > 0
    assert "parent 2, period 1, unknown 1" in run("status").out


def write_of(here: Plant, n: int) -> Write:
    key, value, own = here.codec.encode(here.time_event())
    return Write(f"deliver.{here.name}", key, value, own, n % 2)


def test_json_is_stable(run: Run, here: Plant) -> None:
    here.bury(here.record(here.time_event()))
    once, twice = run("dlq", "list", "--output", "json"), run("dlq", "list", "--output", "json")
    assert once.out == twice.out
    assert list(json.loads(once.out)) == ["dead_letters"]
