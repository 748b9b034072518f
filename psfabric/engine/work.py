"""What the engine moves: a `Work` is a record on its way, a `Result` what came of it, a `Write` a record to produce."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from psfabric.engine.applied import Applied
from psfabric.engine.control import Control
from psfabric.event import HeaderList, Record, Version
from psfabric.outcomes import Outcome


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Write(NamedTuple):
    """A record to produce. `partition` is named for hold, redo, dlq, applied and ref; else murmur2 of the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: HeaderList = ()
    partition: int | None = None


class Result(NamedTuple):
    """What a stage made of one record.

    `writes` are its outputs and receipts, all of which must be acknowledged before the record counts as done;
    `applied` is the state of the target that the lane remembers from then on.
    """

    outcome: Outcome
    writes: tuple[Write, ...] = ()
    applied: tuple[str, Applied] | None = None
    versions: tuple[tuple[str, Version], ...] = ()
    """For the keeper of reference data: what it now stores per `ref` key."""


class State(Enum):
    QUEUED = "queued"
    CALLED = "called"
    WRITING = "writing"
    CLOSING = "closing"
    DONE = "done"


@dataclass(slots=True, eq=False)
class Work:
    """One record on its way through a component.

    `record` has the coordinates of its origin (for a replayed or released record: where it was first read); `at` is
    the log position that moves on when it is done, None for a record released from hold; `hold_key` is its key in the
    hold topic while it lies there.
    """

    record: Record
    lane: int
    at: tuple[TopicPartition, int] | None
    hold_key: bytes | None = None
    state: State = State.QUEUED
    call: int = 0
    attempts: int = 0
    due: float = 0.0
    asked: bool = False
    """The wait was asked for by the target (Retry-After), so nothing shortens it."""
    first_failed_at: float | None = None
    held_since: float | None = None
    forced: Outcome | None = None
    """Decided without asking the stage: it expired, or an operator decided."""
    released: bool = False
    """An operator let it go: no barrier holds it this once."""
    find_first: bool = False
    """It may have been sent before, and sending it twice would make two: the target is asked first."""
    unanswered: bool = False
    """The last send left and no answer came (a target that cannot tell a repeated send)."""
    attempted_at: float = 0.0
    """The last instant at which it may have been sent without an answer."""
    bars: bool = False
    """A dead letter to be closed that barred its key when an operator asked for that."""
    resolved: Control | None = None
    """What an operator found in the target."""
    acts: tuple[tuple[TopicPartition, int], ...] = ()
    """Log positions of the control records that this work carries out."""
    result: Result | None = None

    @property
    def key(self) -> bytes:
        """What order is kept by: the Kafka key; a record without one is ordered only with itself."""
        if self.record.key is not None:
            return self.record.key
        return b"\0" + self.record.coordinates.encode()

    @property
    def fresh(self) -> bool:
        """Just read where it was first written: it comes after whatever of its key was set aside before."""
        return self.at is not None and self.hold_key is None and self.at[0].topic == self.record.topic


@dataclass(slots=True, eq=False)
class Run:
    """Consecutive records that went through together (`express`); their place in the log is the first one's."""

    lane: int
    at: tuple[TopicPartition, int]
    last: int
    """The last one's offset."""
    count: int = 0
