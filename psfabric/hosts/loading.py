"""What the owner of partitions must know before the first record: read from hold, applied and ref to their ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psfabric.connection import Kafka
from psfabric.engine.applied import Applied
from psfabric.engine.deadletter import MARKER, Marker, read_marker
from psfabric.engine.hold import HoldEntry, read_hold
from psfabric.event import Record, Version
from psfabric.kafka import latest
from psfabric.kafka.reader import read
from psfabric.stages import Calling, ProcessStage, Stage
from psfabric.stored import understood


@dataclass(frozen=True, slots=True)
class Loaded:
    """Of one partition: what lies in hold, which dead letters bar their key, what is in the target (sinks), and the
    version stored per `ref` key where this component keeps it."""

    held: tuple[HoldEntry, ...] = ()
    markers: tuple[Marker, ...] = ()
    applied: Mapping[str, Applied] = field(default_factory=dict)
    versions: Mapping[str, Version] = field(default_factory=dict)


def load(kafka: Kafka, stage: Stage, partitions: Sequence[int]) -> dict[int, Loaded]:
    """Blocking. Raises Unavailable when Kafka does not answer, Transient when a schema cannot be looked up now, and
    Misconfigured for a record that cannot be read: passing over it could lose a waiting record or post one twice."""
    hold, applied = stage.policy.hold_topic, stage.state_topics if isinstance(stage, Calling) else ()
    refs = [f"ref.{entity}" for entity in kept(stage)]
    found: dict[tuple[str, int], list[Record]] = {(t, p): [] for t in (hold, *applied, *refs) for p in partitions}
    for record in read(kafka, found):
        found[(record.topic, record.partition)].append(record)

    def stored(topics: Sequence[str], partition: int) -> dict[bytes, Record]:
        return {key: record for topic in topics for key, record in latest(found[(topic, partition)]).items()}

    def posted(partition: int) -> list[Record]:
        return [record for topic in applied for record in found[(topic, partition)]]

    return {p: loaded(stage, stored([hold], p), posted(p), stored(refs, p)) for p in partitions}


def loaded(
    stage: Stage, held: Mapping[bytes, Record], applied: Iterable[Record], refs: Mapping[bytes, Record]
) -> Loaded:
    """The same of one partition's records as they are stored: those of hold and ref by key, of applied in order."""

    def version(record: Record) -> tuple[str, Version]:
        data = stage.codec.data(record.value or b"")
        return _key(record), Version(data.sequence, data.revision)

    return Loaded(
        tuple(understood(record, read_hold) for key, record in held.items() if not key.startswith(MARKER)),
        tuple(understood(record, read_marker) for key, record in held.items() if key.startswith(MARKER)),
        highest(applied),
        dict(understood(record, version) for record in refs.values()),
    )


def highest(applied: Iterable[Record]) -> dict[str, Applied]:
    """Per key the highest version since it was last emptied, not the last record: one that an earlier owner wrote in
    the moment in which it lost the partition may follow the new owner's, and takes nothing back."""
    found: dict[str, Applied] = {}
    for record in _since_emptied(applied):
        key, entry = understood(record, lambda r: (_key(r), Applied.from_bytes(r.value or b"")))
        known = found.get(key)
        if known is None or entry.version >= known.version:
            found[key] = entry
    return found


def _since_emptied(records: Iterable[Record]) -> Iterator[Record]:
    by_key: dict[bytes, list[Record]] = {}
    for record in records:
        if record.value is None:
            by_key.pop(record.key or b"", None)
        else:
            by_key.setdefault(record.key or b"", []).append(record)
    return (record for of_key in by_key.values() for record in of_key)


def kept(stage: Stage) -> tuple[str, ...]:
    """The entities whose `ref` topic this stage is the one writer of."""
    return stage.adapter.keeps if isinstance(stage, ProcessStage) else ()


def _key(record: Record) -> str:
    return (record.key or b"").decode()
