"""Minor units of currencies (ISO 4217, list one), and worked time as people read it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_ODD = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
"""Currencies that do not have two digits after the point."""


def minor_units(currency: str) -> int:
    """Digits after the point of a currency's amounts, e.g. 2 for GBP, 0 for JPY."""
    return _ODD.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount that already is one of the currency, with exactly its digits; ValueError when it has more."""
    placed = amount.quantize(Decimal(1).scaleb(-minor_units(currency)))
    if placed != amount:
        raise ValueError(f"{amount} {currency} has more digits than the currency")
    return placed


def hours(seconds: int) -> Decimal:
    """Hours to four places, half up: for display and document lines, never to compute on with."""
    return (Decimal(seconds) / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP)
