"""An exception that nobody expected: the record is buried with its cause, all others go on, nothing restarts."""

from __future__ import annotations

import time

from tests.faults.fabric import LOAD, Fabric, Setting
from tests.faults.ground import Ground, Row


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique"))) as fabric:
        with fabric.load(LOAD):
            for number in range(ground.count):
                time.sleep(0.25)
                _bug(fabric, number)
        fabric.settle()
        codes = [(r.header("fabric-dlq-code"), r.header("fabric-dlq-class")) for r in fabric.dead_letters()]
        assert codes == [("bug", "bug")] * ground.count
        assert [worker.statuses for worker in fabric.workers] == [[], []], "a process restarted"


def _bug(fabric: Fabric, number: int) -> None:
    """A record of its own key that makes the processor raise ZeroDivisionError."""
    with fabric.fault("exception"):
        state = {**fabric.sayings.say(key=f"{fabric.run}-bug{number}", new=True, posted=False), "bug": "yes"}
        fabric.store([fabric.raw(state)])


ROW = Row(5, "an unexpected exception", run)
