"""The shipped sink stage in the asyncio host, posting to the same target: engine, barrier, receipts and `applied`.

With `shared` it goes on until SIGTERM and prints `ready` when it has partitions.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping
from typing import Any

from bench.meter import Meter, asked
from bench.peers.host import Counting
from bench.posting import CONCURRENCY, Post
from bench.work import codec
from psfabric.assembly import dead_letter_classes
from psfabric.connection import Kafka
from psfabric.engine import Policy
from psfabric.errors import Parent
from psfabric.hosts.aio import AioHost, Given
from psfabric.http import Http
from psfabric.outcomes import Outcome
from psfabric.stages import SinkStage


async def main(want: Mapping[str, Any]) -> None:
    meter, stop, kafka, name = Meter(), asyncio.Event(), Kafka(want["bootstrap"]), want["group"]

    class Measured(Post):
        async def _one(self, event: Any) -> Outcome:
            meter.handled()
            return await super()._one(event)

    adapter = Measured(name=name, url=want["url"])
    adapter.bind(Http(limit=CONCURRENCY * 2))
    classes = dead_letter_classes()
    policy = Policy(name, "sink", concurrency=CONCURRENCY, barrier=True, classes=classes)
    stage = SinkStage(policy, codec(lazy=True), adapter)
    stage.inputs = (want["source"],)
    producer = Counting(kafka, name)

    async def present(parents: set[Parent]) -> set[Parent]:
        return set()

    host = AioHost(kafka, [stage], producer, Given(present))
    running = asyncio.create_task(host.run(stop))
    if want.get("shared"):
        await _until_told(host, running, stop)
    else:
        limit = time.monotonic() + 300
        while producer.groups < want["records"] and not running.done() and time.monotonic() < limit:
            await asyncio.sleep(0.01)
    meter.tell()
    stop.set()
    await running
    producer.close()


async def _until_told(host: AioHost, running: asyncio.Task[None], stop: asyncio.Event) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    while not host.ready() and not running.done():
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(asked()))
