"""Whether a reader's schema can read what a writer's schema wrote, and every place where it cannot.

Source: Avro 1.12 specification, "Schema Resolution" and "Aliases". Where the specification leaves a choice, the choice
and its reason are in docs/schema-review.md:

- names of records, enums and fixed are compared unqualified, as the specification says since 1.12;
- of two branches of a reader's union with one unqualified name, the one with the writer's full name is taken;
- aliases of the reader are used; the specification leaves that to the implementation, and ours (fastavro) does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from schemas.review.avro import (
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
    below,
    branch_path,
    short,
)

PROMOTED = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""Writer's primitive type -> what a reader may take it for."""


class Rule(StrEnum):
    """The rule of the specification that a pair breaks."""

    TYPE = "type-mismatch"
    NAME = "name-mismatch"
    SIZE = "size-mismatch"
    SYMBOLS = "symbols-missing"
    DEFAULT = "default-missing"
    BRANCH = "branch-missing"


@dataclass(frozen=True)
class Conflict:
    """One place where the reader cannot read what the writer may have written."""

    path: str
    """Of the field, by the reader's names; by the writer's where only the writer has it."""
    rule: Rule
    why: str
    """As the end of the sentence "cannot be read, because"."""


def conflicts(reader: Type, writer: Type) -> list[Conflict]:
    """Every conflict between two schemas, each once, in the order of the reader's fields; none: it can read all."""
    resolution = _Resolution()
    resolution.pair(reader, writer, "")
    return resolution.found


@dataclass
class _Resolution:
    found: list[Conflict] = field(default_factory=list)
    met: set[tuple[int, int]] = field(default_factory=set)
    """Pairs of named types: each is judged once, and a recursive one is right unless something else of it is wrong."""

    called: dict[int, dict[str, list[Named]]] = field(default_factory=dict)
    """Branches of each union of the reader by what they may be called."""

    def wrong(self, path: str, rule: Rule, why: str) -> None:
        self.found.append(Conflict(path, rule, why))

    def pair(self, reader: Type, writer: Type, path: str) -> None:
        if isinstance(writer, Union):
            for branch in writer.branches:
                self.chosen(reader, branch, branch_path(writer, branch, path))
        else:
            self.chosen(reader, writer, path)

    def chosen(self, reader: Type, writer: Type, path: str) -> None:
        """The writer is no union here: it is the branch that a value was written with."""
        if not isinstance(reader, Union):
            return self.single(reader, writer, path)
        branch = self.branch(reader, writer)
        if branch is None:
            self.wrong(path, Rule.BRANCH, f"{writer.label} was written and is no branch of the {reader.label}")
        else:
            self.single(branch, writer, path)
        return None

    def branch(self, reader: Union, writer: Type) -> Type | None:
        """The branch for a written type: of its full name, else the first that matches."""
        if not isinstance(writer, Named):
            return next((each for each in reader.branches if _matches(each, writer)), None)
        if id(reader) not in self.called:
            self.called[id(reader)] = _by_name(reader)
        called = self.called[id(reader)]
        same = called.get(writer.name, []) + called.get(short(writer.name), [])
        return next((each for each in same if _matches(each, writer)), None)

    def single(self, reader: Type, writer: Type, path: str) -> None:
        if (id(reader), id(writer)) in self.met:
            return
        if isinstance(reader, Named):
            self.met.add((id(reader), id(writer)))
        match reader, writer:
            case Record(), Record():
                self.records(reader, writer, path)
            case Enum(), Enum():
                if self.same_name(reader, writer, path):
                    self.symbols(reader, writer, path)
            case Fixed(), Fixed():
                if self.same_name(reader, writer, path) and reader.size != writer.size:
                    self.wrong(path, Rule.SIZE, f"{writer.size} bytes were written and {reader.size} are expected")
            case Array(), Array():
                self.pair(reader.items, writer.items, f"{path}[]")
            case Map(), Map():
                self.pair(reader.values, writer.values, f"{path}{{}}")
            case _ if not _is_promoted(reader, writer):
                self.wrong(path, Rule.TYPE, f"{writer.label} was written and {reader.label} is expected")

    def same_name(self, reader: Named, writer: Named, path: str) -> bool:
        if _is_called(reader, writer):
            return True
        self.wrong(path, Rule.NAME, f"{writer.label} was written, and {reader.label} has no alias {writer.name}")
        return False

    def symbols(self, reader: Enum, writer: Enum, path: str) -> None:
        known = set(reader.symbols)
        lost = [each for each in writer.symbols if each not in known]
        if lost and reader.default is None:
            names = ", ".join(lost)
            self.wrong(
                path, Rule.SYMBOLS, f"{names} may have been written, and {reader.label} has neither it nor a default"
            )

    def records(self, reader: Record, writer: Record, path: str) -> None:
        if not self.same_name(reader, writer, path):
            return
        for each in reader.fields:
            here = below(path, each.name)
            source = written_as(each, reader, writer)
            if source:
                self.pair(each.type, source.type, here)
            elif not each.has_default:
                self.wrong(here, Rule.DEFAULT, "no value is written for it, and it has no default")


def written_as(wanted: Field, reader: Record, writer: Record) -> Field | None:
    """The writer's field that a reader's field takes its value from: of its name, else of one of its aliases that is
    not the name of another field of the reader."""
    found = writer.get(wanted.name)
    if found is None:
        free = (each for each in wanted.aliases if reader.get(each) is None)
        found = next((writer.get(each) for each in free if writer.get(each)), None)
    return found


def _by_name(union: Union) -> dict[str, list[Named]]:
    """Named branches by full name, by alias, and by short name, each in their order."""
    found: dict[str, list[Named]] = {}
    for each in union.branches:
        if isinstance(each, Named):
            for name in dict.fromkeys((each.name, *each.aliases, short(each.name))):
                found.setdefault(name, []).append(each)
    return found


def _is_promoted(reader: Type, writer: Type) -> bool:
    same = isinstance(reader, Primitive) and isinstance(writer, Primitive) and reader.kind == writer.kind
    return same or reader.kind in PROMOTED.get(writer.kind, ())


def _is_called(reader: Named, writer: Named) -> bool:
    return short(reader.name) == short(writer.name) or writer.name in reader.aliases


def _matches(reader: Type, writer: Type) -> bool:
    """Whether they "match" as the specification defines it: containers by content, named types by name and size."""
    match reader, writer:
        case (Union(), _) | (_, Union()):
            return True
        case Array(), Array():
            return _matches(reader.items, writer.items)
        case Map(), Map():
            return _matches(reader.values, writer.values)
        case Fixed(), Fixed():
            return _is_called(reader, writer) and reader.size == writer.size
        case Record(), Record():
            return _is_called(reader, writer)
        case Enum(), Enum():
            return _is_called(reader, writer)
    return _is_promoted(reader, writer)
