"""One member of a consumer group, read from a thread of its own so that heartbeats never wait for a sink.

The rebalance callbacks run inside `poll`, that is in the reader's thread; the owner is called there and may block
until it has handed over (DESIGN 5.5: on revocation sending stops, what is done is committed, then it lets go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import confluent_kafka as ck
import structlog

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka.config import client_config
from psfabric.kafka.messages import arrived, record_of
from psfabric.kafka.producer import quiet_logger

log = structlog.get_logger(__name__)

OnPartitions = Callable[[list[TopicPartition]], None]

SESSION_MS = 10_000

GATHER = 0.02
"""Seconds: what comes that soon after a record is taken with it."""


class OffsetGone(Unavailable):
    """What the group has to read next is no longer (or not) in the topic; going on would skip records in silence."""

    def __init__(self, group: str, tp: TopicPartition, offset: int | None) -> None:
        at = "its place" if offset is None else f"offset {offset}"
        super().__init__(
            f"{group} stands at {at} of {tp.topic}/{tp.partition}, which the broker does not have: retention has "
            "passed it, or the topic was made anew. Nothing is skipped by itself. Whoever accepts that what is gone is "
            "never handled sets the offset "
            f"(kafka-consumer-groups --group {group} --reset-offsets) and starts again"
        )


class GroupReader:
    """A partition that the group never committed is read from its beginning; a committed place that is gone stops it.

    `range` assignor: topics with equal partition counts are co-partitioned, so the owner of source p owns redo p.

    Not thread-safe but for `commit`, `pause` and `resume`, which librdkafka allows from any thread outside callbacks.
    """

    def __init__(self, kafka: Kafka, group: str, *, instance: str | None = None, session_ms: int = SESSION_MS) -> None:
        config: dict[str, object] = {
            **client_config(kafka),
            "group.id": group,
            "client.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "range",
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": max(1, session_ms // 5),
            "max.poll.interval.ms": 300_000,
            "fetch.wait.max.ms": 100,
            "topic.metadata.refresh.interval.ms": 30_000,
        }
        if instance:
            config["group.instance.id"] = f"{instance}.{group}"
        self._group = group
        self._consumer = ck.Consumer(config, logger=quiet_logger(group))
        self._positions: dict[TopicPartition, int] = {}
        self._dealt = 0
        self._subscribe: Callable[[], None] = lambda: None

    def subscribe(self, topics: Sequence[str], on_assign: OnPartitions, on_revoke: OnPartitions) -> None:
        def assigned(consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> None:
            self._positions.clear()
            self._dealt += 1
            on_assign([TopicPartition(p.topic, p.partition) for p in partitions])
            consumer.assign(self._starts(consumer, partitions))

        def revoked(consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> None:
            on_revoke([TopicPartition(p.topic, p.partition) for p in partitions])
            self._positions.clear()
            self._dealt += 1

        self._subscribe = partial(
            self._consumer.subscribe, list(topics), on_assign=assigned, on_revoke=revoked, on_lost=revoked
        )
        self._subscribe()

    def rejoin(self) -> None:
        """Give up what we own and join the group once more; when we lead it, all partitions are divided anew."""
        self._consumer.unsubscribe()
        self._subscribe()

    def _starts(self, consumer: ck.Consumer, partitions: list[ck.TopicPartition]) -> list[ck.TopicPartition]:
        """Where to read on. A broker that does not say is asked again by the client itself, which then stops rather
        than guess where nothing was committed."""
        try:
            committed = consumer.committed(partitions, timeout=10)
        except ck.KafkaException as error:
            log.warning("committed offsets are not known yet", group=self._group, error=error.args[0].str())
            return partitions
        for tp in committed:
            if tp.offset < 0:
                tp.offset = ck.OFFSET_BEGINNING
        return committed

    def poll(self, limit: int, timeout: float) -> list[Record]:
        """Up to `limit` records, waiting at most `timeout` seconds for the first and `GATHER` for those that follow it.

        Raises Unavailable on a fatal error, OffsetGone.
        """
        records = []
        for message in arrived(self._consumer, limit, timeout, gather=GATHER, dealt=lambda: self._dealt):
            error = message.error()
            if error is None:
                record = record_of(message)
                records.append(record)
                self._positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
            elif error.code() == ck.KafkaError._PARTITION_EOF:
                self._positions[TopicPartition(message.topic() or "", message.partition() or 0)] = message.offset() or 0
            elif error.code() == ck.KafkaError._AUTO_OFFSET_RESET:
                place = TopicPartition(message.topic() or "", message.partition() or 0)
                raise OffsetGone(self._group, place, message.offset())
            elif error.code() == ck.KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise Unavailable(f"{self._group} cannot read: {error.str()}; run `psfabric topics apply`")
            elif (
                error.fatal() or error.code() == ck.KafkaError._FATAL
            ):  # the event that tells of it is not itself fatal
                raise Unavailable(f"{self._group} cannot read: {error.str()}")
            else:
                log.warning("consumer", group=self._group, error=error.str())
        return records

    def positions(self) -> dict[TopicPartition, int]:
        """Where reading stands in each partition that it has begun with: one past the last record, or where the end
        was met, which may lie past transaction markers."""
        return dict(self._positions)

    def standing(self) -> dict[TopicPartition, int]:
        """What is committed of one of our partitions (or where it begins): committing it again changes nothing."""
        for assigned in self._consumer.assignment():
            tp = TopicPartition(assigned.topic, assigned.partition)
            place = ck.TopicPartition(*tp)
            try:
                (known,) = self._consumer.committed([place], timeout=5)
                at = known.offset if known.offset >= 0 else self._consumer.get_watermark_offsets(place, timeout=5)[0]
            except ck.KafkaException as error:
                log.warning("consumer", group=self._group, error=error.args[0].str())
                return {}
            return {tp: at}
        return {}

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Commit synchronously; False when the broker did not take them all (perhaps another owner reads on)."""
        if not offsets:
            return True
        wanted = [ck.TopicPartition(tp.topic, tp.partition, offset) for tp, offset in offsets.items()]
        try:
            answers = self._consumer.commit(offsets=wanted, asynchronous=False) or []
        except ck.KafkaException as error:
            log.warning("commit refused", group=self._group, error=error.args[0].str())
            return False
        refused = [tp for tp in answers if tp.error is not None]  # raised above only when none was taken
        for tp in refused:
            log.warning(
                "commit refused", group=self._group, topic=tp.topic, partition=tp.partition, error=str(tp.error)
            )
        return not refused

    def pause(self, tps: Sequence[TopicPartition]) -> None:
        self._flow(self._consumer.pause, tps)

    def resume(self, tps: Sequence[TopicPartition]) -> None:
        self._flow(self._consumer.resume, tps)

    def close(self) -> None:
        """Leave the group (a static member does not leave: its restart moves nothing)."""
        self._consumer.close()

    def _flow(self, act: Callable[[list[ck.TopicPartition]], None], tps: Sequence[TopicPartition]) -> None:
        try:
            act([ck.TopicPartition(tp.topic, tp.partition) for tp in tps])
        except ck.KafkaException as error:
            log.debug("flow", group=self._group, error=error.args[0].str())
