"""Examples beside upgrade rules: what a record of one major is in the next, as JSON, compared with what the rule makes.

`upgrades/time_TimeApproved_v1_v2.complete.json` is `{"old": {…}, "new": {…}}`, both written as all examples are.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from schemas import contract, majors
from schemas.contract import EventName, Schema

Types = dict[str, Schema]


def wrong() -> Iterator[tuple[Path, str]]:
    """Every example that is not one: the file, and why. Raises `ValueError`: a rule is missing or is none."""
    for superseded in majors.all_superseded().values():
        name = superseded.name
        if not name.enriched:
            following = EventName(name.entity, name.name, name.major + 1)
            stem = majors.rule_file(name).removesuffix(".py")
            for path in sorted(majors.UPGRADES.glob(f"{stem}.*.json")):
                try:
                    _compare(path, superseded.steps[0], superseded.schema, contract.schema_of(following))
                except (ValueError, KeyError, TypeError, ArithmeticError) as error:
                    yield path, str(error) or type(error).__name__


def _compare(path: Path, step: majors.Step, old: Schema, new: Schema) -> None:
    body = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if not isinstance(body, dict) or set(body) != {"old", "new"}:
        raise ValueError('it is not {"old": …, "new": …}')
    made = step.run(step.rule, step.file, from_json(old, body["old"], "old"))
    wanted = from_json(new, body["new"], "new")
    differing = sorted(name for name in made.keys() | wanted.keys() if made.get(name, path) != wanted.get(name, path))
    if differing:
        raise ValueError(f"the rule makes something else of {', '.join(differing)}")


def from_json(schema: Schema, value: Any, place: str) -> Any:
    """A record as Avro decodes it, from the JSON of this contract. Raises `ValueError` that names the place."""
    known = {f"{each['namespace']}.{each['name']}": each for each in contract.named_types(schema)}
    return _value(schema, value, place, known)


def _value(node: Any, value: Any, place: str, known: Types) -> Any:
    try:
        return _plain(known.get(node, node) if isinstance(node, str) else node, value, place, known)
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{place} is no {_label(node)}: {type(error).__name__}") from None


def _plain(node: Any, value: Any, place: str, known: Types) -> Any:
    match node:
        case list():
            some = next(each for each in node if each != "null")
            return None if value is None else _value(some, value, place, known)
        case {"type": "record", "fields": fields}:
            strange = sorted(value.keys() - {each["name"] for each in fields})
            if strange:
                raise ValueError(f"{place} has no field {strange[0]}")
            return {each["name"]: _field(each, value, f"{place}.{each['name']}", known) for each in fields}
        case {"type": "enum", "symbols": symbols}:
            if value not in symbols:
                raise ValueError(f"{place} is none of {', '.join(symbols)}")
            return value
        case {"type": "array", "items": items}:
            return [_value(items, each, f"{place}[{at}]", known) for at, each in enumerate(value)]
        case {"type": "map", "values": values}:
            return {key: _value(values, each, f"{place}.{key}", known) for key, each in value.items()}
        case {"logicalType": "decimal", "scale": scale}:
            return Decimal(value).quantize(Decimal(1).scaleb(-scale))
        case {"logicalType": "date"}:
            return date.fromisoformat(value)
        case {"logicalType": "timestamp-micros"}:
            return datetime.fromisoformat(value).astimezone(UTC)
        case {"type": inner}:
            return _value(inner, value, place, known)
        case "bytes":
            return base64.b64decode(value, validate=True)
    if type(value) is not {"string": str, "boolean": bool, "int": int, "long": int}[node]:
        raise ValueError(f"{place} is no {node}")
    return value


def _field(field: Schema, record: dict[str, Any], place: str, known: Types) -> Any:
    if field["name"] in record:
        return _value(field["type"], record[field["name"]], place, known)
    if "default" not in field:
        raise ValueError(f"{place} is missing")
    return _value(field["type"], field["default"], place, known)


def _label(node: Any) -> str:
    return str(node.get("logicalType") or node.get("type")) if isinstance(node, dict) else str(node)
