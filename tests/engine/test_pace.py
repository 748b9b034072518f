"""The engine and its pace: what another worker found out about the target is of use here at once."""

from __future__ import annotations

import pytest

from psfabric.engine import Engine, Policy, Work, obeying
from psfabric.engine.control import Act
from psfabric.engine.lane import Lane
from psfabric.engine.pace import LocalPace
from psfabric.errors import Parent
from psfabric.outcomes import Held, Rejected, Retry
from tests.engine.drive import POLICY, Drive, barred, record
from tests.engine.test_promises import control


class Told(LocalPace):
    """A pace whose breaker others open and close."""

    others_open = False

    @property
    def open(self) -> bool:
        return self.others_open or self.breaker.open


class Refusing(LocalPace):
    """A pace that refuses, because others have all calls that may be open."""

    refuses = False

    def may_call(self, now: float, calls_open: int) -> bool:
        return not self.refuses and super().may_call(now, calls_open)


def drive(pace: LocalPace, policy: Policy = POLICY) -> Drive:
    made = Drive()
    made.engine = Engine(policy, pace=pace)
    made.engine.assign(0)
    return made


def test_records_that_wait_for_a_target_go_on_as_soon_as_another_worker_reached_it() -> None:
    pace = Told(in_flight=100)
    d = drive(pace)
    d.arrive(record(0, "a"), record(1, "b"))
    for _ in range(3):
        for work in d.calls():
            d.settle(work, Retry("away"))
        d.now += 20
    pace.breaker.succeeded()
    pace.others_open = True
    d.now -= 20
    assert d.calls() == []
    pace.others_open = False
    assert len(d.calls()) == 2, "neither waits for its back-off to end"


def test_a_wait_that_the_target_asked_for_is_kept_all_the_same() -> None:
    pace = Told(in_flight=100)
    d = drive(pace)
    d.arrive(record(0, "a"))
    (work,) = d.calls()
    d.settle(work, Retry("busy", after=10.0))
    pace.others_open = True
    assert d.calls() == []
    pace.others_open = False
    assert d.calls() == []
    d.now += 10.5
    assert len(d.calls()) == 1


def test_while_the_pace_refuses_not_all_that_waits_is_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands behind a target that takes few, looking would take the processor from the calls that are open."""
    pace, looks, real = Refusing(in_flight=5000), list[Work](), obeying.replaced

    def replaced(lane: Lane, work: Work) -> object:
        looks.append(work)
        return real(lane, work)

    monkeypatch.setattr(obeying, "replaced", replaced)
    d = drive(pace)
    d.arrive(*(record(n, f"k{n}") for n in range(5000)))
    pace.refuses = True
    for _ in range(200):
        d.now += 0.004
        assert d.calls() == []
    assert len(looks) < 5000 + 2 * 200
    pace.refuses = False
    assert len(d.calls()) == POLICY.concurrency, "what may be called is called at once"


def test_an_order_is_carried_out_while_the_pace_refuses() -> None:
    pace = Refusing(in_flight=100)
    d = drive(pace)
    d.arrive(record(0, "a"), record(1, "b"))
    a, b = d.calls()
    for work in (a, b):
        d.write(work, d.settle(work, Held("waits", Parent("project", "P"))))
    d.arrive(record(2, "c"))
    pace.refuses = True
    assert d.calls() == []
    d.arrive(control(Act.BURY, "in/0/1", 0, "b"))
    assert d.calls() == []
    assert [write.key for write in d.written_to("dlq.c")] == [b"b"]


def test_what_needs_no_call_is_decided_while_the_pace_refuses() -> None:
    pace = Refusing(in_flight=100)
    d = drive(pace, barred())
    d.arrive(record(0, "a"))
    (work,) = d.calls()
    d.write(work, d.settle(work, Rejected("field-invalid", "no")))
    pace.refuses = True
    d.arrive(record(1, "b"))
    assert d.calls() == []
    d.arrive(record(2, "a"))
    d.now += 0.6
    assert d.calls() == []
    assert [entry.record.offset for entry in d.engine.held()] == [2]
