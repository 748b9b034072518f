"""Drives an engine by hand: what is called, what is written, and what of it is acknowledged, is up to the test."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

from psfabric.engine import Engine, Policy, Result, Work, Write
from psfabric.engine.deadletter import MARKER, Marker, read_marker
from psfabric.engine.hold import HoldEntry, read_hold
from psfabric.engine.work import State, TopicPartition
from psfabric.errors import Until
from psfabric.event import HeaderList, Record
from psfabric.outcomes import Delivered, Outcome

IN = TopicPartition("in", 0)
POLICY = Policy("c", "process", concurrency=1000, creatable=frozenset({"project"}))
OK = Result(Delivered("ref"))


def record(
    offset: int, key: str | None = "k", value: bytes | None = b"v", headers: HeaderList = (), topic: str = "in"
) -> Record:
    return Record(topic, 0, offset, None if key is None else key.encode(), value, headers)


class Drive:
    """One partition; `now` is moved by hand; writes are acknowledged at once unless the test takes steps itself."""

    def __init__(self, policy: Policy = POLICY, held: Iterable[HoldEntry] = (), markers: Iterable[Marker] = ()) -> None:
        self.now = 1_000_000.0
        self.engine = Engine(policy, rng=random.Random(1))
        self.engine.assign(0, held=held, markers=markers, now=self.now)
        self.called: list[int] = []
        self.writes: list[Write] = []

    def arrive(self, *records: Record) -> None:
        self.engine.arrive(records)

    def calls(self) -> list[Work]:
        """Step until there is something to call; what was decided without a call is written."""
        while True:
            step = self.engine.step(self.now)
            for work, writes in step.writes:
                self.write(work, writes)
            if step.calls or not step.writes:
                return [work for batch in step.calls for work in batch]

    def settle(self, work: Work, outcome: Result | Outcome = OK) -> tuple[Write, ...]:
        result = outcome if isinstance(outcome, Result) else Result(outcome)
        return self.engine.settle(work, result, self.now)

    def write(self, work: Work, writes: tuple[Write, ...]) -> None:
        """Acknowledge everything, the closing tombstone included."""
        self.writes += writes
        closing = self.engine.written(work, self.now)
        self.writes += closing
        if closing:
            self.engine.written(work, self.now)

    def finish(self, work: Work, outcome: Result | Outcome = OK) -> None:
        writes = self.settle(work, outcome)
        if work.state is not State.QUEUED:
            self.write(work, writes)

    def run(self, answer: Callable[[Record], Result | Outcome] = lambda record: OK) -> list[int]:
        """Step and answer until nothing is due; the offsets called, in order."""
        called = []
        while works := self.calls():
            for work in works:
                called.append(work.record.offset)
                self.finish(work, answer(work.record))
        return called

    def release(self, *met: Until) -> int:
        return self.engine.release(set(met).__contains__, self.now)

    def committed(self) -> int | None:
        """What is offered for the input, taken by the broker."""
        offered = self.engine.commits()
        self.engine.committed(offered)
        return offered.get(IN)

    def written_to(self, topic: str) -> list[Write]:
        return [write for write in self.writes if write.topic == topic]


def stored(write: Write, offset: int = 0) -> Record:
    """A written record as it is read back."""
    return Record(write.topic, write.partition or 0, offset, write.key, write.value, write.headers)


def hold_of(writes: Iterable[Write]) -> list[HoldEntry]:
    """What the next owner loads from the hold records among `writes`."""
    return [read_hold(write) for write in _last(writes) if not (write.key or b"").startswith(MARKER)]


def markers_of(writes: Iterable[Write]) -> list[Marker]:
    """The barrier markers that the next owner loads."""
    return [read_marker(write) for write in _last(writes) if (write.key or b"").startswith(MARKER)]


def _last(writes: Iterable[Write]) -> list[Record]:
    last = {write.key: write for write in writes if write.topic.startswith("hold.")}
    return [stored(write) for write in last.values() if write.value is not None]


def barred(policy: Policy = POLICY) -> Policy:
    return replace(policy, barrier=True)
