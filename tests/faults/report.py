"""The summary of a run: a table for people, `results/latest.json` for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.faults.ground import Total

RESULTS = Path(__file__).parent / "results" / "latest.json"
COLUMNS = (
    "row", "injections", "lost", "doubled", "amount_difference", "out_of_order", "redelivered", "recovery_p95_s",
)  # fmt: skip


@dataclass
class Report:
    """What the rows and controls of one run came to."""

    seed: int
    tier: str
    totals: list[Total] = field(default_factory=list)
    controls: dict[str, bool] = field(default_factory=dict)
    points: dict[str, Any] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.totals or self.controls or self.points)

    def add(self, other: Report) -> None:
        """What another worker of the same run found."""
        self.totals += other.totals
        self.controls |= other.controls
        self.points |= other.points

    def lines(self) -> list[str]:
        """The table."""
        rows = [COLUMNS, *(tuple(str(asdict(t)[c]) for c in COLUMNS) for t in self.totals)]
        widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
        table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        caught = [f"control {name}: {'caught' if found else 'NOT CAUGHT'}" for name, found in self.controls.items()]
        return [*table, *caught, *(f"crash points, {name}: {value}" for name, value in self.points.items())]

    def write(self, path: Path = RESULTS) -> None:
        """What was not run this time keeps the line it has, with the seed and the tier that it was run with."""
        path.parent.mkdir(exist_ok=True)
        known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        run = {"seed": self.seed, "tier": self.tier}
        rows = {line["row"]: line for line in known.get("rows", ())}
        rows |= {total.row: {**_plain(asdict(total)), **run} for total in self.totals}
        controls = {line["name"]: line for line in known.get("controls", ())}
        controls |= {name: {"name": name, "caught": caught, **run} for name, caught in self.controls.items()}
        points = {**self.points, **run} if self.points else known.get("crash_points", {})
        body = {
            **run,
            "rows": [rows[n] for n in sorted(rows)],
            "controls": [*controls.values()],
            "crash_points": points,
        }
        path.write_text(json.dumps(body, indent=1) + "\n")


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
