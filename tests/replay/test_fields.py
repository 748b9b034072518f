"""Paths and values: what is set is read back, as the type of the schema; what is no path or no value is said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from replay.errors import NotThere
from replay.fields import Fields, Setting, parse
from replay.patch import Change, changes, classified, hashed, patch
from schemas import HEAD_FIELDS
from tests.replay.plant import EXAMPLES, example

PASSING = sorted(path.name.removesuffix(".pass.json") for path in EXAMPLES.glob("*.pass.json"))


def known(event: str) -> Fields:
    return Fields(event, fastavro.parse_schema(schemas.avro(event)))  # type: ignore[arg-type]


def state(name: str) -> tuple[str, dict[str, Any]]:
    """The fields of an example as Avro has them."""
    event, _, case = name.rpartition(".")
    return event, listed(example(event, case).model_dump())


def listed(value: Any) -> Any:
    """Tuples as the lists that Avro gives."""
    if isinstance(value, dict):
        return {name: listed(part) for name, part in value.items()}
    return [listed(part) for part in value] if isinstance(value, tuple | list) else value


def set_in(name: str, path: str, text: str) -> dict[str, Any]:
    event, fields = state(name)
    return known(event).put(fields, Setting(path, text))


def refusal(name: str, path: str, text: str) -> str:
    with pytest.raises(NotThere) as refused:
        set_in(name, path, text)
    return str(refused.value)


TIME = "enriched.time.TimeApproved.complete"
INVOICE = "invoice.InvoicePosted.complete"
BILLING = "billing.BillingRequested.milestone"


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("name", "path", "text", "value"),
    [
        (TIME, "worked_seconds", "27000", 27000),
        (TIME, "work_date", "2026-06-03", date(2026, 6, 3)),
        (TIME, "started_at", "2026-06-03T09:30:00+01:00", datetime(2026, 6, 3, 8, 30, tzinfo=UTC)),
        (TIME, "started_at", "2026-06-03T08:30:00.5Z", datetime(2026, 6, 3, 8, 30, 0, 500000, UTC)),
        (TIME, "role", "Senior=Engineer", "Senior=Engineer"),
        (TIME, "role", "", ""),
        (TIME, "enrichment.hourly_rate", "120.50", Decimal("120.500000")),
        (TIME, "enrichment.hourly_rate", "-0", Decimal("0.000000")),
        (TIME, "enrichment.billable", "false", False),
        (TIME, "extensions.jira.issue_type", "Bug", "Bug"),
        (BILLING, "amount.amount", "0.000001", Decimal("0.000001")),
        (BILLING, "kind", "TIME_AND_MATERIALS", "TIME_AND_MATERIALS"),
        (INVOICE, "lines[0].amount.currency", "USD", "USD"),
        (BILLING, "amount", '{"amount": "7.5", "currency": "EUR"}', {"amount": Decimal("7.500000"), "currency": "EUR"}),
        (TIME, "extensions", '{"jira.a": "b"}', {"jira.a": "b"}),
    ],
)
def test_a_value_is_read_as_the_type_of_its_field(name: str, path: str, text: str, value: Any) -> None:
    found = set_in(name, path, text)
    assert at(found, path) == value
    assert type(at(found, path)) is type(value)
    assert str(at(found, path)) == str(value), "a decimal keeps its places"


@pytest.mark.parametrize(
    ("name", "path", "text", "said"),
    [
        (TIME, "worked_seconds", "7.5", "takes a whole number, such as 27000, not '7.5'"),
        (TIME, "worked_seconds", "1e4", "whole number"),
        (TIME, "worked_seconds", "٣", "whole number"),
        (TIME, "worked_seconds", "9223372036854775808", "whole number"),
        (TIME, "worked_seconds", "null", "whole number"),
        (TIME, "work_date", "03.06.2026", "a date, such as 2026-06-03"),
        (TIME, "work_date", "2026-02-30", "a date"),
        (TIME, "work_date", "20260603", "a date"),
        (TIME, "started_at", "2026-06-03T08:30:00", "an instant with its zone"),
        (TIME, "started_at", "2026-06-03T08:30:00.1234567Z", "an instant"),
        (TIME, "role", "null", 'nothing behind the "=" means none'),
        (TIME, "role", "\ud800", "takes text that UTF-8 can carry"),
        (TIME, "enrichment.hourly_rate", "1e3", "places behind the point"),
        (TIME, "enrichment.hourly_rate", "120,50", "such as 120.50"),
        (TIME, "enrichment.hourly_rate", "1.1234567", "6 places"),
        (TIME, "enrichment.hourly_rate", "123456789012345", "up to 14 digits"),
        (TIME, "enrichment.billable", "yes", "true or false"),
        (BILLING, "kind", "fixed", "one of TIME_AND_MATERIALS, MILESTONE"),
        (BILLING, "amount", '{"amount": 7.5, "currency": "EUR"}', "JSON with a decimal where there is 7.5"),
        (BILLING, "amount", '{"sum": "7.5"}', "without 'sum'"),
        (BILLING, "amount", "{", "takes JSON"),
        (TIME, "extensions", '{"jira.a": 1}', "JSON with a text where there is 1"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_the_field_takes(
    name: str, path: str, text: str, said: str
) -> None:
    assert said in refusal(name, path, text)


# ------------------------------------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        (TIME, "worked_second", "no field of enriched.time.TimeApproved 'worked_second'; did you mean worked_seconds?"),
        (TIME, "enrichment.hourlyrate", "no field of enrichment of enriched.time.TimeApproved 'hourlyrate'"),
        (TIME, "hours", "there is aggregate_id"),
        (TIME, "worked_seconds.minutes", "worked_seconds of enriched.time.TimeApproved has no parts"),
        (TIME, "worked_seconds[0]", "has no parts"),
        (TIME, "[0]", "no field of enriched.time.TimeApproved '[0]'"),
        (INVOICE, "lines[9].quantity", "there is no lines[9].quantity: it has lines[0] to"),
        (INVOICE, "lines.quantity", "lines of invoice.InvoicePosted is a list"),
        (INVOICE, "lines[-1].quantity", "is a list"),
        (INVOICE, "lines[0].quantities", "no field of lines[0] of invoice.InvoicePosted 'quantities'; did you mean"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_what_there_is(name: str, path: str, said: str) -> None:
    assert said in refusal(name, path, "1")


@pytest.mark.parametrize("given", ["worked_seconds", "=5", "", ".=1", ".role=x"])
def test_what_sets_nothing_is_told_how(given: str) -> None:
    with pytest.raises(NotThere, match="write path=value"):
        parse(given)


def test_what_may_be_empty_is_emptied_and_an_entry_of_a_map_is_taken_out() -> None:
    assert set_in(BILLING, "amount", "null")["amount"] is None
    _, fields = state(TIME)
    with_two = known("enriched.time.TimeApproved").put(fields, Setting("extensions.jira.a", "1"))
    without = known("enriched.time.TimeApproved").put(with_two, Setting("extensions.jira.a", "null"))
    assert without == fields
    assert "no entry of extensions" in refusal(TIME, "extensions.jira.nothing", "null")


def test_a_record_that_is_begun_says_what_it_lacks() -> None:
    event, fields = state(BILLING)
    empty = {**fields, "amount": None}
    begun = known(event).put(empty, Setting("amount.amount", "120.50"))
    assert known(event).lacking(begun) == ["amount.currency"]
    whole = known(event).put(begun, Setting("amount.currency", "GBP"))
    assert known(event).lacking(whole) == []
    assert whole["amount"] == {"amount": Decimal("120.500000"), "currency": "GBP"}


def test_setting_leaves_the_given_fields_as_they_were() -> None:
    event, fields = state(INVOICE)
    copy = json.loads(json.dumps(fields, default=str))
    known(event).put(fields, Setting("lines[0].amount.currency", "USD"))
    assert json.loads(json.dumps(fields, default=str)) == copy


# ------------------------------------------------------------------------------------------------ every field


def named(node: Any) -> Iterator[tuple[str, Any]]:
    """Every record and enum of a schema by name, also those in which the state has nothing."""
    if isinstance(node, list):
        for part in node:
            yield from named(part)
    elif isinstance(node, dict):
        if node.get("type") in ("record", "enum"):
            yield node["name"], node
        for part in (node.get("type"), node.get("items"), node.get("fields")):
            yield from named(part)


def leaves(node: Any, value: Any, path: str, types: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each field of a state that has a simple type, by path, with its type."""
    types = types or dict(named(node))
    node = types.get(node, node) if isinstance(node, str) else node
    if isinstance(node, list):
        if value is not None:
            yield from leaves(next(each for each in node if each != "null"), value, path, types)
    elif isinstance(node, dict) and node["type"] == "record":
        for field in node["fields"]:
            yield from leaves(field["type"], value[field["name"]], f"{path}.{field['name']}".strip("."), types)
    elif isinstance(node, dict) and node["type"] == "array":
        for place, item in enumerate(value):
            yield from leaves(node["items"], item, f"{path}[{place}]", types)
    elif not (isinstance(node, dict) and node["type"] == "map"):
        yield path, node


def at(value: Any, path: str) -> Any:
    if path.startswith("extensions."):
        return value["extensions"][path.partition(".")[2]]
    for step in path.replace("]", "").replace("[", ".").split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def texts(node: Any) -> st.SearchStrategy[tuple[str, Any]]:
    """Texts for a type, each with the value it stands for."""
    match node:
        case "string":
            words = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text != "null")
            return words.map(lambda text: (text, text))
        case "boolean":
            return st.booleans().map(lambda value: (str(value).lower(), value))
        case "int" | "long":
            bits = 31 if node == "int" else 63
            return st.integers(-(2**bits), 2**bits - 1).map(lambda value: (str(value), value))
        case {"logicalType": "decimal", "precision": digits, "scale": places}:
            units = st.integers(-(10**digits) + 1, 10**digits - 1)
            return units.map(lambda unit: Decimal(unit).scaleb(-places)).map(lambda value: (f"{value:f}", value))
        case {"logicalType": "date"}:
            return st.dates().map(lambda value: (value.isoformat(), value))
        case {"logicalType": "timestamp-micros"}:
            instants = st.datetimes(timezones=st.just(UTC))
            return instants.map(lambda value: (value.isoformat(), value))
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols).map(lambda symbol: (symbol, symbol))
        case "bytes":
            return st.binary().map(lambda value: (base64.b64encode(value).decode(), value))
    raise AssertionError(f"no texts for {node}")


@settings(max_examples=300, deadline=None)
@given(data=st.data(), name=st.sampled_from(PASSING))
def test_whatever_is_set_is_read_back_and_nothing_else_changes(data: st.DataObject, name: str) -> None:
    event, fields = state(name)
    schema = fastavro.parse_schema(schemas.avro(event))
    path, node = data.draw(st.sampled_from(list(leaves(schema, fields, "", {}))))
    text, value = data.draw(texts(node))
    after = known(event).put(fields, Setting(path, text))
    assert at(after, path) == value
    assert {change.pointer for change in changes(fields, after)} <= {
        "/" + path.replace("[", "/").replace("]", "").replace(".", "/")
    }
    assert known(event).put(after, Setting(path, text)) == after


# ------------------------------------------------------------------------------------------------ difference


def test_a_difference_is_a_patch_as_deep_as_both_states_have_it() -> None:
    before = {"a": 1, "b": {"c": Decimal("1.50"), "d": None}, "l": [{"x": 1}, {"x": 2}], "m": {"k/~": "v"}, "n": [1]}
    after = {
        "a": 1,
        "b": {"c": Decimal("2.50"), "d": {"e": date(2026, 6, 3)}},
        "l": [{"x": 1}, {"x": 3}],
        "m": {},
        "n": [],
    }
    assert patch("time.TimeApproved", changes(before, {**after, "z": b"\0"}), lambda value: value) == [
        {"op": "replace", "path": "/b/c", "value": "2.50", "old": "1.50"},
        {"op": "replace", "path": "/b/d", "value": {"e": "2026-06-03"}, "old": None},
        {"op": "replace", "path": "/l/1/x", "value": 3, "old": 2},
        {"op": "remove", "path": "/m/k~1~0", "old": "v"},
        {"op": "replace", "path": "/n", "value": [], "old": [1]},
        {"op": "add", "path": "/z", "value": "AA=="},
    ]


def test_personal_and_confidential_values_are_hashed_with_the_salt_of_the_act() -> None:
    found = changes(
        {"worked_seconds": 1, "role": "a", "extensions": {}},
        {"worked_seconds": 2, "role": "b", "extensions": {"jira.a": "secret"}},
    )
    shown = patch("time.TimeApproved", found, hashed("act-1"))
    assert [op["op"] for op in shown] == ["replace", "replace", "add"]
    assert shown[1] == {"op": "replace", "path": "/role", "value": "b", "old": "a"}, "internal"
    assert set(shown[0]["value"]) == set(shown[2]["value"]) == {"hash"}
    assert shown[0]["value"] != shown[0]["old"]
    assert patch("time.TimeApproved", found, hashed("act-1")) == shown
    assert patch("time.TimeApproved", found, hashed("act-2"))[0]["value"] != shown[0]["value"]
    assert "secret" not in json.dumps(shown[2])


def test_a_whole_record_is_classified_when_anything_in_it_is() -> None:
    event = "enriched.time.TimeApproved"
    assert classified(event, Change("replace", "/enrichment", "enrichment"))
    assert classified(event, Change("replace", "/extensions/a", "extensions.a"))
    assert not classified(event, Change("replace", "/enrichment/billable", "enrichment.billable"))
    assert classified(event, Change("replace", "/enrichment/hourly_rate", "enrichment.hourly_rate"))
    assert set(HEAD_FIELDS).isdisjoint(schemas.classified(event)), "else the patch of a head would be hashed, too"
