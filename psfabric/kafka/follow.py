"""A reader outside any group that follows whole topics from positions it is given; used by the reference loader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import confluent_kafka as ck

from psfabric.engine.work import TopicPartition
from psfabric.event import Record
from psfabric.kafka.group import record_of
from psfabric.kafka.reader import bounded_consumer


class Follower:
    """Not thread-safe. Positions are the consumer's own, so that transaction markers count."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = bounded_consumer(bootstrap)
        self._tps: list[ck.TopicPartition] = []

    def cluster_id(self) -> str:
        """The id of the Kafka cluster: a copy of another cluster's data must not be taken for this one's."""
        return self._consumer.list_topics(timeout=10).cluster_id or ""

    def ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """The end offset of every partition of the topics, now."""
        known = self._consumer.list_topics(timeout=10).topics
        tps = [TopicPartition(t, p) for t in topics if t in known for p in known[t].partitions]
        return {tp: self._end(tp) for tp in tps}

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self._tps = [ck.TopicPartition(tp.topic, tp.partition, offset) for tp, offset in positions.items()]
        self._consumer.assign(self._tps)

    def poll(self, limit: int, timeout: float) -> list[Record]:
        return [record_of(m) for m in self._consumer.consume(limit, timeout) if m.error() is None]

    def positions(self) -> dict[TopicPartition, int]:
        """Next offset to read of each partition that has been read from."""
        found = self._consumer.position(self._tps)
        return {TopicPartition(p.topic, p.partition): p.offset for p in found if p.offset >= 0}

    def close(self) -> None:
        self._consumer.close()

    def _end(self, tp: TopicPartition) -> int:
        return int(self._consumer.get_watermark_offsets(ck.TopicPartition(tp.topic, tp.partition), timeout=10)[1])
