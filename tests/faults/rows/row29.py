"""Half of everything is bad for a while: the good half hardly notices."""

from __future__ import annotations

import json
import time

from psfabric.engine import Write
from tests.faults.fabric import Fabric, Setting
from tests.faults.ground import Ground, Row
from tests.faults.ledger import p95

RATE = 40


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique"), thin=False)) as fabric:
        with fabric.load(RATE):
            time.sleep(6)
            begun = time.time()
            bad = 0
            with fabric.fault("storm"):
                until = time.monotonic() + ground.seconds(8.0)
                while bad < ground.count or time.monotonic() < until:
                    fabric.store([_bad(fabric, bad + n) for n in range(4)])
                    bad += 4
                    time.sleep(4 / RATE)
            ended = time.time()
        fabric.settle()
        fabric.faults += [fabric.faults[-1]] * (bad - 1)
        assert len(fabric.dead_letters()) == bad
        before, within = _latency(fabric, begun - 4, begun), _latency(fabric, begun, ended)
        assert within <= max(2 * before, before + 0.5), f"latency of good records: {before} s before, {within} s within"


def _bad(fabric: Fabric, number: int) -> Write:
    state = fabric.sayings.say(key=f"{fabric.run}-storm{number}", new=True, posted=False)
    return fabric.raw(state, body=json.dumps({"id": state["id"]}).encode())


def _latency(fabric: Fabric, begin: float, end: float) -> float:
    """p95 of seconds from said to posted, of what was said in that time."""
    posted = {(c["external"], c["edition"]): c["at"] for c in fabric.journal.acts("commit")}
    said = [s for s in fabric.sayings.ledger.said if s.posted and begin <= s.at < end and s.version in posted]
    return p95([posted[s.version] - s.at for s in said])


ROW = Row(29, "a storm of poison", run)
