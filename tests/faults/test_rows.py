"""The rows of the fault matrix: nothing lost, nothing double, no difference in money, no disorder."""

from __future__ import annotations

import os

import pytest

from tests.faults import rows
from tests.faults.ground import Ground, Total
from tests.faults.report import Report

ROWS = rows.every()
CHOSEN = [int(number) for number in os.environ.get("ROW", "").replace(",", " ").split()] or [*ROWS]

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200 if os.environ.get("TIER") == "long" else 900)]


@pytest.mark.parametrize("number", CHOSEN, ids=lambda number: f"row{number:02d}")
def test_row(ground: Ground, report: Report, number: int) -> None:
    row = ROWS[number]
    ground.verdicts.clear()
    ground.plant = ""
    print(f"seed {ground.seed}: {row.title}")
    try:
        row.run(ground)
    except AssertionError as error:
        raise AssertionError(f"{row.title}: {error}\n{ground.logs}") from None
    print(*ground.verdicts, sep="\n")
    total = Total.of(number, ground.verdicts)
    report.totals.append(total)
    wanted = ground.tier.outages if row.outage else ground.tier.injections
    assert total.injections >= wanted
    for verdict in ground.verdicts:
        assert verdict.clean, f"{row.title}: {verdict}\n{ground.logs}"
