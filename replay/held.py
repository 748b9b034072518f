"""What waits in `hold.*`: folded to what is there now. Markers of the key barrier say what a record waits behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from psfabric.connection import Kafka
from psfabric.engine.deadletter import MARKER, key_hash, read_marker
from psfabric.engine.hold import PREFIX, read_hold, until_text
from psfabric.event import Record
from psfabric.kafka import latest
from psfabric.stages import about_id
from psfabric.stored import understood
from replay.deadletters import event_type
from replay.reading import Place, scan


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """One waiting record. `record` is the original under the coordinates where it was first read.

    `until` names what it waits for (`parent:project:PRJ-1001`), `why` says it in words; instants are ISO text in UTC.
    `partition` is that of the hold topic.
    """

    component: str
    until: str
    why: str
    since: str
    attempted_at: str
    about: str
    type: str
    aggregate_id: str
    record: Record
    partition: int = 0
    behind: tuple[Place, ...] = ()
    """Where the dead letters of its key were first read that later records wait behind, oldest first."""

    @property
    def id(self) -> str:
        """`<component>/<origin topic>/<partition>/<offset>`."""
        return f"{self.component}/{self.origin}"

    @property
    def unknown(self) -> bool:
        """A request left and no answer came: whether the target did it has to be found out."""
        return self.until.startswith("unknown:")

    @property
    def kind(self) -> str:
        """Of what it waits for: parent, period, at, approval, earlier, operator, schema or unknown."""
        return self.until.partition(":")[0]

    @property
    def origin(self) -> Place:
        return Place(self.record.topic, self.record.partition, self.record.offset)


def held(kafka: Kafka, components: Iterable[str]) -> list[HeldRecord]:
    """Everything that waits now, the longest waiting first. Raises Unavailable."""
    by_topic: dict[str, list[Record]] = {f"hold.{name}": [] for name in components}
    for stored in scan(kafka, by_topic):
        by_topic[stored.topic].append(stored)
    found = [each for records in by_topic.values() for each in _folded(latest(records))]
    return sorted(found, key=lambda each: (each.since, each.component, each.origin))


def _folded(stored: Mapping[bytes, Record]) -> Iterator[HeldRecord]:
    """Of one hold topic, as compaction would leave it."""
    dead: dict[bytes, list[Place]] = {}
    for marker in (understood(r, read_marker) for key, r in stored.items() if key.startswith(MARKER)):
        dead.setdefault(marker.key_hash, []).append(Place(marker.topic, marker.partition, marker.offset))
    for key, record in stored.items():
        if not key.startswith(MARKER):
            yield _held(record, dead)


def _held(stored: Record, dead: Mapping[bytes, Sequence[Place]]) -> HeldRecord:
    entry = understood(stored, read_hold)
    waits = until_text(entry.until).startswith("earlier:")
    return HeldRecord(
        component=stored.topic.removeprefix("hold."),
        until=until_text(entry.until),
        why=stored.header(PREFIX + "code") or "",
        since=stored.header(PREFIX + "since") or "",
        attempted_at=stored.header(PREFIX + "attempted-at") or "",
        about=about_id(entry.record),
        type=event_type(entry.record),
        aggregate_id=entry.record.header("ce_subject") or "",
        record=entry.record,
        partition=stored.partition,
        behind=tuple(sorted(dead.get(key_hash(entry.record.key or b""), ()))) if waits else (),
    )
