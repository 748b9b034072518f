"""What a model accepts and refuses, and that plain dumps are what fastavro encodes, byte for byte the same again."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import schemas
from schemas.base import Model, Record
from schemas.models import Money, RemovalCause, TimeApproved, TimeRemoved

HEAD = {
    "event_id": "0f" * 16,
    "aggregate_id": "jira-acme:worklog:1",
    "partition_key": "jira-acme:worklog:1",
    "sequence": "2026-06-03T16:20:11.482000Z/00000000000000000000",
    "revision": "0" * 20,
    "legal_entity": "",
    "client_id": "",
    "project_id": "PRJ-1001",
}


def removed(**changes: Any) -> TimeRemoved:
    plain = {"cause": "DELETED", "removed_at": datetime(2026, 6, 4, tzinfo=UTC)}
    return TimeRemoved.model_validate(HEAD | plain | changes)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [1.5, 1, "1.5", True, None, Decimal("NaN"), Decimal("Infinity")])
def test_only_a_finite_decimal_is_money(amount: Any) -> None:
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="GBP")


@pytest.mark.parametrize("text", ["0.0000001", "100000000000000", "-100000000000000", "1E+14", "1E-7"])
def test_money_that_does_not_fit_the_scale_or_the_precision_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=Decimal(text), currency="GBP")


@pytest.mark.parametrize("text", ["1.1", "1.100000", "1.1000000", "110E-2"])
def test_equal_amounts_have_equal_text(text: str) -> None:
    money = Money(amount=Decimal(text), currency="GBP")
    assert money.model_dump_json() == '{"amount":"1.100000","currency":"GBP"}'


def test_there_is_no_negative_zero() -> None:
    assert str(Money(amount=Decimal("-0"), currency="GBP").amount) == "0.000000"


def test_the_largest_amount_fits() -> None:
    largest = Decimal("99999999999999.999999")
    assert Money(amount=-largest, currency="GBP").amount == -largest


@pytest.mark.parametrize("number", ["1.5", "1", "1e2"])
def test_a_json_number_is_no_decimal(number: str) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate_json(f'{{"amount": {number}, "currency": "GBP"}}')


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "GBPX", "GBP\n", "£££", "ＧＢＰ"])
def test_a_currency_is_three_capitals(currency: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=Decimal(1), currency=currency)


@pytest.mark.parametrize("instant", [datetime(2026, 6, 4), "2026-06-04T00:00:00Z", 1780531200, date(2026, 6, 4)])
def test_an_instant_is_an_aware_datetime(instant: Any) -> None:
    with pytest.raises(ValidationError):
        removed(removed_at=instant)


def test_an_instant_is_carried_in_utc() -> None:
    event = removed(removed_at=datetime(2026, 6, 4, 2, tzinfo=timezone(timedelta(hours=2))))
    assert event.removed_at == datetime(2026, 6, 4, tzinfo=UTC)
    assert event.removed_at.tzinfo is UTC


def test_an_instant_before_the_year_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="outside the years"):
        removed(removed_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))))


def test_a_seventh_decimal_of_a_second_is_refused() -> None:
    text = removed().model_dump_json().replace("2026-06-04T00:00:00Z", "2026-06-04T00:00:00.1234567Z")
    with pytest.raises(ValidationError):
        TimeRemoved.model_validate_json(text)


def test_a_local_date_is_no_datetime() -> None:
    with pytest.raises(ValidationError):
        TimeApproved.model_validate({"work_date": datetime(2026, 6, 3, tzinfo=UTC)} | HEAD)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_text_that_utf_8_cannot_carry_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        removed(aggregate_id=text)
    with pytest.raises(ValidationError):
        removed(extensions={text: ""})
    with pytest.raises(ValidationError):
        removed(extensions={"": text})


@pytest.mark.parametrize("cause", ["deleted", "", "Deleted", 0, None])
def test_a_symbol_is_one_of_the_list(cause: Any) -> None:
    with pytest.raises(ValidationError):
        removed(cause=cause)


def test_a_symbol_is_taken_as_text_and_as_member() -> None:
    assert removed(cause="REJECTED").cause is removed(cause=RemovalCause.REJECTED).cause is RemovalCause.REJECTED


@pytest.mark.parametrize("sequence", ["", "1", "2026-06-03T16:20:11Z/" + "0" * 20, HEAD["sequence"] + "0"])
def test_a_sequence_that_would_not_compare_is_refused(sequence: str) -> None:
    with pytest.raises(ValidationError):
        removed(sequence=sequence)


@pytest.mark.parametrize("revision", ["", "0", "0" * 19, "0" * 21, "-" + "0" * 19])
def test_a_revision_that_would_not_compare_is_refused(revision: str) -> None:
    with pytest.raises(ValidationError):
        removed(revision=revision)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="email"):
        removed(email="a.person@firm.example")


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        removed().aggregate_id = "other"  # type: ignore[misc]


def test_events_do_not_share_their_extensions() -> None:
    removed().extensions["jira.x"] = "1"
    assert removed().extensions == {}


# --- round trip -------------------------------------------------------------------------------------------------------


@cache
def parsed(event: str) -> Any:
    return fastavro.parse_schema(schemas.avro(event))


def encoded(event: str, model: Model) -> bytes:
    written = io.BytesIO()
    fastavro.schemaless_writer(written, parsed(event), model.model_dump())
    return written.getvalue()


def decoded(event: str, value: bytes) -> Any:
    return fastavro.schemaless_reader(io.BytesIO(value), parsed(event), None)


SMALL_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SPECIAL = {
    "sequence": st.just(HEAD["sequence"]),
    "revision": st.integers(0, 10**20 - 1).map(lambda n: f"{n:020d}"),
}
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: SMALL_TEXT,
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    date: st.dates(),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


@cache
def strategy(model: type[Record]) -> st.SearchStrategy[Any]:
    """Any valid instance of a model, built from the annotations of its fields."""
    return st.fixed_dictionaries({name: _field(name, info) for name, info in model.model_fields.items()}).map(
        model.model_validate
    )


def _field(name: str, info: Any) -> st.SearchStrategy[Any]:
    return SPECIAL[name] if name in SPECIAL else _values(info.annotation, info.metadata)


def _values(kind: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    if kind is int:
        low = next(part.ge for part in metadata if hasattr(part, "ge"))
        return st.integers(low, next(part.le for part in metadata if hasattr(part, "le")))
    if kind is Decimal:
        scaled = next(part for part in metadata if hasattr(part, "scale"))
        bound = 10**scaled.precision - 1
        return st.integers(-bound, bound).map(lambda n: Decimal(n).scaleb(-scaled.scale))
    if kind is str and (patterns := [part.pattern for part in metadata if getattr(part, "pattern", "^") != "^"]):
        return st.from_regex(patterns[0].replace("$", r"\Z"))
    if kind in PLAIN:
        return PLAIN[kind]
    if get_origin(kind) is tuple:
        return st.lists(_values(*_unwrapped(get_args(kind)[0])), max_size=3).map(tuple)
    if get_origin(kind) is dict:
        return st.dictionaries(SMALL_TEXT, SMALL_TEXT, max_size=3)
    if type(None) in get_args(kind):
        return st.none() | _values(*_unwrapped(get_args(kind)[0]))
    if issubclass(kind, Record):
        return strategy(kind)
    return st.sampled_from(list(kind))


def _unwrapped(kind: Any) -> tuple[Any, list[Any]]:
    if not hasattr(kind, "__metadata__"):
        return kind, []
    return kind.__origin__, [part for given in kind.__metadata__ for part in getattr(given, "metadata", [given])]


@pytest.mark.parametrize("event", schemas.events())
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_every_model_survives_avro_byte_for_byte(event: str, data: st.DataObject) -> None:
    model = data.draw(strategy(schemas.model(event)))
    value = encoded(event, model)
    again = schemas.model(event).model_validate(decoded(event, value))
    assert again == model
    assert encoded(event, again) == value


@pytest.mark.parametrize("event", schemas.events())
@settings(max_examples=10, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_every_model_survives_json(event: str, data: st.DataObject) -> None:
    model = data.draw(strategy(schemas.model(event)))
    again = schemas.model(event).model_validate_json(model.model_dump_json())
    assert again == model
    assert again.model_dump_json() == model.model_dump_json()


@pytest.mark.parametrize("event", [e for e in schemas.events() if e.startswith("enriched.")])
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_enriched_bytes_are_canonical_bytes_and_those_of_the_enrichment(event: str, data: st.DataObject) -> None:
    model = data.draw(strategy(schemas.model(event)))
    dump = model.model_dump()
    added = io.BytesIO()
    fastavro.schemaless_writer(added, fastavro.parse_schema(schemas.enrichment(event)), dump.pop("enrichment"))
    canonical = schemas.model(event.removeprefix("enriched."))
    front = encoded(canonical.EVENT, canonical.model_validate(dump))
    assert encoded(event, model) == front + added.getvalue()
