"""Faust's producer interface over the fabric's own producer, which all components of the process share.

The host writes through that one directly; what is left for Faust is to flush and to have somewhere to send to.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from faust.transport.base import Producer as FaustProducer
from faust.types import TP
from faust.types.tuples import RecordMetadata

from psfabric.engine.work import Write


class SharedProducer(FaustProducer):
    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> asyncio.Future[RecordMetadata]:
        """The future is done when the broker acknowledged, not when the record was enqueued."""
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[RecordMetadata] = loop.create_future()
        pairs = headers.items() if isinstance(headers, dict) else headers or ()

        def finish(error: Exception | None) -> None:
            if error is not None:
                sent.set_exception(error)
            else:
                sent.set_result(RecordMetadata(topic, -1, TP(topic, -1), -1))

        write = Write(topic, key, value, tuple(pairs), partition)
        cast(Any, self.app).shared_producer.write([write], lambda error: loop.call_soon_threadsafe(finish, error))
        return sent

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Nothing to wait for: what is committed was acknowledged before, record by record."""

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        """Topics are created by `psfabric topics apply` alone."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        raise NotImplementedError("the fabric's producer chooses partitions")

    def supports_headers(self) -> bool:
        return True
