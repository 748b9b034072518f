"""A process that delivers to a folder until SIGTERM: `python -m tests.hosts.calling_child KAFKA NAME FOLDER SLOW`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from psfabric.connection import Kafka
from psfabric.engine import Policy
from psfabric.errors import Parent
from psfabric.hosts.aio import AioHost, Given
from psfabric.kafka import Producer
from psfabric.stages import SinkStage
from tests.hosts.calling import FolderSink, codec


async def main(kafka: Kafka, name: str, folder: str, slow: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sink = FolderSink(name=name, folder=Path(folder), slow=float(slow))
    stage = SinkStage(Policy(name, "sink", concurrency=4, barrier=True), codec(), sink)
    producer = Producer(kafka, name)

    async def present(parents: set[Parent]) -> set[Parent]:
        return set()

    await AioHost(kafka, [stage], producer, Given(present, "slot-0")).run(stop)
    producer.close()


if __name__ == "__main__":
    asyncio.run(main(Kafka(sys.argv[1]), *sys.argv[2:]))
