"""A schema as the review sees it: types with full names, every reference followed, recursion included.

`schemas.review.parse` makes these from JSON. A type that is used in several places is one object, so a walk that
remembers what it has seen ends, also where a record contains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")

SHOWN = 8
"""Branches of a union that a sentence names."""

Attributes = Mapping[str, Any]
"""What else a JSON object says: `doc`, `logicalType`, `precision`, and tags such as `unit` or `classification`."""


@dataclass(eq=False, slots=True)
class Primitive:
    kind: str
    attributes: Attributes = field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.kind


@dataclass(eq=False, slots=True)
class Array:
    items: Type
    attributes: Attributes = field(default_factory=dict)
    kind: str = "array"
    label: str = "array"


@dataclass(eq=False, slots=True)
class Map:
    values: Type
    attributes: Attributes = field(default_factory=dict)
    kind: str = "map"
    label: str = "map"


@dataclass(eq=False, slots=True)
class Union:
    branches: tuple[Type, ...]
    attributes: Attributes = field(default_factory=dict)
    kind: str = "union"

    @property
    def label(self) -> str:
        shown = [branch.label for branch in self.branches[:SHOWN]] or ["nothing"]
        more = len(self.branches) - SHOWN
        return f"union of {', '.join(shown)}{f' and {more} more' if more > 0 else ''}"

    @property
    def nullable(self) -> bool:
        return any(branch.kind == "null" for branch in self.branches)

    @property
    def others(self) -> tuple[Type, ...]:
        """The branches besides null."""
        return tuple(branch for branch in self.branches if branch.kind != "null")


@dataclass(eq=False, slots=True)
class Enum:
    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    aliases: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    kind: str = "enum"

    @property
    def label(self) -> str:
        return f"enum {self.name}"


@dataclass(eq=False, slots=True)
class Fixed:
    name: str
    size: int
    aliases: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    kind: str = "fixed"

    @property
    def label(self) -> str:
        return f"fixed {self.name}"


@dataclass(eq=False, slots=True)
class Field:
    name: str
    type: Type
    default: Any = None
    has_default: bool = False
    aliases: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)

    @property
    def doc(self) -> str:
        return text(self.attributes, "doc")

    @property
    def optional(self) -> bool:
        return isinstance(self.type, Union) and self.type.nullable


@dataclass(eq=False, slots=True)
class Record:
    name: str
    aliases: tuple[str, ...] = ()
    attributes: Attributes = field(default_factory=dict)
    by_name: dict[str, Field] = field(default_factory=dict)
    """Its fields in their order; filled after the record is made, since a field may hold the record itself."""
    kind: str = "record"

    @property
    def label(self) -> str:
        return f"record {self.name}"

    @property
    def fields(self) -> list[Field]:
        return list(self.by_name.values())

    def get(self, name: str) -> Field | None:
        return self.by_name.get(name)


Named = Record | Enum | Fixed
Type = Primitive | Array | Map | Union | Enum | Fixed | Record


def short(name: str) -> str:
    """The unqualified name: `psf.time.TimeApproved` is `TimeApproved`."""
    return name.rpartition(".")[2]


def namespace(name: str) -> str:
    return name.rpartition(".")[0]


def text(attributes: Attributes, key: str) -> str:
    """An attribute that should be text; "" where it is not there or is something else."""
    value = attributes.get(key)
    return value if isinstance(value, str) else ""


def below(path: str, name: str) -> str:
    """Path of a field: `lines[].amount`; the root of a schema is ""."""
    return f"{path}.{name}" if path else name


def parts(node: Type, path: str) -> Iterator[tuple[str, Type]]:
    """The types directly inside one, each with its path: `[]` for items, `{}` for values, `<name>` for a branch
    where a union has several besides null."""
    match node:
        case Array():
            yield f"{path}[]", node.items
        case Map():
            yield f"{path}{{}}", node.values
        case Union():
            for branch in node.branches:
                yield branch_path(node, branch, path), branch
        case Record():
            for each in node.fields:
                yield below(path, each.name), each.type


def branch_path(union: Union, branch: Type, path: str) -> str:
    if len(union.others) <= 1:
        return path
    return f"{path}<{short(branch.name) if isinstance(branch, Record | Enum | Fixed) else branch.kind}>"


def walk(node: Type, path: str = "") -> Iterator[tuple[str, Type]]:
    """Every type of a schema once, outermost first, with the path at which it is met first."""
    seen: set[int] = set()
    waiting = [(path, node)]
    while waiting:
        at, found = waiting.pop()
        if id(found) not in seen:
            seen.add(id(found))
            yield at, found
            waiting.extend(reversed(list(parts(found, at))))
