"""Controls: the rows of the fault matrix with a defence taken away. A harness that does not see that proves nothing."""

from __future__ import annotations

import dataclasses

import pytest

from tests.faults import rows
from tests.faults.fabric import Setting
from tests.faults.ground import SMALL, Ground
from tests.faults.plants import PLANTS
from tests.faults.report import Report

ROWS = rows.every()

SEEN_BY = {
    "no_idempotency_key": 17,
    "commit_before_effect": 1,
    "acknowledge_on_exception": 5,
    "redis_trusted": 34,
    "lease_not_checked": 2,
    "version_condition_dropped": 17,
    "hold_order_ignored": 21,
    "writes_not_awaited": 1,
    "dead_letter_not_awaited": 30,
    "applied_not_loaded": 1,
    "find_first_dropped": 1,
    "retry_after_ignored": 16,
    "new_key_on_conflict": 20,
    "absence_believed_at_once": 17,
    "older_versions_not_superseded": 1,
}
"""Planted bug -> the row that must fail with it."""

ONLY = {
    "version_condition_dropped": ("versioned",),
    "find_first_dropped": ("none",),
    "lease_not_checked": ("upsert",),
}
"""Plants that show in one flavour of sink alone, or that are not to hide there what fails elsewhere."""

RUNS = 3
"""Of a small row: what is in flight when a process stops is a matter of chance, so one run may pass."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_every_planted_bug_has_its_row() -> None:
    assert SEEN_BY.keys() == PLANTS.keys()
    assert len(PLANTS) >= 10


@pytest.mark.parametrize("name", PLANTS)
def test_control(ground: Ground, report: Report, name: str) -> None:
    runs = list[str]()
    while len(runs) < RUNS and not report.controls.get(name):
        planted = dataclasses.replace(
            ground, plant=name, sinks=ONLY.get(name, ()), tier=SMALL, verdicts=[], seed=ground.seed + len(runs)
        )
        failed = ""
        try:
            ROWS[SEEN_BY[name]].run(planted)
        except AssertionError as error:
            failed = str(error) or "what the row asserts"
        report.controls[name] = bool(failed) or not all(verdict.clean for verdict in planted.verdicts)
        runs.append("\n".join(map(str, (name, *planted.verdicts, failed))))
    print(*runs, sep="\n")
    assert report.controls[name], f"row {SEEN_BY[name]} passes {RUNS} times although {PLANTS[name].__doc__}"


def test_the_same_road_without_a_plant_is_clean(ground: Ground) -> None:
    """Or the controls would fail for another reason."""
    with ground.fabric(Setting()) as fabric:
        fabric.say(50)
        fabric.settle()
    assert ground.verdicts[-1].clean
