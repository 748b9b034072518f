"""What is left of a source's record: all of a topic up to its present end, chosen by when it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from psfabric.connection import Kafka
from psfabric.event import Record
from psfabric.kafka import Admin
from psfabric.kafka.reader import read
from replay.reading import ends


@dataclass(frozen=True, slots=True)
class Retained:
    """`cut`: where retention removed the beginning of a partition, when the oldest record left was stored; the latest
    of them. None while nothing was removed."""

    kafka: Kafka
    topic: str
    partitions: tuple[int, ...]
    cut: datetime | None

    def between(self, since: datetime | None, until: datetime | None) -> Iterator[Record]:
        """Records stored at or after `since` and before `until`; in order within a partition.

        The timestamps of a partition need not rise, so it is read up to its end.
        """
        first, last = _ms(since), _ms(until)
        for record in self._from(first):
            if _within(record, first, last):
                yield record

    def outside(self, since: datetime | None, until: datetime | None) -> Iterator[Record]:
        """All others."""
        first, last = _ms(since), _ms(until)
        for record in self._from(None):
            if not _within(record, first, last):
                yield record

    def _from(self, first: int | None) -> Iterator[Record]:
        tps = [(self.topic, partition) for partition in self.partitions]
        if first is None:
            return read(self.kafka, tps)
        starts = Admin(self.kafka).offsets_at([self.topic], first)
        return read(self.kafka, [tp for tp in tps if tp in starts], starts)


def retained(kafka: Kafka, topic: str) -> Retained:
    """Raises Unavailable when there is no such topic."""
    found = ends(kafka, [topic])
    begins = Admin(kafka).begin_offsets([topic])
    filled = [tp for tp, end in found.items() if begins[tp] < end]
    oldest = [_instant(record) for record in _first(kafka, [tp for tp in filled if begins[tp] > 0])]
    emptied = [datetime.now(UTC) for tp, end in found.items() if begins[tp] == end > 0]
    return Retained(kafka, topic, tuple(partition for _, partition in filled), max([*oldest, *emptied], default=None))


def _first(kafka: Kafka, tps: list[tuple[str, int]]) -> Iterator[Record]:
    """The first record of each."""
    missing = set(tps)
    for record in read(kafka, tps):
        tp = record.topic, record.partition
        if tp in missing:
            missing.discard(tp)
            yield record
        if not missing:
            return


def _within(record: Record, first: int | None, last: int | None) -> bool:
    at = record.timestamp_ms
    return (first is None or at >= first) and (last is None or at < last)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)


def _instant(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
