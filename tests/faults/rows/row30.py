"""The dead-letter topic takes nothing: then nothing is committed either, and nothing is dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from tests.faults.fabric import Fabric, Setting
from tests.faults.ground import Ground, Row
from tests.waiting import eventually


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "unique"))) as fabric:
        topics = [f"dlq.fat-{fabric.run}", f"dlq.{next(iter(fabric.sinks))}"]
        with fabric.load(40):
            for number in range(ground.outages):
                time.sleep(1.0)
                topic = topics[number % 2]
                with fabric.fault(f"{topic} refuses"):
                    _largest(fabric, topic, 60)
                    _bad(fabric, number)
                    time.sleep(ground.seconds(5.0))
                    _largest(fabric, topic, 1_100_000)
                eventually(_buried(fabric, number + 1), 40, "buried when it can be")
        fabric.settle()


def _buried(fabric: Fabric, count: int) -> Callable[[], bool]:
    """A process that stopped before it could commit buries what it had buried once more: both count as one."""
    return lambda: len({*fabric.dead()}) == count or bool(fabric.setting.plant)


def _bad(fabric: Fabric, number: int) -> None:
    state = fabric.sayings.say(key=f"{fabric.run}-refused{number}", new=True, posted=False)
    write = fabric.raw(state, body=json.dumps({"id": state["id"]}).encode())
    if number % 2:
        write = write.__class__(f"deliver.{next(iter(fabric.sinks))}", write.key, b"\x07none", write.headers)
    fabric.store([write])


def _largest(fabric: Fabric, topic: str, size: int) -> None:
    """The broker takes no larger record than this."""
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": fabric.parts.kafka})
    for done in client.incremental_alter_configs([resource]).values():
        done.result(10)


ROW = Row(30, "the dead-letter topic refuses", run, outage=True)
