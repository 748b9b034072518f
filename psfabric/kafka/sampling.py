"""Some of the records of a topic instead of all: runs of consecutive ones, spread evenly over partitions and offsets.

Reading one record here and one there costs the broker a fetch for each; a run costs one fetch.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.errors import Misconfigured, Unavailable
from psfabric.event import Record
from psfabric.kafka.allowed import not_allowed
from psfabric.kafka.messages import arrived, record_of
from psfabric.kafka.reader import AT_ONCE, STALLED, bounded_consumer

RUNS = 16
"""Places of a partition at which records are read, its first and its last among them. Each takes a fetch, so more of
them cost time, and fewer are less even."""

FETCH = 256 * 1024
"""Bytes of a partition that one fetch may bring: what lies behind a run is fetched in vain."""

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets `first` (inclusive) to `end` (exclusive) of a partition."""

    topic: str
    partition: int
    first: int
    end: int


def spans(begins: Mapping[Partition, int], ends: Mapping[Partition, int], limit: int) -> list[Span]:
    """All offsets between begin and end of each partition when they are no more than `limit`; else runs of them, no
    more than `limit` offsets in all but one of each partition at least, each partition by its share."""
    counts = {tp: end - begins[tp] for tp, end in ends.items() if end > begins[tp]}
    total = sum(counts.values())
    if total <= limit:
        return [Span(*tp, begins[tp], ends[tp]) for tp in counts]
    return [
        Span(*tp, begins[tp] + at, begins[tp] + at + length)
        for tp, count in counts.items()
        for at, length in _runs(count, max(1, limit * count // total))
    ]


def _runs(count: int, share: int) -> Iterator[tuple[int, int]]:
    """Where runs of `share` records begin among `count`, the first at the first and the last at the last of them."""
    length = -(-share // RUNS)
    runs = share // length
    for number in range(runs):
        yield (number * (count - length) // (runs - 1) if runs > 1 else 0), length


def read_spans(kafka: Kafka, wanted: Sequence[Span]) -> Generator[Record, None, None]:
    """The records of the spans, a span of each partition at a time. An offset without a record (compacted, aborted,
    the mark of a transaction) has none. Raises Unavailable when nothing comes, Misconfigured where it is not allowed.
    """
    left: dict[Partition, list[Span]] = {}
    for span in wanted:
        left.setdefault((span.topic, span.partition), []).append(span)
    consumer = bounded_consumer(kafka, **{"fetch.message.max.bytes": FETCH})
    try:
        while left:
            yield from _round(consumer, kafka, {tp: waiting.pop(0) for tp, waiting in left.items()})
            left = {tp: waiting for tp, waiting in left.items() if waiting}
    finally:
        consumer.close()


def _round(consumer: ck.Consumer, kafka: Kafka, now: dict[Partition, Span]) -> Iterator[Record]:
    consumer.assign([ck.TopicPartition(*tp, span.first) for tp, span in now.items()])
    consumer.resume([ck.TopicPartition(*tp) for tp in now])  # a new assignment would keep the pause
    progressed = time.monotonic()
    while now:
        for message in arrived(consumer, *AT_ONCE):
            found = _in_span(consumer, kafka, message, now)
            if found is not None:
                yield found
                progressed = time.monotonic()
        if time.monotonic() - progressed > STALLED:
            raise Unavailable(f"Kafka at {kafka} gave nothing for {STALLED:.0f} s")


def _in_span(consumer: ck.Consumer, kafka: Kafka, message: ck.Message, now: dict[Partition, Span]) -> Record | None:
    """The record, when it lies in the span of its partition; a span that is at its end is taken out of `now`."""
    tp, error = (message.topic() or "", message.partition() or 0), message.error()
    if error is not None and error.code() == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise Misconfigured([not_allowed(kafka, tp[0])])
    if error is not None and error.code() == ck.KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise Unavailable(f"{tp[0]} does not exist any more")
    span = now.get(tp)
    if span is None or (error is not None and error.code() != ck.KafkaError._PARTITION_EOF):
        return None
    offset = span.end if error is not None else message.offset() or 0
    if offset + 1 >= span.end:
        del now[tp]
        consumer.pause([ck.TopicPartition(*tp)])
    return record_of(message) if offset < span.end else None
