"""The summary of a run under faults."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from tests.faults.ground import Total
from tests.faults.report import Report


def total(row: int, lost: int = 0) -> Total:
    return Total(row, 30, lost, 0, Decimal("0.10"), 0, 4, 1.5)


def test_one_row_run_again_replaces_its_line_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    Report(1, "quick", [total(1), total(17, lost=2)], {"a": True}).write(path)
    Report(5, "small", [total(17)]).write(path)
    found = json.loads(path.read_text())
    assert [(r["row"], r["lost"], r["seed"], r["tier"]) for r in found["rows"]] == [
        (1, 0, 1, "quick"),
        (17, 0, 5, "small"),
    ]
    assert found["rows"][0]["amount_difference"] == 0.1
    assert [(c["name"], c["caught"]) for c in found["controls"]] == [("a", True)]


def test_the_table_says_what_was_not_caught() -> None:
    lines = Report(1, "quick", [total(1)], {"a": True, "b": False}).lines()
    assert lines[0].split()[:3] == ["row", "injections", "lost"]
    assert lines[1].split() == ["1", "30", "0", "0", "0.10", "0", "4", "1.5"]
    assert lines[-1] == "control b: NOT CAUGHT"
