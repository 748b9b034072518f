"""Pieces of the pages that people read: the fields of an event, its types, its rules, an example, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from schemas import contract
from schemas.base import HEAD_FIELDS
from schemas.contract import EventName, Schema
from schemas.rules import Rule

EXAMPLES = Path(__file__).parent.parent / "examples"
_WORDS = {
    "string": "text",
    "boolean": "yes or no",
    "bytes": "bytes",
    "int": "whole number",
    "long": "whole number",
    "date": "local date",
    "timestamp-micros": "instant",
}


def in_words(node: Any, field: Mapping[str, Any] | None = None, link: str = "") -> str:
    """An Avro type as people say it: `list of [Money](#money), or null`. `link` is the page that has the types."""
    if isinstance(node, list):
        inner = " or ".join(in_words(part, field, link) for part in node if part != "null")
        return f"{inner}, or null" if "null" in node else inner
    if isinstance(node, str):
        if "." in node:
            return _linked(node.rpartition(".")[2], link)
        return _WORDS.get(node, node) + _limits(field or {})
    match node.get("logicalType", node["type"]):
        case "record" | "enum":
            return _linked(node["name"], link)
        case "array":
            return f"list of {in_words(node['items'], None, link)}"
        case "map":
            return f"{in_words(node['values'], None, link)} by name"
        case "decimal":
            return f"decimal, {node['scale']} places"
        case other:
            return _WORDS.get(str(other), str(other)) + _limits(field or {})


def _limits(field: Mapping[str, Any]) -> str:
    if "pattern" in field:
        return f" like `{cell(field['pattern'])}`"
    return f", from {field['minimum']}" if "minimum" in field else ""


def _linked(name: str, link: str) -> str:
    return f"[{name}]({link}#{name.lower()})"


def cell(text: str) -> str:
    """Text that stays in one cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def fields_table(fields: Iterable[Mapping[str, Any]], link: str = "") -> str:
    """The fields of a record: name, type in words, unit, protection, default, meaning."""
    lines = ["| field | type | unit | protection | default | meaning |", "|---|---|---|---|---|---|"]
    for each in fields:
        default = f"`{json.dumps(each['default'])}`" if "default" in each else ""
        cells = (
            f"`{each['name']}`",
            in_words(each["type"], each, link),
            each.get("unit", ""),
            each.get("classification", ""),
            default,
            cell(each["doc"]),
        )
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def own_fields(event: str) -> list[Mapping[str, Any]]:
    """The fields of a canonical event between its head and its extensions, which all events have alike."""
    return [each for each in contract.avro(event)["fields"] if each["name"] not in (*HEAD_FIELDS, "extensions")]


def rules_table(found: Sequence[Rule]) -> str:
    """Rules: code, what must hold, what is wrong when it does not; "" without any."""
    if not found:
        return ""
    rows = [f"| `{each.code}` | {cell(each.words())} | {cell(each.message)} |" for each in found]
    return "\n".join(["| rule | what holds | else |", "|---|---|---|", *rows])


def example(event: str) -> str:
    """The text of the first example of an event that is right, `complete` before others."""
    found = sorted(EXAMPLES.glob(f"{event}.*.pass.json"), key=lambda path: (".complete." not in path.name, path.name))
    return found[0].read_text(encoding="utf-8").strip() if found else ""


def compact(example: str) -> str:
    """The JSON of an example with one line for each field of the event."""
    fields = json.loads(example)
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


@cache
def types() -> Mapping[str, Schema]:
    """Every record and enum that a field refers to, by its short name, sorted."""
    found: dict[str, Schema] = {}
    for event in contract.events():
        for each in _defined(contract.avro(event)["fields"]):
            found.setdefault(each["name"], each)
    return dict(sorted(found.items()))


def _defined(node: Any) -> Iterator[Schema]:
    if isinstance(node, list):
        for part in node:
            yield from _defined(part)
    elif isinstance(node, dict):
        if node.get("type") in ("record", "enum"):
            yield node
        for key in ("type", "items", "values", "fields"):
            yield from _defined(node.get(key))


def type_section(schema: Schema, link: str = "") -> str:
    """What one type is: its fields, or its symbols."""
    if schema["type"] == "enum":
        default = f" A reader that does not know a symbol reads `{schema['default']}`." if "default" in schema else ""
        return f"{schema['doc']}\n\nOne of {', '.join(f'`{symbol}`' for symbol in schema['symbols'])}.{default}"
    return f"{schema['doc']}\n\n{fields_table(schema['fields'], link)}"


def schema_file(name: EventName) -> str:
    """The Avro file of an event, from the top of the repository."""
    folder = "enrichment/" if name.enriched else ""
    return f"schemas/avro/{folder}{name.entity}.{name.name}_v{name.major}.avsc"


def first_sentence(text: str) -> str:
    """What a doc says first, without its full stop."""
    return text.partition(". ")[0].rstrip(".")
