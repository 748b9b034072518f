"""Logical types as Avro 1.12 defines them; one that is not valid where it stands is ignored, as the specification says.

Source: Avro 1.12 specification, "Logical Types".
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from schemas.review.avro import Fixed, Type, text

ON = {
    "decimal": ("bytes", "fixed"),
    "big-decimal": ("bytes",),
    "uuid": ("string", "fixed"),
    "date": ("int",),
    "time-millis": ("int",),
    "time-micros": ("long",),
    "timestamp-millis": ("long",),
    "timestamp-micros": ("long",),
    "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",),
    "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",),
    "duration": ("fixed",),
}
"""Logical type -> the Avro types that may carry it."""

INSTANTS = ("timestamp-millis", "timestamp-micros", "timestamp-nanos")
LOCALS = tuple(f"local-{name}" for name in INSTANTS)
STEPS = {"millis": 1_000, "micros": 1_000_000, "nanos": 1_000_000_000}


def logical(node: Type) -> str:
    """Name of the logical type that is in force: a known one where it is valid, any unknown one; "" when none."""
    name = text(node.attributes, "logicalType")
    return "" if name in ON and why_ignored(node) else name


def why_ignored(node: Type) -> str:
    """Why readers ignore the logical type of a type, as the end of a sentence; "" when they do not."""
    name = text(node.attributes, "logicalType")
    if name not in ON:
        return ""
    if node.kind not in ON[name]:
        return f"{name} stands on {node.kind}; it may stand on {' or '.join(ON[name])}"
    size = {"duration": 12, "uuid": 16}.get(name)
    if isinstance(node, Fixed) and size and node.size != size:
        return f"{name} stands on a fixed of {node.size} bytes; it takes {size}"
    return _decimal_fault(node) if name == "decimal" else ""


def precision_scale(node: Type) -> tuple[int, int]:
    """Digits in all and digits after the point of a valid decimal."""
    return int(node.attributes["precision"]), int(node.attributes.get("scale", 0))


def _decimal_fault(node: Type) -> str:
    precision, scale = node.attributes.get("precision"), node.attributes.get("scale", 0)
    if not _whole(precision) or precision < 1:
        return f"the precision is {precision!r}; it must be a whole number above 0"
    if not _whole(scale) or not 0 <= scale <= precision:
        return f"the scale is {scale!r}; it must be a whole number from 0 to the precision {precision}"
    if isinstance(node, Fixed):
        most = math.floor(math.log10(2) * (8 * node.size - 1)) if node.size > 0 else 0
        if precision > most:
            return f"{node.size} bytes hold {most} digits, not {precision}"
    return ""


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
