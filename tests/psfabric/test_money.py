"""Minor units as ISO 4217 has them; worked time as people read it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.money import hours, minor_units, rounded

ISO = Path(__file__).resolve().parents[3] / "shared" / "cases" / "iso4217" / "minor_units.jsonl"


@pytest.mark.parametrize(("currency", "digits"), [("GBP", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_minor_units(currency: str, digits: int) -> None:
    assert minor_units(currency) == digits


@pytest.mark.skipif(not ISO.is_file(), reason="the shared list of ISO 4217 is not beside this checkout")
def test_minor_units_of_every_currency_of_the_standard() -> None:
    listed = {row["code"]: row["minor_units"] for row in map(json.loads, ISO.read_text().splitlines())}
    with_units = {code: digits for code, digits in listed.items() if digits is not None}
    assert len(with_units) > 150
    assert {code: minor_units(code) for code in with_units} == with_units


def test_an_amount_gets_exactly_the_digits_of_its_currency() -> None:
    assert str(rounded(Decimal("7.5"), "GBP")) == "7.50"
    assert str(rounded(Decimal("7.000"), "JPY")) == "7"
    assert str(rounded(Decimal("-0.100"), "KWD")) == "-0.100"


@pytest.mark.parametrize(("amount", "currency"), [("1.005", "GBP"), ("1.5", "JPY"), ("0.0001", "KWD")])
def test_an_amount_with_more_digits_is_refused_never_rounded(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=currency):
        rounded(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0000"),
        (1, "0.0003"),
        (3600, "1.0000"),
        (1800, "0.5000"),
        (5400, "1.5000"),
        (9, "0.0025"),
        (1206, "0.3350"),
    ],
)
def test_hours_have_four_places(seconds: int, text: str) -> None:
    assert str(hours(seconds)) == text


@given(st.integers(-(10**9), 10**9))
def test_hours_are_never_further_off_than_half_a_place(seconds: int) -> None:
    assert abs(hours(seconds) * 3600 - seconds) <= Decimal("0.18")
    assert hours(-seconds) == -hours(seconds), "half up goes away from zero on both sides"
