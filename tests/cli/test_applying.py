"""`replay apply` and what is ordered about it, on the command line: exit codes, sentences, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import replay
from cli import exits
from cli.applying import percent, sending
from replay import Terms
from replay.orders import order
from replay.progress import CANCEL, Progress, all_replays
from replay.run import Told
from tests.cli.conftest import Run
from tests.replay.plant import Plant
from tests.replay.test_apply import ANNA, Work, sent
from tests.waiting import eventually

SAID = ("--reason", "the ERP is slow")


@pytest.fixture
def plan(run: Run, here: Plant, tmp_path: Path) -> str:
    """A file with a plan of twelve records."""
    path = str(tmp_path / "plan.json")
    here.write(*(here.buried(here.record(here.time_event())) for _ in range(12)))
    assert run("replay", "plan", "--to", path).code == exits.CLEAN
    return path


@pytest.fixture
def work(here: Plant, plan: str) -> Iterator[Work]:
    """Somebody applies it elsewhere, a record every two seconds: the commands of a test take several."""
    made = replay.read_plan(Path(plan))
    working = Work(here, made, Terms(rate=0.5, canary=0))
    eventually(lambda: sent(here, made), 30, "it sends")
    yield working
    found = all_replays(here.kafka)[made.hash]
    if found.cancel is None:
        order(here.kafka, ANNA, found, CANCEL)
    working.join()


def test_a_canary_that_fails_again_is_exit_1_and_says_how_to_go_on(run: Run, here: Plant, plan: str) -> None:
    made = replay.read_plan(Path(plan))
    early = Work(here, made, Terms(canary=3, canary_wait=0.0))
    assert early.result().progress.cause == "unanswered"
    for record in here.redone():
        here.refuse(here.codec.decode(record))
    ran = run("replay", "apply", plan, "--yes", "--canary-wait", "20")
    assert (ran.code, len(here.redone())) == (exits.FINDINGS, 3)
    assert "Stopped: 3 of 3 failed again, 0 unanswered, more than --max-failed allows. 3 of 12 records" in ran.out
    (row,) = run("replay", "status", plan, "--output", "json").json["plans"]
    assert (row["state"], row["sent"], row["total"], row["who"]) == ("stopped", 3, 12, row["who"])
    assert row["answers"] == {"home": 0, "failed again": 3, "held": 0, "unknown": 9}
    again = run("replay", "apply", plan, "--yes", "--canary", "0", "--output", "json")
    assert (again.code, again.json["state"], again.json["sent"]) == (exits.CLEAN, "done", 9)


def test_a_canary_that_nobody_answers_is_exit_3_and_names_a_component_that_is_paused(
    run: Run, here: Plant, plan: str
) -> None:
    run("pause", here.name, "--reason", "month end")
    ran = run("replay", "apply", plan, "--yes", "--canary", "2", "--canary-wait", "0.1")
    assert (ran.code, len(here.redone())) == (exits.PARTIAL, 2)
    assert "the canary was not answered in time" in ran.out
    assert f"{here.name} is paused (month end)." in ran.out


def test_a_second_operator_is_exit_4_and_nothing_is_sent_from_there(
    run: Run, here: Plant, plan: str, work: Work
) -> None:
    ran = run("replay", "apply", plan, "--yes")
    assert ran.code == exits.REFUSED
    assert "anna@desk applies it since 20" in ran.err
    assert "last sign of life" in ran.err
    assert "psfabric replay status, pause and cancel" in ran.err


def test_orders_are_obeyed_and_status_tells_of_them(run: Run, here: Plant, plan: str, work: Work) -> None:
    (row,) = run("replay", "status", plan, "--output", "json").json["plans"]
    assert (row["state"], row["alive"], row["who"], row["where"]) == ("running", True, "anna@desk", "desk")
    paused = run("replay", "pause", row["plan"][:12], *SAID)
    assert (paused.code, "anna@desk is to obey within 5 s" in paused.out) == (exits.CLEAN, True)
    made = replay.read_plan(Path(plan))
    eventually(lambda: json.loads(run("replay", "status", "--output", "json").out), 5, "status")
    twice = run("replay", "pause", plan, *SAID, "--output", "json")
    assert (twice.code, twice.json["changed"], twice.json["before"]["state"]) == (exits.CLEAN, False, "paused")
    assert "pause by" in run("replay", "status", plan).out
    dry = run("replay", "cancel", plan, *SAID, "--dry-run")
    assert (dry.code, "nothing was written" in dry.out) == (exits.CLEAN, True)
    assert "it goes on" in run("replay", "resume", plan, *SAID).out
    cancelled = run("replay", "cancel", plan, *SAID, "--output", "json")
    assert (cancelled.code, cancelled.json["ordered"]) == (exits.CLEAN, True)
    assert work.result().progress.status == "cancelled"
    count = sent(here, made)
    ran = run("replay", "apply", plan, "--yes")
    assert (ran.code, sent(here, made)) == (exits.REFUSED, count)
    assert "cancelled this replay at 20" in ran.err
    assert f"(the ERP is slow): {count} of 12 records were sent" in ran.err
    assert run("replay", "resume", plan, *SAID).code == exits.REFUSED


def test_applying_a_paused_plan_is_exit_3(run: Run, here: Plant, plan: str) -> None:
    run("replay", "apply", plan, "--yes", "--canary", "2", "--canary-wait", "0")
    assert "nobody applies it now; until `psfabric replay resume`" in run("replay", "pause", plan, *SAID).out
    ran = run("replay", "apply", plan, "--yes", "--canary", "0")
    assert (ran.code, len(here.redone())) == (exits.PARTIAL, 2)
    assert "paused this replay" in ran.err
    assert "when somebody applies the plan again" in run("replay", "resume", plan, *SAID).out
    assert run("replay", "apply", plan, "--yes", "--canary", "0").code == exits.CLEAN


def test_orders_about_what_is_no_plan_or_was_never_applied_are_refused(
    run: Run, here: Plant, plan: str, tmp_path: Path
) -> None:
    never = run("replay", "cancel", plan, *SAID)
    assert (never.code, "not applied yet; there is nothing to cancel" in never.err) == (exits.REFUSED, True)
    for named in ("abcdef0123", "nothing.json", "ab"):
        ran = run("replay", "pause", named, *SAID)
        assert ran.code == exits.USAGE
        assert "is no plan file" in ran.err
    assert run("replay", "pause", plan, "--reason", " ").code == exits.USAGE
    assert run("replay", "status", plan).out == "This plan was not applied yet.\n"


def test_a_component_that_no_pipeline_file_has_any_more_is_exit_4(run: Run, here: Plant, plan: str) -> None:
    file = here.folder / "sink.toml"
    file.write_text(file.read_text().replace(here.name, "tryton-other"))
    ran = run("replay", "apply", plan, "--yes")
    assert (ran.code, here.redone()) == (exits.REFUSED, [])
    assert f"{here.name} is in no pipeline file any more" in ran.err


@pytest.mark.parametrize("text", ["-1", "101", "101%", "x", "", "20 %"])
def test_a_limit_that_is_no_percentage_is_exit_2(run: Run, here: Plant, text: str) -> None:
    assert run("replay", "apply", "plan.json", "--max-failed", text).code == exits.USAGE


def test_a_percentage_is_read_as_a_share() -> None:
    assert [percent(text) for text in ("20%", "20", "0", "0.5%", "100")] == [0.2, 0.2, 0.0, 0.005, 1.0]


def test_progress_tells_how_many_were_sent_what_was_answered_and_how_long_it_takes() -> None:
    at = datetime.now(UTC).isoformat()
    progress = Progress("p", 1200, 5000, "running", ANNA.who, at, at, gate=5)
    assert sending(Told(progress, 200.0, 900, 3, 10)) == (
        "1200 of 5000 sent; 900 home, 3 failed again, 10 held; 200/s, 19s left"
    )
    canary = Progress("p", 5, 5000, "running", ANNA.who, at, at, gate=5)
    assert sending(Told(canary, 3.0, 0, 0, 0)) == "5 of 5000 sent; the canary's answers are waited for"
    paused = Progress("p", 5, 5000, "paused", ANNA.who, at, at, gate=5)
    assert "paused" in sending(Told(paused, 3.0, 0, 0, 0))
