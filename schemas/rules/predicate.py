"""What every predicate of the vocabulary is: read from TOML, fitted to a schema once, then asked of each event."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from schemas.catalogue import Entry
from schemas.rules.operands import SCALARS, Kind, Misfit, Operand, Shape, operand

Literal = bool | int | str | datetime | date


class Fault(NamedTuple):
    """One place where a predicate does not hold, relative to the element, and what is so there."""

    place: str
    says: str


Check = Callable[[Any, Any], Sequence[Fault]]
"""A function of (event, element): the faults, none when it holds. Without `each` the element is the event."""


def holds(event: Any, element: Any) -> Sequence[Fault]:
    """A check that never finds anything."""
    return ()


@dataclass
class Scope:
    """Where a predicate finds its operands. What does not fit is noted, so that all of it is told at once."""

    shape: Shape
    event: Shape
    mistakes: list[str] = field(default_factory=list)
    read: list[Operand] = field(default_factory=list)
    """What was found so far."""

    def one(self, path: str, kinds: Sequence[Kind] = SCALARS) -> Operand | None:
        """A path to one value."""
        found = self.any(path, kinds)
        if found and found.many:
            self.mistakes.append(f"{path}: names many values; one is needed here")
            return None
        return found

    def many(self, path: str, kinds: Sequence[Kind] = SCALARS) -> Operand | None:
        """A path through a list."""
        found = self.any(path, kinds)
        if found and not found.many:
            self.mistakes.append(f"{path}: names one value; a path through a list is needed here, e.g. lines[].amount")
            return None
        return found

    def any(self, path: str, kinds: Sequence[Kind] = tuple(Kind)) -> Operand | None:
        """A path to one value or many."""
        try:
            found = operand(path, self.shape, self.event)
        except Misfit as error:
            self.mistakes.append(str(error))
            return None
        if found.kind not in kinds:
            self.mistakes.append(f"{path}: is a {found.kind}; allowed here: {', '.join(kinds)}")
            return None
        self.read.append(found)
        return found

    def alike(self, *operands: Operand | None) -> bool:
        """Whether all were found, are of one kind, and are counted in one unit; a difference is noted."""
        if None in operands:
            return False
        first, *others = [each for each in operands if each]
        for each in others:
            if each.kind is not first.kind:
                self.mistakes.append(f"{each.text} is a {each.kind} and {first.text} a {first.kind}")
            elif each.unit != first.unit:
                self.mistakes.append(f"{each.text} is in {each.unit!r} and {first.text} in {first.unit!r}")
        return not self.mistakes

    def literal(self, value: Literal, like: Operand) -> Any:
        """A value of the rule file as one to compare with those of a path; None, and a note, when it is no such."""
        try:
            return _converted(value, like)
        except (ValueError, InvalidOperation):
            allowed = f"one of {', '.join(like.symbols)}" if like.symbols else _WRITTEN[like.kind]
            self.mistakes.append(f"{like.text}: {value!r} does not fit; it takes {allowed}")
            return None


_WRITTEN = {
    Kind.NUMBER: 'a whole number, or a decimal in quotes: "0.50"',
    Kind.DATE: "a date: 2026-06-30",
    Kind.INSTANT: "an instant with its offset: 2026-06-30T00:00:00Z",
    Kind.TEXT: "a text",
    Kind.BOOLEAN: "true or false",
}


def _converted(value: Literal, like: Operand) -> Any:
    match like.kind, value:
        case Kind.BOOLEAN, bool():
            return value
        case Kind.NUMBER, int() if not isinstance(value, bool):
            return Decimal(value)
        case Kind.NUMBER, str() if Decimal(value).is_finite():
            return Decimal(value)
        case Kind.INSTANT, datetime() if value.tzinfo:
            return value
        case Kind.DATE, date() if not isinstance(value, datetime):
            return value
        case Kind.TEXT, str() if value in like.symbols or (value and not like.symbols):
            return value
    raise ValueError(value)


class Predicate(Entry):
    """One word of the vocabulary with its operands."""

    @abstractmethod
    def fit(self, scope: Scope) -> Check:
        """The check of this predicate; what does not fit the schema is noted in the scope."""

    @abstractmethod
    def words(self) -> str:
        """What must hold, as the catalogue says it; paths stand in backticks."""


class Paths(Predicate):
    """A word about one path, or a list of them."""

    paths: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"paths": [given]}
        return {"paths": given} if isinstance(given, list) else given


def ticked(paths: Sequence[str], joint: str = ", ") -> str:
    return joint.join(f"`{path}`" for path in paths)
