"""Hosts and processes of one component on a real broker and a real Redis: the target sees one pace."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from subprocess import PIPE

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Policy
from psfabric.engine.pace import Pace
from psfabric.outcomes import Delivered, Outcome, Retry
from psfabric.pacing import Sharing
from tests.conftest import ROOT
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import until
from tests.hosts.test_aio import Road, road
from tests.psfabric.pacing import worker
from tests.psfabric.pacing.test_away import forgetful, test_a_redis_that_hangs_is_as_good_as_away
from tests.psfabric.pacing.test_together import (
    test_a_breaker_that_one_opened_is_open_for_all_and_one_alone_probes,
)
from tests.psfabric.pacing.worker import most_above, settled
from tests.psfabric.reference.conftest import empty, redis_program, shared
from tests.psfabric.reference.server import Server

__all__ = [  # fixtures, and tests that stand with their like
    "empty",
    "forgetful",
    "redis_program",
    "road",
    "shared",
    "test_a_breaker_that_one_opened_is_open_for_all_and_one_alone_probes",
    "test_a_redis_that_hangs_is_as_good_as_away",
]

pytestmark = pytest.mark.faults
RATE = 40
FAST = 200.0


@pytest.fixture
def server(empty: Server, road: Road) -> Server:
    settled(empty, road.name)
    return empty


@asynccontextmanager
async def hosted(kafka: Kafka, server: Server, worker: str, stage: FakeCalling) -> AsyncIterator[None]:
    sharing, stop = Sharing(server.url, worker), threading.Event()

    def pace(policy: Policy, wake: Callable[[], None]) -> Pace:
        return sharing.pace(policy.component, policy.rate, policy.concurrency, wake)

    thread = threading.Thread(target=sharing.run, args=[stop])
    thread.start()
    try:
        async with Hosting(kafka, stage, pace=pace):
            yield
    finally:
        stop.set()
        thread.join(5)


async def test_together_two_hosts_call_at_the_declared_rate_and_one_may_have_all_the_work(
    road: Road, kafka: Kafka, server: Server
) -> None:
    calls: list[float] = []

    async def answer(value: str) -> Outcome:
        calls.append(time.time())
        return Delivered("ref")

    stages = [road.stage(answer, rate=RATE) for _ in range(2)]
    async with hosted(kafka, server, "one", stages[0]), hosted(kafka, server, "two", stages[1]):
        for partition in range(3):
            await asyncio.to_thread(road.produce, *(f"{partition}-{n}" for n in range(40)), partition=partition)
        await until(lambda: len(calls) == 120)
        assert all(stage.calls for stage in stages), "each has partitions"
        assert most_above(calls, RATE) <= RATE
        before = time.time()
        await asyncio.to_thread(road.produce, *(f"skewed-{n}" for n in range(160)), partition=0)
        await until(lambda: len(calls) == 280)
        assert 160 - RATE <= (time.time() - before) * RATE <= 1.2 * 160


async def test_a_429_that_one_host_was_given_holds_back_the_other(road: Road, kafka: Kafka, server: Server) -> None:
    refused_at: list[float] = []
    calls: list[float] = []

    async def answer(value: str) -> Outcome:
        calls.append(time.time())
        if value.endswith("-20") and not refused_at:
            refused_at.append(time.time())
            return Retry("busy", after=2.0)
        await asyncio.sleep(0.02)
        return Delivered("ref")

    stages = [road.stage(answer, rate=RATE) for _ in range(2)]
    async with hosted(kafka, server, "one", stages[0]), hosted(kafka, server, "two", stages[1]):
        for partition in range(3):
            await asyncio.to_thread(road.produce, *(f"{partition}-{n}" for n in range(40)), partition=partition)
        await until(lambda: len(calls) == 121)
    (at,) = refused_at
    assert not [call for call in calls if at + 0.2 < call < at + 1.98]
    assert [call for call in calls if call > at + 2.0]


def test_processes_together_keep_the_rate_and_use_it(empty: Server) -> None:
    line = [sys.executable, "-m", worker.__name__, empty.url]
    children = [
        subprocess.Popen([*line, f"w{n}", str(FAST), seconds], stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT)
        for n, seconds in enumerate(("0.5", "1.6", "1.6"))  # one has work for a part of the time only
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    begins = time.time()
    for child in children:
        assert child.stdin is not None
        print("now", file=child.stdin, flush=True)
    calls = [[float(at) for at in child.communicate(timeout=30)[0].split()] for child in children]
    together = sorted(at for of_worker in calls for at in of_worker)
    assert all(calls), "nobody starves"
    assert most_above(together, FAST) <= FAST
    steady = [at for at in together if begins + 0.5 <= at < begins + 1.5]
    assert len(steady) + 0.07 * FAST >= 0.98 * FAST * 1.0
