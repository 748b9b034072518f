"""The rows of the fault matrix that the fabric is held to, one file each; `every` finds them."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.faults.ground import Row


def every() -> dict[int, Row]:
    """Row number -> row."""
    files = sorted(Path(__file__).parent.glob("row*.py"))
    found = [importlib.import_module(f"{__name__}.{path.stem}").ROW for path in files]
    return {row.number: row for row in sorted(found, key=lambda row: row.number)}
