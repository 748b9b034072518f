"""What differs between two states of one event, as a JSON Patch (RFC 6902), and which of it may be shown.

Personal and confidential values, by the tags of the contract, are kept in the audit trail as salted hashes: enough to
tell whether a value is the one that somebody names, too little to read it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

import schemas
from psfabric import strict_json

Show = Callable[[Any], Any]

COVERED = "***"
"""Stands for a personal or confidential value that nobody asked to see."""


@dataclass(frozen=True, slots=True)
class Change:
    """`pointer` is a JSON Pointer (`/lines/0/amount`), `field` the path without places in lists (`lines.amount`).
    Values are as JSON has them."""

    op: Literal["add", "remove", "replace"]
    pointer: str
    field: str
    old: Any = None
    new: Any = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every place at which two states differ, as deep as both have it, in the order of the fields."""
    return list(_differing(before, after, "", ""))


def classified(event: str, change: Change) -> bool:
    """Whether anything at that place is personal or confidential."""
    return classified_at(event, change.field)


def classified_at(event: str, field: str) -> bool:
    """Whether the field, or any part of it, is personal or confidential."""
    tags = [path for path, tag in schemas.classified(event).items() if tag != "internal"]
    return any(within(field, path) or within(path, field) for path in tags)


def within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")


def patch(event: str, found: Sequence[Change], covered: Show) -> list[dict[str, Any]]:
    """The operations of a JSON Patch; `old` beside `value` is ours, which RFC 6902 lets readers ignore. What is
    classified goes through `covered`."""
    return [_operation(each, covered if classified(event, each) else lambda value: value) for each in found]


def hashed(salt: str) -> Show:
    """Covers a value by `{"hash": …}`: hex of BLAKE2b-256 over its canonical JSON, keyed with the id of the act."""

    def cover(value: Any) -> dict[str, str]:
        text = strict_json.dumps(value)
        return {"hash": blake2b(text, digest_size=32, key=salt.encode()[:64]).hexdigest()}

    return cover


def _operation(change: Change, show: Show) -> dict[str, Any]:
    found: dict[str, Any] = {"op": change.op, "path": change.pointer}
    if change.op != "remove":
        found["value"] = show(change.new)
    if change.op != "add":
        found["old"] = show(change.old)
    return found


def _differing(old: Any, new: Any, pointer: str, field: str) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _entry(old, new, name, f"{pointer}/{_escaped(name)}", f"{field}.{name}" if field else name)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (was, now) in enumerate(zip(old, new, strict=True)):
            yield from _differing(was, now, f"{pointer}/{place}", field)
    elif type(old) is not type(new) or old != new:
        yield Change("replace", pointer, field, _json(old), _json(new))


def _entry(old: Mapping[str, Any], new: Mapping[str, Any], name: str, pointer: str, field: str) -> Iterator[Change]:
    if name not in new:
        yield Change("remove", pointer, field, old=_json(old[name]))
    elif name not in old:
        yield Change("add", pointer, field, new=_json(new[name]))
    else:
        yield from _differing(old[name], new[name], pointer, field)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _json(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _json(part) for name, part in value.items()}
        case list() | tuple():
            return [_json(part) for part in value]
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
    return value
