"""Compatibility levels: which versions must be able to read which, as schema registries name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.review.avro import Type
from schemas.review.resolve import Conflict, conflicts


class Level(StrEnum):
    """BACKWARD: new reads old; FORWARD: old reads new; FULL: both; TRANSITIVE: of every version, not the last only."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def directions(self) -> tuple[Direction, ...]:
        return tuple(each for each in Direction if self.startswith((each.name, "FULL")))

    @property
    def transitive(self) -> bool:
        return self.endswith("_TRANSITIVE")


class Direction(StrEnum):
    """Who reads what: `backward`, the new schema reads what an old one wrote; `forward`, the other way round."""

    BACKWARD = "backward"
    FORWARD = "forward"


@dataclass(frozen=True)
class Version:
    """One schema of a history, and what people call it: a file, a commit, a version of the registry."""

    name: str
    type: Type


@dataclass(frozen=True)
class Failure:
    """A pair of versions of which one cannot read the other, for one reason."""

    direction: Direction
    old: str
    new: str
    conflict: Conflict


def failures(level: Level, history: Sequence[Version], new: Version) -> list[Failure]:
    """Everything that a level forbids between a new version and its history (the oldest first): each pair, each path.

    Without _TRANSITIVE only the last of the history counts. An empty history, and NONE, forbid nothing.
    """
    against = list(history) if level.transitive else list(history[-1:])
    return [
        Failure(direction, old.name, new.name, conflict)
        for direction in level.directions
        for old in reversed(against)
        for conflict in _conflicts(direction, old.type, new.type)
    ]


def _conflicts(direction: Direction, old: Type, new: Type) -> list[Conflict]:
    return conflicts(new, old) if direction is Direction.BACKWARD else conflicts(old, new)


def compatible(old: Type, new: Type) -> dict[Direction, bool]:
    """Whether each direction is free of conflicts."""
    return {direction: not _conflicts(direction, old, new) for direction in Direction}
