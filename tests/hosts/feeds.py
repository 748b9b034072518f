"""A polled source without a vendor. Imports no host: the processes that tests kill have to start soon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, ClassVar

from psfabric.adapters import Page, Polled, Types
from psfabric.event import Event, Raw


class Feed(Polled):
    """Things numbered from 1 on, two to a page; the cursor is the last number seen.

    `faults` are raised one after another, each before a page; after `last` it waits for more for ever.
    """

    emits: ClassVar[Types] = ()
    last: int = 6
    ends: bool = False
    faults: list[Any]
    begun: list[Any]

    def translate(self, full: Raw) -> Iterable[Event]:
        return []

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        self.begun.append((cursor, time.monotonic()))
        at = int(cursor or 0)
        while at < self.last:
            if self.faults and (fault := self.faults.pop(0)) is not None:
                raise fault
            raws = tuple(Raw(f"thing-{n}", b"%d" % n, {"n": str(n)}) for n in (at + 1, at + 2))
            at += 2
            yield Page(raws, str(at))
        if not self.ends:
            await asyncio.Event().wait()


def feed(name: str, *faults: Any, **settings: Any) -> Feed:
    return Feed(name=name, faults=list(faults), begun=[], **settings)
