"""A model of a pure component whose records take the express, with a crash at any point, beside one that never does.

Whatever the order of events: nothing is lost, the first outputs of a key come in its order, what is committed is
durable, and in the end each record has become what it becomes without the express.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from psfabric.engine import Engine, Policy, Result, Work, Write
from psfabric.engine.lane import Lane
from psfabric.engine.work import Run, State
from psfabric.errors import Parent
from psfabric.event import Record
from psfabric.outcomes import Delivered, Held, Rejected, Retry
from tests.engine.drive import IN, hold_of, markers_of

POLICY = Policy("c", "process", concurrency=100, barrier=True)
Group = tuple[Sequence[Write], Sequence[Run], Sequence[Work]]
"""Writes under way, and what is done when they are acknowledged."""


class Component(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log: list[Record] = []
        self.written: list[Write] = []
        self.committed = 0
        self.known: set[int] = set()
        self.up = True
        self.now = 1_000_000.0
        self.start()

    def start(self) -> None:
        """A new owner: it knows what the broker has, and nothing else."""
        self.engine = Engine(POLICY, rng=random.Random(7))
        held, markers = hold_of(self.written), markers_of(self.written)
        self.engine.assign(0, held=held, markers=markers, now=self.now)
        self.position = self.committed
        self.under_way: deque[Group] = deque()

    # ---------------------------------------------------------------------------------------- the world

    @rule(key=st.sampled_from("abc"), kind=st.sampled_from(["plain"] * 3 + ["needs", "bad", "large"]))
    def produce(self, key: str, kind: str) -> None:
        self.log.append(Record("in", 0, len(self.log), key.encode(), kind.encode()))

    @rule(count=st.integers(5, 20), key=st.sampled_from("abcd"))
    def produce_many(self, count: int, key: str) -> None:
        for _ in range(count):
            self.produce(key, "plain")

    @rule(offset=st.integers(0, 60))
    def a_parent_appears(self, offset: int) -> None:
        self.known.add(offset)

    @rule(up=st.booleans())
    def the_store_goes_up_or_down(self, up: bool) -> None:
        self.up = up

    @rule(seconds=st.floats(0.01, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    # ---------------------------------------------------------------------------------------- the host

    @rule(count=st.integers(1, 30))
    def read(self, count: int) -> None:
        records = self.log[self.position : self.position + count]
        self.position += len(records)
        passage = self.engine.express(IN, records, self.handle, self.now)
        if passage.runs:
            self.send(passage.writes, passage.runs, [])
        self.send_aside(passage.aside)

    @rule(back=st.integers(1, 30))
    def seek_back(self, back: int) -> None:
        self.position = max(self.committed, self.position - back)

    @rule()
    def step(self) -> None:
        step = self.engine.step(self.now)
        self.send_aside(step.writes)
        for (work,) in step.calls:
            result = self.handle(work.record, self.engine.lanes[0])
            self.send_aside([(work, self.engine.settle(work, result, self.now))])

    def send_aside(self, outcomes: Sequence[tuple[Work, tuple[Write, ...]]]) -> None:
        for work, writes in outcomes:
            if work.state is not State.QUEUED:
                self.send(writes, [], [work])

    def send(self, writes: Sequence[Write], runs: Sequence[Run], works: Sequence[Work]) -> None:
        """The producer keeps the order of each partition, so what is under way reaches the log in order."""
        self.under_way.append((writes, runs, works))

    @precondition(lambda self: self.under_way)
    @rule()
    def the_broker_acknowledges(self) -> None:
        writes, runs, works = self.under_way.popleft()
        self.written.extend(writes)
        for run in runs:
            self.engine.passed(run)
        for work in works:
            closing = self.engine.written(work, self.now)
            if closing:
                self.send(closing, [], [work])

    @rule()
    def sweep(self) -> None:
        self.engine.release(lambda until: isinstance(until, Parent) and int(until.id) in self.known, self.now)

    @rule()
    def commit(self) -> None:
        risen = self.engine.commits()
        self.engine.committed(risen)
        self.committed = risen.get(IN, self.committed)

    @rule(arrived=st.integers(0, 40))
    def crash(self, arrived: int) -> None:
        """The first `arrived` records of what was under way had reached the broker."""
        under_way = [write for writes, _, _ in self.under_way for write in writes]
        self.written.extend(under_way[:arrived])
        self.start()

    # ---------------------------------------------------------------------------------------- the stage

    def handle(self, record: Record, lane: Lane) -> Result:
        if not self.up:
            return Result(Retry("the store is away"))
        if record.value == b"needs" and record.offset not in self.known:
            return Result(Held("not there", Parent("project", str(record.offset))))
        if record.value == b"bad":
            return Result(Rejected("bad", "no"))
        large = b" " * 60_000 if record.value == b"large" else b""
        return Result(Delivered(""), (Write("out", record.key, b"%d" % record.offset + large),))

    # ---------------------------------------------------------------------------------------- what holds

    def outputs(self) -> list[tuple[bytes, int]]:
        return [(w.key or b"", int(w.value or b"")) for w in self.written if w.topic == "out"]

    @invariant()
    def nothing_below_the_committed_offset_is_lost(self) -> None:
        found = {offset for _, offset in self.outputs()}
        found |= {entry.record.offset for entry in hold_of(self.written)}
        found |= {int(dict(w.headers)["__dlq.errors.offset"] or b"") for w in self.written if w.topic == "dlq.c"}
        assert set(range(self.committed)) <= found

    @invariant()
    def the_first_outputs_of_a_key_come_in_its_order(self) -> None:
        last: dict[bytes, int] = {}
        for key, offset in dict.fromkeys(self.outputs()):
            assert offset > last.get(key, -1), f"{key!r}: {offset} came after {last[key]}"
            last[key] = offset

    @invariant()
    def nothing_passes_a_dead_letter_of_its_key(self) -> None:
        for marker in markers_of(self.written):
            record = self.log[marker.offset]
            assert not [o for key, o in self.outputs() if key == record.key and o > marker.offset]

    def teardown(self) -> None:
        """Everything comes up; then each record is what it is without the express."""
        self.up, self.known = True, set(range(len(self.log)))
        for _ in range(30 + 3 * len(self.log)):
            self.now += 10.0
            self.read(30)
            self.sweep()
            self.step()
            while self.under_way:
                self.the_broker_acknowledges()
        self.commit()
        assert self.committed == len(self.log)
        assert self.engine.in_flight == 0
        assert {offset for _, offset in self.outputs()} == self.expected()
        self.nothing_below_the_committed_offset_is_lost()
        self.the_first_outputs_of_a_key_come_in_its_order()
        self.nothing_passes_a_dead_letter_of_its_key()

    def expected(self) -> set[int]:
        """A key stands still at its first bad record."""
        dead: set[bytes | None] = set()
        good = set()
        for record in self.log:
            if record.value == b"bad" or record.key in dead:
                dead.add(record.key)
            else:
                good.add(record.offset)
        return good


Component.TestCase.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestComponent = Component.TestCase
