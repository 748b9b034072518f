"""What waits in `hold.*`: folded to what is there now, markers of the key barrier left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psfabric.connection import Kafka
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

    @property
    def id(self) -> str:
        """`<component>/<origin topic>/<partition>/<offset>`."""
        return f"{self.component}/{self.origin}"

    @property
    def unknown(self) -> bool:
        """A request left and no answer came: whether the target did it has to be found out."""
        return self.until.startswith("unknown:")

    @property
    def origin(self) -> Place:
        return Place(self.record.topic, self.record.partition, self.record.offset)


def held(kafka: Kafka, components: Iterable[str]) -> list[HeldRecord]:
    """Everything that waits now, the longest waiting first. Raises Unavailable."""
    by_topic: dict[str, list[Record]] = {f"hold.{name}": [] for name in components}
    for stored in scan(kafka, by_topic):
        if not (stored.key or b"").startswith(b"barrier/"):
            by_topic[stored.topic].append(stored)
    found = [_held(stored) for records in by_topic.values() for stored in latest(records).values()]
    return sorted(found, key=lambda each: (each.since, each.component, each.origin))


def _held(stored: Record) -> HeldRecord:
    entry = understood(stored, read_hold)
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
    )
