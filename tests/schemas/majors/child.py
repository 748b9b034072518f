"""What runs inside a scratch contract (see scratch.py): records of major 1 read by a release that serves major 2."""

from __future__ import annotations

import base64
import io
import json
import string
import struct
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from psfabric.codec import Codec
from psfabric.errors import Invalid
from psfabric.event import Event, Record
from psfabric.http import Response
from psfabric.registry import Registry
from schemas import majors

V1, V2 = 100, 500
"""Ids of the older and the current schemas in a registry that was asked in this order."""


@dataclass
class Ids:
    """A registry that knows both majors of everything."""

    events: list[str] = field(default_factory=lambda: list(schemas.events()))

    def id_of(self, event: str) -> int:
        return V2 + self.events.index(event)

    def writer(self, schema_id: int) -> dict[str, Any]:
        if schema_id >= V2:
            return schemas.avro(self.events[schema_id - V2])
        event = self.events[schema_id - V1]
        return next(each.schema for each in older() if each.name.event == event)

    def older_id(self, event: str) -> int:
        return V1 + self.events.index(event)

    def combination(self, writer_id: int, event: str) -> int | None:
        raise AssertionError("a record of another major is never enriched by appending")

    def has_version(self, schema_id: int, event: str) -> bool:
        return event == self.events[schema_id - (V2 if schema_id >= V2 else V1)]


def older() -> list[schemas.Superseded]:
    return list(majors.all_superseded().values())


def framed(event: str, fields: dict[str, Any], ids: Ids) -> bytes:
    out = io.BytesIO()
    schema = next(each.schema for each in older() if each.name.event == event)
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), fields)
    return struct.pack(">bI", 0, ids.older_id(event)) + out.getvalue()


def record(value: bytes, ce_type: str = "") -> Record:
    headers = (("ce_type", ce_type.encode()),) if ce_type else ()
    return Record("psf.time", 0, 0, b"key", value, headers)


# ------------------------------------------------------------------------------------------ any record of a schema

TEXT = st.text(alphabet=string.printable, max_size=12)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))


def any_of(node: Any, known: dict[str, Any], attributes: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Values of an Avro type as fastavro takes them, within what the models ask for besides."""
    own = attributes or {}
    match node:
        case list():
            return st.one_of([any_of(part, known, own) for part in node])
        case str() if node in known:
            return any_of(known[node], known, own)
        case {"type": "record", "namespace": space, "name": name, "fields": fields}:
            known[f"{space}.{name}"] = node
            return st.fixed_dictionaries({each["name"]: any_of(each["type"], known, each) for each in fields})
        case {"type": "enum", "namespace": space, "name": name, "symbols": symbols}:
            known[f"{space}.{name}"] = node
            return st.sampled_from(symbols)
        case {"type": "array", "items": items}:
            return st.lists(any_of(items, known), max_size=2)
        case {"type": "map", "values": values}:
            return st.dictionaries(TEXT, any_of(values, known), max_size=2)
        case {"logicalType": "decimal", "precision": precision, "scale": scale}:
            most = 10 ** (precision - 2)
            return st.integers(-most, most).map(lambda units: Decimal(units).scaleb(-scale))
        case {"logicalType": "date"}:
            return st.dates(date(1970, 1, 1), date(2999, 1, 1))
        case {"logicalType": "timestamp-micros"}:
            return INSTANTS
        case {"type": inner}:
            return any_of(inner, known, own)
        case "string" if own.get("name") == "sequence":
            return INSTANTS.map(lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}Z/{0:020}")
        case "string" if "pattern" in own:
            return st.from_regex(own["pattern"], fullmatch=True)
        case "string":
            return TEXT
        case "int" | "long":
            return st.integers(max(own.get("minimum", -1000), -1000), 2**31 - 1)
    simple = {"null": st.none(), "boolean": st.booleans(), "bytes": st.binary(max_size=8)}
    return simple[node]


# ------------------------------------------------------------------------------------------ what is tried


def every_event() -> None:
    """Each event and each enriched one, every field but the new one as it was, whatever the record."""
    ids = Ids()
    codec = Codec(ids)
    assert {each.name.event for each in older()} == set(schemas.events())
    for each in older():
        _reads_any(each, codec, ids)
    print(f"{len(older())} events of major 1 are read as major 2")


def _reads_any(old: schemas.Superseded, codec: Codec, ids: Ids) -> None:
    schema = fastavro.parse_schema(old.schema)

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(any_of(old.schema, {}))
    def reads(fields: dict[str, Any]) -> None:
        now = codec.data(framed(old.name.event, fields, ids)).model_dump()
        assert now.pop("entered_in") == "before"
        plain, same = io.BytesIO(), io.BytesIO()
        fastavro.schemaless_writer(plain, schema, fields)
        fastavro.schemaless_writer(same, schema, now)
        assert same.getvalue() == plain.getvalue(), "every other field is as it was, to the byte"

    reads()


def examples() -> None:
    """JSON on standard input: list of [event, base64 of major 1's bytes]; answered with the JSON of each event."""
    ids = Ids()
    codec = Codec(ids)
    answers = []
    for event, body in json.load(sys.stdin):
        value = struct.pack(">bI", 0, ids.older_id(event)) + base64.b64decode(body)
        answers.append(codec.data(value).model_dump(mode="json"))
    print(json.dumps(answers))


def time_approved() -> None:
    """The event of the scratch contract whose rule computes something (see test_majors.py)."""
    ids = Ids()
    codec = Codec(ids)
    (old,) = [each for each in older() if each.name.event == "time.TimeApproved"]

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(any_of(old.schema, {}))
    def computes(fields: dict[str, Any]) -> None:
        value = framed("time.TimeApproved", fields, ids)
        event = codec.lazy(record(value, "psf.time.TimeApproved.v1"))
        data = event.data.model_dump()
        assert data["work"] == {"minutes": fields["worked_seconds"] // 60, "rest": fields["worked_seconds"] % 60}
        assert data["issue"] == fields["task"]
        assert not {"worked_seconds", "task"} & data.keys()
        assert event.type == "time.TimeApproved"
        assert event.origin is None, "nothing of the old bytes is sent on as if it were current"
        _sent_on_as_major_two(codec, event, ids)

    computes()
    fields = example_of(old)
    value = framed("time.TimeApproved", fields, ids)
    for ce_type in ("psf.time.TimeApproved.v2", "psf.time.TimeRemoved.v1"):
        refused(codec, value, ce_type, "header-invalid")
    refused(codec, value[:-1], "psf.time.TimeApproved.v1", "avro-truncated")
    refused(codec, value + b"x", "psf.time.TimeApproved.v1", "avro-truncated")
    assert codec.accepted(record(value), {"time.TimeApproved"}) is not None
    assert codec.accepted(record(value), {"time.TimeRemoved"}) is None
    assert codec.framed(codec.plain(value)) == value, "amending keeps to the words of the writer"
    _current_is_not_decoded(codec, codec.decode(record(value)))
    print("TimeApproved v1 is read as v2")


def _sent_on_as_major_two(codec: Codec, event: Event, ids: Ids) -> None:
    key, value, headers = codec.encode(event)
    assert struct.unpack(">bI", value[:5]) == (0, ids.id_of("time.TimeApproved"))
    assert dict(headers)["ce_type"] == b"psf.time.TimeApproved.v2"
    again = codec.decode(Record("psf.time", 0, 0, key or b"-", value, headers))
    assert again.data == event.data


def _current_is_not_decoded(codec: Codec, event: Event) -> None:
    _, value, headers = codec.encode(event)
    lazy = codec.lazy(Record("psf.time", 0, 0, b"key", value, headers))
    assert lazy.origin is not None, "of the current major only the head is read"


def example_of(old: schemas.Superseded) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(any_of(old.schema, {}))
    def take(fields: dict[str, Any]) -> None:
        found.append(fields)

    take()
    return found[0]


def refused(codec: Codec, value: bytes, ce_type: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        codec.decode(record(value, ce_type))
    assert caught.value.code == code, caught.value.why


def registry() -> None:
    """A subject of an older major is one of the event, at the border and where the registry is compared."""
    versions = [{"subject": "psf.time.TimeApproved", "version": 3}]

    def fetch(method: str, url: str, **rest: Any) -> Response:
        return Response(200, {}, json.dumps(versions).encode())

    asked = Registry("http://registry.example", fetch)
    assert schemas.subjects("time.TimeApproved") == ("psf.time.v2.TimeApproved", "psf.time.TimeApproved")
    assert asked.has_version(7, "time.TimeApproved")
    assert not asked.has_version(7, "time.TimeRemoved")
    print("subjects of both majors are known")


def failing() -> None:
    """The rule of the scratch contract refuses: what is said of it."""
    ids = Ids()
    (old,) = older()
    try:
        Codec(ids).data(framed(old.name.event, example_of(old), ids))
    except Invalid as error:
        print(error.code, error.why)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
