"""The encoding of a flat Avro record, to be appended to bytes that were never decoded (docs/adr/0009)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Append = Callable[[Any], bytes]
"""The encoding of one value."""

_EXACT_DIGITS = 28
"""Digits that decimal arithmetic keeps by default."""


def record_writer(schema: Mapping[str, Any]) -> Append | None:
    """Encodes an object whose attributes are the fields of a flat record; None for a record that is not so simple."""
    found = [(field["name"], _append(field["type"])) for field in schema["fields"]]
    fields = [(name, append) for name, append in found if append is not None]
    if len(fields) < len(found):
        return None

    def write(data: Any) -> bytes:
        return b"".join([append(getattr(data, name)) for name, append in fields])

    return write


def _append(schema: Any) -> Append | None:
    match schema:
        case "string":
            return _append_text
        case "boolean":
            return _append_boolean
        case {"type": "bytes", "logicalType": "decimal", "precision": int(digits), "scale": int(scale)}:
            return _append_decimal(scale) if digits <= _EXACT_DIGITS else None
    return None


def _append_text(text: str) -> bytes:
    encoded = text.encode()
    size = len(encoded)
    return (bytes((size << 1,)) if size < 64 else _encoded(size << 1)) + encoded


def _append_boolean(value: bool) -> bytes:
    return b"\1" if value else b"\0"


def _append_decimal(scale: int) -> Append:
    """Of a Decimal that has exactly this scale, as the models carry it."""

    def append(value: Decimal) -> bytes:
        unscaled = int(value.scaleb(scale))
        size = (unscaled.bit_length() + 8) >> 3
        return bytes((size << 1,)) + unscaled.to_bytes(size, "big", signed=True)

    return append


def _encoded(number: int) -> bytes:
    """An unsigned number in groups of seven bits."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
