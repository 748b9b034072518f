"""What the rules of an event cost where it is born, in processor time."""

from __future__ import annotations

import time
import timeit

import pytest

from schemas import rules
from tests.conftest import Tell
from tests.schemas.rules.examples import passing, read

LIMIT = 100.0
"""Microseconds; encoding an event costs about 25."""


@pytest.mark.parametrize("event", ["time.TimeApproved", "invoice.InvoicePosted"])
def test_rules_cost_little_beside_making_the_event(event: str, tell: Tell) -> None:
    model, runs = read(event, passing(event)[0]), 500
    rules.violations(event, model)
    spent = (
        min(timeit.repeat(lambda: rules.violations(event, model), timer=time.process_time, number=runs, repeat=9))
        / runs
    )
    tell(f"{len(rules.book().by_event[event])} rules of {event}: {spent * 1e6:.1f} µs")
    assert spent * 1e6 < LIMIT
