"""The shipped path: a real processor in the Faust host, with engine, barrier, ids and headers.

`lazy` false: a processor that reads the whole state, and no registered combination, so that all is encoded as well.
With `shared` it goes on until SIGTERM, for several workers of one group, and prints `ready` when it has partitions.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.meter import Meter, asked
from bench.work import codec, enriching
from psfabric.assembly import dead_letter_classes
from psfabric.connection import Kafka
from psfabric.engine import Policy, Write
from psfabric.errors import Parent
from psfabric.hosts.faust import FaustHost
from psfabric.kafka import Producer
from psfabric.kafka.producer import Done
from psfabric.reference import Memory
from psfabric.stages import ProcessStage


class Counting(Producer):
    """The producer of the fabric, which tells how many outputs, and groups of them, are acknowledged."""

    def __init__(self, kafka: Kafka, client_id: str) -> None:
        super().__init__(kafka, client_id)
        self.acknowledged = self.groups = 0

    def write(self, writes: Sequence[Write], done: Done) -> None:
        def counted(error: Exception | None) -> None:
            self.acknowledged += len(writes)
            self.groups += 1
            done(error)

        super().write(writes, counted)


class Metered(Counting):
    """Each record has one output, and is handled when that is written."""

    def __init__(self, kafka: Kafka, client_id: str, meter: Meter) -> None:
        super().__init__(kafka, client_id)
        self._meter = meter

    def write(self, writes: Sequence[Write], done: Done) -> None:
        super().write(writes, done)
        self._meter.handled(len(writes))


def stage(name: str, source: str, *, lazy: bool) -> ProcessStage:
    policy = Policy(name, "process", barrier=True, classes=dead_letter_classes())
    made = ProcessStage(policy, codec(lazy=lazy), enriching(name, lazy=lazy), Memory())
    made.inputs = (source,)
    return made


async def main(want: Mapping[str, Any]) -> None:
    meter, stop = Meter(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    kafka = Kafka(want["bootstrap"])
    producer = Metered(kafka, want["group"], meter)
    made = stage(want["group"], want["source"], lazy=want["lazy"])

    def has_many(parents: Iterable[Parent]) -> set[Parent]:
        return set()

    host = FaustHost(kafka, [made], producer, has_many=has_many, instance=None)
    running = asyncio.create_task(host.run(stop))
    told = False
    while not running.done() and not stop.is_set():
        if host.ready() and not told:
            told = True
            print("ready", flush=True)
        if not want.get("shared") and producer.acknowledged >= want["records"]:
            break
        await asyncio.sleep(0.01)
    if not want.get("shared"):
        meter.tell()
    stop.set()
    await running
    if want.get("shared") and meter.records:
        meter.tell()
    producer.close()


if __name__ == "__main__":
    asyncio.run(main(asked()))
