"""Fakes for the tests of the asyncio host: a stage that answers as told, and a sink whose target is a folder."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from psfabric.adapters import Capabilities, Document, Sink, Types
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Policy, Result, Work, Write
from psfabric.engine.lane import Lane
from psfabric.engine.pace import Pace
from psfabric.errors import Parent
from psfabric.event import Event, Record
from psfabric.hosts.aio import AioHost, Given
from psfabric.hosts.board import Board, Unattended
from psfabric.kafka import Producer
from psfabric.outcomes import Delivered, Outcome
from psfabric.stages import Calling
from psfabric.telemetry import Telemetry
from tests.hosts.fakes import until
from tests.psfabric.test_codec import Ids

Answer = Callable[[str], Awaitable[Outcome]]


async def fine(value: str) -> Outcome:
    return Delivered("ref")


class FakeCalling(Calling):
    """Asks `answer` about each value; what is delivered is copied to `output`. `calls` are the values of each call."""

    def __init__(self, name: str, source: str, output: str, answer: Answer = fine, **policy: int | bool) -> None:
        options = {"concurrency": 8, "barrier": True, **policy}
        self.policy = Policy(name, "sink", **options)  # type: ignore[arg-type]
        self.inputs = (source,)
        self.output = output
        self.answer = answer
        self.padding = 0
        self.calls: list[tuple[str, ...]] = []
        self.begun: list[float] = []
        self.highest = -1

    async def handle(self, works: Sequence[Work], lanes: dict[int, Lane], now: float) -> Sequence[Result]:
        self.begun.append(time.monotonic())
        self.calls.append(tuple((w.record.value or b"").decode() for w in works))
        self.highest = max(self.highest, *(w.record.offset for w in works))
        return [await self._one(work.record) for work in works]

    async def _one(self, record: Record) -> Result:
        outcome = await self.answer((record.value or b"").decode())
        if not isinstance(outcome, Delivered):
            return Result(outcome)
        padding = random.Random(0).randbytes(self.padding)  # nothing that compresses
        return Result(outcome, (Write(self.output, record.key, (record.value or b"") + padding, (), record.partition),))

    def state_receipt(self, record: Record, outcome: Outcome) -> Write | None:
        return None

    @property
    def asked(self) -> list[str]:
        return [value for call in self.calls for value in call]


class Hosting:
    """`async with Hosting(kafka, stage) as host`: running and ready; stopped at the end unless it ended before."""

    def __init__(
        self,
        kafka: Kafka,
        *stages: Calling,
        known: set[Parent] | None = None,
        board: Board | None = None,
        telemetry: Telemetry | None = None,
        pace: Callable[[Policy, Callable[[], None]], Pace] | None = None,
        instance: str | None = None,
    ) -> None:
        self._kafka, self._stages = kafka, stages
        self._given = Given(self._present, instance, board=board or Unattended(), telemetry=telemetry)
        if pace is not None:
            self._given = replace(self._given, pace=pace)
        self.known = known if known is not None else set()
        self.stop = asyncio.Event()

    async def _present(self, parents: set[Parent]) -> set[Parent]:
        return parents & self.known

    async def __aenter__(self) -> Self:
        self._producer = Producer(self._kafka, "host", topic_within=2.0)
        self.host = AioHost(self._kafka, self._stages, self._producer, self._given)
        self.running = asyncio.create_task(self.host.run(self.stop))
        await until(lambda: self.host.ready() or self.running.done())
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.stop.set()
        try:
            await asyncio.wait([self.running])
            if raised[0] is None:
                self.running.exception()
        finally:
            await asyncio.to_thread(self._producer.close)


class FolderSink(Sink):
    """A target that refuses a second document of the same key (`unique`): one file per business object.

    `journal` has a line for each request carried out; `slow` is what a request takes.
    """

    accepts: ClassVar[Types] = ("enriched.time.TimeApproved",)
    capabilities: ClassVar[Capabilities] = Capabilities("unique", concurrency=4)

    folder: Path
    slow: float = 0.0

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, {"version": event.data.sequence})

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [await self._one(event) for event in events]

    async def _one(self, event: Event) -> Outcome:
        path = self.folder / event.aggregate_id
        await asyncio.sleep(self.slow / 2)
        posted = json.loads(path.read_text()) if path.exists() else []
        if event.data.sequence not in posted:
            whole = path.with_suffix(".new")  # a kill in the midst of a write must not leave half a document
            whole.write_text(json.dumps([*posted, event.data.sequence]))
            whole.replace(path)
        with (self.folder / "journal").open("a") as journal:
            journal.write(f"{event.aggregate_id} {event.data.sequence}\n")
        await asyncio.sleep(self.slow / 2)
        return Delivered(event.aggregate_id)


def codec() -> Codec:
    return Codec(Ids())
