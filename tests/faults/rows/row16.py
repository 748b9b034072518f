"""The ERP throttles: Retry-After is obeyed, in seconds and as an HTTP date."""

from __future__ import annotations

import time

from tests.faults.fabric import Setting
from tests.faults.ground import Ground, Row
from tests.faults.ledger import Fault


def run(ground: Ground) -> None:
    for dates in (False, True):
        with ground.fabric(Setting(sinks=("upsert", "unique"), thin=False, keys=60)) as fabric:
            for sink in fabric.sinks:
                fabric.erp.rules(sink, rate=20.0, burst=5.0, dates=dates)
            with fabric.load(40):
                while len(fabric.journal.acts("throttled")) < ground.count // 2:
                    time.sleep(0.5)
                    fabric.journal.read()
            fabric.settle(120)
            fabric.faults += [Fault("429", t["at"], t["at"]) for t in fabric.journal.acts("throttled")]


ROW = Row(16, "429 with Retry-After", run)
