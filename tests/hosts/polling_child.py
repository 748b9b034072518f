"""A process that polls a feed without end: `python -m tests.hosts.polling_child KAFKA NAME`."""

from __future__ import annotations

import asyncio
import sys

from psfabric.connection import Kafka
from psfabric.hosts.polling import Poller
from psfabric.kafka import Producer
from tests.hosts.test_polling import feed


async def main(kafka: Kafka, name: str) -> None:
    source = feed(name, last=10**9)
    await Poller(kafka, source, Producer(kafka, "poller")).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(Kafka(sys.argv[1]), *sys.argv[2:]))
