"""Each word of the vocabulary on a small schema: what keeps it, what breaks it and where, and what none does to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from schemas.rules.book import book

MONEY = {
    "type": "record",
    "name": "Money",
    "namespace": "psf.t",
    "fields": [
        {
            "name": "amount",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 6},
            "unit": "currency",
        },
        {"name": "currency", "type": "string"},
    ],
}
DATE = {"type": "int", "logicalType": "date"}
LINE = {
    "type": "record",
    "name": "Line",
    "namespace": "psf.t",
    "fields": [
        {"name": "code", "type": "string"},
        {
            "name": "hours",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4},
            "unit": "h",
        },
        {"name": "price", "type": "psf.t.Money"},
        {"name": "sum", "type": ["null", "psf.t.Money"]},
        {"name": "begins", "type": ["null", DATE]},
        {"name": "ends", "type": ["null", DATE]},
        {"name": "parts", "type": {"type": "array", "items": "psf.t.Money"}},
    ],
}
KIND = {"type": "enum", "name": "Kind", "namespace": "psf.t", "symbols": ["BILL", "CREDIT"]}
SCHEMA = {
    "type": "record",
    "name": "Thing",
    "namespace": "psf.t",
    "fields": [
        {"name": "kind", "type": KIND},
        {"name": "total", "type": ["null", MONEY]},
        {"name": "tax", "type": ["null", "psf.t.Money"]},
        {"name": "currency", "type": "string"},
        {"name": "first", "type": ["null", DATE]},
        {"name": "last", "type": ["null", DATE]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "zone", "type": "string"},
        {"name": "seconds", "type": "long", "unit": "s"},
        {"name": "flag", "type": "boolean"},
        {"name": "secret", "type": "string", "classification": "personal"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "lines", "type": {"type": "array", "items": LINE}},
        {"name": "extensions", "type": {"type": "map", "values": "string"}},
    ],
}


def money(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": Decimal(amount), "currency": currency}


def line(code: str = "a", **changes: Any) -> dict[str, Any]:
    base = {"hours": Decimal(2), "price": money("10"), "sum": money("20"), "begins": None, "ends": None, "parts": []}
    return {"code": code, **base, **changes}


def thing(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "BILL",
        "total": money("40"),
        "tax": money("8"),
        "currency": "EUR",
        "first": date(2026, 6, 1),
        "last": date(2026, 6, 30),
        "at": datetime(2026, 6, 3, 22, 30, tzinfo=UTC),
        "zone": "Europe/Paris",
        "seconds": 3600,
        "flag": True,
        "secret": "s",
        "tags": ["x"],
        "lines": [line("a"), line("b")],
        "extensions": {},
    } | changes


def places(rule: str, data: Mapping[str, Any]) -> list[str]:
    """Where a thing breaks a rule."""
    return [each.path for each in violations(rule, data)]


def violations(rule: str, data: Mapping[str, Any]) -> Any:
    head = 'code = "a-rule"\nevents = ["t.Thing"]\nmessage = "It is not so at all."\nbroken_by = { "x" = 1 }\n'
    return book({"t": f"[[rule]]\n{head}{rule}"}, lambda event: SCHEMA).violations("t.Thing", data)


JUNE, JULY = date(2026, 6, 15), date(2026, 7, 1)

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    # sum
    ('sum = { of = ["lines[].sum.amount"], equals = "total.amount" }', {}, []),
    ('sum = { of = ["lines[].sum.amount"], equals = "total.amount" }', {"total": money("40.000001")}, ["total.amount"]),
    ('sum = { of = ["lines[].sum.amount"], equals = "total.amount" }', {"total": None}, []),
    ('sum = { of = ["lines[].sum.amount"], equals = "total.amount" }', {"lines": []}, ["total.amount"]),
    ('sum = { of = ["lines[].sum.amount"], equals = "total.amount" }', {"lines": [line(sum=None)]}, ["total.amount"]),
    ('sum = { of = ["total.amount", "-tax.amount"], equals = "total.amount" }', {}, ["total.amount"]),
    ('sum = { of = ["total.amount", "-tax.amount"], equals = "total.amount" }', {"tax": None}, []),
    ('sum = { of = ["tax.amount"], equals = "total.amount" }', {"tax": None}, []),
    (
        'sum = { of = ["tax.amount"], equals = "total.amount", within = "minor-unit", currency = "currency" }',
        {"tax": money("40.009999")},
        [],
    ),
    (
        'sum = { of = ["tax.amount"], equals = "total.amount", within = "minor-unit", currency = "currency" }',
        {"tax": money("40.01")},
        ["total.amount"],
    ),
    (
        'sum = { of = ["tax.amount"], equals = "total.amount", within = "minor-unit", currency = "currency" }',
        {"tax": money("40.99"), "currency": "JPY"},
        [],
    ),
    (
        'sum = { of = ["tax.amount"], equals = "total.amount", within = "minor-unit", currency = "currency" }',
        {"tax": money("40.001"), "currency": "KWD"},
        ["total.amount"],
    ),
    (
        'each = "lines[]"\nsum = { of = ["parts[].amount"], equals = "sum.amount" }',
        {"lines": [line(parts=[money("20")]), line(parts=[money("1")])]},
        ["lines[1].sum.amount"],
    ),
    # product
    ('each = "lines[]"\nproduct = { of = ["hours", "price.amount"], equals = "sum.amount" }', {}, []),
    (
        'each = "lines[]"\nproduct = { of = ["hours", "price.amount"], equals = "sum.amount" }',
        {"lines": [line(), line(hours=Decimal("2.0001"))]},
        ["lines[1].sum.amount"],
    ),
    (
        'each = "lines[]"\nproduct = { of = ["hours", "price.amount"], equals = "sum.amount" }',
        {"lines": [line(sum=None), line(price=None)]},
        [],
    ),
    ('product = { of = ["seconds", "tax.amount"], equals = "total.amount", divisor = 720 }', {}, []),
    (
        'product = { of = ["seconds", "tax.amount"], equals = "total.amount", divisor = 720 }',
        {"seconds": 3601},
        ["total.amount"],
    ),
    (
        'product = { of = ["seconds", "tax.amount"], equals = "total.amount", divisor = 720, within = "minor-unit", '
        'currency = "total.currency" }',
        {"tax": money("8.001")},
        [],
    ),
    (
        'product = { of = ["seconds", "tax.amount"], equals = "total.amount", divisor = 720, within = "minor-unit", '
        'currency = "total.currency" }',
        {"tax": money("8.002")},
        ["total.amount"],
    ),
    # sums_by
    (
        'sums_by = { of = "lines[].sum.amount", by = "lines[].code", equals = "lines[].price.amount", key = '
        '"lines[].code" }',
        {"lines": [line("a", price=money("20")), line("b", price=money("5")), line("b", price=money("35"), sum=None)]},
        ["lines[].price.amount"],
    ),
    (
        'sums_by = { of = "lines[].sum.amount", by = "lines[].code", equals = "lines[].price.amount", key = '
        '"lines[].code" }',
        {"lines": [line("a", price=money("20")), line("b", price=money("5")), line("b", price=money("15"), sum=None)]},
        [],
    ),
    (
        'sums_by = { of = "lines[].sum.amount", by = "lines[].code", equals = "lines[].price.amount", key = '
        '"lines[].code" }',
        {"lines": [line("")]},
        [],
    ),
    # same
    ('same = ["currency", "total.currency", "lines[].price.currency"]', {}, []),
    (
        'same = ["currency", "total.currency", "lines[].price.currency"]',
        {"lines": [line(), line(price=money("1", "USD"))]},
        ["lines[1].price.currency"],
    ),
    ('same = ["currency", "total.currency"]', {"currency": ""}, []),
    ('same = ["currency", "total.currency"]', {"total": None}, []),
    (
        'each = "lines[]"\nsame = ["$.currency", "price.currency"]',
        {"currency": "USD"},
        ["lines[0].price.currency", "lines[1].price.currency"],
    ),
    # compare
    ('compare = { left = "last", is = ">=", right = "first" }', {}, []),
    ('compare = { left = "last", is = ">=", right = "first" }', {"last": date(2026, 5, 31)}, ["last"]),
    ('compare = { left = "last", is = ">=", right = "first" }', {"last": None}, []),
    ('compare = { left = "last", is = ">=", right = "first" }', {"first": None}, []),
    ('compare = { left = "last", is = "<=", value = 2026-06-30 }', {}, []),
    ('compare = { left = "last", is = "<", value = 2026-06-30 }', {}, ["last"]),
    ('compare = { left = "at", is = "<", value = 2026-06-30T00:00:00Z }', {}, []),
    ('compare = { left = "seconds", is = "<=", value = 3599 }', {}, ["seconds"]),
    ('compare = { left = "seconds", is = "==", value = 0 }', {"seconds": 0}, []),
    ('compare = { left = "total.amount", is = ">", value = "39.99" }', {}, []),
    ('compare = { left = "kind", is = "!=", value = "CREDIT" }', {"kind": "CREDIT"}, ["kind"]),
    ('compare = { left = "flag", is = "==", value = false }', {}, ["flag"]),
    (
        'compare = { left = "lines[].sum.amount", is = ">", value = 0 }',
        {"lines": [line(), line(sum=money("0")), line(sum=None)]},
        ["lines[1].sum.amount"],
    ),
    (
        'each = "lines[]"\ncompare = { left = "begins", is = ">=", right = "$.first" }',
        {"lines": [line(begins=date(2026, 5, 1))]},
        ["lines[0].begins"],
    ),
    # inside, ascending, apart
    ('inside = { path = "lines[].begins", first = "first", last = "last" }', {"lines": [line(begins=JUNE)]}, []),
    (
        'inside = { path = "lines[].begins", first = "first", last = "last" }',
        {"lines": [line(), line(begins=JULY)]},
        ["lines[1].begins"],
    ),
    (
        'inside = { path = "lines[].begins", first = "first", last = "last" }',
        {"last": None, "lines": [line(begins=JULY)]},
        [],
    ),
    ('ascending = { path = "lines[].begins" }', {"lines": [line(begins=JUNE), line(), line(begins=JUNE)]}, []),
    (
        'ascending = { path = "lines[].begins", strictly = true }',
        {"lines": [line(begins=JUNE), line(), line(begins=JUNE)]},
        ["lines[2].begins"],
    ),
    ('ascending = { path = "lines[].begins" }', {"lines": [line(begins=JULY), line(begins=JUNE)]}, ["lines[1].begins"]),
    (
        'apart = { first = "lines[].begins", last = "lines[].ends" }',
        {"lines": [line(begins=JUNE, ends=JUNE), line(begins=JULY, ends=None)]},
        [],
    ),
    (
        'apart = { first = "lines[].begins", last = "lines[].ends" }',
        {"lines": [line(begins=JULY, ends=JULY), line(begins=None, ends=JULY)]},
        ["lines[0].begins"],
    ),
    (
        'apart = { first = "lines[].begins", last = "lines[].ends" }',
        {"lines": [line(begins=JUNE, ends=None), line(begins=JULY, ends=JULY), line(begins=JULY, ends=None)]},
        ["lines[1].begins", "lines[2].begins"],
    ),
    (
        'apart = { first = "lines[].begins", last = "lines[].ends", by = ["lines[].code"] }',
        {"lines": [line("a", begins=JUNE, ends=None), line("b", begins=JULY, ends=JULY)]},
        [],
    ),
    ('apart = { first = "lines[].begins", last = "lines[].ends" }', {"lines": []}, []),
    # local_date
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"last": date(2026, 6, 4)}, []),
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"last": date(2026, 6, 3)}, ["last"]),
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"zone": "+01:00", "last": date(2026, 6, 3)}, []),
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"zone": "Nowhere/Land"}, []),
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"zone": ""}, []),
    ('local_date = { of = "at", zone = "zone", equals = "last" }', {"at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, []),
    # presence
    ('required = "zone"', {}, []),
    ('required = ["zone", "total", "lines", "lines[].code"]', {"zone": "", "total": None}, ["zone", "total"]),
    ('required = "lines"', {"lines": []}, ["lines"]),
    ('required = "lines[].code"', {"lines": [line(), line("")]}, ["lines[1].code"]),
    ('required = "seconds"', {"seconds": 0}, []),
    ('required = "flag"', {"flag": False}, []),
    ('absent = ["total", "zone"]', {"total": None}, ["zone"]),
    ('absent = ["total", "zone"]', {"total": None, "zone": ""}, []),
    ('exactly_one = ["total", "tax"]', {}, ["total"]),
    ('exactly_one = ["total", "tax"]', {"tax": None}, []),
    ('exactly_one = ["total", "tax"]', {"tax": None, "total": None}, ["total"]),
    ('at_most_one = ["total", "tax"]', {}, ["total"]),
    ('at_most_one = ["total", "tax"]', {"tax": None, "total": None}, []),
    ('at_least_one = ["total", "tax"]', {"tax": None, "total": None}, ["total"]),
    ('at_least_one = ["total", "tax"]', {}, []),
    ('all_or_none = ["total", "tax"]', {"total": None}, ["tax"]),
    ('all_or_none = ["total", "tax"]', {"tax": None, "total": None}, []),
    # lists
    ('unique = "lines[].code"', {}, []),
    ('unique = "lines[].code"', {"lines": [line("a"), line("b"), line("a")]}, ["lines[2].code"]),
    ('unique = "lines[].code"', {"lines": [line(""), line("")]}, []),
    ('unique = ["lines[].code", "lines[].begins"]', {"lines": [line(begins=JUNE), line(begins=JULY)]}, []),
    ('unique = ["lines[].code", "lines[].begins"]', {"lines": [line(), line()]}, ["lines[1].code"]),
    ('unique = "tags[]"', {"tags": ["x", "y", "x"]}, ["tags[2]"]),
    ('listed = { path = "currency", in = "iso-4217" }', {}, []),
    ('listed = { path = "currency", in = "iso-4217" }', {"currency": "XXX"}, ["currency"]),
    ('listed = { path = "currency", in = "iso-4217" }', {"currency": ""}, []),
    ('listed = { path = "currency", in = "iso-3166" }', {"currency": "GB"}, []),
    ('listed = { path = "currency", in = "iso-3166" }', {"currency": "UK"}, ["currency"]),
    ('listed = { path = "zone", in = "zone" }', {"zone": "+05:30"}, []),
    ('listed = { path = "zone", in = "zone" }', {"zone": "Europe/Nowhere"}, ["zone"]),
    ('listed = { path = "tags[]", in = "codes" }', {"tags": ["bug", "bugg"]}, ["tags[1]"]),
    ('among = { path = "tags[]", of = "lines[].code" }', {"tags": ["a", "c"]}, ["tags[1]"]),
    ('among = { path = "currency", of = "tags[]" }', {"tags": ["EUR"]}, []),
    ('among = { path = "currency", of = "tags[]" }', {"currency": "", "tags": []}, []),
    # conditions
    ('when = { path = "kind", is = "CREDIT" }\nrequired = "zone"', {"zone": ""}, []),
    ('when = { path = "kind", is = "CREDIT" }\nrequired = "zone"', {"zone": "", "kind": "CREDIT"}, ["zone"]),
    ('when = { path = "kind", in = ["BILL", "CREDIT"] }\nrequired = "zone"', {"zone": ""}, ["zone"]),
    ('when = { path = "currency", not = "USD" }\nrequired = "zone"', {"zone": ""}, ["zone"]),
    ('when = { path = "currency", not = "USD" }\nrequired = "zone"', {"zone": "", "currency": ""}, []),
    ('when = { path = "total", present = true }\nrequired = "zone"', {"zone": "", "total": None}, []),
    ('when = { path = "total", present = false }\nrequired = "zone"', {"zone": "", "total": None}, ["zone"]),
    ('when = { path = "seconds", is = 0 }\nrequired = "zone"', {"zone": "", "seconds": 0}, ["zone"]),
    ('when = { path = "flag", is = true }\nrequired = "zone"', {"zone": "", "flag": False}, []),
    (
        'when = [{ path = "flag", is = true }, { path = "kind", is = "CREDIT" }]\nrequired = "zone"',
        {"zone": "", "flag": True},
        [],
    ),
    (
        'each = "lines[]"\nwhen = { path = "code", is = "b" }\nabsent = "sum"',
        {},
        ["lines[1].sum"],
    ),
]


@pytest.mark.parametrize(("rule", "changes", "expected"), CASES)
def test_a_word_means_what_it_says(rule: str, changes: dict[str, Any], expected: list[str]) -> None:
    assert places(rule, thing(**changes)) == expected


def test_nothing_is_rounded_however_large_or_small() -> None:
    rule = 'sum = { of = ["lines[].sum.amount"], equals = "total.amount" }'
    large, small = "99999999999999.999999", "0.000001"
    data = thing(lines=[line(sum=money(large))] * 9 + [line(sum=money(small))], total=money("900000000000000"))
    assert places(rule, data) == ["total.amount"]
    data["total"] = money("899999999999999.999992")
    assert places(rule, data) == []


def test_a_message_names_the_place_and_the_values() -> None:
    (found,) = violations('compare = { left = "last", is = ">=", right = "first" }', thing(last=date(2026, 5, 1)))
    assert found.code == "a-rule"
    assert found.message == "It is not so at all. At last: it is 2026-05-01, and must be >= first, 2026-06-01."


def test_a_protected_value_is_not_told() -> None:
    (found,) = violations('same = ["currency", "secret"]', thing(secret="Ann"))
    assert found.message == "It is not so at all. At secret: it is (protected), currency is EUR."


def test_every_word_has_a_case_that_keeps_it_and_one_that_breaks_it() -> None:
    from schemas.rules.book import PREDICATES

    for word in PREDICATES:
        expected = [bool(places) for rule, _, places in CASES if f"{word} = " in rule]
        assert {True, False} <= set(expected), word
