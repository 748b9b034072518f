"""Reads a polled source for ever: each page goes to `raw.<source>`, then the cursor to `fabric.cursors`.

The cursor is written only after the page is acknowledged, so a kill between the two reads the page again; the same
cursor gives equal records, and everything downstream is idempotent. (Page and cursor in one fenced transaction come
with the delivery engine.)
"""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from psfabric.adapters import Page, Polled
from psfabric.connection import Kafka
from psfabric.engine.backoff import Backoff
from psfabric.engine.work import Write
from psfabric.errors import Transient, Unknown
from psfabric.event import Raw
from psfabric.hosts.writing import written
from psfabric.kafka import Producer, latest, read_topic
from psfabric.stages.hydrating import headers_of

log = structlog.get_logger(__name__)

CURSORS = "fabric.cursors"


def raw_write(source: str, raw: Raw) -> Write:
    """The record of one thing received: exact bytes, intake headers, keyed by the upstream object."""
    stamped = {"fabric-source": source, **raw.headers}
    return Write(f"raw.{source}", raw.key.encode(), raw.body, headers_of(Raw(raw.key, raw.body, stamped)))


class Poller:
    def __init__(self, kafka: Kafka, source: Polled, producer: Producer) -> None:
        self.source = source
        self.ready = False
        self._kafka = kafka
        self._producer = producer
        self._backoff = Backoff(base=0.5, cap=15.0)
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`. An expired cursor, and a broker that refuses, end the process with a sentence."""
        cursor = await asyncio.to_thread(self._cursor)
        self.ready = True
        reading = asyncio.create_task(self._read_for_ever(cursor))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, stopping):
            task.cancel()
        results = await asyncio.gather(reading, stopping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read_for_ever(self, cursor: str | None) -> None:
        while True:
            try:
                async for page in self.source.read(cursor):
                    await self._store(page)
                    cursor, self._failures = page.cursor, 0
                await self._pause(Transient("the source ended its pages"))  # it must not: never ask without a rest
            except (Transient, Unknown) as error:
                await self._pause(error)

    async def _pause(self, error: Transient | Unknown) -> None:
        self._failures += 1
        asked = error.after if isinstance(error, Transient) else None
        wait = asked if asked is not None else self._backoff.wait(self._failures, random.Random(time.time_ns()))
        log.warning("source waits", source=self.source.name, why=error.why, seconds=round(wait, 1))
        await asyncio.sleep(wait)

    async def _store(self, page: Page) -> None:
        name = self.source.name
        if page.raws:
            await written(self._producer, [raw_write(name, raw) for raw in page.raws])
        await written(self._producer, [Write(CURSORS, name.encode(), page.cursor.encode())])

    def _cursor(self) -> str | None:
        stored = latest(read_topic(self._kafka, CURSORS)).get(self.source.name.encode())
        return None if stored is None or stored.value is None else stored.value.decode()
