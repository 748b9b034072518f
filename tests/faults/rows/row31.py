"""The schema registry is away: known schemas flow, and processes started meanwhile use the bundled copies."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults import injections
from tests.faults.fabric import Fabric, Setting
from tests.faults.ground import Ground, Row
from tests.waiting import eventually


def run(ground: Ground) -> None:
    modes = ("reset", "refuse", "hang")
    with ground.fabric(Setting(sinks=("upsert", "unique"))) as fabric:
        with fabric.load(40):
            for number in range(ground.outages):
                time.sleep(1.5)
                with injections.proxied(fabric, ground.registry, modes[number % 3]):
                    if number % 2:
                        injections.kill_one(fabric)
                    time.sleep(ground.seconds(6.0))
                    eventually(_more(fabric, 20), 30, "known schemas flow")
        fabric.settle()
        assert not fabric.dead_letters()


def _more(fabric: Fabric, lines: int) -> Callable[[], bool]:
    """Whether the target's journal has grown by that many lines since now."""
    begun = len(fabric.journal.read())
    return lambda: len(fabric.journal.read()) > begun + lines


ROW = Row(31, "the schema registry is away", run, outage=True)
