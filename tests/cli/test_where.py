"""The road of a worklog, and the sentence on where it is now."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from cli import exits
from psfabric.engine import Write
from psfabric.engine.deadletter import marker_of, marker_value
from psfabric.errors import Answer, Earlier, Parent
from psfabric.event import Event
from tests.cli.conftest import Run
from tests.replay.plant import Plant


@pytest.fixture
def worklog() -> str:
    """Native id of a worklog that no other test has."""
    return str(10**12 + uuid.uuid4().int % 10**12)


def sent(here: Plant, worklog: str, **changes: str) -> Event:
    """The worklog's event in the input of the sink."""
    event = here.time_event(f"jira-acme:worklog:{worklog}", **changes)  # type: ignore[arg-type]
    key, value, own = here.codec.encode(event)
    here.write(Write(f"deliver.{here.name}", key, value, own, 0))
    return event


@pytest.mark.parametrize("asked", ["{}", "jira-acme:worklog:{}"])
def test_a_posted_worklog_is_in_its_target_under_its_reference(run: Run, here: Plant, worklog: str, asked: str) -> None:
    here.deliver(sent(here, worklog), reference="timesheet.line,41")
    ran = run("where", asked.format(worklog), "--output", "json")
    assert ran.code == exits.CLEAN
    assert [step["stage"] for step in ran.json["steps"]] == ["deliver", "receipt", "applied"]
    assert ran.json["ids"] == [f"jira-acme:worklog:{worklog}"]
    assert ran.json["now"].startswith(f"It is in {here.name} as time timesheet.line,41")
    assert ran.json["steps"][1]["reference"] == "timesheet.line,41"


def test_one_without_an_answer_is_on_its_way(run: Run, here: Plant, worklog: str) -> None:
    sent(here, worklog)
    ran = run("where", worklog)
    assert f"It is on its way: deliver.{here.name}/0/0 has no answer of its target yet." in ran.out


def test_a_newer_version_is_on_its_way_though_an_older_one_is_there(run: Run, here: Plant, worklog: str) -> None:
    here.deliver(sent(here, worklog))
    sent(here, worklog, sequence="2026-06-04T00:00:00.000000Z/00000000000000000000")
    assert f"It is on its way: deliver.{here.name}/0/1" in run("where", worklog).out


def test_a_dead_one_says_why_and_how_to_look_closer(run: Run, here: Plant, worklog: str) -> None:
    here.bury(here.record(sent(here, worklog), offset=0))
    ran = run("where", worklog)
    assert f"It is dead at {here.name}" in ran.out
    assert f"psfabric dlq show {here.name}/0/0" in ran.out


def test_a_held_one_says_what_it_waits_for(run: Run, here: Plant, worklog: str) -> None:
    here.hold(here.record(sent(here, worklog), offset=0))
    assert "for parent:project:PRJ-1001: the project is not there yet" in run("where", worklog).out


def test_one_as_received_is_found_by_its_key(run: Run, here: Plant, worklog: str) -> None:
    record = here.raw(b"{", "n-1", key=worklog)
    here.bury(record, code="malformed-json")
    ran = run("where", worklog)
    assert ran.code == exits.CLEAN
    assert "malformed-json" in ran.out


def test_one_behind_a_dead_letter_of_its_key_says_which(run: Run, here: Plant, worklog: str) -> None:
    event = sent(here, worklog)
    first = here.record(event, offset=3)
    here.bury(first)
    marker = marker_of(first)
    here.write(Write(f"hold.{here.name}", marker.key, marker_value("resource-unknown", "2026-06-03T17:00:00Z"), (), 0))
    later = here.record(sent(here, worklog, sequence="2026-06-04T00:00:00.000000Z/00000000000000000000"), offset=9)
    here.hold(later, Earlier("the key"), "an earlier record of this key is dead")
    ran = run("where", worklog, "--output", "json")
    letter = f"resource-unknown (psfabric dlq show {here.name}/0/0)"
    assert f"It stands behind a dead letter of its key: {letter}." in ran.json["now"]
    ((waits,), (dead,)) = ran.json["held"], ran.json["dead"]
    assert waits["behind"] == [f"deliver.{here.name}/0/3"]
    assert (dead["id"], dead["code"]) == (f"{here.name}/0/0", "resource-unknown")
    here.write(Write(f"hold.{here.name}", marker.key, None, (), 0))
    assert "stands behind a dead letter" not in run("where", worklog).out


def test_one_behind_another_that_waits_says_which(run: Run, here: Plant, worklog: str) -> None:
    first = here.record(sent(here, worklog), offset=3)
    here.hold(first, Parent("project", "PRJ-9"))
    later = here.record(sent(here, worklog, sequence="2026-06-04T00:00:00.000000Z/00000000000000000000"), offset=9)
    here.hold(later, Earlier("the key"), "an earlier record of this key waits")
    assert (
        f"It stands behind deliver.{here.name}/0/3, which waits for parent:project:PRJ-9." in run("where", worklog).out
    )


def test_one_without_an_answer_of_its_target_says_that_nobody_knows(run: Run, here: Plant, worklog: str) -> None:
    until = Answer(datetime(2026, 6, 3, 18, 0, tzinfo=UTC))
    here.hold(here.record(sent(here, worklog)), until, "the request left and was not answered")
    said = run("where", worklog).out
    assert f"Nobody knows yet whether it is in {here.name}: a request left at" in said
    assert "From 2026-06-03T18:00:00.000000Z on it is looked for there (psfabric unknown list)." in said


def test_part_of_an_id_is_not_the_id(run: Run, here: Plant, worklog: str) -> None:
    sent(here, worklog)
    ran = run("where", worklog[1:])
    assert ran.code == exits.FINDINGS
    assert "Nothing is known of" in ran.out


def test_offsets_of_hold_keys_are_no_business_ids(run: Run, here: Plant) -> None:
    record = here.record(here.time_event(), offset=987654321)
    here.hold(record)
    here.release(record)
    assert run("where", "987654321").code == exits.FINDINGS


def test_an_empty_id_is_a_mistake_of_use(run: Run, here: Plant) -> None:
    assert run("where", " ").code == exits.USAGE
