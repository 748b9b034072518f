"""Bounded reads of several topics with one consumer, and of single records by their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from psfabric.connection import Kafka
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import Admin
from psfabric.kafka.reader import read


class Place(NamedTuple):
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


Offsets = Mapping[tuple[str, int], int]


def ends(kafka: Kafka, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """End offset of each partition. Raises Unavailable naming every topic that does not exist."""
    wanted = list(dict.fromkeys(topics))
    found = Admin(kafka).end_offsets(wanted)
    missing = sorted(set(wanted) - {topic for topic, _ in found})
    if missing:
        raise Unavailable(f"there is no topic {', '.join(missing)}; run `psfabric topics apply`")
    return found


def scan(kafka: Kafka, topics: Iterable[str]) -> Iterator[Record]:
    """Every record of the topics up to their present end; in order within a partition, partitions interleaved."""
    found = ends(kafka, topics)
    return read(kafka, [tp for tp, end in found.items() if end > 0])


def since(kafka: Kafka, starts: Offsets) -> Iterator[Record]:
    """Every record from the given offsets on, up to the present end."""
    return read(kafka, list(starts), starts)


def fetch(kafka: Kafka, places: Iterable[Place]) -> dict[Place, Record]:
    """The records at the given places; one that retention removed, or that never was, is left out."""
    return dict(walk(kafka, places))


def walk(
    kafka: Kafka, places: Iterable[Place], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[tuple[Place, Record]]:
    """The same one by one; `meanwhile` is called for each record that is passed on the way."""
    wanted = set(places)
    last: dict[tuple[str, int], int] = {}
    first: dict[tuple[str, int], int] = {}
    for topic, partition, offset in wanted:
        last[topic, partition] = max(offset, last.get((topic, partition), offset))
        first[topic, partition] = min(offset, first.get((topic, partition), offset))
    for record in read(kafka, list(first), first):
        meanwhile()
        place = Place(record.topic, record.partition, record.offset)
        if place in wanted:
            yield place, record
        if record.offset >= last.get((record.topic, record.partition), -1):
            last.pop((record.topic, record.partition), None)
            if not last:
                break
