"""What parts of a process count with: plain numbers, made in their own loop and read at a scrape.

Counting a record costs a fraction of a microsecond; what costs more (a histogram, a clock) is done once per call,
burst or page. Nothing here is an OpenTelemetry object: `Telemetry` shows these numbers as such.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from psfabric import outcomes
from psfabric.engine.work import State, Work, Write
from psfabric.event import Record
from psfabric.telemetry.metrics import OUTCOMES, Metric, Outcome

Labels = Mapping[str, str]
Recorder = Callable[[Metric, float, Labels], None]
"""Takes one measurement of a histogram."""

NAMES: Final[Mapping[type, Outcome]] = {
    outcomes.Delivered: "delivered",
    outcomes.Duplicate: "duplicate",
    outcomes.Superseded: "superseded",
    outcomes.Rejected: "rejected",
    outcomes.Held: "held",
    outcomes.Unknown: "unknown",
    outcomes.Discarded: "discarded",
    outcomes.Amended: "amended",
}

_TOPIC: Final = attrgetter("topic")

SYSTEM: Final = {"messaging.system": "kafka"}


def unheard(metric: Metric, value: float, labels: Labels) -> None:
    """For a part that nobody watches."""


class ComponentMeter:
    """Of one component. Used in one loop only."""

    def __init__(self, name: str, record: Recorder = unheard, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self.handled: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self.retried = 0
        self.dead: Counter[str] = Counter()
        self.consumed: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.committed_at = clock()
        self._record, self._clock = record, clock
        group = {**SYSTEM, "messaging.consumer.group.name": name}
        self._process = {**group, "messaging.operation.name": "process", "messaging.operation.type": "process"}
        self._send = {**group, "messaging.operation.name": "send", "messaging.operation.type": "send"}

    def read(self, topic: str, count: int) -> None:
        """Records came from the broker."""
        self.consumed[topic] += count

    def worked(self, works: Sequence[Work], began: float) -> None:
        """One call or burst has ended, its works settled; `began` by `time.perf_counter`."""
        seconds = time.perf_counter() - began
        self.decided(works)
        if works:
            first = works[0].record
            topic = first.topic if works[0].at is None else works[0].at[0].topic
            self._record("messaging.process.duration", seconds, {**self._process, "messaging.destination.name": topic})
            self._aged(first)

    def went_through(self, first: Record, count: int, began: float) -> None:
        """`count` records were delivered by a burst that began with `first` at `began` (`time.perf_counter`)."""
        self.handled["delivered"] += count
        labels = {**self._process, "messaging.destination.name": first.topic}
        self._record("messaging.process.duration", time.perf_counter() - began, labels)
        self._aged(first)

    def decided(self, works: Iterable[Work]) -> None:
        """Works that were settled, or decided without a call."""
        for work in works:
            if work.state is State.QUEUED:
                self.retried += 1
            elif work.result is not None:
                self.counted(work.result.outcome)

    def counted(self, outcome: outcomes.Outcome, records: int = 1) -> None:
        self.handled[NAMES[type(outcome)]] += records
        if type(outcome) is outcomes.Rejected:
            self.dead[outcome.code] += records

    def wrote(self, writes: Iterable[Write]) -> None:
        """Records were handed to the broker."""
        self.sent.update(map(_TOPIC, writes))

    def acknowledged(self, began: float) -> None:
        """The broker has all of a group that was handed over at `began` (`time.perf_counter`)."""
        self._record("messaging.client.operation.duration", time.perf_counter() - began, self._send)

    def committed(self) -> None:
        """The broker accepted a commit."""
        self.committed_at = self._clock()

    def _aged(self, record: Record) -> None:
        now = self._clock()
        if record.timestamp_ms > 0:
            age = max(0.0, now - record.timestamp_ms / 1000)
            self._record("psf.records.age", age, {"component": self.name, "since": "record"})
        at = _instant(record.header("ce_time"))
        if at is not None:
            self._record("psf.records.age", max(0.0, now - at), {"component": self.name, "since": "event"})


def _instant(text: str | None) -> float | None:
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


class IntakeMeter:
    """Of the door for webhooks. A source that nobody declared is counted under "": strangers make no labels."""

    def __init__(self, record: Recorder = unheard) -> None:
        self.answers: dict[tuple[str, int], int] = {}
        self.sent: Counter[str] = Counter()
        self._record = record

    def expects(self, source: str, statuses: Iterable[int]) -> None:
        """Show them with 0 from the beginning: of a series that begins above 0 nobody can say that it rose."""
        self.answers.update({(source, status): 0 for status in statuses})

    def answered(self, source: str, status: int) -> None:
        self.answers[source, status] = self.answers.get((source, status), 0) + 1

    def acknowledged(self, source: str, began: float) -> None:
        """The broker has a webhook that was verified at `began` (`time.perf_counter`)."""
        self.sent[f"raw.{source}"] += 1
        self._record("psf.intake.acknowledged.duration", time.perf_counter() - began, {"source": source})


class SourceMeter:
    """Of one polled source. `state` says what its poller does (reads, stands by, stopped); only one that reads can be
    silent."""

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self.name = name
        self.state: Callable[[], str] = lambda: "reads"
        self.pages = self.records = 0
        self.paged_at = clock()
        self._clock = clock

    def paged(self, records: int) -> None:
        """A page, perhaps an empty one, is stored."""
        self.pages += 1
        self.records += records
        self.paged_at = self._clock()
