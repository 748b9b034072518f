"""The audit trail as a file of JSON Lines, each line one record in the order of the log, so that it proves itself.

A row is its own stored bytes. What is no row (it is a finding) is an object with its place and its bytes in base64.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator

from psfabric.event import Record
from replay.chain import Stored
from replay.operations import operation_of

_NO_ROW = {"no_row_at", "key_base64", "value_base64"}


def stored(records: Iterable[Record]) -> Iterator[Stored]:
    """The log itself, to be verified."""
    for record in records:
        yield Stored(f"offset {record.offset}", record.key, record.value)


def line(record: Record) -> bytes:
    """Without a line feed; none is in it."""
    try:
        operation_of(record)
    except ValueError:
        body = {
            "no_row_at": f"offset {record.offset}",
            "key_base64": _in(record.key),
            "value_base64": _in(record.value),
        }
        return json.dumps(body).encode()
    return record.value or b""


def hash_of(record: Record) -> str:
    """Of a row of the chain; "" for any other record."""
    try:
        return operation_of(record).hash
    except ValueError:
        return ""


def exported(lines: Iterable[bytes]) -> Iterator[Stored]:
    """A file as it was written by `line`, to be verified: whatever was changed in it is a finding."""
    for number, text in enumerate(lines, 1):
        yield _read(f"line {number}", text.removesuffix(b"\n"))


def _read(place: str, text: bytes) -> Stored:
    try:
        body = json.loads(text)
        if body.keys() == _NO_ROW:
            return Stored(place, _out(body["key_base64"]), _out(body["value_base64"]))
        return Stored(place, body["id"].encode("utf-8", "backslashreplace"), text)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Stored(place, None, text)


def _in(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()


def _out(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)
