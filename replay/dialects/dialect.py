"""What a dialect is: the headers it writes, what they mean, what to beware of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psfabric.event import HeaderList
from replay.dialects.values import Reader, Value


@dataclass(frozen=True, slots=True)
class Field:
    """One neutral field (`topic`, `partition`, `offset`, `group`, `stage`, `code`, `exception`, `message`,
    `first_failed_at`; any other name is a detail) and the headers that carry it: of several the last one counts."""

    name: str
    headers: tuple[str, ...]
    read: Reader


@dataclass(frozen=True, slots=True)
class Part:
    """Headers that a failure writes together, beginning with one of `anchor`; a second failure begins a second block.

    `renewed`: a second failure takes the first one's away, but leaves those it has no value for. They stand before the
    anchor then, and are not its own.
    """

    anchor: tuple[str, ...]
    fields: tuple[Field, ...]
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class Trap:
    """What to beware of before a dead letter of the dialect is sent again; `when` says whether it concerns this one,
    by its key, the size of its value (None: no value) and its details."""

    says: str
    when: Callable[[bytes | None, int | None, Mapping[str, Value]], bool] = lambda key, size, details: True


@dataclass(frozen=True, slots=True)
class Dialect:
    """`families` are its header names, `prefix*` for all that begin so.

    `present` says whether a record is of it, where a name of the families alone does not. The first part counts the
    failures. `derive` adds from what was read; what it adds that no header carries stands in `derives`.
    """

    name: str
    title: str
    families: tuple[str, ...]
    parts: tuple[Part, ...]
    traps: tuple[Trap, ...]
    derives: tuple[str, ...] = ()
    derive: Callable[[Mapping[str, Value]], Mapping[str, Value]] = lambda found: {}
    present: Callable[[HeaderList], bool] = lambda headers: True
