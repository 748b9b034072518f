"""Whether a default fits its type, and what it says in a person's words.

Source: Avro 1.12 specification, "Records", table "field default values"; the default of a union may be of any branch
since 1.12, before that only of the first.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from schemas.review.avro import Array, Enum, Field, Fixed, Map, Record, Type, Union
from schemas.review.logical import logical, precision_scale

SAYS_NOTHING = frozenset(
    ("UNKNOWN", "NONE", "UNSPECIFIED", "UNDEFINED", "UNSET", "UNRECOGNIZED", "OTHER", "NULL", "EMPTY", "NA", "MISSING")
)
"""Parts of a symbol that claims nothing."""

LIMITS = {"int": 1 << 31, "long": 1 << 63}


def fits(node: Type, value: Any) -> bool:
    """Whether a JSON value is a default of this type."""
    match node:
        case Union():
            return any(fits(branch, value) for branch in node.branches)
        case Record():
            return isinstance(value, dict) and all(_given(value, each) for each in node.fields)
        case Array():
            return isinstance(value, list) and all(fits(node.items, each) for each in value)
        case Map():
            return isinstance(value, dict) and all(fits(node.values, each) for each in value.values())
        case Enum():
            return isinstance(value, str) and value in node.symbols
        case Fixed():
            return _is_bytes(value) and len(value) == node.size
    return _primitive(node.kind, value)


def _given(value: dict[str, Any], each: Field) -> bool:
    """A field of the default of a record: named in it, or with a default of its own."""
    if each.name not in value:
        return each.has_default
    return fits(each.type, value[each.name])


def _primitive(kind: str, value: Any) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole and -LIMITS[kind] <= value < LIMITS[kind]
        case "float" | "double":
            return (isinstance(value, int | float) and not isinstance(value, bool)) or value in ("NaN", "INF", "-INF")
        case "bytes":
            return _is_bytes(value)
    return isinstance(value, str)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, str) and all(ord(char) < 256 for char in value)


def spoken(node: Type, value: Any) -> str:
    """The default as a person reads it: a decimal as its number, null as `null`, text in quotes."""
    chosen = branch(node, value)
    if logical(chosen) == "decimal" and _is_bytes(value):
        amount = int.from_bytes(value.encode("latin-1"), "big", signed=True)
        return str(Decimal(amount).scaleb(-precision_scale(chosen)[1]))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def branch(node: Type, value: Any) -> Type:
    """The branch of a union to which a default belongs: the first that it fits."""
    if isinstance(node, Union):
        return next((each for each in node.branches if fits(each, value)), node)
    return node


def is_neutral(node: Type, value: Any) -> bool:
    """Whether a default says nothing: null, "", 0, false, nothing in a list, UNKNOWN or NONE."""
    chosen = branch(node, value)
    if logical(chosen) == "decimal" and _is_bytes(value):
        return not any(value.encode("latin-1"))
    if isinstance(value, dict):
        return all(is_neutral(_inside(chosen, name), each) for name, each in value.items())
    if isinstance(chosen, Enum):
        return not SAYS_NOTHING.isdisjoint(str(value).upper().split("_"))
    return value in (None, "", 0, False) or value == []


def _inside(node: Type, name: str) -> Type:
    if isinstance(node, Record):
        found = node.get(name)
        return found.type if found else node
    return node.values if isinstance(node, Map) else node
