"""The broker is killed in the midst of everything and is away for 15 s: no process ends, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, ClassVar

import pytest

import schemas
from deploy.local import Stack
from deploy.local.progress import silent
from psfabric.adapters import Page, Polled, Types
from psfabric.connection import Kafka
from psfabric.event import Event, Raw
from psfabric.hosts.cursors import CURSORS
from psfabric.hosts.polling import Poller
from psfabric.kafka import Admin
from tests.conftest import ROOT
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, create, eventually, unique, values_of

AWAY = 15.0


class Ticking(Polled):
    """A number a page, twenty pages a second."""

    emits: ClassVar[Types] = ()

    def translate(self, full: Raw) -> Iterable[Event]:
        return []

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        at = int(cursor or 0)
        while True:
            at += 1
            yield Page((Raw(f"k{at % 7}", b"%d" % at),), str(at))
            await asyncio.sleep(0.05)


@pytest.fixture
def stack() -> Iterator[Stack]:
    env: dict[str, Any] = {n: v for n, v in os.environ.items() if n != "PSF_KAFKA_BOOTSTRAP"}
    with Stack(ROOT, "away", ["kafka"], env, silent) as own:
        yield own


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_broker_that_is_killed_or_stopped_for_15_s_ends_no_process_and_loses_nothing(
    stack: Stack, how: str
) -> None:
    kafka, name = Kafka(stack.endpoints["PSF_KAFKA_BOOTSTRAP"]), unique("away")
    translate = FakeStage(f"{name}-t", (f"raw.{name}",), f"deliver.{name}")
    sink = FakeCalling(name, f"deliver.{name}", f"out.{name}")
    others = [f"{kind}.{name}" for kind in ("hold", "redo", "dlq", "applied", "out", "raw", "deliver")]
    create(kafka, [translate], *others[:-2], f"deliver.{name}")
    Admin(kafka).apply([next(t for t in schemas.topics().concrete({}) if t.name == CURSORS)])
    poller, stop = Poller(kafka, Ticking(name=name)), asyncio.Event()
    async with Hosted(kafka, translate) as faust, Hosting(kafka, sink) as aio:
        polling = asyncio.create_task(poller.run(stop))
        await eventually(lambda: len(values_of(kafka, f"out.{name}")) > 50)
        await asyncio.to_thread(getattr(stack, how), "kafka")
        await asyncio.sleep(AWAY)  # the outage itself, not a wait for something
        began = time.monotonic()
        await asyncio.to_thread(stack.start, "kafka")
        running = {"faust": faust.running, "asyncio": aio.running, "poller": polling}
        assert {which: task.done() for which, task in running.items()} == dict.fromkeys(running, False)
        before = len(values_of(kafka, f"raw.{name}"))
        await eventually(lambda: len(values_of(kafka, f"raw.{name}")) > before + 50, 60)
        stop.set()
        await polling
        read = [int(v) for v in values_of(kafka, f"raw.{name}")]
        assert sorted(read) == list(range(1, len(read) + 1)), "each page once"
        await eventually(lambda: set(map(int, values_of(kafka, f"out.{name}"))) == set(read), 60)
        print(f"{how}: all again {time.monotonic() - began:.1f} s after the start; {len(read)} records")
        assert not faust.running.done()
        assert not aio.running.done()
