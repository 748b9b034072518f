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
        """Full name of the Avro record."""
        return f"psf.enriched.{self.name}" if self.enriched else f"psf.{self.entity}.{self.name}"


def read(path: Path) -> Schema:
    """The schema in a file, as JSON; a file that is no JSON object raises `ValueError` naming file and line."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(schema, dict):
        raise ValueError(f"{path.name}: an .avsc file holds one record, not a {type(schema).__name__}")
    return schema


def named(folder: Path) -> dict[str, EventName]:
    """Event -> name for the files of one folder, sorted.

    A file whose name is no event's raises `ValueError`, and so do two majors of one event: nothing here can serve both.
    """
    names: dict[str, EventName] = {}
    for path in sorted(folder.glob("*_v*.avsc")):
        match = _FILE.fullmatch(path.name)
        if not match:
            raise ValueError(f"{path.name}: a schema file is named <entity>.<Event>_v<major>.avsc")
        if match["event"] in names:
            raise ValueError(f"{path.name}: another major of {match['event']} is there; one process serves one major")
        entity, _, name = match["event"].partition(".")
        names[match["event"]] = EventName(entity, name, int(match["major"]))
    return names


@cache
def names() -> dict[str, EventName]:
    """Every event by name: canonical ones first, then enriched ones, each sorted."""
    canonical = named(AVRO)
    derived = [EventName(n.entity, n.name, n.major, enriched=True) for n in named(AVRO / "enrichment").values()]
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
    name = name_of(ENRICHED + event.removeprefix(ENRICHED))
    return read(AVRO / "enrichment" / f"{name.entity}.{name.name}_v{name.major}.avsc")


def enriched(canonical: Schema, enrichment: Schema) -> Schema:
    """The schema of the enriched event: the fields of the canonical record followed by one `enrichment` record.

    The bytes of an enriched record are therefore the bytes of the canonical one plus those of the enrichment. Nested
    types keep their names: where one leaves its namespace to the record, as in every schema that a registry gives
    back, it is stated, or the type would be renamed with the record.
    """
    canonical = stated(canonical, "")
    appended = {"name": "enrichment", "type": enrichment, "doc": f"What the fabric added: {enrichment['doc']}"}
    return {
        **canonical,
        "name": canonical["name"],
        "namespace": "psf.enriched",
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


def avro(event: str) -> Schema:
    """The schema of an event as parsed JSON, self-contained; a fresh copy at each call. Raises `UnknownEvent`."""
    parsed: Schema = json.loads(avro_text(event))
    return parsed


@cache
def avro_text(event: str) -> str:
    """The exact text that is registered for an event: compact JSON, attributes and fields in the order of the file."""
    name = name_of(event)
    schema = read(AVRO / f"{name.entity}.{name.name}_v{name.major}.avsc")
    if name.enriched:
        schema = enriched(schema, enrichment(event))
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


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
