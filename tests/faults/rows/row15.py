"""The ERP answers 503 to everything for a while: nothing is buried, and another target does not notice."""

from __future__ import annotations

import time

from tests.faults.books import Fault
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground, Row

FOR_EVER = 10**9


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique", "none"))) as fabric:
        down = next(iter(fabric.sinks))
        with fabric.load(LOAD):
            for number in range(ground.outages):
                time.sleep(fabric.rng.uniform(1.0, 2.0))
                kind = ("unavailable", "error_before")[number % 2]
                with fabric.fault(f"erp {kind}"):
                    fabric.erp.rules(down, faults=(Fault(kind=kind, times=FOR_EVER),))
                    time.sleep(ground.seconds(fabric.rng.uniform(5.0, 8.0)))
                    fabric.erp.rules(down, faults=())
                fabric.recovered()
        fabric.settle()
        assert not fabric.dead_letters(), "an outage is no reason to bury anything"


ROW = Row(15, "the ERP answers 500 for a while", run, outage=True)
