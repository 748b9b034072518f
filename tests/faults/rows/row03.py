"""All processes killed at once, and away for a while."""

from __future__ import annotations

import time

from tests.faults import injections
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique", "none"))) as fabric:
        with fabric.load(LOAD):
            for _ in range(ground.outages):
                time.sleep(fabric.rng.uniform(1.0, 2.5))
                injections.kill_all(fabric, away=ground.seconds(5.0))
                fabric.recovered()
        fabric.settle()


ROW = Row(3, "all processors killed at once", run, outage=True)
