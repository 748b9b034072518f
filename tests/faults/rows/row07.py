"""The broker dies and comes back when its session has run out."""

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
                injections.broker_restart(fabric, ground.stack, hard=True, away=ground.seconds(5.0))
                fabric.recovered()
        fabric.settle(120)


ROW = Row(7, "broker killed hard and started", run, outage=True)
