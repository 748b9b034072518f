"""What the owner of partitions must know before the first record: read from hold and ref to their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from psfabric.engine.hold import HoldEntry, read_hold
from psfabric.event import Record, Version
from psfabric.kafka import latest
from psfabric.kafka.reader import read
from psfabric.stages import ProcessStage, Pure

MARKER = b"barrier/"
"""Keys in hold topics that mark dead letters behind a barrier, not records."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Of one partition: what lies in hold, and the version stored per `ref` key where this component keeps it."""

    held: tuple[HoldEntry, ...] = ()
    versions: dict[str, Version] = field(default_factory=dict)


def load(bootstrap: str, stage: Pure, partitions: Sequence[int]) -> dict[int, Loaded]:
    """Blocking. Raises Unavailable when Kafka does not answer, Transient when a schema cannot be looked up now."""
    hold = stage.policy.hold_topic
    topics = [hold, *(f"ref.{entity}" for entity in kept(stage))]
    found: dict[tuple[str, int], list[Record]] = {(t, p): [] for t in topics for p in partitions}
    for record in read(bootstrap, found):
        found[(record.topic, record.partition)].append(record)
    return {p: Loaded(_held(found[(hold, p)]), _versions(stage, topics[1:], p, found)) for p in partitions}


def kept(stage: Pure) -> tuple[str, ...]:
    """The entities whose `ref` topic this stage is the one writer of."""
    return stage.adapter.keeps if isinstance(stage, ProcessStage) else ()


def _held(records: list[Record]) -> tuple[HoldEntry, ...]:
    return tuple(read_hold(r) for key, r in latest(records).items() if not key.startswith(MARKER))


def _versions(
    stage: Pure, topics: Sequence[str], partition: int, found: dict[tuple[str, int], list[Record]]
) -> dict[str, Version]:
    stored = {k: r for topic in topics for k, r in latest(found[(topic, partition)]).items()}
    decoded = {key.decode(): stage.codec.data(record.value or b"") for key, record in stored.items()}
    return {key: Version(data.sequence, data.revision) for key, data in decoded.items()}
