"""The broker stops in an orderly way and comes back."""

from __future__ import annotations

from tests.faults.ground import Row
from tests.faults.rows.broker import restarts

ROW = Row(6, "broker stopped cleanly and started", restarts(hard=False, away=1.0), outage=True)
