"""The rules of this repository: they fit, right examples keep them, and each can be broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas import rules
from schemas.rules import Rule
from tests.schemas.rules.examples import broken, look_ups, passing, read
from tests.schemas.test_examples import named, of

PAIRS = [(rule, event) for rule in rules.every() for event in rule.events]


def test_the_rule_files_fit_their_schemas() -> None:
    assert rules.every()


@pytest.mark.parametrize("path", of("pass"), ids=lambda path: path.name)
def test_an_example_that_is_right_breaks_no_rule(path: Path) -> None:
    event = named(path)["event"]
    data = schemas.model(event).model_validate_json(path.read_bytes())
    assert rules.violations(event, data) == ()
    assert rules.disagreements(event, data, look_ups()) == ()


@pytest.mark.parametrize(("rule", "event"), PAIRS, ids=[f"{rule.code}-{event}" for rule, event in PAIRS])
def test_every_rule_is_broken_by_what_it_names(rule: Rule, event: str) -> None:
    """Put into an example that is right; where the example lacks the place, into another one."""
    found = [each for example in passing(event) for each in violated(event, example, rule)]
    assert rule.code in found, f"no right example of {event} breaks {rule.code} with broken_by"


def violated(event: str, example: dict[str, Any], rule: Rule) -> list[str]:
    try:
        changed = broken(example, rule.broken_by)
    except (LookupError, TypeError):
        return []
    data = read(event, changed)
    return [each.code for each in (*rules.violations(event, data), *rules.disagreements(event, data, look_ups()))]


def test_a_rule_speaks_to_people() -> None:
    for rule in rules.every():
        assert rule.message.endswith("."), rule.code
        assert rule.message[0].isupper(), rule.code


def test_a_code_of_a_rule_is_no_other_code() -> None:
    assert {rule.code for rule in rules.every()} & set(schemas.codes()) == set()


def test_the_model_and_what_avro_decodes_are_judged_alike() -> None:
    for rule, event in PAIRS:
        for example in passing(event):
            model = read(event, example)
            assert rules.violations(event, model.model_dump()) == rules.violations(event, model), rule.code
            assert rules.disagreements(event, model.model_dump(), look_ups()) == (), rule.code


def test_an_enriched_event_is_asked_the_rules_of_its_canonical_one() -> None:
    (example,) = passing("enriched.invoice.InvoicePosted")
    changed = broken(example, {"gross.amount": "1.000000"})
    found = rules.violations("enriched.invoice.InvoicePosted", read("enriched.invoice.InvoicePosted", changed))
    assert [each.code for each in found] == ["invoice-gross-is-net-and-tax"]


def test_an_event_without_rules_breaks_none() -> None:
    assert rules.of("delivery.Held") == ()
    assert rules.violations("delivery.Held", {}) == ()


def test_no_value_of_a_protected_field_is_told() -> None:
    example = passing("invoice.InvoicePosted")[0]
    changed = broken(example, {"gross.amount": "98765.430000", "lines[0].amount.currency": "CHF"})
    told = " ".join(
        each.message for each in rules.violations("invoice.InvoicePosted", read("invoice.InvoicePosted", changed))
    )
    assert "(protected)" in told
    assert "98765" not in told
    assert "CHF" not in told
    assert "At lines[0].amount.currency: it is (protected), currency is GBP." in told
