"""Several workers on a real Redis: what the target sees of them together."""

from __future__ import annotations

import time

import pytest
import redis

from tests.psfabric.pacing.worker import Worker, most_above, most_open, settled, until, working
from tests.psfabric.reference.server import Server

RATE = 200.0
BURST = max(2.0, RATE)
AT_ONCE = 0.07 * RATE
"""What is fetched in one round trip: by so much a count between two instants may be off."""


def test_one_worker_with_all_the_work_may_use_the_whole_rate(empty: Server) -> None:
    settled(empty, "tryton-uk")
    busy, *idle = workers = [Worker(empty.url, f"w{n}", rate=RATE) for n in range(4)]
    with working(*workers):
        busy.work()
        until(lambda: len(busy.called) > 0.3 * RATE)  # what had gathered is used
        begun, before = time.time(), len(busy.called)
        idle[0].work(3)  # the others' rare calls cost it nothing but themselves
        time.sleep(1.0)
        made, lasted = len(busy.called) - before, time.time() - begun
    assert made + AT_ONCE >= 0.98 * RATE * lasted
    assert len(idle[0].called) == 3
    assert most_above([at for w in workers for at in w.called], RATE) <= BURST


def test_open_calls_are_bounded_for_all_and_nobody_starves(empty: Server) -> None:
    settled(empty, "tryton-uk")
    workers = [Worker(empty.url, f"w{n}", in_flight=4, seconds=0.02) for n in range(3)]
    with working(*workers):
        workers[0].work()
        until(lambda: len(workers[0].called) > 20)  # it had all four when the others came
        for worker in workers:
            worker.work()
        begun, before = time.time(), [len(w.called) for w in workers]
        time.sleep(1.0)
        made = [len(w.called) - b for w, b in zip(workers, before, strict=True)]
        lasted = time.time() - begun
    assert most_open(workers) == 4
    assert min(made) >= 0.1 * sum(made)
    assert sum(made) >= 0.5 * lasted * 4 / 0.02  # on a busy machine a call takes longer than it should


def test_a_flush_again_and_again_adds_no_burst_and_no_open_call(empty: Server) -> None:
    settled(empty, "tryton-uk")
    workers = [Worker(empty.url, f"w{n}", rate=RATE, in_flight=6, seconds=0.02) for n in range(2)]
    late = Worker(empty.url, "late", rate=RATE, in_flight=6, seconds=0.02)
    with redis.Redis.from_url(empty.url) as client, working(*workers):
        for worker in workers:
            worker.work()
        until(lambda: all(len(w.called) > 20 for w in workers))
        with working(late):  # a worker that nobody knows yet finds a Redis that knows nobody
            client.flushall()
            late.work()
            for _ in range(8):
                time.sleep(0.2)
                client.flushall()
    together = [at for w in (*workers, late) for at in w.called]
    assert most_above(together, RATE) <= BURST
    assert most_open([*workers, late]) <= 6
    assert len(together) > 0.7 * RATE * 1.6, "a flush does not stop the work either"


def test_a_wait_that_one_was_asked_for_holds_back_all(empty: Server) -> None:
    settled(empty, "tryton-uk")
    one, other = workers = [Worker(empty.url, name, in_flight=4, seconds=0.01) for name in ("one", "other")]
    with working(*workers):
        for worker in workers:
            worker.work()
        until(lambda: all(len(w.called) > 5 for w in workers))
        asked = time.time()
        one.pace.asked_to_wait(asked + 0.8)
        until(lambda: all(w.called[-1] > asked + 0.8 for w in workers))
    assert not [at for at in one.called if asked + 0.01 < at < asked + 0.79]
    assert not [at for at in other.called if asked + 0.2 < at < asked + 0.79]
    for worker in workers:  # nor longer than asked for, however often the wait went around
        assert min(at for at in worker.called if at > asked + 0.5) < asked + 0.8 + 0.15


@pytest.mark.parametrize(
    "flushed", [False, pytest.param(True, marks=pytest.mark.faults)], ids=["", "flushed meanwhile"]
)
def test_a_breaker_that_one_opened_is_open_for_all_and_one_alone_probes(empty: Server, flushed: bool) -> None:
    settled(empty, "tryton-uk")
    away = False
    workers = [Worker(empty.url, f"w{n}", in_flight=6, seconds=0.02, answers=lambda: not away) for n in range(3)]
    with redis.Redis.from_url(empty.url) as client, working(*workers):
        workers[0].work()
        for worker in workers[1:]:
            worker.work()
        until(lambda: all(w.called for w in workers))
        away, fell = True, time.time()
        until(lambda: all(w.pace.open for w in workers))
        assert time.time() - fell < 0.2 + 0.1, "0.1 until the first calls fail"
        time.sleep(0.1)
        opened = time.time()
        if flushed:
            client.flushall()
        time.sleep(1.4)
        probes = sorted(at for w in workers for at in w.called if at > opened)
        away, back = False, time.time()
        until(lambda: all(w.called[-1] > back + 0.3 for w in workers))
    assert 1 <= len(probes) <= 2, "one after 0.5 s, the next a second later"
    assert len({round(at, 2) for at in probes}) == len(probes)
    assert max(min(at for at in w.called if at > back) for w in workers) < back + 2.5


def test_the_right_to_probe_goes_to_another_when_its_owner_is_gone(empty: Server) -> None:
    settled(empty, "tryton-uk")
    hanging = Worker(empty.url, "hanging", seconds=0.01, answers=lambda: False)
    other = Worker(empty.url, "other", seconds=0.01)
    with working(other):
        with working(hanging):
            hanging.work()
            until(lambda: hanging.pace.open)
            hanging.seconds = 60.0
            calls = len(hanging.called)
            until(lambda: len(hanging.called) > calls)  # it probes, and the call hangs
            other.work(1)
            time.sleep(0.3)
            assert other.pace.open
            assert other.called == []
        until(lambda: len(other.called) == 1)
