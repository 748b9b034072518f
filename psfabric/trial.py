"""Records tried with a reader that is only proposed: which of them could no longer be read, and why.

Bytes are read as the codec reads them, with their writer's schema resolved to the proposed one, and what the proposal
asks of texts and numbers (`pattern`, `minimum`) is asked of them: a record that breaks it is a dead letter, too. What
today's reader cannot read either, and what is no record of its writer, is not the proposal's fault and counted apart.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType

from psfabric.codec import UNREADABLE, framed_id
from psfabric.errors import Invalid
from schemas import review
from schemas.review.definitions import full_name
from schemas.review.resolve import conflicts

FRAME = 5
"""Bytes before the Avro: the magic byte and the id of the writer's schema."""

NAMED = 3
"""Conflicts that a cause names; further ones are counted."""


UNPARSABLE = (SchemaParseException, UnknownType, ValueError, LookupError, TypeError, RecursionError)
"""What fastavro raises for what it takes for no schema."""


class Verdict(StrEnum):
    READ = "read"
    STRANDED = "stranded"
    ALREADY = "already stranded"
    OTHER = "other event"
    UNKNOWN = "writer unknown"
    NO_EVENT = "no event"
    NO_VALUE = "no value"


VERDICTS: Mapping[Verdict, str] = {
    Verdict.READ: "can be read",
    Verdict.STRANDED: "would strand",
    Verdict.ALREADY: "cannot be read today either",
    Verdict.OTHER: "are of events that are not proposed anew",
    Verdict.UNKNOWN: "have a writer's schema that the registry does not know",
    Verdict.NO_EVENT: "are no events, or no whole ones",
    Verdict.NO_VALUE: "have no value",
}


class Writers(Protocol):
    def writer(self, schema_id: int) -> dict[str, Any]:
        """Raises Invalid for an id that is unknown, or of no record; Transient when nobody can say now."""


@dataclass(frozen=True)
class Proposal:
    """A schema (self-contained JSON) as it shall be, under which `names` its records are known, and as it is today."""

    label: str
    names: frozenset[str]
    schema: dict[str, Any]
    today: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    verdict: Verdict
    label: str = ""
    cause: str = ""
    """Why it would strand: field, rule and types, never a value of the record."""


def readable(schema: dict[str, Any]) -> bool:
    """Whether the library that reads records takes it for a schema."""
    try:
        fastavro.parse_schema(schema)
    except UNPARSABLE:
        return False
    return True


@dataclass
class Trial:
    """Tries values. Raises Transient when the registry gives no answer."""

    writers: Writers
    proposals: Iterable[Proposal]
    _readers: dict[str, _Reader] = field(init=False)
    _known: dict[int, _Writer | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._readers = {name: reader for each in self.proposals for reader in [_Reader(each)] for name in each.names}

    def __call__(self, value: bytes | None) -> Tried:
        if value is None:
            return Tried(Verdict.NO_VALUE)
        try:
            id = framed_id(value)
        except Invalid as error:
            return Tried(Verdict.UNKNOWN if error.code == "schema-unknown" else Verdict.NO_EVENT)
        writer = self._writer(id)
        if writer is None:
            return Tried(Verdict.UNKNOWN)
        reader = self._readers.get(writer.name)
        if reader is None:
            return Tried(Verdict.OTHER)
        return reader.tried(writer, value)

    def _writer(self, id: int) -> _Writer | None:
        """None for what the registry does not know, or is no Avro. Asked once for each id."""
        if id not in self._known:
            try:
                self._known[id] = _Writer(id, self.writers.writer(id))
            except (Invalid, *UNPARSABLE):
                self._known[id] = None
        return self._known[id]


class _Writer:
    def __init__(self, id: int, schema: dict[str, Any]) -> None:
        self.id, self.json = id, schema
        self.parsed = fastavro.parse_schema(schema)
        self.name = full_name(schema, "")


class _Reader:
    def __init__(self, proposal: Proposal) -> None:
        self._proposal = proposal
        self._new = _Resolved(proposal.schema)
        self._today = _Resolved(proposal.today) if proposal.today is not None else None
        self._conflicts: dict[int, str] = {}

    def tried(self, writer: _Writer, value: bytes) -> Tried:
        failed = self._new.fails(writer, value)
        if failed is None:
            return Tried(Verdict.READ, self._proposal.label)
        if _read(writer, value, None) is None:
            return Tried(Verdict.NO_EVENT)
        if self._today is not None and self._today.fails(writer, value) is not None:
            return Tried(Verdict.ALREADY, self._proposal.label)
        return Tried(Verdict.STRANDED, self._proposal.label, failed or self._why(writer))

    def _why(self, writer: _Writer) -> str:
        """What keeps the two schemas apart."""
        if writer.id not in self._conflicts:
            reader = review.parse(self._proposal.schema).type
            found = conflicts(reader, review.parse(writer.json).type)
            told = [f"{f'`{each.path}`' if each.path else 'the whole'}: {each.why}" for each in found[:NAMED]]
            more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
            self._conflicts[writer.id] = "; ".join((*told, *more)) or "the library that reads it cannot resolve it"
        return self._conflicts[writer.id]


class _Resolved:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._parsed = fastavro.parse_schema(schema)
        self._constraint = _constraint(schema, {})

    def fails(self, writer: _Writer, value: bytes) -> str | None:
        """None when it can be read; else what it breaks, "" when the bytes cannot be resolved."""
        fields = _read(writer, value, self._parsed)
        if fields is None:
            return ""
        return self._constraint(fields, "") if self._constraint else None


def _read(writer: _Writer, value: bytes, schema: Any) -> Any:
    """The fields of a record; None when they cannot be read, or bytes are left."""
    body = io.BytesIO(value)
    body.seek(FRAME)
    try:
        fields = fastavro.schemaless_reader(body, writer.parsed, schema)
    except (SchemaResolutionError, AttributeError, *UNREADABLE):
        return None
    return fields if body.tell() == len(value) else None


# ------------------------------------------------------------------------------------------------ constraints

Constraint = Callable[[Any, str], str | None]
"""A value and its path to what it breaks; None when it keeps all."""


def _constraint(node: Any, types: dict[str, Constraint | None]) -> Constraint | None:
    """What `pattern` and `minimum` ask inside a type; None when nothing. Names are full ones; a type that is inside of
    itself is not followed."""
    if isinstance(node, str):
        return types.get(node)
    if isinstance(node, list):
        branches = [each for each in node if each != "null"]
        return _optional(_constraint(branches[0], types)) if len(branches) == 1 else None
    kind = node.get("type")
    if kind == "record":
        name = full_name(node, "")
        types[name] = None
        fields = [(each["name"], found) for each in node["fields"] if (found := _of_field(each, types))]
        types[name] = _all(fields) if fields else None
        return types[name]
    if kind in ("array", "map"):
        inner = _constraint(node["items" if kind == "array" else "values"], types)
        return _each(inner) if inner else None
    return _constraint(kind, types) if isinstance(kind, dict | list) else types.get(kind)


def _optional(inner: Constraint | None) -> Constraint | None:
    return inner and (lambda value, path: None if value is None else inner(value, path))


def _of_field(declared: dict[str, Any], types: dict[str, Constraint | None]) -> Constraint | None:
    inner = _constraint(declared["type"], types)
    own = [each for each in (_pattern(declared.get("pattern")), _minimum(declared.get("minimum"))) if each]
    asked = [*own, *([inner] if inner else [])]
    return (lambda value, path: next((said for each in asked if (said := each(value, path))), None)) if asked else None


def _pattern(pattern: Any) -> Constraint | None:
    if not isinstance(pattern, str):
        return None
    try:
        compiled = re.compile(pattern)
    except re.error:
        return None
    said = f"it breaks the pattern {pattern}"
    return lambda v, path: f"`{path}`: {said}" if isinstance(v, str) and not compiled.search(v) else None


def _minimum(least: Any) -> Constraint | None:
    if not isinstance(least, int | float) or isinstance(least, bool):
        return None
    said = f"it is less than {least}"
    return lambda v, path: f"`{path}`: {said}" if isinstance(v, int | float | Decimal) and v < least else None


def _all(fields: list[tuple[str, Constraint]]) -> Constraint:
    def check(value: Any, path: str) -> str | None:
        where = f"{path}." if path else ""
        return next((said for name, each in fields if (said := each(value.get(name), where + name))), None)

    return check


def _each(inner: Constraint) -> Constraint:
    def check(values: Any, path: str) -> str | None:
        inside = values.values() if isinstance(values, dict) else values
        return next((said for each in inside if (said := inner(each, f"{path}[]"))), None)

    return check
