"""The head of an Avro record, and where the record ends, from its bytes: what a stage needs that passes a record on.

Reading a whole record and building its model costs five times as much. `walker` says for the writer's schema how to
step over what follows the head; it sees every way in which bytes can be too short, too long or out of step, but not
what the steps contain (whether text is UTF-8, a decimal has too many digits, a text follows its pattern).
Encoding: Apache Avro 1.12 specification, "Binary Encoding".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

from psfabric.event import Head
from schemas import HEAD_FIELDS

Walk = Callable[[bytes, int], int]
"""Where the value that begins at this place ends. Raises Malformed, or IndexError past the end."""

_LONGEST = 10
"""Bytes of the longest number."""


class Malformed(ValueError):
    """Bytes that cannot be the encoding of this schema."""


class _NotWalkable(Exception):
    """A schema for which there is no walker: it refers to itself, or has items without bytes."""


def read_head(value: bytes, at: int) -> tuple[Head, int]:
    """The eight texts that begin there, and where they end. Raises Malformed, IndexError or UnicodeDecodeError."""
    texts = []
    for _ in HEAD_FIELDS:
        size = value[at]
        at += 1
        if size & 0x81:
            size, at = _number(value, at - 1)
            end = at + _size(size)
        else:
            end = at + (size >> 1)
        texts.append(value[at:end].decode())
        at = end
    if at > len(value):
        raise Malformed("the head ends behind the record")
    return Head._make(texts), at


def begins_with_head(schema: Mapping[str, Any]) -> bool:
    """Whether the first fields of a parsed record schema are those of the head, all plain strings."""
    first = schema["fields"][: len(HEAD_FIELDS)]
    return [field["name"] for field in first] == list(HEAD_FIELDS) and all(_is_text(field["type"]) for field in first)


def _is_text(schema: Any) -> bool:
    """Writers in Java say `{"type": "string", "avro.java.string": "String"}`."""
    return schema == "string" or (isinstance(schema, dict) and schema["type"] == "string")


def walker(schema: Mapping[str, Any]) -> Walk | None:
    """Steps over all fields behind the head of a record with this (JSON) schema; None when it cannot be told."""
    named: dict[str, Any] = {}
    try:
        for field in schema["fields"][: len(HEAD_FIELDS)]:
            _steps(field["type"], named, "")
        space, steps = schema.get("namespace", ""), list[Walk]()
        for later, fields in groupby(schema["fields"][len(HEAD_FIELDS) :], _was_added):
            found = [step for field in fields for step in _steps(field["type"], named, space)]
            steps += [_none_or(found)] if later and all(map(_may_be_none, found)) else found
        return _all(steps)
    except _NotWalkable:
        return None


def _steps(schema: Any, named: dict[str, Any], space: str) -> list[Walk]:
    """The steps over one value; those of a record are its fields' own, so that nothing is called in between."""
    if isinstance(schema, list):
        return [_union([_all(_steps(branch, named, space)) for branch in schema])]
    if isinstance(schema, str):
        return _simple(schema) if schema in _SIMPLE else _named(schema, named, space)
    match schema["type"]:
        case "record":
            return _record(schema, named, space)
        case "enum":
            return _keep(schema, named, space, [_one_of(len(schema["symbols"]))])
        case "fixed":
            return _keep(schema, named, space, [_fixed(schema["size"])])
        case "array":
            return [_blocks(_items(schema["items"], named, space))]
        case "map":
            return [_blocks(_all([_text, *_steps(schema["values"], named, space)]))]
        case inner:
            return _steps(inner, named, space)


def _record(schema: Mapping[str, Any], named: dict[str, Any], space: str) -> list[Walk]:
    inner = str(schema.get("namespace", space))
    return _keep(
        schema, named, space, [step for field in schema["fields"] for step in _steps(field["type"], named, inner)]
    )


def _keep(schema: Mapping[str, Any], named: dict[str, Any], space: str, steps: list[Walk]) -> list[Walk]:
    name = str(schema["name"])
    named[name if "." in name else f"{schema.get('namespace', space)}.{name}"] = steps
    return steps


def _named(name: str, named: Mapping[str, Any], space: str) -> list[Walk]:
    found = named.get(name if "." in name else f"{space}.{name}")
    if found is None:
        raise _NotWalkable(name)
    return list(found)


def _items(schema: Any, named: dict[str, Any], space: str) -> Walk:
    steps = _steps(schema, named, space)
    if not steps:  # a block could then say any number of items, and stepping over them would never end
        raise _NotWalkable("items without bytes")
    return _all(steps)


# ---------------------------------------------------------------------------------------------------- steps


def _all(steps: list[Walk]) -> Walk:
    if len(steps) == 1:
        return steps[0]

    def walk(value: bytes, at: int) -> int:
        for step in steps:
            at = step(value, at)
        return at

    return walk


def _was_added(field: Mapping[str, Any]) -> bool:
    """Whether earlier releases had no such field; extensions have a default too, but were there from the beginning."""
    return "default" in field and field["name"] != "extensions"


def _may_be_none(step: Walk) -> bool:
    """Whether one zero byte is a whole value: empty text, no items, the first symbol, null, 0, false."""
    try:
        return step(b"\0", 0) == 1
    except (IndexError, Malformed):
        return False


def _none_or(steps: list[Walk]) -> Walk:
    """What was added later is none in most records: all of it is stepped over at once."""
    none, each = bytes(len(steps)), _all(steps)
    return lambda value, at: at + len(none) if value.startswith(none, at) else each(value, at)


def _number(value: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of any length."""
    found = shift = 0
    for place in range(at, at + _LONGEST):
        byte = value[place]
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), place + 1
        shift += 7
    raise Malformed("a number of more than ten bytes")


def _size(number: int) -> int:
    if number < 0:
        raise Malformed("a negative length")
    return number


def _long(value: bytes, at: int) -> int:
    if value[at] < 0x80:
        return at + 1
    for place in range(at + 1, at + _LONGEST):
        if value[place] < 0x80:
            return place + 1
    raise Malformed("a number of more than ten bytes")


def _text(value: bytes, at: int) -> int:
    size = value[at]
    if not size & 0x81:
        return at + 1 + (size >> 1)
    size, at = _number(value, at)
    return at + _size(size)


def _boolean(value: bytes, at: int) -> int:
    if value[at] > 1:
        raise Malformed("a boolean that is neither")
    return at + 1


def _fixed(size: int) -> Walk:
    return lambda value, at: at + size


def _one_of(count: int) -> Walk:
    def walk(value: bytes, at: int) -> int:
        index, at = (value[at] >> 1, at + 1) if not value[at] & 0x81 else _number(value, at)
        if not 0 <= index < count:
            raise Malformed("a symbol that the schema has not")
        return at

    return walk


def _union(branches: list[Walk]) -> Walk:
    def walk(value: bytes, at: int) -> int:
        index, at = _number(value, at)
        if not 0 <= index < len(branches):
            raise Malformed("a branch that the schema has not")
        return branches[index](value, at)

    return walk


def _blocks(item: Walk) -> Walk:
    """Arrays and maps: blocks of counted items, a negative count being followed by the block's size in bytes."""

    def walk(value: bytes, at: int) -> int:
        while count := value[at]:
            count, at = _number(value, at)
            if count < 0:
                count, at = -count, _long(value, at)
            if count > len(value) - at:
                raise Malformed("more items than bytes")
            for _ in range(count):
                at = item(value, at)
        return at + 1

    return walk


_SIMPLE: Mapping[str, list[Walk]] = {
    "null": [],
    "boolean": [_boolean],
    "int": [_long],
    "long": [_long],
    "float": [_fixed(4)],
    "double": [_fixed(8)],
    "bytes": [_text],
    "string": [_text],
}


def _simple(name: str) -> list[Walk]:
    return list(_SIMPLE[name])
