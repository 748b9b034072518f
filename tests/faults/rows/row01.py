"""Processes killed in the middle of their work."""

from __future__ import annotations

import time

from tests.faults import injections
from tests.faults.books import Fault
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "versioned", "unique", "none"))) as fabric:
        for sink in fabric.sinks:  # so that some calls are open, done and not answered, whenever a process dies
            fabric.erp.rules(sink, faults=(Fault(kind="tardy", share=0.5, seconds=0.4),))
        with fabric.load(LOAD):
            for _ in range(ground.count):
                time.sleep(fabric.rng.uniform(0.2, 4.0))
                injections.kill_one(fabric)
        fabric.settle()


ROW = Row(1, "processor killed mid-batch", run)
