"""Heads that wait for their time: nobody looks at them before, and whoever has to, does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from psfabric.engine import Work, obeying
from psfabric.engine.control import Act
from psfabric.engine.lane import Lane
from psfabric.errors import At, Parent
from psfabric.outcomes import Held, Retry
from tests.engine.drive import POLICY, Drive, record
from tests.engine.test_promises import control


def waiting(*after: float) -> Drive:
    """One key each, `k0` to be called in `after[0]` seconds; the engine has seen that none is due."""
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(len(after))))
    for work, wait in zip(drive.calls(), after, strict=True):
        drive.finish(work, Held("not yet", At(datetime.fromtimestamp(drive.now + wait, UTC))))
    assert drive.calls() == []
    return drive


def test_hundreds_that_wait_for_their_time_are_not_looked_at_with_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that refuses every second record must not be served slower for those that it takes."""
    looks, real = list[Work](), obeying.replaced

    def replaced(lane: Lane, work: Work) -> object:
        looks.append(work)
        return real(lane, work)

    drive = waiting(*(20.0 for _ in range(500)))
    monkeypatch.setattr(obeying, "replaced", replaced)
    for n in range(500, 700):
        drive.arrive(record(n, f"k{n}"))
        drive.now += 0.01
        (work,) = drive.calls()
        drive.finish(work)
    assert len(looks) == 200
    drive.now += 20
    assert len(drive.calls()) == 500


def test_each_is_called_when_its_own_time_has_come() -> None:
    drive = waiting(7.0, 3.0, 5.0)
    began = drive.now
    for expected, offset in ((3.0, 1), (5.0, 2), (7.0, 0)):
        due = drive.engine.next_due(drive.now)
        assert due == began + expected
        drive.now = due - 0.01
        assert drive.calls() == []
        drive.now = due
        assert drive.run() == [offset]
    assert drive.engine.next_due(drive.now) is None


def test_a_clock_that_is_set_back_does_not_delay_who_was_seen_to_wait() -> None:
    drive = waiting(5.0)
    drive.now -= 3600
    assert drive.calls() == []
    assert drive.engine.next_due(drive.now) == drive.now + 5
    drive.now += 5
    assert len(drive.calls()) == 1


@pytest.mark.parametrize("times", [1, 3])
def test_what_an_operator_decided_does_not_wait_for_the_time_of_a_call(times: int) -> None:
    drive = Drive()
    drive.arrive(record(0, "a"))
    drive.finish(drive.calls()[0], Held("no project", Parent("project", "P")))
    assert drive.release(Parent("project", "P")) == 1
    drive.finish(drive.calls()[0], Retry("busy", after=20.0))
    assert drive.calls() == []
    for n in range(times - 1):
        drive.arrive(control(Act.RELEASE, "in/0/0", n, "a"))
        assert drive.calls() == [], "what the target asked for is kept"
    drive.arrive(control(Act.BURY, "in/0/0", times - 1, "a"))
    assert drive.calls() == []
    assert [write.key for write in drive.written_to("dlq.c")] == [b"a"]
    assert drive.engine.idle


def test_no_more_calls_than_a_host_can_make_at_once() -> None:
    drive = Drive(replace(POLICY, batch=3))
    drive.arrive(*(record(n, f"k{n}") for n in range(10)))
    step = drive.engine.step(drive.now, most=2)
    assert [[work.record.offset for work in batch] for batch in step.calls] == [[0, 1, 2], [3, 4, 5]]
    step = drive.engine.step(drive.now, most=2)
    assert [[work.record.offset for work in batch] for batch in step.calls] == [[6, 7, 8], [9]]
