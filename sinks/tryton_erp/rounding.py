"""How Tryton turns worked seconds into money: the target's documented rounding function (DESIGN section 3).

For each task of an invoice: the seconds are summed, made hours, rounded to the unit Hour (steps of 0.0001, as the
set-up has it), multiplied by the task's price (four decimals at most) and rounded to the currency, half to even
(`trytond_project_invoice` `_get_quantity_to_invoice_timesheet`, `trytond_product` `uom._round`,
`trytond_currency` `Currency.round`). Hours never tie at four places: a second is 25/9 of such a step.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

STEP = Decimal("0.0001")
_EXACT = Context(prec=60)


def tryton_hours(seconds: int) -> Decimal:
    """Hours that one invoice line bills for the summed seconds of its task."""
    return _EXACT.divide(Decimal(seconds), Decimal(3600)).quantize(STEP, ROUND_HALF_UP, _EXACT)


def tryton_amount(seconds: int, hourly_rate: Decimal, currency_digits: int) -> Decimal:
    """Net amount of that line, in the currency of the rate; `currency_digits` is 2 for USD and GBP, 0 for JPY."""
    exact = _EXACT.multiply(tryton_hours(seconds), hourly_rate)
    return exact.quantize(Decimal(1).scaleb(-currency_digits), ROUND_HALF_EVEN, _EXACT)
