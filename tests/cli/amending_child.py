"""A process that delivers time to a folder until SIGTERM, or kills itself on the way of an amended entry:
`python -m tests.cli.amending_child KAFKA REGISTRY NAME FOLDER POINT`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from psfabric.adapters import Capabilities, Document, Sink, Types
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Policy, Write
from psfabric.errors import Parent
from psfabric.event import LIVE, Event, Record
from psfabric.hosts.aio import AioHost, Given
from psfabric.kafka import Producer
from psfabric.outcomes import Amended, Delivered, Outcome, Rejected
from psfabric.registry import Registry
from psfabric.stages import SinkStage

DAY = 86_400
POINTS = ("control", "between", "between, committed", "delivered")


class Timesheets(Sink):
    """A target that takes no more than a day in one entry: one file per entry, and a journal of what it took."""

    accepts: ClassVar[Types] = ("enriched.time.TimeApproved",)
    capabilities: ClassVar[Capabilities] = Capabilities("unique", concurrency=4)

    folder: Path
    point: str = ""

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, {"seconds": seconds_of(event)})

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [await self._one(event) for event in events]

    async def _one(self, event: Event) -> Outcome:
        if seconds_of(event) > DAY:
            return Rejected("field-invalid", "more than a day")
        amended = event.head.revision != LIVE
        if amended and self.point == "between, committed":
            await asyncio.sleep(1.0)  # by then the offset of the control record is committed, behind which this comes
        if amended and self.point.startswith("between"):
            kill()
        (self.folder / event.aggregate_id).write_text(str(seconds_of(event)))
        with (self.folder / "journal").open("a") as journal:
            journal.write(json.dumps([event.aggregate_id, event.head.sequence, seconds_of(event)]) + "\n")
        if amended and self.point == "delivered":
            kill()
        return Delivered(event.aggregate_id)

    def taken(self) -> list[tuple[str, str, int]]:
        """Entry, upstream version and seconds of everything that was carried out, in order."""
        path = self.folder / "journal"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


class Stage(SinkStage):
    def state_receipt(self, record: Record, outcome: Outcome) -> Write | None:
        if isinstance(outcome, Amended) and isinstance(self.adapter, Timesheets) and self.adapter.point == "control":
            kill()
        return super().state_receipt(record, outcome)


def seconds_of(event: Event) -> int:
    return int(event.data.model_dump()["worked_seconds"])


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stage(codec: Codec, sink: Timesheets) -> SinkStage:
    return Stage(Policy(sink.name, "sink", concurrency=4, barrier=True, idempotency="unique"), codec, sink)


async def main(kafka: Kafka, registry: str, name: str, folder: str, point: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    producer = Producer(kafka, name)

    async def present(parents: set[Parent]) -> set[Parent]:
        return set()

    sink = Timesheets(name=name, folder=Path(folder), point=point)
    host = AioHost(kafka, [stage(Codec(Registry(registry)), sink)], producer, Given(present, "slot-0"))
    await host.run(stop)
    producer.close()


if __name__ == "__main__":
    asyncio.run(main(Kafka(sys.argv[1]), *sys.argv[2:]))
