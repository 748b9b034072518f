"""A rule that does not fit its schema is refused when it is read, with every mistake at once."""

from __future__ import annotations

import pytest

import schemas
from schemas import toml
from schemas.rules.book import book
from tests.schemas.rules.test_vocabulary import SCHEMA


def mistakes(*rules: str, entity: str = "t") -> list[str]:
    with pytest.raises(toml.FileError) as refused:
        book({entity: "\n".join(rules)}, lambda event: SCHEMA)
    return str(refused.value).splitlines()


def rule(text: str, code: str = "a-rule") -> str:
    head = f'code = "{code}"\nevents = ["t.Thing"]\nmessage = "It is not so at all."\nbroken_by = {{ "x" = 1 }}\n'
    return f"[[rule]]\n{head}{text}"


WRONG = [
    ('required = "zoen"', "there is no field zoen; did you mean zone?"),
    ('required = "total.amuont"', "there is no field total.amuont; did you mean total.amount?"),
    ('required = "lines.code"', "lines.code: lines is a list; put [] behind its name"),
    ('required = "zone.name"', "zone.name: zone is no record (string)"),
    ('required = "zone[]"', "zone[]: zone is no list"),
    ('required = "Zone!"', "'Zone!' is no path; write names with dots, [] after a list: lines[].amount.amount"),
    ('sum = { of = ["zone"], equals = "total.amount" }', "zone: is a text; allowed here: number"),
    (
        'sum = { of = ["tax.amount"], equals = "lines[].sum.amount" }',
        "lines[].sum.amount: names many values; one is needed here",
    ),
    ('sum = { of = ["seconds"], equals = "total.amount" }', "seconds is in 's' and total.amount in 'currency'"),
    (
        'sum = { of = ["tax.amount"], equals = "total.amount", within = "minor-unit" }',
        "within and currency belong together: the minor unit is that of a currency",
    ),
    (
        'product = { of = ["lines[].hours"], equals = "total.amount" }',
        "lines[].hours: names many values; one is needed here",
    ),
    ('same = ["zone", "total.amount"]', "total.amount is a number and zone a text"),
    ('same = ["zone"]', "zone: one value is always the same; name another path"),
    ('compare = { left = "first", is = "<", right = "at" }', "at is a instant and first a date"),
    (
        'compare = { left = "zone", is = "<", right = "currency" }',
        "zone: is a text; allowed here: number, date, instant",
    ),
    ('compare = { left = "first", is = "<" }', "compare needs right (a path) or value, one of them"),
    ('compare = { left = "first", is = "<", value = 3 }', "first: 3 does not fit; it takes a date: 2026-06-30"),
    (
        'compare = { left = "total.amount", is = "<", value = "much" }',
        "total.amount: 'much' does not fit; it takes a whole number, or a decimal in quotes: \"0.50\"",
    ),
    (
        'compare = { left = "seconds", is = "<", value = true }',
        'seconds: True does not fit; it takes a whole number, or a decimal in quotes: "0.50"',
    ),
    (
        'compare = { left = "kind", is = "==", value = "CREDT" }',
        "kind: 'CREDT' does not fit; it takes one of BILL, CREDIT",
    ),
    (
        'when = { path = "kind", is = "CREDT" }\nrequired = "zone"',
        "kind: 'CREDT' does not fit; it takes one of BILL, CREDIT",
    ),
    (
        'when = { path = "lines[].code", is = "a" }\nrequired = "zone"',
        "lines[].code: names many values; one is needed here",
    ),
    ('unique = "zone"', "zone: names one value; a path through a list is needed here, e.g. lines[].amount"),
    ('unique = ["lines[].code", "tags[]"]', "tags[] and lines[].code are not of one list"),
    (
        'apart = { first = "lines[].begins", last = "lines[].ends", by = ["tags[]"] }',
        "tags[] and lines[].begins are not of one list",
    ),
    ('listed = { path = "seconds", in = "zone" }', "seconds: is a number; allowed here: text"),
    (
        'among = { path = "zone", of = "currency" }',
        "currency: names one value; a path through a list is needed here, e.g. lines[].amount",
    ),
    ('each = "lines"\nrequired = "code"', "each = 'lines' is no list of records; write e.g. lines[]"),
    ('each = "tags[]"\nrequired = "code"', "each = 'tags[]' is no list of records; write e.g. lines[]"),
    (
        'each = "lines[]"\nrequired = "flag"',
        "there is no field flag; there are code, hours, price, sum, begins, ends, parts",
    ),
    ('local_date = { of = "first", zone = "zone", equals = "last" }', "first: is a date; allowed here: instant"),
    ('inside = { path = "at", first = "first", last = "last" }', "first is a date and at a instant"),
    (
        'ascending = { path = "first" }',
        "first: names one value; a path through a list is needed here, e.g. lines[].amount",
    ),
    (
        'sums_by = { of = "lines[].sum.amount", by = "tags[]", equals = "lines[].price.amount", key = "lines[].code" }',
        "lines[].sum.amount and tags[] are not of one list",
    ),
    ('exactly_one = ["total", "lines[].sum"]', "lines[].sum: names many values; one is needed here"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_rule_that_does_not_fit_is_refused(text: str, said: str) -> None:
    told = mistakes(rule(text))
    assert f"t.toml: a-rule on t.Thing: {said}" in told


SHAPELESS = [
    ('requird = "zone"', "unknown key; did you mean 'required'?"),
    ("", "a rule has one predicate, not none; the words are sum, product"),
    ('required = "zone"\nabsent = "zone"', "a rule has one predicate, not required, absent"),
    ('when = { path = "zone" }\nrequired = "zone"', "a condition has one of is, in, not, present"),
    (
        'when = { path = "zone", is = "a", present = true }\nrequired = "zone"',
        "a condition has one of is, in, not, present",
    ),
    ('compare = { left = "first", is = "=<", right = "last" }', "input should be '<', '<=', '==', '!=', '>=' or '>'"),
    ('listed = { path = "zone", in = "iso-639" }', "input should be 'iso-4217', 'iso-3166', 'zone' or 'codes'"),
    (
        'product = { of = ["seconds"], equals = "total.amount", divisor = 0 }',
        "input should be greater than or equal to 1",
    ),
    ('exactly_one = ["zone"]', "should have at least 2 items"),
]


@pytest.mark.parametrize(("text", "said"), SHAPELESS)
def test_a_rule_that_is_no_rule_is_refused(text: str, said: str) -> None:
    told = mistakes(rule(text))
    assert any(line.startswith("t.toml: rule[0] (a-rule)") and said in line for line in told), told


@pytest.mark.parametrize("code", ["single", "Upper-case", "with_underscore", "a-", "-a", "ends-", ""])
def test_a_code_is_words_with_dashes(code: str) -> None:
    assert "should match pattern" in mistakes(rule('required = "zone"', code))[0]


def test_a_rule_says_what_breaks_it() -> None:
    text = rule('required = "zone"').replace('broken_by = { "x" = 1 }\n', "")
    assert mistakes(text) == ["t.toml: rule[0] (a-rule).broken_by: field required"]


def test_every_mistake_of_every_rule_is_told_at_once() -> None:
    told = mistakes(rule('required = ["zoen", "lines.code"]'), rule('unique = "zone"', "b-rule"))
    assert len(told) == 3
    assert [line.split(" on ")[0] for line in told] == ["t.toml: a-rule", "t.toml: a-rule", "t.toml: b-rule"]


def test_a_code_is_given_once() -> None:
    told = mistakes(rule('required = "zone"'), rule('absent = "zone"'))
    assert told == ["a-rule: two rules have this code; a code means one rule for ever"]


def test_a_rule_of_another_entity_stands_in_its_own_file() -> None:
    told = mistakes(rule('required = "zone"'), entity="u")
    assert told == ["u.toml: a-rule: t.Thing is no event of this file; its rules stand in t.toml"]


def test_an_event_that_is_none_is_told() -> None:
    with pytest.raises(toml.FileError, match=r"time\.toml: a-rule on time\.TimeAproved: no event 'time\.TimeAproved'"):
        book({"time": rule('required = "zone"').replace("t.Thing", "time.TimeAproved")}, schemas.avro)


def test_what_is_no_toml_is_told() -> None:
    assert mistakes("[[rule]")[0].startswith("t.toml: not TOML")
