"""What a consumer of the client has for us, taken when it is there and not when a batch is full; and as a `Record`."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import confluent_kafka as ck

from psfabric.errors import FabricError
from psfabric.event import Record


def arrived(
    consumer: ck.Consumer, limit: int, timeout: float, *, gather: float = 0.0, dealt: Callable[[], int] = lambda: 0
) -> list[ck.Message]:
    """Up to `limit` messages: waits at most `timeout` seconds for the first, and `gather` for those that follow it.

    The client's own `consume` returns early only when it has `limit` of them, so a lone record would wait it out.
    `dealt`: of a member of a group, how often partitions were dealt so far.
    """
    first = consumer.poll(timeout)
    if first is None:
        return []
    before = dealt()
    more = consumer.consume(limit - 1, gather) if limit > 1 else []
    # What is dealt meanwhile is read from where it is committed: the first would overtake those before it.
    return more if dealt() != before and _of_a_partition(first) else [first, *more]


def record_of(message: ck.Message) -> Record:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise FabricError("a message without coordinates")
    headers = tuple(cast("list[tuple[str, bytes | None]]", message.headers() or []))
    return Record(topic, partition, offset, message.key(), message.value(), headers, message.timestamp()[1])


def _of_a_partition(message: ck.Message) -> bool:
    """A record or the end of a partition, not an error that is told once only."""
    error = message.error()
    return error is None or error.code() == ck.KafkaError._PARTITION_EOF
