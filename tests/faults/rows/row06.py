"""The broker stops in an orderly way and comes back."""

from __future__ import annotations

import time

from tests.faults import injections
from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique", "none"))) as fabric:
        with fabric.load(60):
            for _ in range(ground.outages):
                time.sleep(fabric.rng.uniform(1.5, 3.0))
                injections.broker_restart(fabric, ground.stack, hard=False, away=ground.seconds(1.0))
                fabric.recovered()
        fabric.settle(120)


ROW = Row(6, "broker stopped cleanly and started", run, outage=True)
