"""The engine and its pace: what another worker found out about the target is of use here at once."""

from __future__ import annotations

from psfabric.engine import Engine
from psfabric.engine.pace import LocalPace
from psfabric.outcomes import Retry
from tests.engine.drive import POLICY, Drive, record


class Told(LocalPace):
    """A pace whose breaker others open and close."""

    others_open = False

    @property
    def open(self) -> bool:
        return self.others_open or self.breaker.open


def drive(pace: LocalPace) -> Drive:
    made = Drive()
    made.engine = Engine(POLICY, pace=pace)
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
