"""A process that hosts one fake stage until SIGTERM: `python -m tests.hosts.child BOOTSTRAP NAME INPUT OUTPUT SLOW`."""

from __future__ import annotations

import asyncio
import signal
import sys

from psfabric.connection import Kafka
from psfabric.hosts.faust import FaustHost
from psfabric.kafka import Producer
from tests.hosts.fakes import FakeStage


async def main(kafka: Kafka, name: str, source: str, output: str, slow: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stage = FakeStage(name, (source,), output)
    stage.slow = float(slow)
    producer = Producer(kafka, name)
    await FaustHost(kafka, [stage], producer, has_many=stage.has_many, instance="slot-0").run(stop)
    producer.close()


if __name__ == "__main__":
    asyncio.run(main(Kafka(sys.argv[1]), *sys.argv[2:]))
