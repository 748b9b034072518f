"""Records of a schema that nobody has: they wait, the registry is asked seldom, nothing is lost or restarted."""

from __future__ import annotations

import struct
import time

from psfabric.engine import Write
from tests.faults.fabric import Fabric, Setting
from tests.faults.ground import Ground, Row
from tests.waiting import eventually


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique"), thin=False)) as fabric:
        topic = f"deliver.{next(iter(fabric.sinks))}"
        begun, asked = time.time(), ground.registry.seen(b"/schemas/ids/900")
        with fabric.load(40):
            for number in range(ground.count):
                time.sleep(0.2)
                with fabric.fault("unknown schema"):
                    fabric.store([_unknown(fabric, topic, number)])
            eventually(
                lambda: len({*fabric.held(), *fabric.dead()}) >= ground.count or fabric.setting.plant,
                30,
                "what has no schema is parked",
            )
            time.sleep(3)
        minutes = (time.time() - begun) / 60 + 1
        asks = ground.registry.seen(b"/schemas/ids/900") - asked
        assert asks <= 3 * minutes * len(fabric.workers), f"{asks} questions about three ids"
        assert [worker.statuses for worker in fabric.workers] == [[], []], "a process restarted"
        fabric.expected_held = {*fabric.held()}
        fabric.settle()


def _unknown(fabric: Fabric, topic: str, number: int) -> Write:
    state = fabric.sayings.say(key=f"{fabric.run}-unknown{number}", new=True, posted=False)
    write = fabric.raw(state)
    return Write(topic, write.key, struct.pack(">bI", 0, 900_001 + number % 3) + b"abc", write.headers)


ROW = Row(32, "a schema id that is not found", run)
