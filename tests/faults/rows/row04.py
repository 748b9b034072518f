"""Workers that come and go in the middle of the work: one, three, one."""

from __future__ import annotations

import signal
import time

from tests.faults.fabric import LOAD, Fabric, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "versioned", "none"), slots=False)) as fabric:
        with fabric.load(LOAD):
            time.sleep(3)
            for _ in range(ground.count):
                _change(fabric, fabric.rng.choice(["deliver", "process"]))
                time.sleep(fabric.rng.uniform(0.3, 1.5))
        fabric.settle()


def _change(fabric: Fabric, role: str) -> None:
    """One more, or one less: never fewer than one, never more than three."""
    there = fabric.of(role)
    if len(there) == 1 or (len(there) < 3 and fabric.rng.random() < 0.5):
        with fabric.fault(f"one more {role}"):
            fabric.add(role)
        return
    leaving = fabric.rng.choice(there)
    leaving.kept = False
    with fabric.fault(f"one less {role}"):
        leaving.end(signal.SIGTERM)
    fabric.workers.remove(leaving)


ROW = Row(4, "rebalance in the middle of the work", run)
