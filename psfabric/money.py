"""Amounts in minor units of their currency, and worked time as people read it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from schemas.currencies import minor_units as minor_units


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount that already is one of the currency, with exactly its digits; ValueError when it has more."""
    placed = amount.quantize(Decimal(1).scaleb(-minor_units(currency)))
    if placed != amount:
        raise ValueError(f"{amount} {currency} has more digits than the currency")
    return placed


def hours(seconds: int) -> Decimal:
    """Hours to four places, half up: for display and document lines, never to compute on with."""
    return (Decimal(seconds) / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP)
