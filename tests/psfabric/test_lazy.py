"""Nothing is decoded that nobody reads, nothing encoded that nobody changed, and the bytes are the same."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from psfabric.avro_append import record_writer
from psfabric.avro_bytes import Malformed, read_head, walker
from psfabric.codec import ASK_AGAIN, Codec
from psfabric.errors import Invalid, Transient
from psfabric.event import Event, Framed, Head, Record, head_of
from schemas import HEAD_FIELDS, Model
from tests.contracts.given import example
from tests.psfabric.avro_data import INSTANTS, TEXT, states, values
from tests.psfabric.test_codec import Ids, code_of_lazy, record

ENRICHED = [event for event in schemas.events() if event.startswith(schemas.ENRICHED)]
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Counting(Codec):
    """Counts whole records decoded and encoded."""

    def __init__(self, ids: Any) -> None:
        super().__init__(ids)
        self.decoded = self.encoded = 0

    def data(self, framed: bytes) -> Model:
        self.decoded += 1
        return super().data(framed)

    def value(self, data: Model) -> bytes:
        self.encoded += 1
        return super().value(data)


def stored(event: Event, codec: Codec) -> Record:
    key, value, headers = codec.encode(event)
    return Record("psf.time", 0, 0, key, value, headers)


def enrichment_of(data: Model) -> dict[str, Any]:
    return dict(data.enrichment.model_dump())  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------ appending


@pytest.mark.parametrize("event", ENRICHED)
@few
@given(data=st.data())
def test_an_enriched_record_is_byte_for_byte_what_encoding_all_of_it_gives(event: str, data: st.DataObject) -> None:
    whole = data.draw(states(event))
    model = type(whole)
    base = {name: getattr(whole, name) for name in model.model_fields if name != "enrichment"}
    canonical = schemas.model(event.removeprefix(schemas.ENRICHED)).model_validate(base)
    said = Event(canonical, data.draw(INSTANTS), data.draw(TEXT), "c", data.draw(TEXT))
    codec = Counting(Ids())
    read = codec.lazy(stored(said, codec))
    codec.encoded = 0
    for origin in (read, said):  # from bytes, and made here
        enriched = origin.enrich(model, enrichment_of(whole))
        written = codec.encode(enriched)
        assert (codec.decoded, codec.encoded) == (0, 0), "the record was taken apart"
        assert written == Codec(Ids()).encode(Event(whole, said.time, said.source, "c", said.causation_id))
        assert codec.decode(Record("t", 0, 0, *written)).data == enriched.data == whole
        codec.decoded = 0


def test_an_event_passed_on_as_it_is_keeps_its_bytes() -> None:
    codec = Counting(Ids())
    given = stored(example("project.ProjectCreated"), codec)
    codec.encoded = 0
    assert codec.encode(codec.lazy(given)) == (given.key, given.value, given.headers)
    assert (codec.decoded, codec.encoded) == (0, 0)


def test_a_record_of_another_type_is_not_looked_at() -> None:
    codec = Counting(Ids())
    given = stored(example("time.TimeApproved"), codec)
    assert codec.accepted(given, ("time.TimeApproved",)) == codec.lazy(given)
    for odd in (given, given._replace(value=given.value[:6] if given.value else b""), given._replace(key=None)):
        assert codec.accepted(odd, ("time.TimeSubmitted",)) is None


def test_an_event_that_was_read_and_then_enriched_still_keeps_its_bytes() -> None:
    codec = Counting(Ids())
    wanted = example("enriched.time.TimeApproved")
    read = codec.lazy(stored(example("time.TimeApproved"), codec))
    assert read.data == example("time.TimeApproved").data
    codec.encoded = 0
    enriched = read.enrich(type(wanted.data), enrichment_of(wanted.data))
    assert codec.encode(enriched)[1] == Codec(Ids()).value(enriched.data)
    assert codec.encoded == 0


# ---------------------------------------------------------------------------------------- unknown combinations


class OlderWriter(Ids):
    """Id 200 is `time.TimeApproved` as a release wrote it that had no `extensions` yet; 201 what is made of it."""

    def __init__(self, *, registered: bool) -> None:
        super().__init__()
        self.registered = registered
        self.asked = 0
        ours = schemas.avro("time.TimeApproved")
        self.more[200] = {**ours, "fields": ours["fields"][:-1]}
        self.more[201] = schemas.enriched(self.more[200], schemas.enrichment("enriched.time.TimeApproved"))

    def combination(self, writer_id: int, event: str) -> int | None:
        self.asked += 1
        if self.away:
            raise Transient("the registry is away")
        if writer_id == 200:
            return 201 if self.registered else None
        return super().combination(writer_id, event)

    def record(self) -> Record:
        out = io.BytesIO(b"\0\0\0\0\xc8")
        out.seek(5)
        plain = example("time.TimeApproved").data.model_dump()
        fastavro.schemaless_writer(out, fastavro.parse_schema(self.more[200]), plain)
        return record(out.getvalue())


def enriched_of_older(ids: OlderWriter) -> tuple[Counting, bytes, Event]:
    wanted = example("enriched.time.TimeApproved")
    codec = Counting(ids)
    event = codec.lazy(ids.record()).enrich(type(wanted.data), enrichment_of(wanted.data))
    return codec, codec.encode(event)[1], event


def test_a_record_of_an_earlier_release_is_enriched_under_the_schema_of_its_combination() -> None:
    codec, value, event = enriched_of_older(OlderWriter(registered=True))
    assert (codec.decoded, codec.encoded) == (0, 0)
    assert value[:5] == b"\0\0\0\0\xc9"
    assert codec.data(value) == event.data, "the sink reads what was missing as its default"


def test_a_combination_that_is_not_registered_is_decoded_and_encoded_never_guessed() -> None:
    ids = OlderWriter(registered=False)
    codec, value, event = enriched_of_older(ids)
    assert codec.decoded == 1
    assert value == Codec(ids).value(event.data), "as this release writes it"
    enriched = example("enriched.time.TimeApproved")
    codec.encode(codec.lazy(ids.record()).enrich(type(enriched.data), enrichment_of(enriched.data)))
    assert ids.asked == 1, "the answer is kept"


def test_a_registry_that_cannot_be_asked_delays_nothing_and_is_asked_again_later() -> None:
    ids, now = OlderWriter(registered=True), [100.0]
    wanted = example("enriched.time.TimeApproved")
    codec = Codec(ids, clock=lambda: now[0])
    event = codec.lazy(ids.record()).enrich(type(wanted.data), enrichment_of(wanted.data))
    ids.away = True
    whole = codec.encode(event)[1]
    assert whole == codec.encode(event)[1] == codec.value(event.data)
    assert ids.asked == 1
    ids.away = False
    now[0] += ASK_AGAIN
    assert codec.encode(event)[1][:5] == b"\0\0\0\0\xc9"
    assert codec.data(codec.encode(event)[1]) == codec.data(whole)


# ------------------------------------------------------------------------------------------- what is still refused


@pytest.mark.parametrize("event", schemas.events())
@few
@given(data=st.data())
def test_a_record_is_stepped_over_to_its_end_and_no_cut_one_is(event: str, data: st.DataObject) -> None:
    state = data.draw(states(event))
    codec = Counting(Ids())
    value = Codec(Ids()).value(state)
    read = codec.lazy(record(value))
    assert read.head == head_of(state)
    assert codec.decoded == 0
    cut = data.draw(st.integers(5, len(value) - 1))
    assert code_of_lazy(value[:cut]) == "avro-truncated"
    assert code_of_lazy(value + b"\0") == "avro-truncated"


@pytest.mark.parametrize("event", ["time.TimeApproved", "enriched.billing.BillingRequested", "invoice.InvoicePosted"])
def test_damage_that_decoding_allows_stepping_over_allows_too(event: str) -> None:
    """And nothing ends in a crash, whatever the bytes."""
    case = "time-and-materials" if event == "billing.BillingRequested" else "complete"
    value, codec, rng = Codec(Ids()).value(example(event, case).data), Codec(Ids()), random.Random(event)
    read = refused = 0
    for _ in range(3000):
        damaged = bytearray(value)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(5, len(damaged))] = rng.randrange(256)
        try:
            codec.lazy(record(bytes(damaged)))
            read += 1
        except Invalid as error:
            refused += 1
            assert error.code in ("avro-truncated", "header-invalid")  # noqa: PT017 - either is right
            if error.code == "avro-truncated":  # not the instant in the sequence, of which the model knows the shape
                with pytest.raises(Invalid):
                    codec.data(bytes(damaged))
    assert read > 100
    assert refused > 100


def end_of(walk: Any, value: bytes, at: int) -> int | str:
    try:
        return int(walk(value, at))
    except (Malformed, IndexError) as error:
        return type(error).__name__


@pytest.mark.parametrize("event", ["time.TimeApproved", "time.TimePosted", "enriched.time.TimeApproved"])
def test_what_was_added_later_is_stepped_over_at_once_where_it_is_none_and_else_field_by_field(event: str) -> None:
    """A schema of the same fields without defaults knows no short way; both end everywhere at the same place."""
    schema = schemas.avro(event)
    slow = {**schema, "fields": [{k: v for k, v in f.items() if k != "default"} for f in schema["fields"]]}
    short, long_ = walker(schema), walker(slow)
    assert short
    assert long_
    rng, compared = random.Random(event), 0
    for case in ("complete", "two-levels-one-by-a-deputy")[: 2 if event == "time.TimeApproved" else 1]:
        value = Codec(Ids()).value(example(event, case).data)
        _, at = read_head(value, 5)
        assert short(value, at) == long_(value, at) == len(value)
        for _ in range(3000):
            damaged = bytearray(value)
            for _ in range(rng.randint(1, 3)):
                damaged[rng.randrange(at, len(damaged))] = rng.choice((0, 1, 2, rng.randrange(256)))
            cut = bytes(damaged[: rng.randrange(at, len(damaged) + 1)])
            for each in (bytes(damaged), cut):
                assert end_of(short, each, at) == end_of(long_, each, at)
                compared += isinstance(end_of(short, each, at), int)
    assert compared > 1000


def test_what_is_wrong_behind_the_head_is_said_when_it_is_read() -> None:
    event = example("time.TimeSubmitted")
    fields = {n: getattr(event.data, n) for n in type(event.data).model_fields}
    odd = type(event.data).model_construct(**{**fields, "worked_seconds": -5})
    read = Codec(Ids()).lazy(record(Codec(Ids()).value(odd)))
    assert read.id == event.id
    for _ in range(2):
        with pytest.raises(Invalid) as caught:
            _ = read.data
        assert caught.value.code == "contract-violated"


COPIES = ("ce_id", "ce_subject", "ce_partitionkey", "ce_sequence", "ce_revision", "ce_legalentity", "ce_type")


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("said", [b"something-else", b"\xff\xfe", b""])
def test_a_header_that_contradicts_the_head_is_refused(name: str, said: bytes) -> None:
    whole = stored(example("time.TimeApproved", legal_entity="UK01"), Codec(Ids()))
    changed = tuple((n, said if n == name else v) for n, v in whole.headers)
    for read in (Codec(Ids()).lazy, Codec(Ids()).decode):
        if name == "ce_type" and not said:
            read(whole)
            continue
        with pytest.raises(Invalid) as caught:
            read(Record("t", 0, 0, whole.key, whole.value, changed))
        assert caught.value.code == "header-invalid"
        assert name in caught.value.why


@pytest.mark.parametrize("name", ["ce_source", "ce_correlationid", "ce_causationid", "ce_time"])
def test_a_header_that_is_no_text_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        Codec(Ids()).lazy(record(Codec(Ids()).value(example("time.TimeApproved").data), (name, b"\xff\xfe")))
    assert caught.value.code == "header-invalid"


def test_a_trace_that_is_no_text_is_left_out() -> None:
    value = Codec(Ids()).value(example("time.TimeApproved").data)
    assert Codec(Ids()).lazy(record(value, ("traceparent", b"\xff"))).traceparent == ""


# ------------------------------------------------------------------------------------------------ any schema


def odd_schema() -> dict[str, Any]:
    """Everything Avro has, behind a head."""
    money = {"type": "record", "name": "Money", "namespace": "x", "fields": [{"name": "a", "type": "bytes"}]}
    types: dict[str, Any] = {
        "flag": "boolean",
        "count": "int",
        "sum": "long",
        "share": "float",
        "ratio": "double",
        "blob": "bytes",
        "money": money,
        "again": "x.Money",
        "maybe": ["null", "x.Money", "string"],
        "colour": {"type": "enum", "name": "Colour", "namespace": "y", "symbols": [f"C{n}" for n in range(70)]},
        "colours": {"type": "array", "items": "y.Colour"},
        "hash": {"type": "fixed", "name": "Hash", "size": 4},
        "tree": {"type": "map", "values": {"type": "array", "items": ["null", "long"]}},
        "day": {"type": "int", "logicalType": "date"},
        "java": {"type": "string", "avro.java.string": "String"},
    }
    head = [{"name": n, "type": "string"} for n in HEAD_FIELDS]
    rest = [{"name": n, "type": t} for n, t in types.items()]
    return {"type": "record", "name": "Odd", "namespace": "y", "fields": [*head, *rest]}


@few
@given(plain=values(odd_schema(), {}))
def test_every_type_of_avro_is_stepped_over(plain: dict[str, Any]) -> None:
    schema = fastavro.parse_schema(odd_schema())
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, plain)
    walk = walker(odd_schema())
    assert walk is not None
    head, at = read_head(out.getvalue(), 0)
    assert head == Head._make(plain[name] for name in HEAD_FIELDS)
    assert walk(out.getvalue(), at) == len(out.getvalue())


def after_head(type_: Any) -> dict[str, Any]:
    schema = odd_schema()
    return {**schema, "fields": [*schema["fields"][: len(HEAD_FIELDS)], {"name": "x", "type": type_}]}


def test_blocks_with_their_size_are_stepped_over() -> None:
    walk = walker(after_head({"type": "array", "items": "string"}))
    assert walk is not None
    assert walk(b"\x03\x08\x02a\x02b\x00", 0) == 7  # two items in four bytes, then the end


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("boolean", b"\x02"),
        ("string", b"\x01"),
        ("long", b"\xff" * 11),
        ("string", b"\xff" * 11),
        (["null", "string"], b"\x04"),
        (["null", "string"], b"\x01"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02"),
        ({"type": "array", "items": "string"}, b"\x80\x80\x80\x80\x20"),
    ],
)
def test_bytes_out_of_step_are_malformed(type_: Any, value: bytes) -> None:
    walk = walker(after_head(type_))
    assert walk is not None
    with pytest.raises(Malformed):
        walk(value, 0)


@pytest.mark.parametrize("size", [b"\x01", b"\xff" * 11, b"\x81\x00"], ids=["negative", "endless", "negative and long"])
def test_a_head_out_of_step_is_malformed(size: bytes) -> None:
    with pytest.raises(Malformed):
        read_head(b"\0" * 7 + size + b"text", 0)


def test_a_long_head_is_read() -> None:
    assert read_head(b"\0" * 7 + b"\x80\x04" + b"x" * 256, 0) == (Head._make([""] * 7 + ["x" * 256]), 265)


def test_what_cannot_be_stepped_over_safely_is_decoded_whole() -> None:
    recursive = {"type": "record", "name": "Tree", "fields": [{"name": "sub", "type": ["null", "y.Tree"]}]}
    empty = {"type": "array", "items": "null"}
    assert walker(after_head(recursive)) is None
    assert walker(after_head(empty)) is None
    ours = schemas.avro("time.TimeRemoved")
    swapped = {**ours, "fields": [ours["fields"][1], ours["fields"][0], *ours["fields"][2:]]}
    ids, event = Ids(schema=swapped), example("time.TimeRemoved", "deleted")
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(swapped))), event.data.model_dump())
    read = Codec(ids).lazy(record(b"\0\0\0\0\x64" + out.getvalue()))
    assert read.origin is None
    assert read.data == event.data
    assert not isinstance(read.origin, Framed)


# ------------------------------------------------------------------------------------------------ writing


def test_an_enrichment_that_is_not_flat_is_left_to_the_library() -> None:
    def one(type_: Any) -> dict[str, Any]:
        return {"type": "record", "name": "E", "fields": [{"name": "x", "type": type_}]}

    wide = {"type": "bytes", "logicalType": "decimal", "precision": 29, "scale": 2}
    for type_ in ({"type": "array", "items": "string"}, ["null", "string"], wide, "long"):
        assert record_writer(one(type_)) is None
    assert record_writer(one("string")) is not None
