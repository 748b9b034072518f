"""The Avro files as Python sees them: which events there are, their schemas, and the enriched ones derived from them.

File name and content agree: `avro/<entity>.<Event>_v<major>.avsc` holds the record `psf.<entity>.<Event>`, and
`avro/enrichment/<entity>.<Event>_v<major>.avsc` holds what is appended to it on the way to a target.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

AVRO = Path(__file__).parent / "avro"
ENRICHED = "enriched."

Schema = dict[str, Any]
Classification = Literal["internal", "confidential", "personal"]
CLASSIFICATIONS: tuple[Classification, ...] = ("internal", "confidential", "personal")
"""From the least to the most protected; a field without a tag is internal."""

PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))

_FILE = re.compile(r"(?P<event>[a-z]+\.[A-Z][A-Za-z]+)_v(?P<major>[1-9][0-9]*)\.avsc")


_MAJOR = re.compile(r"\.v[1-9][0-9]*$")
"""End of the namespace of a record; nothing for major 1."""


class UnknownEvent(LookupError):
    """A name that is no event of the contract; the message names the nearest ones."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are {len(known)}, see schemas.events()"
        super().__init__(f"no event {name!r} in the contract{hint}")

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class EventName:
    """The names that one event goes by: `time.TimeApproved`, or `enriched.time.TimeApproved`, of one major version."""

    entity: str
    name: str
    major: int
    enriched: bool = False

    @property
    def event(self) -> str:
        return f"{ENRICHED if self.enriched else ''}{self.entity}.{self.name}"

    @property
    def ce_type(self) -> str:
        return f"psf.{self.event}.v{self.major}"

    @property
    def subject(self) -> str:
        """Full name of the Avro record. From major 2 on it has the major in it: a subject holds what is compatible."""
        space = "enriched" if self.enriched else self.entity
        return f"psf.{space}.{self.name}" if self.major == 1 else f"psf.{space}.v{self.major}.{self.name}"


def read(path: Path) -> Schema:
    """The schema in a file, as JSON; a file that is no JSON object raises `ValueError` naming file and line."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(schema, dict):
        raise ValueError(f"{path.name}: an .avsc file holds one record, not a {type(schema).__name__}")
    return schema


def majors(folder: Path) -> dict[str, tuple[EventName, ...]]:
    """Event -> its majors among the files of one folder, the lowest first; events sorted.

    A file whose name is no event's raises `ValueError`, and so does a major that is missing between two others.
    """
    found: dict[str, list[EventName]] = {}
    for path in sorted(folder.glob("*_v*.avsc")):
        match = _FILE.fullmatch(path.name)
        if not match:
            raise ValueError(f"{path.name}: a schema file is named <entity>.<Event>_v<major>.avsc")
        entity, _, name = match["event"].partition(".")
        found.setdefault(match["event"], []).append(EventName(entity, name, int(match["major"])))
    for event, names in found.items():
        names.sort(key=lambda each: each.major)
        for low, high in pairwise(names):
            if high.major != low.major + 1:
                raise ValueError(f"{event} has a major {low.major} and a major {high.major}, and none between them")
    return {event: tuple(names) for event, names in found.items()}


def named(folder: Path) -> dict[str, EventName]:
    """Event -> the name of its highest major, which is the one that is served. Raises `ValueError` as `majors`."""
    return {event: names[-1] for event, names in majors(folder).items()}


@cache
def names() -> dict[str, EventName]:
    """Every event by name: canonical ones first, then enriched ones, each sorted."""
    canonical, added = named(AVRO), named(AVRO / "enrichment")
    for event, name in added.items():
        if event in canonical and canonical[event].major != name.major:
            raise ValueError(
                f"{event} has major {canonical[event].major} and its enrichment major {name.major}; they go together: "
                f"write enrichment/{event}_v{canonical[event].major}.avsc"
            )
    derived = [EventName(n.entity, n.name, n.major, enriched=True) for n in added.values()]
    return canonical | {n.event: n for n in derived}


def events() -> tuple[str, ...]:
    """Every event that has a schema to register: `billing.BillingRequested` … `enriched.time.TimeApproved` …"""
    return tuple(names())


def name_of(event: str) -> EventName:
    """The names of an event; `UnknownEvent` when there is none."""
    try:
        return names()[event]
    except KeyError:
        raise UnknownEvent(event, events()) from None


def enrichment(event: str) -> Schema:
    """The enrichment record of a canonical event; `UnknownEvent` when it has none."""
    return _read(name_of(ENRICHED + event.removeprefix(ENRICHED)), AVRO / "enrichment")


def _read(name: EventName, folder: Path) -> Schema:
    return read(folder / f"{name.entity}.{name.name}_v{name.major}.avsc")


def schema_of(name: EventName) -> Schema:
    """The schema of one major of an event."""
    canonical = _read(name, AVRO)
    return enriched(canonical, _read(name, AVRO / "enrichment")) if name.enriched else canonical


def enriched(canonical: Schema, enrichment: Schema) -> Schema:
    """The schema of the enriched event: the fields of the canonical record followed by one `enrichment` record.

    The bytes of an enriched record are therefore the bytes of the canonical one plus those of the enrichment. Nested
    types keep their names: where one leaves its namespace to the record, as in every schema that a registry gives
    back, it is stated, or the type would be renamed with the record.
    """
    canonical = stated(canonical, "")
    major = _MAJOR.search(canonical["namespace"])
    appended = {"name": "enrichment", "type": enrichment, "doc": f"What the fabric added: {enrichment['doc']}"}
    return {
        **canonical,
        "name": canonical["name"],
        "namespace": f"psf.enriched{major[0] if major else ''}",
        "doc": f"One copy for one target, enriched and routed. {canonical['doc']}",
        "fields": [*canonical["fields"], appended],
    }


def stated(node: Any, around: str = "") -> Any:
    """A type whose names and references are all full ones; `around` is the namespace that short ones mean."""
    match node:
        case str():
            return node if node in PRIMITIVES or "." in node or not around else f"{around}.{node}"
        case list():
            return [stated(branch, around) for branch in node]
        case {"type": "record" | "enum" | "fixed", "name": str(name)}:
            own = name.rpartition(".")[0] or node.get("namespace", around)
            named = node if "." in name else {**node, "namespace": own}
            fields = [{**part, "type": stated(part["type"], own)} for part in node.get("fields", ())]
            return {**named, "fields": fields} if "fields" in node else named
        case {"type": "array", "items": items}:
            return {**node, "items": stated(items, around)}
        case {"type": "map", "values": values}:
            return {**node, "values": stated(values, around)}
        case {"type": inner}:
            return {**node, "type": stated(inner, around)}
    return node


def named_types(node: Any) -> list[Schema]:
    """Every record, enum and fixed defined inside a JSON node."""
    if isinstance(node, list):
        return [found for part in node for found in named_types(part)]
    if not isinstance(node, dict):
        return []
    here = [node] if node.get("type") in ("record", "enum", "fixed") else []
    return here + [found for key in ("type", "items", "values", "fields") for found in named_types(node.get(key))]


def avro(event: str) -> Schema:
    """The schema of an event as parsed JSON, self-contained; a fresh copy at each call. Raises `UnknownEvent`."""
    parsed: Schema = json.loads(avro_text(event))
    return parsed


@cache
def avro_text(event: str) -> str:
    """The exact text that is registered for an event: compact JSON, attributes and fields in the order of the file."""
    return json.dumps(schema_of(name_of(event)), ensure_ascii=False, separators=(",", ":"))


def head_schema() -> Schema:
    """The record of just the eight head fields: as writer schema it reads the head of any event and stops there."""
    return read(AVRO / "head.avsc")


def classified(event: str) -> dict[str, Classification]:
    """Classification of each field that carries a tag, by dotted path (`posting.rate.amount`); the rest is internal."""
    found: dict[str, Classification] = {}
    _classify(avro(event), "", {}, found)
    return found


@cache
def classification(event: str) -> Classification:
    """The highest classification of any field of an event: what `ce_dataclassification` says."""
    return max(classified(event).values(), key=CLASSIFICATIONS.index, default="internal")


def _classify(node: Any, path: str, types: dict[str, Schema], found: dict[str, Classification]) -> None:
    if isinstance(node, str) and node in types:
        node = types[node]
    if isinstance(node, list):
        for part in node:
            _classify(part, path, types, found)
    if not isinstance(node, dict):
        return
    if node.get("type") == "record":
        types[f"{node['namespace']}.{node['name']}"] = node
        for field in node["fields"]:
            inner = f"{path}.{field['name']}" if path else field["name"]
            if "classification" in field:
                found[inner] = field["classification"]
            _classify(field["type"], inner, types, found)
    else:
        _classify(node.get("items", node.get("values")), path, types, found)
