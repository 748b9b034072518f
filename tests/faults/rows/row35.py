"""Redis is gone, slow, read-only or full: what needs it waits, nothing fails open."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from tests.faults import injections
from tests.faults.fabric import LOAD, Fabric, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "none"))) as fabric:
        with fabric.load(LOAD):
            for number in range(ground.outages):
                time.sleep(fabric.rng.uniform(1.5, 2.5))
                with _trouble(ground, fabric, number):
                    if number % 6 in (3, 5):  # a read-only one refuses that as well
                        injections.flush(fabric)
                    time.sleep(ground.seconds(5.0))
                fabric.recovered()
        fabric.settle()
        assert not fabric.dead_letters()


def _trouble(ground: Ground, fabric: Fabric, number: int) -> AbstractContextManager[None]:
    match number % 6:
        case 0:
            return injections.proxied(fabric, ground.redis, "refuse")
        case 1:
            return injections.redis_configured(fabric, "read-only", min_replicas_to_write="1")
        case 2:
            return injections.proxied(fabric, ground.redis, "pass", latency=1.5)
        case 3:
            return injections.redis_configured(fabric, "full", maxmemory="1")
        case 4:
            return injections.proxied(fabric, ground.redis, "hang")
        case _:
            return injections.proxied(fabric, ground.redis, "reset")


ROW = Row(35, "Redis down, slow, read-only or full", run, outage=True)
