"""An applier is killed anywhere, or two begin at once: no record enters redo twice, and none is left out."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replay import Plan
from replay.progress import DONE
from tests.faults.processes import Nursery
from tests.replay.appliers import STEPS
from tests.replay.field import Field
from tests.replay.plant import Plant
from tests.waiting import eventually

TRANSACTION = "psfabric.kafka.transaction:Transactions._commit"
POINTS = [f"{step}:{side}" for step in STEPS for side in ("before", "after")]
LARGE = int(os.environ.get("LARGE", "100000"))
OFTEN = {"settle": 1, "check": 1, "write": 1, "begin": 2}
"""Times that an applier gets to a step before it sends; others it gets to with each batch."""


@pytest.fixture(scope="module")
def appliers() -> Iterator[Nursery]:
    made = Nursery(module="tests.replay.appliers")
    yield made
    made.close()


@pytest.fixture
def field(plant: Plant, appliers: Nursery, tmp_path: Path) -> Field:
    return Field(plant, appliers, tmp_path)


@pytest.mark.timeout(400)
def test_an_applier_killed_at_any_of_its_steps_leaves_what_the_next_one_goes_on_with(field: Field) -> None:
    """One plan, one death after the other: at each step once, at a repetition drawn by chance; and around each of the
    transactions of several batches, so that whatever is split into two of them is split by a death."""
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    plan, path = field.planned(500, keys=23)
    drawn = [(point, rng.randint(1, OFTEN.get(_name(point), 8))) for point in POINTS]
    around = [(f"{TRANSACTION}:after", reached) for reached in (3, 4, 5, 6)]
    for point, reached in rng.sample([*drawn, *around], len(drawn) + len(around)):
        pid = field.start(path, batch=4, point=point, reached=reached)
        assert field.ended(pid) == {"killed": signal.SIGKILL}, f"{point}, seed {seed}"
        expect_a_beginning_was_sent(field, plan, f"killed at {point}, seed {seed}")
    assert field.ended(field.start(path))["code"] == 0
    field.expect_sent_once(plan)
    assert [row["act"] for row in field.rows(plan)].count("replay.apply.finished") == 1


@pytest.mark.timeout(400)
def test_an_applier_killed_at_any_moment_leaves_what_the_next_one_goes_on_with(field: Field) -> None:
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    plan, path = field.planned(500, keys=23)
    for number in range(8):
        pid = field.start(path, batch=2)
        eventually(lambda pid=pid: moved(field, plan, pid), 60, "it sends")  # type: ignore[misc]
        threading.Event().wait(rng.uniform(0, 0.15))
        os.kill(pid, signal.SIGKILL)
        field.ended(pid)
        expect_a_beginning_was_sent(field, plan, f"death {number}, seed {seed}")
    assert field.ended(field.start(path))["code"] == 0
    field.expect_sent_once(plan)


@pytest.mark.parametrize("point", ["replay.trail:write:before", "replay.trail:write:after"])
def test_the_row_that_says_it_is_finished_is_written_once_whoever_is_killed_around_it(field: Field, point: str) -> None:
    plan, path = field.planned(3)
    assert "killed" in field.ended(field.start(path, point=point, reached=2))
    again = [field.ended(field.start(path)) for _ in range(2)]
    assert [(each["code"], each["already"], each["sent"]) for each in again] == [(0, True, 0)] * 2
    acts = [row["act"] for row in field.rows(plan)]
    assert acts == ["replay.apply.started", "replay.apply.finished"]
    progress = field.progress(plan)
    assert progress is not None
    assert (progress.status, progress.told) == (DONE, True)
    field.expect_sent_once(plan)


# ------------------------------------------------------------------------------------------------ two operators


@pytest.mark.timeout(400)
def test_of_two_operators_who_apply_at_the_same_time_one_sends_each_record_once(field: Field) -> None:
    for _ in range(5):
        two_at_once(field)


@pytest.mark.large
@pytest.mark.timeout(900)
def test_two_operators_fifty_times(field: Field) -> None:
    ends = Counter[str]()
    for _ in range(50):
        ends.update(two_at_once(field))
    print(dict(ends))
    assert ends["sent"] == 50


@pytest.mark.large
@pytest.mark.timeout(1800)
def test_a_large_replay_that_is_killed_twenty_times_enters_redo_once(field: Field) -> None:
    """Into redo only: nobody reads it here. At least 200 a second, deaths and restarts included."""
    rng = random.Random(7)
    plan, path = field.planned(LARGE)
    began = time.monotonic()
    for death in range(1, 21):
        pid = field.start(path)
        goal = LARGE * death // 22
        eventually(lambda goal=goal: sent_so_far(field, plan) >= goal, 300, "it sends", every=0.3)  # type: ignore[misc]
        threading.Event().wait(rng.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        assert field.ended(pid) == {"killed": signal.SIGKILL}
    assert field.ended(field.start(path), 600)["code"] == 0
    rate = LARGE / (time.monotonic() - began)
    print(f"{rate:.0f} a second")
    field.expect_sent_once(plan)
    assert rate >= 200


def sent_so_far(field: Field, plan: Plan) -> int:
    progress = field.progress(plan)
    return progress.sent if progress is not None else 0


def two_at_once(field: Field) -> dict[str, int]:
    """How often each ended so: `sent` everything, `refused`, found it `already` done, `took over` and sent the rest."""
    plan, path = field.planned(12)
    begin = field.folder / f"{plan.hash}.begin"
    pids = [field.start(path, who, batch=2, start_at=str(begin)) for who in ("anna@desk", "bob@desk")]
    begin.touch()
    ended = [field.ended(pid) for pid in pids]
    field.expect_sent_once(plan)
    assert {each["code"] for each in ended} <= {0, 4}, ended
    assert sum(each["code"] == 0 and not each["already"] for each in ended) == 1, ended
    for each in ended:
        assert each["code"] == 0 or "desk applie" in each["said"], each
    return dict(Counter(_how(each) for each in ended))


def _how(ended: dict[str, Any]) -> str:
    if ended["code"] == 0:
        return "already" if ended["already"] else "sent"
    return "fenced" if "after this one" in ended["said"] else "refused"


def _name(point: str) -> str:
    """`_commit` of `psfabric.kafka.transaction:Transactions._commit:after`."""
    return point.split(":")[1].rpartition(".")[2]


def expect_a_beginning_was_sent(field: Field, plan: Plan, when: str) -> None:
    """What can be seen in redo is a beginning of the plan, each record once."""
    ids = [record.header("fabric-redo-dead-letter") for record in field.redone(plan)]
    assert len(ids) == len(set(ids)), when
    assert set(ids) == {entry.id for entry in plan.entries[: len(ids)]}, when


def moved(field: Field, plan: Plan, pid: int) -> bool:
    """Whether this applier has sent something."""
    progress = field.progress(plan)
    return progress is not None and f"/{pid}/" in progress.process and progress.sent % 2 == 0
