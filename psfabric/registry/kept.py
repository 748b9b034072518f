"""`fabric.schemas`: under which id each bundled schema is registered, for a start while the registry is away.

Key `<subject>/<hash of the schema's text>`, value the id with the text itself. Written by `psfabric schema register`
and by whoever learns an id. Believed only where the text is that of this release's own copy, byte for byte: then the id
says nothing that could be wrong. The format persists (version 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

import schemas
from psfabric.engine import Write
from psfabric.event import Record

SCHEMAS = "fabric.schemas"
FORMAT = 1


def kept_write(event: str, id: int) -> Write:
    """The record that keeps the id of the bundled schema of `event`."""
    body = {"v": FORMAT, "id": id, "schema": schemas.avro_text(event)}
    return Write(SCHEMAS, _key(event), json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def believed(records: Iterable[Record]) -> dict[str, int]:
    """The id of each event whose bundled schema is kept; `records` in order. What is of another release, of a newer
    format or broken is left out: it is only not believed."""
    events = {_key(event): event for event in schemas.events()}
    found: dict[str, int] = {}
    for record in records:
        event = events.get(record.key or b"")
        if event is None:
            continue
        found.pop(event, None)
        id = _id(record.value, schemas.avro_text(event))
        if id is not None:
            found[event] = id
    return found


def _id(value: bytes | None, text: str) -> int | None:
    try:
        body = json.loads(value or b"")
        same = body["v"] == FORMAT and body["schema"] == text
        return body["id"] if same and type(body["id"]) is int and body["id"] > 0 else None
    except (ValueError, LookupError, TypeError):
        return None


def _key(event: str) -> bytes:
    digest = blake2b(schemas.avro_text(event).encode(), digest_size=16).hexdigest()
    return f"{schemas.name_of(event).subject}/{digest}".encode()
