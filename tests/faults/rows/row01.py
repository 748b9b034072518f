"""Processes killed in the middle of their work."""

from __future__ import annotations

import time

from tests.faults import injections
from tests.faults.books import Fault
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground, Row

OPEN = tuple(Fault(kind=kind, share=0.4, seconds=0.4) for kind in ("tardy", "slow"))


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "versioned", "unique", "none"))) as fabric:
        for sink in fabric.sinks:  # so that whenever a process dies some calls are open, done and not yet done
            fabric.erp.rules(sink, faults=OPEN)
        with fabric.load(LOAD):
            for _ in range(ground.count):
                time.sleep(fabric.rng.uniform(0.2, 4.0))
                injections.kill_one(fabric)
        fabric.settle()


ROW = Row(1, "processor killed mid-batch", run)
