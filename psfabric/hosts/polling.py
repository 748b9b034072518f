"""Reads a polled source for ever: each page goes to `raw.<source>` and its cursor to `fabric.cursors`, in one Kafka
transaction. Whoever reads committed records sees each page once, whatever happens to the process.

Several processes may run the same source; one reads. The transactional id fences the one that began earlier, even in
the middle of a page; it then stands by, and begins again when the other has ended or is silent. A fenced reader does
not end its process: the sinks beside it are as good as before, and a restart would only fence the other one in turn.
A source that no longer keeps our position is stopped, alone, until somebody sets its cursor.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, cast

import structlog

from psfabric.adapters import Page, Polled
from psfabric.connection import Kafka
from psfabric.engine.backoff import Backoff
from psfabric.engine.work import Write
from psfabric.errors import FabricError, Invalid, Transient, Unavailable, Unknown
from psfabric.event import Raw
from psfabric.hosts.aside import Aside
from psfabric.hosts.cursors import (
    READS,
    STOPPED,
    Reader,
    Standing,
    cursor_write,
    reader_write,
    standing,
    transactional_id,
)
from psfabric.kafka import Fenced, Indefinite, TooLarge, Transactions, WriteFailed
from psfabric.stages.hydrating import headers_of

log = structlog.get_logger(__name__)

BEAT = 10.0
"""Seconds between two signs of life of a reader that has nothing to store."""

SILENT = 35.0
"""Seconds without a sign of life after which somebody who stands by begins."""

FIRST_SIGN = 4.0
"""Seconds that a reader may take from its beginning to its first sign of life."""

LOOK = 5.0
"""Seconds between two looks of somebody who stands by, or whose source is stopped."""

BROKER_CAP = 3.0
"""Seconds of the longest rest before the broker is asked again: nobody is spared by waiting longer."""

ANSWER_WITHIN = 4.0
"""Seconds the broker has to answer; stopping must not wait for longer than that."""

STARTS, STANDS_BY = "starts", "stands by"


def raw_write(source: str, raw: Raw) -> Write:
    """The record of one thing received: exact bytes, intake headers, keyed by the upstream object."""
    stamped = {"fabric-source": source, **raw.headers}
    return Write(f"raw.{source}", raw.key.encode(), raw.body, headers_of(Raw(raw.key, raw.body, stamped)))


class Stopped(FabricError):
    """This source cannot be read on until somebody acts; the others can."""


class Poller:
    """`state` is starts, reads, stands by or stopped; `why` says why it is stopped."""

    def __init__(
        self,
        kafka: Kafka,
        source: Polled,
        *,
        stored: Callable[[int], None] = lambda records: None,
        transactions: Transactions | None = None,
    ) -> None:
        """`stored` is told of each page that is durable, with how many records it had."""
        self.source = source
        self.state, self.why = STARTS, ""
        self._kafka, self._name, self._stored = kafka, source.name, stored
        self._who = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._transactions = transactions or Transactions(
            kafka, transactional_id(self._name), answer_within=ANSWER_WITHIN
        )
        self._aside = Aside(f"source.{self._name}")
        self._backoff = Backoff(base=0.5, cap=15.0)
        self._failures = 0
        self._random = random.Random(time.time_ns())

    @property
    def ready(self) -> bool:
        """Whether it has found out what it has to do; one that stands by or is stopped has."""
        return self.state != STARTS

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`; raises what nobody foresaw."""
        reading = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, stopping):
            task.cancel()
        results = await asyncio.gather(reading, stopping, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._let_go(), ANSWER_WITHIN + 1.0)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _work(self) -> None:
        while True:
            try:
                await self._read_for_ever(await self._take_over())
            except Fenced:
                await self._stand_by()
            except (Stopped, TooLarge) as error:
                await self._stopped(str(error))
            except (Unavailable, Indefinite, WriteFailed) as error:
                await self._rest(str(error), min(self._wait(), BROKER_CAP))

    # ------------------------------------------------------------------------------------------ reading

    async def _take_over(self) -> str | None:
        """Become the one reader. The cursor is read only now: what an older reader left open is completed."""
        await self._aside(self._transactions.begin)
        found = await self._standing()
        await self._store(reader_write(self._name, self._sign(READS)))
        self.state, self.why = READS, ""
        log.info("source is read", source=self._name, cursor=found.cursor)
        return found.cursor

    async def _read_for_ever(self, cursor: str | None) -> None:
        while True:
            try:
                async with aclosing(cast(Any, self.source.read(cursor))) as pages:
                    async for page in self._beating(pages):
                        await self._store(*self._of(page))
                        self._stored(len(page.raws))
                        cursor, self._failures = page.cursor, 0
                why, asked = "the source ended its pages", None  # it must not: never ask without a rest
            except (Transient, Unknown) as error:
                why, asked = error.why, error.after if isinstance(error, Transient) else None
            except Invalid as error:
                if error.code == "cursor-expired":
                    raise Stopped(str(error)) from None
                why, asked = str(error), None  # no record to bury: the next answer may be better
            self._failures += 1
            await self._rest(
                why, self._backoff.wait(self._failures, self._random) if asked is None else asked, beat=True
            )

    async def _beating(self, pages: AsyncIterator[Page]) -> AsyncIterator[Page]:
        """The pages as they come; signs of life meanwhile, which also tell a fenced reader that it is one."""
        coming = asyncio.ensure_future(anext(pages))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=BEAT)
                if not done:
                    await self._beat()
                    continue
                try:
                    page = coming.result()
                except StopAsyncIteration:
                    return
                yield page
                coming = asyncio.ensure_future(anext(pages))
        finally:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, FabricError):
                await coming

    def _of(self, page: Page) -> Sequence[Write]:
        return [*(raw_write(self._name, raw) for raw in page.raws), cursor_write(self._name, page.cursor)]

    async def _rest(self, why: str, seconds: float, *, beat: bool = False) -> None:
        log.warning("source waits", source=self._name, why=why, seconds=round(seconds, 1))
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, BEAT))
            if beat and left > BEAT:
                await self._beat()

    def _wait(self) -> float:
        self._failures += 1
        return self._backoff.wait(self._failures, self._random)

    async def _beat(self) -> None:
        await self._store(reader_write(self._name, self._sign(READS)))

    # ------------------------------------------------------------------------------------------ not reading

    async def _stand_by(self) -> None:
        """Return when nobody reads, or when it was the broker that gave our transaction up.

        Then the last sign stays our own. Whoever fenced us has begun before it gives its first: begun again at once,
        we would fence it in turn.
        """
        log.warning("another process reads this source now; this one stands by", source=self._name)
        self.state = STANDS_BY
        seen, since = await self._standing(), time.monotonic()
        while (said := seen.reader) is not None:
            if time.monotonic() - since >= (FIRST_SIGN if said.who == self._who else SILENT):
                break
            await asyncio.sleep(LOOK)
            now = await self._standing()
            if now != seen:
                seen, since = now, time.monotonic()
        await asyncio.sleep(self._random.uniform(0.05, 1.0))  # several may stand by

    async def _stopped(self, why: str) -> None:
        """Return when the cursor was set, or forgotten, by somebody."""
        self.state, self.why = STOPPED, why
        log.error("source is stopped; set its cursor (`psfabric source cursor`)", source=self._name, why=why)
        seen = await self._standing()
        with suppress(FabricError):
            await self._store(reader_write(self._name, self._sign(STOPPED, why)))
        while (await self._standing()).cursor_place == seen.cursor_place:
            await asyncio.sleep(LOOK)

    def _sign(self, state: str, why: str = "") -> Reader:
        return Reader(self._who, state, why[:500], datetime.now(UTC).isoformat(timespec="seconds"))

    async def _let_go(self) -> None:
        """Say that nobody reads now, so that whoever stands by need not wait for silence."""
        with suppress(FabricError):
            if self.state == READS:
                await self._store(reader_write(self._name, None))
        await self._aside(self._transactions.close)

    # ------------------------------------------------------------------------------------------ the broker

    async def _standing(self) -> Standing:
        """Asked for until the broker answers."""
        while True:
            try:
                return await self._aside(lambda: standing(self._kafka, self._name))
            except Unavailable as error:
                await self._rest(str(error), LOOK)

    async def _store(self, *writes: Write) -> None:
        await self._aside(lambda: self._transactions.write(writes))
