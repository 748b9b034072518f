"""Rules on any valid event: they never raise, and a sum that is off by a minor unit or more is always seen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from schemas import rules
from schemas.currencies import CURRENCIES, minor_units
from tests.schemas.rules.examples import passing, read
from tests.schemas.test_models import strategy

RULED = sorted({event for rule in rules.every() for event in rule.events})
INVOICE = "invoice.InvoicePosted"
MONEY = st.integers(-(10**11), 10**11)


@pytest.mark.parametrize("event", RULED)
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_no_valid_event_makes_a_rule_raise(event: str, data: st.DataObject) -> None:
    model = data.draw(strategy(schemas.model(event)))
    for found in rules.violations(event, model):
        assert found.code in {rule.code for rule in rules.of(event)}
        assert found.message.startswith(next(rule.message for rule in rules.of(event) if rule.code == found.code))


def invoice(currency: str, amounts: list[int], tax: int) -> dict[str, Any]:
    """A right invoice of lines of these amounts and this tax, in minor units, as JSON."""
    digits = minor_units(currency)

    def money(units: int) -> dict[str, str]:
        return {"amount": str(Decimal(units).scaleb(-digits)), "currency": currency}

    made = passing(INVOICE)[0]
    (line,) = made["lines"]
    lines = [line | {"quantity": "1.0000", "unit_price": money(each), "amount": money(each)} for each in amounts]
    totals = {"net": money(sum(amounts)), "tax": money(tax), "gross": money(sum(amounts) + tax)}
    return made | {"currency": currency, "lines": lines} | totals


INVOICES = st.tuples(st.sampled_from(sorted(CURRENCIES)), st.lists(MONEY, min_size=1, max_size=6), MONEY)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(given_=INVOICES)
def test_a_right_invoice_breaks_no_rule(given_: tuple[str, list[int], int]) -> None:
    assert rules.violations(INVOICE, read(INVOICE, invoice(*given_))) == ()


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    given_=INVOICES,
    place=st.sampled_from(["net", "tax", "gross", "amount", "unit_price"]),
    off=st.integers(1, 10**9) | st.integers(-(10**9), -1),
    line=st.integers(0, 5),
)
def test_an_invoice_that_is_off_by_a_minor_unit_or_more_is_caught(
    given_: tuple[str, list[int], int], place: str, off: int, line: int
) -> None:
    """By any decimal from one minor unit on, whichever amount it is that was changed."""
    made = invoice(*given_)
    where = made["lines"][line % len(made["lines"])] if place in ("amount", "unit_price") else made
    unit = Decimal(1).scaleb(-minor_units(given_[0]))
    by = unit.copy_sign(off) + Decimal(off).scaleb(-6)
    where[place] = {**where[place], "amount": str(Decimal(where[place]["amount"]) + by)}
    assert rules.violations(INVOICE, read(INVOICE, made)) != ()
