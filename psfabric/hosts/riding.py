"""Records of one component that are handled the moment they arrive: counted, traced, and written as one group."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from psfabric.engine import Engine, Result, Work, Write
from psfabric.engine.express import Passage
from psfabric.engine.lane import Lane
from psfabric.engine.work import Run, State, TopicPartition
from psfabric.event import Record
from psfabric.outcomes import Delivered
from psfabric.telemetry import ComponentMeter, Spans
from psfabric.telemetry.spans import context_of

Handled = tuple[Work, tuple[Write, ...]]
"""A work that left its queue, and what is to be written for it."""

Produce = Callable[[Sequence[Write], Callable[[Exception | None], None]], None]
Ended = Callable[[Sequence[Run], Exception | None], None]
"""Told once all outputs of runs are durable, or one is not. In any thread."""


class Riding:
    def __init__(
        self,
        engine: Engine,
        handle: Callable[[Record, Lane], Result],
        produce: Produce,
        ended: Ended,
        meter: ComponentMeter,
        spans: Spans,
    ) -> None:
        self._engine, self._handle = engine, handle
        self._produce, self._ended = produce, ended
        self._meter, self._spans = meter, spans

    def ride(self, tp: TopicPartition, records: Sequence[Record]) -> list[Handled]:
        """Let records in; what goes through is written. Returns what was handled and set aside."""
        began = time.perf_counter()
        traced = self._traced(tp, records) if self._spans.on else []
        called = self._spans.processing(self._engine.policy.component, traced)
        passage = self._engine.express(tp, records, self._handle, time.time())
        if passage.runs:
            self._meter.went_through(records[0], sum(run.count for run in passage.runs), began)
        called.end(_settled(traced, passage))
        self._write(passage, traced)
        return passage.aside

    def _write(self, passage: Passage, traced: Sequence[Work]) -> None:
        if not passage.writes:
            self._ended(passage.runs, None)
            return
        through = [work for work in traced if work.state is State.WRITING]
        sent, began = self._spans.sending(self._engine.policy.component, through), time.perf_counter()

        def done(error: Exception | None) -> None:
            self._meter.acknowledged(began)
            sent.end(error=error)
            self._ended(passage.runs, error)

        self._meter.wrote(passage.writes)
        self._produce(passage.writes, done)

    @staticmethod
    def _traced(tp: TopicPartition, records: Sequence[Record]) -> list[Work]:
        sampled = (record for record in records if context_of(record) is not None)
        return [Work(record, tp.partition, (tp, record.offset)) for record in sampled]


def _settled(traced: Sequence[Work], passage: Passage) -> Sequence[Work]:
    """What became of each: what went through is being written, what was set aside is as the engine has it."""
    aside = {work.record.offset: work for work, _ in passage.aside}
    spans = [(run.at[1], run.last) for run in passage.runs]
    for work in traced:
        other = aside.get(work.record.offset)
        if other is not None:
            work.state, work.result = other.state, other.result
        elif any(first <= work.record.offset <= last for first, last in spans):
            work.state, work.result = State.WRITING, Result(Delivered(""))
    return traced
