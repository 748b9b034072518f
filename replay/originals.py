"""The records that a plan names, read from where they lie and compared with what was planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psfabric.connection import Kafka
from psfabric.event import Record
from psfabric.kafka import Admin
from replay.deadletters import value_hash
from replay.errors import Declined
from replay.plan import Entry
from replay.reading import Place, ends, walk

AHEAD = 500
"""Records that are read, and kept in memory, at once."""


class Originals:
    """Hands out the records of some entries in their order, reading ahead. `meanwhile` is called while it reads."""

    def __init__(self, kafka: Kafka, entries: Sequence[Entry], meanwhile: Callable[[], None]) -> None:
        self._kafka, self._entries, self._meanwhile = kafka, entries, meanwhile
        self._read: dict[Place, Record] = {}

    def take(self, start: int, count: int) -> list[Record]:
        """Records number `start` to `start + count`. Raises Declined naming the first that is not as planned."""
        wanted = self._entries[start : start + count]
        if any(entry.place not in self._read for entry in wanted):
            ahead = self._entries[start : start + max(count, AHEAD)]
            self._read = dict(walk(self._kafka, (entry.place for entry in ahead), self._meanwhile))
        return [self._sound(entry) for entry in wanted]

    def _sound(self, entry: Entry) -> Record:
        record = self._read.get(entry.place)
        if record is None:
            raise _gone(entry)
        if value_hash(record.value) != entry.value_hash:
            raise _differs(entry)
        return record


def check_records(kafka: Kafka, entries: Sequence[Entry]) -> None:
    """Every record lies there as planned. Reads each partition once, and keeps no record. Raises Declined naming the
    first that does not; Unavailable for a topic that cannot be read."""
    if not entries:
        return
    ends(kafka, (entry.topic for entry in entries))
    hashes = {place: value_hash(record.value) for place, record in walk(kafka, (entry.place for entry in entries))}
    missing = [entry for entry in entries if entry.place not in hashes]
    if missing:
        raise _gone(missing[0], len(missing))
    for entry in entries:
        if hashes[entry.place] != entry.value_hash:
            raise _differs(entry)


def check_destinations(kafka: Kafka, entries: Sequence[Entry]) -> None:
    """Every topic and partition that records go to is there. Raises Declined naming what is not."""
    topics: dict[str, int] = {}
    for entry in entries:
        topics[entry.to] = max(entry.to_partition or 0, topics.get(entry.to, 0))
    found = Admin(kafka).end_offsets(topics)
    gone = [topic for topic, partition in topics.items() if (topic, partition) not in found]
    if gone and not all(entry.component for entry in entries):
        raise Declined(f"{', '.join(gone)} is not there any more; nothing was sent")
    if gone:
        names = ", ".join(topic.removeprefix("redo.") for topic in gone)
        raise Declined(f"{names} has no such redo partition any more, so nobody would read it; nothing was sent")


def _gone(entry: Entry, many: int = 1) -> Declined:
    others = f", and {many - 1} others" if many > 1 else ""
    return Declined(f"{entry.id} is no longer in {entry.topic} (retention removed it{others}); plan again")


def _differs(entry: Entry) -> Declined:
    return Declined(f"{entry.id} is not the record that was planned: its value differs; plan again")
