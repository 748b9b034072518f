"""Walks over Avro schemas for the governance tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas import contract

FILES = sorted([*contract.AVRO.glob("*.avsc"), *(contract.AVRO / "enrichment").glob("*.avsc")])
EVENT_FILES = sorted(contract.AVRO.glob("*_v*.avsc"))
ENRICHMENT_FILES = sorted((contract.AVRO / "enrichment").glob("*.avsc"))


@dataclass(frozen=True)
class Field:
    """One field of one record of a schema."""

    record: str
    schema: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{self.record}.{self.schema['name']}"


def types(node: Any) -> Iterator[dict[str, Any]]:
    """Every record and enum defined in a schema, outermost first."""
    if isinstance(node, list):
        for part in node:
            yield from types(part)
    if isinstance(node, dict):
        if node.get("type") in ("record", "enum", "fixed"):
            yield node
        for key in ("type", "items", "values", "fields"):
            yield from types(node.get(key))


def fields(schema: dict[str, Any]) -> list[Field]:
    """Every field of every record of a schema."""
    records = [t for t in types(schema) if t["type"] == "record"]
    return [Field(f"{t['namespace']}.{t['name']}", part) for t in records for part in t["fields"]]


def leaves(node: Any) -> Iterator[Any]:
    """The Avro types of a field, unions, arrays and maps opened, named types not entered."""
    if isinstance(node, list):
        for part in node:
            yield from leaves(part)
    elif isinstance(node, dict) and node["type"] in ("array", "map"):
        yield from leaves(node.get("items", node.get("values")))
    else:
        yield node


def short(path: Path) -> str:
    return path.relative_to(contract.AVRO).as_posix()
