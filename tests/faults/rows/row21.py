"""A month is closed in the ERP and opened again: what belongs there waits, in order, and goes nowhere else."""

from __future__ import annotations

import time

from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row
from tests.waiting import eventually

MONTHS = tuple(f"2026-{month:02d}" for month in range(1, 11))


def run(ground: Ground) -> None:
    setting = Setting(sinks=("upsert", "unique", "none"), thin=False, keys=40, corrections=0.4, months=MONTHS)
    with ground.fabric(setting) as fabric:
        with fabric.load(40):
            for _ in range(-(-ground.count // 10)):
                shut = tuple(fabric.rng.sample(MONTHS, 5))
                for sink in fabric.sinks:
                    fabric.erp.rules(sink, locked=shut)
                begun = time.time()
                eventually(fabric.held, 30, "what is locked out is parked")
                time.sleep(ground.seconds(4.0))
                for month in (*shut, *shut):  # each month of each cycle is closed once and opened once
                    with fabric.fault(f"locked {month} since {begun:.0f}"):
                        pass
                for sink in fabric.sinks:
                    fabric.erp.rules(sink, locked=())
                time.sleep(1.5)
        fabric.settle(90)
        assert not fabric.dead_letters(), "a closed month is no reason to bury anything"


ROW = Row(21, "period closed, then opened", run)
