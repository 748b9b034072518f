"""A model of a whole component: a log, a target, `applied`, hold and dead letters, and a crash at any point.

The broker keeps what it acknowledged; a crash forgets everything else. Of what was on its way to the broker any prefix
may have arrived. The target writes by our key, so repeating a version does no harm, and keeps a journal. Whatever the
order of events: nothing is lost, no key goes back to an older version, nothing that is known to be applied is sent
again.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from psfabric.engine import Engine, Policy, Result, Work, Write
from psfabric.engine.applied import Applied, Decision, decide
from psfabric.engine.control import Act, Control
from psfabric.engine.deadletter import key_hash
from psfabric.engine.lane import Lane
from psfabric.engine.work import State, TopicPartition
from psfabric.errors import Parent
from psfabric.event import Record, Version
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry, Superseded
from tests.engine.drive import IN, hold_of, markers_of

POLICY = Policy("c", "deliver", concurrency=3, batch=2, barrier=True)
REDO = TopicPartition("redo.c", 0)
KEYS = ("a", "b", "c")


@dataclass
class Target:
    """An ERP that upserts by business key. `journal` has every request it carried out."""

    up: bool = True
    journal: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Broker:
    log: list[Record] = field(default_factory=list)
    redo: list[Record] = field(default_factory=list)
    written: list[Write] = field(default_factory=list)
    committed: int = 0
    redone: int = 0

    def applied(self) -> dict[str, Applied]:
        found = {(w.key or b"").decode(): w.value or b"" for w in self.written if w.topic == "applied.c"}
        return {key: Applied.from_bytes(value) for key, value in found.items()}


class Component(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.broker, self.target = Broker(), Target()
        self.known: set[str] = set()
        self.marked_at: dict[bytes, int] = {}
        self.now = 1_000_000.0
        self.start()

    def start(self) -> None:
        """A new owner: it knows what the broker has, and nothing else."""
        self.engine = Engine(POLICY, rng=random.Random(7))
        self.take_over()
        self.position, self.redo_position = self.broker.committed, self.broker.redone
        self.calls: deque[tuple[Work, ...]] = deque()
        self.on_their_way: deque[tuple[Work, tuple[Write, ...]]] = deque()

    def take_over(self) -> None:
        written = self.broker.written
        self.engine.assign(
            0, held=hold_of(written), markers=markers_of(written), applied=self.broker.applied(), now=self.now
        )

    # ---------------------------------------------------------------------------------------- the world

    @rule(key=st.sampled_from(KEYS), kind=st.sampled_from(["plain", "plain", "needs", "bad"]))
    def produce(self, key: str, kind: str) -> None:
        number = len(self.broker.log)
        value = f"{kind} {number}".encode()
        self.broker.log.append(Record("in", 0, number, key.encode(), value))

    @rule(number=st.integers(0, 40))
    def a_parent_appears(self, number: int) -> None:
        self.known.add(str(number))

    @rule(number=st.integers(0, 40))
    def a_parent_is_not_found_any_more(self, number: int) -> None:
        """The sweep saw it, the processor does not: the reference store was emptied in between."""
        self.known.discard(str(number))

    @precondition(lambda self: self.broker.committed)
    @rule(number=st.integers(0, 40))
    def replay(self, number: int) -> None:
        """An operator sends a record that was dealt with before through the redo topic."""
        old = self.broker.log[number % self.broker.committed]
        where = (("topic", old.topic), ("partition", "0"), ("offset", str(old.offset)))
        headers = (("fabric-redo-plan", b"p"), *(("__dlq.errors." + n, v.encode()) for n, v in where))
        self.broker.redo.append(Record("redo.c", 0, len(self.broker.redo), old.key, old.value, headers))

    @rule(up=st.booleans())
    def the_target_goes_up_or_down(self, up: bool) -> None:
        self.target.up = up

    @rule(seconds=st.floats(0.01, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    # ---------------------------------------------------------------------------------------- the host

    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        records = self.broker.log[self.position : self.position + count]
        self.engine.arrive(records)
        self.position += len(records)
        replayed = self.broker.redo[self.redo_position :]
        self.engine.arrive(replayed)
        self.redo_position += len(replayed)

    @rule(back=st.integers(1, 5))
    def seek_back(self, back: int) -> None:
        """Faust seeks to the committed offset now and then while records are still on their way."""
        self.position = max(self.broker.committed, self.position - back)

    @rule()
    def step(self) -> None:
        step = self.engine.step(self.now)
        self.calls.extend(step.calls)
        self.on_their_way.extend(step.writes)

    @precondition(lambda self: self.calls)
    @rule(answered=st.booleans())
    def the_target_answers(self, answered: bool) -> None:
        """`answered` false: the effect was made, and the process dies before it hears of it."""
        batch = self.calls.popleft()
        lane = self.engine.lanes[0]
        results = [(work, self.deliver(work.record, lane)) for work in batch]
        if not answered:
            self.crash(0)
            return
        for work, result in results:
            writes = self.engine.settle(work, result, self.now)
            if work.state is not State.QUEUED:
                self.on_their_way.append((work, writes))

    @precondition(lambda self: self.on_their_way)
    @rule(which=st.integers(0, 9))
    def the_broker_acknowledges(self, which: int) -> None:
        """In any order: the writes go to different partitions."""
        self.on_their_way.rotate(-(which % len(self.on_their_way)))
        work, writes = self.on_their_way.popleft()
        self.broker.written.extend(writes)
        closing = self.engine.written(work, self.now)
        if closing:
            self.on_their_way.append((work, closing))

    @rule()
    def sweep(self) -> None:
        self.engine.release(lambda until: isinstance(until, Parent) and until.id in self.known, self.now)

    @rule(taken=st.booleans())
    def commit(self, taken: bool) -> None:
        risen = self.engine.commits()
        if not taken:
            return
        self.engine.committed(risen)
        self.broker.committed = risen.get(IN, self.broker.committed)
        self.broker.redone = risen.get(REDO, self.broker.redone)

    @rule(arrived=st.integers(0, 3))
    def crash(self, arrived: int) -> None:
        """The first `arrived` writes of one group, of those on their way, had reached the broker."""
        if self.on_their_way:
            self.broker.written.extend(self.on_their_way[0][1][:arrived])
        self.start()

    @rule()
    def rebalance(self) -> None:
        """The partition goes, when what was begun has ended and is durable, and comes back to this very process."""
        while self.calls:
            self.the_target_answers(True)
        while self.on_their_way:
            self.the_broker_acknowledges(0)
        self.engine.revoke(0)
        self.take_over()
        self.position, self.redo_position = self.broker.committed, self.broker.redone

    # ---------------------------------------------------------------------------------------- the stage

    def deliver(self, record: Record, lane: Lane) -> Result:
        kind, _, number = (record.value or b"").decode().partition(" ")
        key, version = (record.key or b"").decode(), int(number)
        stored = lane.applied.get(key)
        match decide(stored, Version(f"{version:06d}"), number):
            case Decision.SUPERSEDED:
                return Result(Superseded(), (self.receipt(record),))
            case Decision.DUPLICATE:
                return Result(Delivered(key), (self.receipt(record),))
        refused = self.refused(kind, number)
        if refused is not None:
            return Result(refused)
        known = self.broker.applied().get(key)
        assert known is None or known.version < Version(f"{version:06d}"), "applied, and sent again"
        self.target.journal.append((key, version))
        entry = Applied(Version(f"{version:06d}"), number, number, key)
        writes = (self.receipt(record), Write("applied.c", key.encode(), entry.to_bytes(), (), 0))
        return Result(Delivered(key), writes, (key, entry))

    def refused(self, kind: str, number: str) -> Outcome | None:
        if not self.target.up:
            return Retry("down")
        if kind == "needs" and number not in self.known:
            return Held("not there yet", Parent("project", number))
        return Rejected("bad", "no") if kind == "bad" else None

    def receipt(self, record: Record) -> Write:
        return Write("psf.delivery", record.coordinates.encode(), b"terminal")

    # ---------------------------------------------------------------------------------------- what holds

    def accounted(self) -> set[int]:
        """Offsets of which the broker knows what became: receipt, dead letter, or a place in hold."""
        places = {int(entry.record.offset) for entry in hold_of(self.broker.written)}
        places |= {int((w.key or b"").rsplit(b"/")[-1]) for w in self.broker.written if w.topic == "psf.delivery"}
        dead = [dict(w.headers)["__dlq.errors.offset"] or b"" for w in self.broker.written if w.topic == "dlq.c"]
        return places | {int(offset) for offset in dead}

    @invariant()
    def nothing_below_the_committed_offset_is_lost(self) -> None:
        assert set(range(self.broker.committed)) <= self.accounted()

    @invariant()
    def no_key_goes_back_to_an_older_version(self) -> None:
        highest: dict[str, int] = {}
        for key, version in self.target.journal:
            assert version >= highest.get(key, -1), f"{key} went back to {version}: {self.target.journal}"
            highest[key] = version

    @invariant()
    def nothing_later_than_a_dead_letter_is_applied(self) -> None:
        """While the marker stands; what was released or replayed before it was made does not count."""
        for marker in markers_of(self.broker.written):
            (key,) = (k for k in KEYS if key_hash(k.encode()) == marker.key_hash)
            since = self.marked_at.setdefault(marker.key, len(self.target.journal))
            later = [v for k, v in self.target.journal[since:] if k == key and v > marker.offset]
            assert not later, f"{key}: {later} went past the dead letter {marker.offset}"
        standing = {marker.key for marker in markers_of(self.broker.written)}
        self.marked_at = {key: at for key, at in self.marked_at.items() if key in standing}

    def discard_dead_letters(self) -> None:
        """An operator closes what is dead, once each."""
        for marker in markers_of(self.broker.written):
            (key,) = (k for k in KEYS if key_hash(k.encode()) == marker.key_hash)
            of = f"{marker.topic}/{marker.partition}/{marker.offset}"
            control = Control(Act.DISCARD, of, "op", "someone", "never to be", "")
            at = len(self.broker.redo)
            self.broker.redo.append(Record("redo.c", 0, at, key.encode(), control.to_value(), control.to_headers()))

    def teardown(self) -> None:
        """Everything comes up; then every record is accounted for, and each key ends at its highest good version."""
        self.target.up = True
        self.known = {str(n) for n in range(len(self.broker.log))}
        for _ in range(60 + 12 * (len(self.broker.log) + len(self.broker.redo))):
            self.now += 10.0
            self.discard_dead_letters()
            self.read(5)
            self.sweep()
            self.step()
            while self.calls:
                self.the_target_answers(True)
            while self.on_their_way:
                self.the_broker_acknowledges(0)
        self.commit(True)
        assert self.engine.idle
        assert self.engine.held() == []
        assert self.broker.committed == len(self.broker.log)
        assert self.broker.redone == len(self.broker.redo)
        assert hold_of(self.broker.written) == []
        assert markers_of(self.broker.written) == []
        self.nothing_below_the_committed_offset_is_lost()
        self.no_key_goes_back_to_an_older_version()
        good: dict[str, int] = {}
        for record in self.broker.log:
            if not (record.value or b"").startswith(b"bad"):
                good[(record.key or b"").decode()] = record.offset
        assert {key: int(entry.version.sequence) for key, entry in self.broker.applied().items()} == good


Component.TestCase.settings = settings(
    max_examples=120, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestComponent = Component.TestCase
