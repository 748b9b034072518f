"""Bounded reads: everything in a partition or a topic up to the end it had when the reading began."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Mapping

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.errors import Misconfigured, Unavailable
from psfabric.event import Record
from psfabric.kafka.allowed import expect_allowed, not_allowed
from psfabric.kafka.config import client_config
from psfabric.kafka.messages import arrived, record_of
from psfabric.kafka.producer import quiet_logger

STALLED = 20.0
"""Seconds without progress after which a bounded read gives up."""

ANSWERS_WITHIN = 10.0
"""Seconds that a broker may take to say what it has."""

AHEAD, AHEAD_KB = 500, 1024
"""Records, and their size, of each partition beyond which no more is fetched ahead; by default 100,000 and 64 MiB.

A fetch brings up to 1 MiB of a partition, unpacked more, so what waits here is mostly what the last one brought.
"""

AT_ONCE = 1000, 0.2
"""Records taken together, and the seconds to wait when there is none."""

SHOWN_WITHIN = 5.0
"""Seconds after which a topic that the broker does not show is taken for missing."""


def bounded_consumer(kafka: Kafka, **more: str | int) -> ck.Consumer:
    """A consumer outside any group, for reads by assignment. `more` are settings of librdkafka."""
    return ck.Consumer(
        {
            **client_config(kafka),
            "group.id": "psfabric.bounded-read",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,
            "queued.min.messages": AHEAD,
            "queued.max.messages.kbytes": AHEAD_KB,
            "fetch.queue.backoff.ms": 10,  # when that much was fetched; by default it then pauses for a second
            **more,
        },
        logger=quiet_logger("reader"),
    )


def read_partition(kafka: Kafka, topic: str, partition: int) -> list[Record]:
    """Every record of one partition, in order. "End" is the consumer's end-of-partition, never last record + 1."""
    return list(read(kafka, [(topic, partition)]))


def read_topic(kafka: Kafka, topic: str) -> list[Record]:
    """Every record of a topic; in order within a partition. An unknown topic has none."""
    return list(read(kafka, [(topic, p) for p in partitions_of(kafka, topic)]))


def partitions_of(kafka: Kafka, topic: str) -> list[int]:
    """None of an unknown topic. Raises Misconfigured for one that may not be looked at, Unavailable for no answer."""
    consumer = bounded_consumer(kafka)
    try:
        found = described(consumer, kafka).get(topic, [])
        if not found:
            with answering(kafka):
                expect_allowed(consumer, kafka, [topic])
        return found
    finally:
        consumer.close()


def described(consumer: ck.Consumer, kafka: Kafka) -> dict[str, list[int]]:
    """The partitions of every topic there is. Raises Unavailable when the broker does not answer."""
    with answering(kafka):
        found = consumer.list_topics(timeout=ANSWERS_WITHIN).topics
    return {name: sorted(topic.partitions) for name, topic in found.items()}


@contextlib.contextmanager
def answering(kafka: Kafka) -> Iterator[None]:
    """Turns the client's error into Unavailable."""
    try:
        yield
    except ck.KafkaException as error:
        raise Unavailable(f"Kafka at {kafka} does not answer: {error.args[0].str()}") from None


def read(
    kafka: Kafka, tps: Iterable[tuple[str, int]], starts: Mapping[tuple[str, int], int] | None = None
) -> Generator[Record, None, None]:
    """Every record of the given topic-partitions; in order within each.

    Raises Unavailable when nothing comes, Misconfigured where the broker does not allow it.

    `starts` gives offsets to begin at; one that retention has removed begins at the first that is left.
    """
    wanted = set(tps)
    begin, ends = starts or {}, dict[tuple[str, int], int]()
    if not wanted:
        return
    consumer = bounded_consumer(kafka)
    try:
        _expect(consumer, kafka, {topic for topic, _ in wanted})
        consumer.assign([ck.TopicPartition(t, p, begin.get((t, p), ck.OFFSET_BEGINNING)) for t, p in wanted])
        progressed = time.monotonic()
        while wanted:
            stirred = False
            for message in arrived(consumer, *AT_ONCE):
                error = message.error()
                if error is None:
                    stirred = True
                    if _within(consumer, message, wanted, ends):
                        yield record_of(message)
                elif error.code() == ck.KafkaError._PARTITION_EOF:
                    stirred = True
                    wanted.discard((message.topic() or "", message.partition() or 0))
                elif error.code() == ck.KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise Unavailable(f"{message.topic()} does not exist; run `psfabric topics apply`")
                elif error.code() == ck.KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    raise Misconfigured([not_allowed(kafka, message.topic() or "")])
            if stirred:
                progressed = time.monotonic()  # only now: a slow reader of what is yielded is no stalled broker
            elif time.monotonic() - progressed > STALLED:
                raise Unavailable(f"Kafka at {kafka} gave nothing for {STALLED:.0f} s")
    finally:
        consumer.close()


def _expect(consumer: ck.Consumer, kafka: Kafka, topics: set[str]) -> None:
    """Raises Unavailable for a topic that is not there: assigned, it would be waited for in silence.

    Raises Misconfigured for one that may not be looked at. Asking also spares time: an assignment to a client that
    knows no leaders yet waits half a second for them.
    """
    deadline = time.monotonic() + SHOWN_WITHIN
    while missing := topics - described(consumer, kafka).keys():
        with answering(kafka):
            expect_allowed(consumer, kafka, missing)
        if time.monotonic() > deadline:
            raise Unavailable(f"{', '.join(sorted(missing))} does not exist; run `psfabric topics apply`")
        time.sleep(0.1)


def _within(
    consumer: ck.Consumer, message: ck.Message, wanted: set[tuple[str, int]], ends: dict[tuple[str, int], int]
) -> bool:
    """Whether a record is to be read: it lies below the end that its partition had when the first one came.

    A partition that is written to all the time never says that it is at its end, so it is left there.
    """
    tp, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
    if tp not in wanted:
        return False
    place = ck.TopicPartition(*tp)
    if tp not in ends:
        high = consumer.get_watermark_offsets(place, cached=True)[1]
        ends[tp] = high if high > offset else sys.maxsize  # not known yet: end of partition will tell
    if offset + 1 >= ends[tp]:
        wanted.discard(tp)
        consumer.pause([place])
    return offset < ends[tp]


def latest(records: Iterable[Record]) -> dict[bytes, Record]:
    """The last record of each key, without those a null value deleted: what compaction would leave."""
    found: dict[bytes, Record] = {}
    for record in records:
        if record.key is None:
            continue
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record
    return found
