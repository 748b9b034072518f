"""The wire: bytes that are frozen, and what is said about every kind of bytes that are not ours."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest

import schemas
from psfabric.codec import Codec
from psfabric.envelope import HEADER_LIMIT
from psfabric.errors import FabricError, Invalid, Transient
from psfabric.event import Event, HeaderList, Record
from tests.contracts.given import EXAMPLES, example

GOLDEN = Path(__file__).with_name("golden_bytes.json")
EARLIER: dict[str, Any] = json.loads(Path(__file__).with_name("earlier_bytes.json").read_text())
"""Bytes that an earlier release wrote for an example, and the fields that this one added since."""
WIRE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "wire_format" / "cases.jsonl"
PASSING = sorted(path.name.removesuffix(".pass.json") for path in EXAMPLES.glob("*.pass.json"))


class Ids:
    """A registry in memory: an event's id is its place in the alphabet, from 1; `more` are foreign schemas."""

    def __init__(self, **more: Any) -> None:
        self._events = sorted(schemas.events())
        self.more: dict[int, Any] = {100 + n: schema for n, schema in enumerate(more.values())}
        self.away = False

    def id_of(self, event: str) -> int:
        return self._events.index(event) + 1

    def combination(self, writer_id: int, event: str) -> int | None:
        return self.id_of(event) if writer_id == self.id_of(event.removeprefix("enriched.")) else None

    def has_version(self, schema_id: int, event: str) -> bool:
        return True

    def writer(self, schema_id: int) -> dict[str, Any]:
        if self.away:
            raise Transient("the registry is away")
        if schema_id in self.more:
            return dict(self.more[schema_id])
        if not 0 < schema_id <= len(self._events):
            raise Invalid("schema-unknown", f"schema id {schema_id} is not in the registry")
        return schemas.avro(self._events[schema_id - 1])


def headers(event: Event) -> HeaderList:
    return Codec(Ids()).headers(event)


def given(name: str) -> Event:
    event, _, case = name.rpartition(".")
    return example(event, case)


def record(value: bytes | None, *pairs: tuple[str, bytes]) -> Record:
    return Record("psf.time", 0, 7, b"k", value, pairs)


def code_of(value: bytes | None, codec: Codec | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        (codec or Codec(Ids())).decode(record(value))
    return caught.value.code


def code_of_lazy(value: bytes | None, codec: Codec | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        (codec or Codec(Ids())).lazy(record(value))
    return caught.value.code


def bytes_of(event: Event) -> bytes:
    return Codec(Ids()).value(event.data)


# ------------------------------------------------------------------------------------------------ round trip


@pytest.mark.parametrize("name", PASSING)
def test_the_bytes_of_each_event_are_frozen(name: str) -> None:
    """Without the schema id, which the registry gives. Regenerate only with a new major version of the event, or when
    a field was added to it last; then the bytes so far go into `earlier_bytes.json`."""
    frozen = json.loads(GOLDEN.read_text())
    assert bytes_of(given(name))[5:].hex() == frozen[name], "stored records of this type could not be compared any more"


def test_every_type_of_the_contract_has_frozen_bytes() -> None:
    assert {name.rpartition(".")[0] for name in json.loads(GOLDEN.read_text())} == set(schemas.events())


@pytest.mark.parametrize("name", sorted(EARLIER))
def test_records_of_earlier_releases_are_read_as_the_same_event(name: str) -> None:
    """The fields that they lack are none. Of a canonical event they are even the beginning of what is written today."""
    lacking, written = EARLIER[name]["lacks"], bytes.fromhex(EARLIER[name]["bytes"])
    ids, today = Ids(), given(name)
    ours = schemas.avro(today.type)
    ids.more[100] = {**ours, "fields": [field for field in ours["fields"] if field["name"] not in lacking]}
    framed = b"\0\0\0\0\x64" + written
    assert Codec(ids).decode(record(framed)).data == today.data
    assert Codec(ids).lazy(record(framed)).data == today.data
    assert today.type.startswith("enriched.") or bytes_of(today)[5:].startswith(written)


def with_symbol(node: Any, enum: str) -> Any:
    """A schema in which this enum has one symbol more, as a later release may have it."""
    if isinstance(node, list):
        return [with_symbol(part, enum) for part in node]
    if not isinstance(node, dict):
        return node
    more = {key: with_symbol(node[key], enum) for key in ("type", "items", "values", "fields") if key in node}
    return {**node, **more, "symbols": [*node["symbols"], "LATER"]} if node.get("name") == enum else {**node, **more}


def of_a_later_release(event: str, enum: str, **changes: Any) -> tuple[Codec, Record]:
    ids = Ids()
    ids.more[100] = with_symbol(schemas.avro(event), enum)
    out = io.BytesIO(b"\0\0\0\0\x64")
    out.seek(5)
    (path,) = EXAMPLES.glob(f"{event}.deleted.pass.json")
    plain = given(path.name.removesuffix(".pass.json")).data.model_dump() | changes
    fastavro.schemaless_writer(out, fastavro.parse_schema(ids.more[100]), plain)
    return Codec(ids), record(out.getvalue())


def test_a_symbol_of_a_later_release_is_read_as_unknown() -> None:
    codec, later = of_a_later_release("expense.ExpenseRemoved", "ExpenseRemovalCause", cause="LATER")
    assert getattr(codec.decode(later).data, "cause") == "UNKNOWN"  # noqa: B009


def test_a_symbol_of_a_later_release_is_refused_where_there_is_no_unknown() -> None:
    codec, later = of_a_later_release("time.TimeRemoved", "RemovalCause", cause="LATER")
    with pytest.raises(Invalid) as caught:
        codec.decode(later)
    assert caught.value.code == "contract-violated"


@pytest.mark.parametrize("name", PASSING)
def test_what_is_encoded_is_decoded_again_with_its_envelope(name: str) -> None:
    event = given(name).changed(causation_id="cause", tracestate="a=1")
    key, value, pairs = Codec(Ids()).encode(event)
    assert key.decode() == event.data.partition_key
    assert Codec(Ids()).decode(Record("t", 0, 0, key, value, pairs)) == event


@pytest.mark.parametrize("name", PASSING)
def test_headers_are_copies_of_the_head(name: str) -> None:
    event = given(name)
    found = {n: (v or b"").decode() for n, v in headers(event)}
    data = event.data
    copied = {
        "ce_id": data.event_id,
        "ce_subject": data.aggregate_id,
        "ce_partitionkey": data.partition_key,
        "ce_sequence": data.sequence,
        "ce_revision": data.revision,
        "ce_legalentity": data.legal_entity,
    }
    assert {n: found.get(n, "") for n in copied} == copied
    assert found["ce_specversion"] == "1.0"
    assert found["ce_type"] == data.CE_TYPE
    assert found["content-type"] == "application/avro"
    assert found["ce_dataclassification"] in ("public", "internal", "confidential", "personal")
    assert len(found) == len(headers(event)), "a name twice"
    assert all(found.values()), "an attribute without a value is left out"


def test_a_header_has_at_most_one_kibibyte() -> None:
    fits = headers(example("time.TimeSubmitted", aggregate_id="é" * (HEADER_LIMIT // 2)))
    assert max(len(v or b"") for _, v in fits) == HEADER_LIMIT
    with pytest.raises(Invalid) as caught:
        headers(example("time.TimeSubmitted", aggregate_id="é" * (HEADER_LIMIT // 2) + "e"))
    assert caught.value.code == "header-invalid"
    assert "ce_subject" in caught.value.why


def test_a_trace_that_is_too_long_is_left_out() -> None:
    event = example("time.TimeSubmitted").changed(tracestate="a=" + "x" * HEADER_LIMIT)
    assert "tracestate" not in dict(headers(event))


def test_the_cause_in_a_receipt_is_an_event_without_headers() -> None:
    event = example("time.TimeSubmitted")
    codec = Codec(Ids())
    assert codec.event(bytes_of(event)).data == event.data
    assert codec.event(bytes_of(event)).time == event.time


# ------------------------------------------------------------------------------------------------ not ours


def test_a_record_without_a_value_is_refused() -> None:
    assert code_of(None) == "null-value"


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\0\0\0", b'{"a": 1}', b"\x02\0\0\0\x01rest", b"\xff" * 40])
def test_what_is_not_framed_is_refused_by_its_first_bytes(value: bytes) -> None:
    assert code_of(value) == "wrong-magic"


def test_a_schema_named_by_guid_is_unknown_here() -> None:
    assert code_of(b"\x01" + bytes(16) + b"rest") == "schema-unknown"


def test_an_unknown_id_is_refused_and_an_unreachable_registry_is_not() -> None:
    ids = Ids()
    assert code_of(b"\0\0\0\xff\xffabc", Codec(ids)) == "schema-unknown"
    ids.away = True
    with pytest.raises(Transient):
        Codec(ids).decode(record(bytes_of(example("time.TimeSubmitted"))))


def test_a_schema_once_read_is_not_asked_for_again() -> None:
    ids = Ids()
    codec = Codec(ids)
    value = bytes_of(example("time.TimeSubmitted"))
    codec.data(value)
    ids.away = True
    assert codec.data(value).EVENT == "time.TimeSubmitted"


STRANGERS = {
    "other": {"type": "record", "name": "Order", "namespace": "shop", "fields": []},
    "nameless": {"type": "record", "fields": []},
    "ours_but_unreadable": {
        "type": "record",
        "name": "TimeRemoved",
        "namespace": "psf.time",
        "fields": [{"name": "x"}],
    },
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_schema_of_somebody_else_is_refused(stranger: str) -> None:
    ids = Ids(schema=STRANGERS[stranger])
    assert code_of(b"\0\0\0\0\x64rest", Codec(ids)) == "schema-unknown"


def test_a_writer_whose_schema_does_not_resolve_is_refused() -> None:
    ours = schemas.avro("time.TimeRemoved")
    short = {**ours, "fields": [f for f in ours["fields"] if f["name"] != "cause"]}
    odd = {**ours, "fields": [{**f, "type": "int"} if f["name"] == "event_id" else f for f in ours["fields"]]}
    value = b"\0\0\0\0\x64" + bytes_of(example("time.TimeRemoved", "deleted"))[5:]
    for schema in (short, odd):
        assert code_of(value, Codec(Ids(schema=schema))) in ("contract-violated", "avro-truncated")


# ------------------------------------------------------------------------------------------------ damaged


@pytest.mark.parametrize("name", PASSING)
def test_a_record_cut_anywhere_is_refused(name: str) -> None:
    value = bytes_of(given(name))
    codec = Codec(Ids())
    for length in range(5, len(value)):
        assert code_of(value[:length], codec) == "avro-truncated", f"cut after {length} of {len(value)} bytes"


def test_bytes_after_the_end_are_refused() -> None:
    value = bytes_of(example("time.TimeSubmitted"))
    assert code_of(value + b"\0") == "avro-truncated"
    assert code_of(value + value) == "avro-truncated"


@pytest.mark.parametrize("name", PASSING)
def test_damage_is_refused_or_read_but_never_a_crash(name: str) -> None:
    value, codec, rng = bytes_of(given(name)), Codec(Ids()), random.Random(name)
    for _ in range(100):
        damaged = bytearray(value)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(5, len(damaged))] = rng.randrange(256)
        try:
            codec.data(bytes(damaged))
        except Invalid as error:
            assert error.code in ("avro-truncated", "contract-violated")  # noqa: PT017 - either is right


@pytest.mark.parametrize("name", PASSING)
def test_what_is_read_at_once_is_the_same_event(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, codec = bytes_of(given(name)), Codec(Ids())
    came = record(value)._replace(headers=codec.headers(given(name)))
    later = codec.accepted(came, {given(name).type})
    at_once = codec.accepted(came, {given(name).type}, {given(name).type})
    assert later is not None
    assert at_once is not None
    assert at_once.head == later.head
    assert at_once.origin is not None, "what it was read from is written as it came"
    assert codec.encode(at_once) == codec.encode(later)
    monkeypatch.setattr("psfabric.codec.fastavro.schemaless_reader", None)
    data = at_once.data
    monkeypatch.undo()
    assert at_once == later
    assert data == later.data


def test_a_value_that_the_model_refuses_names_the_field_and_not_the_content() -> None:
    event = example("time.TimeSubmitted")
    fields = {n: getattr(event.data, n) for n in type(event.data).model_fields}
    value = Codec(Ids()).value(
        type(event.data).model_construct(**{**fields, "sequence": "somewhen", "worked_seconds": -5})
    )
    with pytest.raises(Invalid) as caught:
        Codec(Ids()).decode(record(value))
    assert caught.value.code == "contract-violated"
    assert "sequence" in caught.value.why
    assert "worked_seconds" in caught.value.why
    assert "somewhen" not in caught.value.why


def test_an_amount_with_more_digits_than_the_contract_is_refused_not_rounded() -> None:
    """fastavro rounds such a decimal to the precision without a word."""
    event = example("milestone.MilestoneAccepted")
    wide = json.loads(schemas.avro_text(event.type).replace('"precision": 20', '"precision": 40').replace(
        '"precision":20', '"precision":40'))  # fmt: skip
    plain = event.data.model_dump()
    for amount in ("123456789012345.678901", "999999999999999.999999"):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, fastavro.parse_schema(wide), {
            **plain, "amount": {"amount": Decimal(amount), "currency": "GBP"}})  # fmt: skip
        framed = bytes_of(event)[:5] + out.getvalue()
        assert code_of(framed) == "contract-violated"


# ------------------------------------------------------------------------------------------------ envelope


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-01T00:00:00Z", "2026-03-31T10:00:00", "0001-01-01T00:00:00+05:00"]
)
def test_a_time_that_is_no_instant_is_refused(text: str) -> None:
    value = bytes_of(example("time.TimeSubmitted"))
    with pytest.raises(Invalid) as caught:
        Codec(Ids()).decode(record(value, ("ce_time", text.encode())))
    assert caught.value.code == "header-invalid"


def test_without_headers_the_head_says_when() -> None:
    event = example("time.TimeSubmitted")
    bare = Codec(Ids()).decode(record(bytes_of(event)))
    assert (bare.time, bare.correlation_id, bare.source) == (event.time, event.id, "")


def test_an_instant_of_another_zone_is_kept_as_utc() -> None:
    value = bytes_of(example("time.TimeSubmitted"))
    read = Codec(Ids()).decode(record(value, ("ce_time", b"2026-03-31T10:00:00+02:00")))
    assert read.time == datetime(2026, 3, 31, 8, tzinfo=UTC)
    assert dict(headers(read))["ce_time"] == b"2026-03-31T08:00:00.000000Z"


# ------------------------------------------------------------------------------------------ other frameworks' bytes


def wire_cases() -> list[Any]:
    lines = WIRE.read_text().splitlines() if WIRE.is_file() else []
    return [pytest.param(case, id=case["id"]) for case in map(json.loads, lines)]


@pytest.mark.skipif(not WIRE.is_file(), reason="the shared wire-format cases are not beside this checkout")
@pytest.mark.parametrize("case", wire_cases())
def test_framing_is_read_as_others_write_it(case: dict[str, Any]) -> None:
    """An id or a GUID is recognised; what follows is none of our records, so each is refused in its own words."""
    expected, value = case["expected"], bytes.fromhex(case["hex"])
    with pytest.raises(FabricError) as caught:
        Codec(Ids()).data(value)
    why = str(caught.value)
    if expected.get("kind") == "guid" or expected.get("error") == "bad_header":
        assert "GUID" in why
    elif expected.get("kind") == "id" and expected["schema_id"] > len(schemas.events()):
        assert f"schema id {expected['schema_id']} " in why
    else:
        assert "avro-truncated" in why or "schema-unknown" in why


# ------------------------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize("name", PASSING)
def test_what_a_writer_wrote_is_taken_apart_and_put_together_again_byte_for_byte(name: str) -> None:
    codec, framed = Codec(Ids()), bytes_of(given(name))
    plain = codec.plain(framed)
    assert (plain.event, plain.fields["event_id"]) == (given(name).type, given(name).id)
    assert codec.framed(plain) == framed


@pytest.mark.parametrize("wrong", ["5400", None, 1 << 70])
def test_fields_that_do_not_fit_their_schema_are_not_written(wrong: object) -> None:
    codec = Codec(Ids())
    plain = codec.plain(bytes_of(given("time.TimeApproved.complete")))
    for fields in ({**plain.fields, "worked_seconds": wrong}, {}):
        with pytest.raises(Invalid) as refused:
            codec.framed(replace(plain, fields=fields))
        assert refused.value.code == "contract-violated"
