"""Redis goes away, hangs, comes back: each worker keeps to its part, at once, and all together to the whole."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from psfabric.pacing import SharedPace
from tests.psfabric.pacing.worker import Worker, most_above, settled, until, working
from tests.psfabric.reference.server import Server, free_port

RATE = 100.0


@pytest.fixture
def forgetful(redis_program: str, tmp_path: Path) -> Iterator[Server]:
    """A Redis of this test that keeps nothing over a restart."""
    server = Server(redis_program, tmp_path, "--save", "", "--appendonly", "no")
    server.start()
    yield server
    server.stop()


def pair(server: Server, in_flight: int = 64) -> list[Worker]:
    settled(server, "tryton-uk")
    return [Worker(server.url, f"w{n}", rate=RATE, in_flight=in_flight, seconds=0.01) for n in range(2)]


def test_without_redis_each_takes_its_part_at_once_and_says_so_once(forgetful: Server) -> None:
    workers = pair(forgetful)
    with capture_logs() as logs, working(*workers):
        for worker in workers:
            worker.work()
        until(lambda: all(w.pace.workers == 2 and len(w.called) > 40 for w in workers))
        went = time.time()
        forgetful.stop()
        until(lambda: not any(w.pace.shared for w in workers))
        assert time.time() - went < 0.5
        time.sleep(1.0)
        alone = time.time() - went
        after = [sum(at > went for at in w.called) for w in workers]
        forgetful.start()
        until(lambda: all(w.pace.shared for w in workers))
        time.sleep(0.5)
    for made in after:
        assert 0.7 * alone * RATE / 2 <= made <= alone * RATE / 2 + 3
    assert most_above([at for w in workers for at in w.called], RATE) <= RATE
    said = [each["event"] for each in logs]  # that it is shared again is an information, which others may have muted
    assert said.count("pace is kept without Redis") == 2, "once for each worker"
    assert said.count("pace is shared again") in (0, 2)


@pytest.mark.faults
def test_a_redis_that_hangs_is_as_good_as_away(forgetful: Server) -> None:
    workers = pair(forgetful)
    with working(*workers):
        for worker in workers:
            worker.work()
        until(lambda: all(w.pace.workers == 2 and len(w.called) > 20 for w in workers))
        assert forgetful.process is not None
        hung = time.time()
        forgetful.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: not any(w.pace.shared for w in workers))
            found_after = time.time() - hung
            time.sleep(0.5)
        finally:
            forgetful.process.send_signal(signal.SIGCONT)
        woke = time.time()
        until(lambda: all(w.pace.shared for w in workers))
        time.sleep(0.5)
    assert found_after < 0.6
    assert all(any(hung + found_after < at < woke for at in w.called) for w in workers)
    # It kept what it had: coming back must not use again what was used alone.
    assert most_above([at for w in workers for at in w.called], RATE) <= RATE


def test_a_worker_that_never_saw_redis_works_at_the_declared_pace() -> None:
    worker = Worker(f"redis://127.0.0.1:{free_port()}/0", "w0", rate=RATE, in_flight=2, seconds=0.001)
    with working(worker):
        worker.work()
        until(lambda: len(worker.called) > 30)
        assert not worker.pace.shared
    assert most_above(worker.called, RATE) <= RATE


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_redis_that_takes_nothing_is_as_good_as_away(forgetful: Server, trouble: str) -> None:
    settled(forgetful, "tryton-uk")
    worker = Worker(forgetful.url, "w0", rate=RATE, in_flight=2, seconds=0.001)
    with redis.Redis.from_url(forgetful.url) as client, working(worker):
        worker.work()
        until(lambda: len(worker.called) > 3)
        if trouble == "full":
            client.config_set("maxmemory", 1)
        else:
            client.replicaof("127.0.0.1", free_port())
        until(lambda: not worker.pace.shared)
        before = len(worker.called)
        until(lambda: len(worker.called) > before + 10)
        client.config_set("maxmemory", 0)
        client.replicaof("NO", "ONE")
        until(lambda: worker.pace.shared)


def test_no_call_is_allowed_before_anything_is_known() -> None:
    pace = SharedPace("c", 0.0, 4)
    assert not pace.may_call(1000.0, 0)
    assert pace.next_at(1000.0) > 1000.0


def test_the_breaker_works_alone_too_and_keeps_what_it_knew() -> None:
    pace = SharedPace("c", 0.0, 4)
    for _ in range(5):
        pace.failed(1000.0)
    pace.lost("not reachable")
    assert pace.open
    assert not pace.may_call(1000.1, 0)
    assert pace.may_call(1000.6, 0), "a probe"
    pace.succeeded(1000.7)
    assert not pace.open


def test_a_wait_asked_for_outlives_redis() -> None:
    pace = SharedPace("c", 0.0, 4)
    pace.lost("not reachable")
    assert pace.may_call(1000.0, 0)
    pace.asked_to_wait(1010.0)
    assert not pace.may_call(1009.0, 0)
    assert pace.next_at(1009.0) == 1010.0
    pace.set_back(3600.0)
    assert not pace.may_call(1009.0 - 3600.0, 0)
    assert pace.may_call(1010.0 - 3600.0, 0)
