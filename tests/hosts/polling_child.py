"""A process that polls a feed until it ends itself: `python -m tests.hosts.polling_child KAFKA NAME LAST STEP PAGES`.

It kills itself at a step of the transaction of its page number PAGES: `begun` (nothing sent), `sent` (all of it at the
broker, not committed), `committing` (a moment after the commit was asked for), `committed`; `never` does not.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.hosts.cursors import transactional_id
from psfabric.hosts.polling import Poller
from psfabric.kafka import Transactions
from tests.hosts.feeds import feed


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(Transactions):
    def __init__(self, kafka: Kafka, id: str, step: str, pages: int) -> None:
        super().__init__(kafka, id)
        self._step, self._pages = step, pages
        self._due = False

    def write(self, writes: Sequence[Write]) -> None:
        self._pages -= any(write.topic.startswith("raw.") for write in writes)
        self._due = self._pages == 0
        super().write(writes)

    def _begin(self, producer: ck.Producer) -> None:
        super()._begin(producer)
        self._at("begun")

    def _commit(self, producer: ck.Producer) -> None:
        if self._due and self._step == "sent":
            producer.flush(10)
            die()
        if self._due and self._step == "committing":
            wait = random.Random(time.time_ns()).uniform(0.0, 0.02)
            threading.Timer(wait, die).start()
        super()._commit(producer)
        self._at("committed")

    def _at(self, step: str) -> None:
        if self._due and self._step == step:
            die()


async def main(kafka: Kafka, name: str, last: str, step: str, pages: str) -> None:
    source = feed(name, last=int(last))
    dying = Dying(kafka, transactional_id(name), step, int(pages))
    await Poller(kafka, source, transactions=dying).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(Kafka(sys.argv[1]), *sys.argv[2:]))
