"""Which entity refers to which, read off the id fields of their events, as a Mermaid entity-relationship diagram."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from schemas import contract, rules
from schemas.base import HEAD_FIELDS
from schemas.pages.tables import example as example_of
from schemas.pages.tables import types

MEANT: dict[str, tuple[str, ...]] = {
    "time_entry": ("time",),
    "rate_card": ("ratecard",),
    "credit_note": ("invoice",),
    "manager": ("resource",),
    "approver": ("resource",),
    "staffed_by": ("resource",),
    "on_behalf_of": ("resource",),
    "responsible": ("resource",),
    "source": ("time", "expense", "milestone", "subcontractor"),
}
"""Ends of the names of id fields that are called otherwise than their entity, or may name one of several."""

CODES = {"cost_centre": "costcenter", "tax_code": "taxcode"}
"""Fields that name reference data by its code."""


class Relation(NamedTuple):
    """Entity `one` names entity `other` in its field."""

    one: str
    other: str
    field: str
    many: bool
    """The field is a list, or stands in one."""
    always: bool
    """A rule requires it."""


def relations(events: Sequence[str]) -> list[Relation]:
    """What the events of each entity name, sorted; several fields that name one entity are one relation each."""
    entities = {contract.name_of(event).entity for event in events}
    found: dict[tuple[str, str, str], Relation] = {}
    for event in events:
        entity = contract.name_of(event).entity
        needed = {path for rule in rules.of(event) if rule.required and not rule.when for path in rule.required.paths}
        for path, many in _ids(_told(event), "", False):
            name = path.replace("[]", "")
            for other in _meant(name.rpartition(".")[2], entities):
                if other != entity:
                    known = found.get((entity, other, name))
                    always = path in needed or (known is not None and known.always)
                    found[entity, other, name] = Relation(entity, other, name, many, always)
    return sorted(found.values())


def _told(event: str) -> list[contract.Schema]:
    """The fields of an event, and those of its head that its example has a value for."""
    example = json.loads(example_of(event) or "{}")
    fields: list[contract.Schema] = contract.avro(event)["fields"]
    return [each for each in fields if each["name"] not in HEAD_FIELDS or example.get(each["name"])]


def _ids(fields: Any, before: str, many: bool) -> Iterator[tuple[str, bool]]:
    """Paths of the id fields of a record and of the records in it, and whether each may name several."""
    for each in fields:
        node, listed = _opened(each["type"])
        path = f"{before}{each['name']}{'[]' if listed else ''}"
        if isinstance(node, dict) and node.get("type") == "record":
            yield from _ids(node["fields"], f"{path}.", many or listed)
        elif each["name"].endswith(("_id", "_ids")) or each["name"] in CODES:
            yield path, many or listed


def _opened(node: Any) -> tuple[Any, bool]:
    """A type without its null and its list, with a name replaced by what it names; and whether it was a list."""
    if isinstance(node, list):
        node = next(part for part in node if part != "null")
    if isinstance(node, dict) and node["type"] == "array":
        return _opened(node["items"])[0], True
    if isinstance(node, str) and "." in node:
        return types()[node.rpartition(".")[2]], False
    return node, False


def _meant(field: str, entities: set[str]) -> tuple[str, ...]:
    """The entities that an id field may name: `parent_client_id` a client; none for an id of something else."""
    if field in CODES:
        return tuple(entities & {CODES[field]})
    stem = field.removesuffix("_ids").removesuffix("_id")
    for end, meant in {**MEANT, **{each: (each,) for each in sorted(entities)}}.items():
        if stem == end or stem.endswith(f"_{end}"):
            return tuple(each for each in meant if each in entities)
    return ()


def diagram(found: Sequence[Relation]) -> str:
    """The relations as Mermaid text: one line for each pair of entities, with the fields that make it."""
    pairs: dict[tuple[str, str], list[Relation]] = {}
    for each in found:
        pairs.setdefault((each.one, each.other), []).append(each)
    lines = ["erDiagram"]
    for (one, other), names in pairs.items():
        end = "o{" if any(each.many for each in names) else "||" if all(each.always for each in names) else "o|"
        shown = sorted({each.field for each in names}, key=lambda name: (name.count("."), name))
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        lines.append(f'    {one} }}o--{end} {other} : "{", ".join(shown[:3])}{more}"')
    return "\n".join(lines)


def business() -> tuple[str, ...]:
    """The canonical events of the business: receipts of sinks and cross-references speak of any of them."""
    return tuple(
        event
        for event in contract.events()
        if not event.startswith(contract.ENRICHED) and contract.name_of(event).entity not in ("delivery", "xref")
    )
