"""A reader outside any group that follows whole topics from positions it is given; used by the reference loader."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka.admin import NO_LEADER_YET, Admin
from psfabric.kafka.messages import arrived, record_of
from psfabric.kafka.reader import SHOWN_WITHIN, answering, bounded_consumer, described


class Follower:
    """Not thread-safe. A position is one past the last record, or where the end of the partition was met: trailing
    transaction markers and compacted records leave no record to count from."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._consumer = bounded_consumer(kafka)
        self._positions: dict[TopicPartition, int] = {}

    def cluster_id(self) -> str:
        """The id of the Kafka cluster: a copy of another cluster's data must not be taken for this one's."""
        with answering(self._kafka):
            return self._consumer.list_topics(timeout=10).cluster_id or ""

    def ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """The end offset of every partition of the topics, now."""
        known = described(self._consumer, self._kafka)
        tps = [TopicPartition(t, p) for t in topics for p in known.get(t, [])]
        return {tp: self._end(tp) for tp in tps}

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read each partition from the given offset on."""
        self._positions = dict(positions)
        self._consumer.assign([ck.TopicPartition(tp.topic, tp.partition, at) for tp, at in positions.items()])

    def poll(self, limit: int, timeout: float) -> list[Record]:
        """Up to `limit` records; waits at most `timeout` seconds, and no longer than until there is something."""
        records = []
        for message in arrived(self._consumer, limit, timeout):
            error = message.error()
            if error is None:
                record = record_of(message)
                records.append(record)
                self._reached(TopicPartition(record.topic, record.partition), record.offset + 1)
            elif error.code() == ck.KafkaError._PARTITION_EOF:
                self._reached(TopicPartition(message.topic() or "", message.partition() or 0), message.offset() or 0)
        return records

    def positions(self) -> dict[TopicPartition, int]:
        """How far each partition has been read."""
        return dict(self._positions)

    def close(self) -> None:
        self._consumer.close()

    def _reached(self, tp: TopicPartition, offset: int) -> None:
        self._positions[tp] = max(offset, self._positions.get(tp, 0))

    def _end(self, tp: TopicPartition) -> int:
        deadline = time.monotonic() + SHOWN_WITHIN
        with answering(self._kafka):
            while True:
                try:
                    found = self._consumer.get_watermark_offsets(ck.TopicPartition(tp.topic, tp.partition), timeout=10)
                    return int(found[1])
                except ck.KafkaException as error:
                    if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                        raise
                described(self._consumer, self._kafka)  # made a moment ago: ask who leads it now


class Settled:
    """Reads one topic up to the end it has when asked, as often as asked, on the same connections. Not thread-safe.

    An ordinary read ends where the first open transaction begins, and what was committed behind it is not yet seen;
    here it is waited for until that transaction has ended (the broker ends it itself after its time-out).
    """

    def __init__(self, kafka: Kafka, topic: str, within: float = 45.0) -> None:
        self._topic, self._within = topic, within
        self._admin, self._follower = Admin(kafka), Follower(kafka)

    def end(self) -> int:
        """The highest end offset of its partitions."""
        return max(self._ends().values())

    def read(self, since: int = 0) -> list[Record]:
        """Every record committed before now from offset `since` of each partition on, in order within a partition.

        Raises Unavailable when that takes longer than `within` seconds, and for a topic that is not there.
        """
        ends, found, deadline = self._ends(), list[Record](), time.monotonic() + self._within
        self._follower.seek(dict.fromkeys(ends, since))
        while any(self._follower.positions()[tp] < end for tp, end in ends.items()):
            if time.monotonic() > deadline:
                raise Unavailable(f"{self._topic} could not be read to its end within {self._within:.0f} s")
            found += self._follower.poll(1000, 0.1)
        return found

    def close(self) -> None:
        self._follower.close()

    def _ends(self) -> dict[TopicPartition, int]:
        ends = {TopicPartition(t, p): end for (t, p), end in self._admin.end_offsets([self._topic]).items()}
        if not ends:
            raise Unavailable(f"{self._topic} does not exist; run `psfabric topics apply`")
        return ends


def read_settled(kafka: Kafka, topic: str, within: float = 45.0) -> list[Record]:
    """Everything of a topic, as `Settled.read` gives it."""
    reader = Settled(kafka, topic, within)
    try:
        return reader.read()
    finally:
        reader.close()
