"""Examples as rules read them: JSON of an event (README.md of the contract) by its Avro schema, without its model.

So rules can be asked of a file whose schema is being changed, and whose model was not generated yet.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.rules.operands import Shape


def decoded(example: Any, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of an example as Avro would decode them; None for one that is no record of the schema."""
    shape = Shape.of(schema)
    try:
        found: dict[str, Any] = _value(example, schema, shape)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation, OverflowError):
        return None
    return found


def _value(given: Any, node: Any, shape: Shape) -> Any:
    if given is None:
        if isinstance(node, list) and "null" in node:
            return None
        raise ValueError("a value is missing")
    known = shape.resolved(node)
    match known.get("logicalType", known["type"]):
        case "record":
            return {part["name"]: _field(given, part, shape) for part in known["fields"]}
        case "array":
            return [_value(each, known["items"], shape) for each in given]
        case "map":
            return {name: _value(each, known["values"], shape) for name, each in given.items()}
        case "decimal":
            return Decimal(_text(given))
        case "date":
            return date.fromisoformat(given)
        case "timestamp-micros":
            return datetime.fromisoformat(given).astimezone(UTC)
        case "bytes":
            return base64.b64decode(given)
        case "string" | "enum":
            return _text(given)
        case "int" | "long" if not isinstance(given, int) or isinstance(given, bool):
            raise TypeError("a whole number is needed")
        case "boolean" if not isinstance(given, bool):
            raise TypeError("true or false is needed")
    return given


def _field(record: Mapping[str, Any], part: Mapping[str, Any], shape: Shape) -> Any:
    name = part["name"]
    if name not in record and "default" in part:
        return part["default"]
    return _value(record[name], part["type"], shape)


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError("a text is needed")
    return given
