"""The documented rounding of the target is what Tryton really bills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from psfabric.outcomes import Delivered, Unknown
from sandbox.tryton_admin import TrytonAdmin
from sinks.tryton_erp.rounding import tryton_amount, tryton_hours
from tests.conftest import TrytonServer
from tests.sinks.tryton_world import World, sink

SECONDS = (1, 7, 59, 61, 600, 1000, 1799, 2222, 3599, 3601, 12_345, 86_400)
RATES = ("0.0001", "0.01", "33.33", "49.9950", "90.9091", "150", "187.5", "1234.5678")
TIES = (
    (900, "0.02"),  # 0.25 h: 0.0050, down to the even 0.00
    (900, "0.06"),  # 0.0150, up to 0.02
    (900, "0.10"),  # 0.0250, down to 0.02
    (1800, "150.01"),  # 75.005, down to 75.00
    (1800, "150.03"),  # 75.015, up to 75.02
    (4500, "100.02"),  # 125.025, down to 125.02
    (9, "1.4"),  # 0.0025 h: 0.0035, no tie
)


@given(st.integers(0, 10**9))
def test_hours_are_the_nearest_step_and_never_tie(seconds: int) -> None:
    exact = Fraction(seconds, 3600)
    assert abs(Fraction(tryton_hours(seconds)) - exact) < Fraction(1, 20_000)


@given(st.integers(0, 10**7), st.decimals(0, 10_000, places=4), st.sampled_from([0, 2, 3]))
def test_an_amount_is_the_nearest_minor_unit(seconds: int, rate: Decimal, digits: int) -> None:
    exact = Fraction(tryton_hours(seconds)) * Fraction(rate)
    amount = tryton_amount(seconds, rate, digits)
    assert amount.as_tuple().exponent == -digits
    assert abs(Fraction(amount) - exact) <= Fraction(1, 2 * 10**digits)


def test_half_a_cent_goes_to_the_even_one() -> None:
    assert [tryton_amount(seconds, Decimal(rate), 2) for seconds, rate in TIES] == [
        Decimal(text) for text in ("0.00", "0.02", "0.02", "75.00", "75.02", "125.02", "0.00")
    ]
    assert tryton_amount(1800, Decimal("150.01"), 2) != (Decimal("75.005")).quantize(Decimal("0.01"), ROUND_HALF_UP)


def cases() -> Iterator[tuple[int, str]]:
    yield from TIES
    yield from ((seconds, rate) for seconds in SECONDS for rate in RATES)


async def test_tryton_bills_exactly_that(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    """One invoice with a line for each case: the seconds of a case are worked in three entries of one role."""
    wanted = {f"{number}: {seconds} s at {rate}": (seconds, rate) for number, (seconds, rate) in enumerate(cases())}
    target = sink(tryton)
    world = await World(rates={role: rate for role, (_, rate) in wanted.items()}).begin(target, admin)
    worked = [
        world.worked(f"{role}-{part}", seconds // 3 + (seconds % 3 if part == 0 else 0), role=role)
        for role, (seconds, _) in wanted.items()
        for part in range(3)
    ]
    for start in range(0, len(worked), 200):
        answers = await target.deliver(worked[start : start + 200])
        assert all(isinstance(answer, Delivered) for answer in answers)
    (made,) = await target.deliver([world.month_end(day=date(2026, 10, 31))])
    for _ in range(5):  # on a busy machine so long an invoice may take longer than an answer is waited for
        if isinstance(made, Unknown):
            (made,) = await target.deliver([world.month_end(day=date(2026, 10, 31))])
    assert isinstance(made, Delivered), made
    lines = json.loads(made.facts["lines"])
    billed = {line["role"]: (Decimal(line["quantity"]), Decimal(line["amount"])) for line in lines}
    expected = {
        role: (tryton_hours(seconds), tryton_amount(seconds, Decimal(rate), 2))
        for role, (seconds, rate) in wanted.items()
    }
    assert billed == expected
    assert Decimal(made.facts["net"]) == sum(amount for _, amount in expected.values())
