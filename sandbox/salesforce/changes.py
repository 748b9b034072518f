"""Change events: their Avro schema, the bitmaps of changed fields, and the log that a topic replays.

Rules from the Change Data Capture guide: an UPDATE carries every field, unchanged ones null; `changedFields` and
`nulledFields` are hex bitmaps over the positions of the fields in the schema, lowest bit first; both are empty for
the other kinds of change.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import fastavro

from sandbox.clock import milliseconds
from sandbox.salesforce.objects import SObject

HIDDEN = frozenset({"Id", "IsDeleted", "SystemModstamp"})
_PLAIN = ("CREATE", "UPDATE", "DELETE", "UNDELETE")
KINDS = [*_PLAIN, *(f"GAP_{kind}" for kind in _PLAIN), "GAP_OVERFLOW", "SNAPSHOT"]
_AVRO = {"currency": "double", "double": "double", "boolean": "boolean", "date": "long", "datetime": "long"}
_TEXTS = {"type": "array", "items": "string"}
_HEADER = {
    "type": "record",
    "name": "ChangeEventHeader",
    "namespace": "com.sforce.eventbus",
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": _TEXTS},
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": KINDS}},
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": _TEXTS},
        {"name": "diffFields", "type": _TEXTS},
        {"name": "changedFields", "type": _TEXTS},
    ],
}


def schema_of(made: SObject) -> dict[str, Any]:
    """The Avro schema of the object's change events; every field but the header is nullable."""
    fields: list[dict[str, Any]] = [{"name": "ChangeEventHeader", "type": _HEADER}]
    for name, kind in made.fields.items():
        if name not in HIDDEN:
            avro = _AVRO.get(kind, "string")
            fields.append({"name": name, "type": ["null", avro], "doc": f"Data:{kind}", "default": None})
    name = made.topic.rpartition("/")[2]
    return {"type": "record", "name": name, "namespace": "com.sforce.eventbus", "fields": fields}


def bitmap(schema: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """The named fields as one hex number, bit n for the field at position n of the schema; [] for no field."""
    bits = sum(1 << place for place, field_ in enumerate(schema["fields"]) if field_["name"] in names)
    return [f"0x{bits:0{(bits.bit_length() + 7) // 8 * 2}X}"] if bits else []


@dataclass(frozen=True)
class Change:
    """One committed change of one or more records; `values` are what it says about their fields."""

    kind: str
    ids: tuple[str, ...]
    values: Mapping[str, Any]
    at: datetime
    commit: int
    user: str
    origin: str


@dataclass(frozen=True)
class Stored:
    """An event of a topic as it goes over the wire."""

    id: str
    replay_id: bytes
    payload: bytes


@dataclass
class Topic:
    """The changes of one object, kept in order for replay."""

    made: SObject
    events: list[Stored] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schema = schema_of(self.made)
        self.schema_json = json.dumps(self.schema, separators=(",", ":"))
        digest = hashlib.blake2b(self.schema_json.encode(), digest_size=16).digest()
        self.schema_id = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._parsed = fastavro.parse_schema(self.schema)
        self._told = asyncio.Event()

    def tell(self, change: Change) -> None:
        """Append the event of a change and wake all subscribers."""
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, self._parsed, self._record(change))
        replay_id = hashlib.blake2b(f"{self.made.topic}/{change.commit}".encode(), digest_size=10).digest()
        self.places[replay_id] = len(self.events)
        self.events.append(Stored(f"{change.commit:032x}", replay_id, buffer.getvalue()))
        self._told.set()
        self._told = asyncio.Event()

    async def wait(self) -> None:
        """Until the next event is told."""
        await self._told.wait()

    @property
    def latest(self) -> bytes:
        """The replay id of the newest event; of an empty topic one that means its beginning."""
        return self.events[-1].replay_id if self.events else self.beginning

    @property
    def beginning(self) -> bytes:
        return hashlib.blake2b(self.made.topic.encode(), digest_size=10).digest()

    def after(self, replay_id: bytes) -> int:
        """The position behind that event. Raises KeyError for a replay id that is not (or no longer) known."""
        return 0 if replay_id == self.beginning else self.places[replay_id] + 1

    def _record(self, change: Change) -> dict[str, Any]:
        update = change.kind == "UPDATE"
        nulled = [name for name, value in change.values.items() if value is None] if update else []
        header = {
            "entityName": self.made.name,
            "recordIds": list(change.ids),
            "changeType": change.kind,
            "changeOrigin": change.origin,
            "transactionKey": f"{change.commit:08x}-0000-4000-8000-000000000000",
            "sequenceNumber": 1,
            "commitTimestamp": milliseconds(change.at),
            "commitNumber": change.commit,
            "commitUser": change.user,
            "nulledFields": bitmap(self.schema, nulled),
            "diffFields": [],
            "changedFields": bitmap(self.schema, change.values.keys()) if update else [],
        }
        names = [entry["name"] for entry in self.schema["fields"][1:]]
        return {"ChangeEventHeader": header} | {name: _avro(change.values.get(name)) for name in names}


def _avro(value: Any) -> Any:
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days * 86_400_000
    return float(value) if isinstance(value, Decimal) else value
