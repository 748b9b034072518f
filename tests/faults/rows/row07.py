"""The broker dies and comes back when its session has run out."""

from __future__ import annotations

from tests.faults.ground import Row
from tests.faults.rows.broker import restarts

ROW = Row(7, "broker killed hard and started", restarts(hard=True, away=5.0), outage=True)
