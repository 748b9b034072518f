"""A group of writes as something the event loop can wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psfabric.engine.work import Write
from psfabric.kafka import Producer


async def written(producer: Producer, writes: Sequence[Write]) -> None:
    """Return when the broker has acknowledged all of them. Raises what the producer reports (WriteFailed)."""
    loop = asyncio.get_running_loop()
    acknowledged: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if acknowledged.done():  # whoever waited has gone (a time-out)
            return
        if error is None:
            acknowledged.set_result(None)
        else:
            acknowledged.set_exception(error)

    def done(error: Exception | None) -> None:
        loop.call_soon_threadsafe(settle, error)

    producer.write(writes, done)
    await acknowledged
