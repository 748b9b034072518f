"""What the rows of a broker that goes and comes back share."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults import injections
from tests.faults.fabric import LOAD, Setting
from tests.faults.ground import Ground


def restarts(*, hard: bool, away: float) -> Callable[[Ground], None]:
    """Under load the broker goes, killed or in an orderly way, for `away` scaled seconds, and comes back."""

    def run(ground: Ground) -> None:
        with ground.fabric(Setting(sinks=("upsert", "unique", "none"))) as fabric:
            with fabric.load(LOAD):
                for _ in range(ground.outages):
                    time.sleep(fabric.rng.uniform(1.5, 3.0))
                    injections.broker_restart(fabric, ground.stack, hard=hard, away=ground.seconds(away))
                    fabric.recovered()
            fabric.settle(120)

    return run
