"""Redis forgets everything, again and again: it is a copy, and nothing rests on it."""

from __future__ import annotations

import time

from tests.faults import injections
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique", "none"))) as fabric:
        with fabric.load(LOAD):
            time.sleep(2)
            for number in range(ground.count):
                time.sleep(fabric.rng.uniform(0.3, 1.2))
                injections.flush(fabric)
                if number % 5 == 4:
                    injections.kill_one(fabric)
                    fabric.recovered()
        fabric.settle()
        assert not fabric.dead_letters()


ROW = Row(34, "Redis flushed", run)
