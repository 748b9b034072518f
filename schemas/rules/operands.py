"""Paths of rules: parsed against a schema once, read from events often.

    net.amount              a field of a record in the event
    lines[].amount.amount   that field of every line
    $.currency              from the event, where the rule otherwise speaks of one element of a list (`each`)
    @assignment.end_date    a field of an object that the event names by its id (`across`)

`""`, null, the empty list and empty bytes are *none*, and so is everything under a record that is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

ROOT = "$."
NAMED = "@"
_PATH = re.compile(r"(\$\.|@)?[a-z][a-z0-9_]*(\[\])?(\.[a-z][a-z0-9_]*(\[\])?)*")


class Kind(StrEnum):
    """What a value is to a rule; two values can be compared when they are of one kind."""

    NUMBER = "number"
    DATE = "date"
    INSTANT = "instant"
    TEXT = "text"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    RECORD = "record"
    LIST = "list"
    MAP = "map"


NUMBERS = (int, Decimal)
"""Kinds of values of which zero, and false, is a value and not none."""

SCALARS = (Kind.NUMBER, Kind.DATE, Kind.INSTANT, Kind.TEXT, Kind.BOOLEAN)
ORDERED = (Kind.NUMBER, Kind.DATE, Kind.INSTANT)
_KINDS = {
    "int": Kind.NUMBER,
    "long": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "date": Kind.DATE,
    "timestamp-micros": Kind.INSTANT,
    "string": Kind.TEXT,
    "enum": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "bytes": Kind.BYTES,
    "record": Kind.RECORD,
    "array": Kind.LIST,
    "map": Kind.MAP,
}


class Misfit(ValueError):
    """A rule does not fit its schema; the message says how."""


@dataclass(frozen=True)
class Shape:
    """Where paths begin: a record type with all named types of its schema."""

    record: Mapping[str, Any]
    types: Mapping[str, Mapping[str, Any]]
    masked: bool = False

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Shape:
        types: dict[str, Mapping[str, Any]] = {}
        _collect(schema, types)
        return cls(schema, types)

    def beside(self, name: str, other: Shape) -> Shape:
        """This record with another one beside its fields, as `@name`."""
        field = {"name": NAMED + name, "type": other.record}
        fields = [*self.record.get("fields", ()), field]
        return Shape({**self.record, "fields": fields}, {**other.types, **self.types}, self.masked)

    def resolved(self, node: Any) -> Mapping[str, Any]:
        """A type without the null of its union, with a name replaced by what it names."""
        if isinstance(node, list):
            node = next((part for part in node if part != "null"), "null")
        if isinstance(node, str):
            return self.types.get(node, {"type": node})
        found: Mapping[str, Any] = node
        return self.resolved(found["type"]) if isinstance(found["type"], dict) else found

    def field(self, name: str, so_far: str) -> Mapping[str, Any]:
        fields = {part["name"]: part for part in self.record.get("fields", ())}
        if name in fields:
            found: Mapping[str, Any] = fields[name]
            return found
        near = get_close_matches(name, fields, n=1, cutoff=0.5)
        hint = f"did you mean {so_far}{near[0]}?" if near else f"there are {', '.join(fields)}"
        raise Misfit(f"there is no field {so_far}{name}; {hint}")


def _collect(node: Any, types: dict[str, Mapping[str, Any]]) -> None:
    if isinstance(node, list):
        for part in node:
            _collect(part, types)
    elif isinstance(node, dict):
        if node.get("type") in ("record", "enum"):
            types[f"{node['namespace']}.{node['name']}"] = node
        for key in ("type", "items", "values", "fields"):
            _collect(node.get(key), types)


@dataclass(frozen=True)
class Operand:
    """A path that fits its schema. `read` gives its values, in order, none as None."""

    text: str
    kind: Kind
    unit: str
    """Unit of a number, "" for anything else."""
    symbols: tuple[str, ...]
    """What an enum may say; empty for anything else."""
    masked: bool
    """It, or a record around it, is personal or confidential: its values are not told."""
    many: bool
    """It goes through a list."""
    rooted: bool
    """It begins at the event, not at the element that the rule speaks of."""
    inner: Shape | None
    """Of the records that it names, or of those in the list."""
    _parts: tuple[tuple[str, ...], ...]

    @property
    def list_name(self) -> tuple[bool, tuple[tuple[str, ...], ...]]:
        """Which list it goes through: two paths with the same name give values for the same elements, in order."""
        return self.rooted, self._parts[:-1]

    def value(self) -> Callable[[Any, Any], Any]:
        """A function of (event, element) that gives the one value of a path without a list."""
        return _from(self._parts[0], self.rooted)

    def values(self) -> Callable[[Any, Any], Sequence[Any]]:
        """A function of (event, element) that gives all values."""
        if not self.many:
            only = self.value()
            return lambda event, element: (only(event, element),)
        first, *lists, last = self._parts
        begin, inside, end = _from(first, self.rooted), [_reader(part) for part in lists], _reader(last)

        def read(event: Any, element: Any) -> Sequence[Any]:
            found = begin(event, element) or ()
            for each in inside:
                found = [item for one in found for item in each(one) or ()]
            return [end(item) for item in found]

        return read

    def places(self, event: Any, element: Any) -> list[str]:
        """Where each of the values stands, e.g. `lines[2].amount.amount`, in the order of `values`."""
        found = [(event if self.rooted else element, ROOT if self.rooted else "")]
        *lists, last = self._parts
        for part in lists:
            inside = _reader(part)
            name = ".".join(part)
            found = [
                (item, f"{place}{name}[{index}].")
                for each, place in found
                for index, item in enumerate(inside(each) or ())
            ]
        return [f"{place}{'.'.join(last)}".rstrip(".") for _, place in found]

    def shown(self, value: Any) -> str:
        """A value as a message may tell it."""
        if value is None:
            return "none"
        if self.masked:
            return "(protected)"
        return value.isoformat() if isinstance(value, date) else str(value)


def operand(path: str, shape: Shape, event: Shape) -> Operand:
    """A path, from `shape` or from the whole event, as an operand. Raises `Misfit`."""
    if not _PATH.fullmatch(path):
        raise Misfit(f"{path!r} is no path; write names with dots, [] after a list: lines[].amount.amount")
    rooted = path.startswith((ROOT, NAMED))
    here = event if rooted else shape
    masked, so_far = here.masked, ""
    parts: list[list[str]] = [[]]
    steps = path.removeprefix(ROOT).split(".")
    for index, step in enumerate(steps):
        name = step.removesuffix("[]")
        field = here.field(name, so_far)
        node = here.resolved(field["type"])
        masked = masked or "classification" in field
        parts[-1].append(name)
        so_far += f"{step}."
        if step.endswith("[]"):
            if node["type"] != "array":
                raise Misfit(f"{so_far[:-1]}: {name} is no list")
            node = here.resolved(node["items"])
            parts.append([])
        here = Shape(node, here.types, masked)
        if index + 1 < len(steps) and node["type"] != "record":
            why = "a list; put [] behind its name" if node["type"] == "array" else f"no record ({node['type']})"
            raise Misfit(f"{path}: {name} is {why}")
    return Operand(
        path,
        _KINDS[node.get("logicalType", node["type"])],
        field.get("unit", ""),
        tuple(node.get("symbols", ())),
        masked,
        len(parts) > 1,
        rooted,
        here if node["type"] == "record" else None,
        tuple(tuple(part) for part in parts),
    )


def _reader(names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A function that follows names from a record, a model or its fields; what is none comes out as None."""
    if len(names) == 1:
        (only,) = names

        def read_one(found: Any) -> Any:
            found = found.get(only) if isinstance(found, dict) else getattr(found, only, None)
            return found if found or isinstance(found, NUMBERS) else None

        return read_one

    def read(found: Any) -> Any:
        for name in names:
            found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
        return found if found or isinstance(found, NUMBERS) else None

    return read


def _from(names: tuple[str, ...], rooted: bool) -> Callable[[Any, Any], Any]:
    """As `_reader`, from the event or from the element. It is most of what a rule costs, so there is no call in it."""
    if rooted:
        read = _reader(names)
        return lambda event, element: read(event)
    if len(names) == 1:
        (only,) = names

        def read_one(event: Any, found: Any) -> Any:
            found = found.get(only) if isinstance(found, dict) else getattr(found, only, None)
            return found if found or isinstance(found, NUMBERS) else None

        return read_one

    def read_all(event: Any, found: Any) -> Any:
        for name in names:
            found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
        return found if found or isinstance(found, NUMBERS) else None

    return read_all
