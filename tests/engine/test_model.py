"""A model of a whole component: workers that come, go, die and sleep, a broker, a target, an operator, and time.

Engine, sink stage, lease and loading are the real ones; the broker is the in-memory one that keeps the same contract
as the real one; the target is a double that carries out what it is sent at once, later, twice asked for or never, and
says what it likes. Hypothesis chooses what happens when. Whatever it chooses: nothing is lost, no business object goes
back to an older version, no document is made twice, nothing that a worker knows to be in the target is sent again, a
record never overtakes an earlier one of its key that waits or is dead, nothing is committed before what became of it
is durable; and when all is well again, everything comes to its end.

The usual run takes the same examples each time; `PSF_MODEL_EXAMPLES=1000` searches anew, so many times per kind of
target, and prints what it takes to repeat a failing example.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from psfabric.engine import Limit, Policy, Write
from psfabric.engine import engine as room
from psfabric.engine.control import Act, Control
from psfabric.engine.deadletter import MARKER, key_hash, read_marker
from psfabric.engine.hold import read_hold
from psfabric.engine.policy import Idempotency
from psfabric.engine.work import TopicPartition, Work
from psfabric.errors import Answer, Parent, Period, Transient
from psfabric.event import Record
from psfabric.hosts.board import Unattended
from psfabric.kafka.memory import MemoryBroker, MemoryProducer, MemoryReader, partition_of
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry, Unknown
from psfabric.standing import Standing
from tests.engine.erp import REVISIONS, TIMEOUT, Erp, number_of, told
from tests.engine.worker import SESSION, Call, Worker

EXAMPLES = int(os.environ.get("PSF_MODEL_EXAMPLES", "0"))
KEYS = ("a", "b", "c")
PARTITIONS = 2
WINDOW = 8
SOURCE, REDO, HOLD, DLQ, APPLIED, RECEIPTS = "deliver.c", "redo.c", "hold.c", "dlq.c", "applied.c", "psf.delivery"
CLOSED = (".Discarded.v1", ".Amended.v1")
KINDS = (*["plain"] * 5, "needs", "bad", "closed")
CHANGES = ("parent", "parent", "no parent", "mended", "open", "closed")
TROUBLES = ("leaves", "killed", "killed, done", "killed, done", "asleep", "asleep", "away", "refuses")
ANSWERS = (*["ok"] * 3, "no answer", "no answer, done", "busy", "throttled", "500, done", "200, not done")
which = st.integers(0, 5)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record of the source, or what an operator put in its place: its number, and what the target makes of it."""

    number: int
    key: str
    kind: str
    record: Record
    """Under the coordinates of its origin."""
    at: tuple[TopicPartition, int]
    """Where it lies to be read."""

    @property
    def place(self) -> int:
        """Which record of the source it is, from 1."""
        return self.number // REVISIONS


class Board(Unattended):
    """The operators' board, the same for all workers."""

    paused = ""

    def standing(self, component: str) -> Standing:
        return Standing("paused", self.paused) if self.paused else super().standing(component)

    def go_on(self) -> None:
        self._stopped.clear()


class Stored:
    """What the broker has about each record, kept up to date by reading on: nothing else counts."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._at: dict[TopicPartition, int] = {}
        self.ended: dict[int, str] = {}
        """Numbers with a terminal receipt, and its type."""
        self.home: set[int] = set()
        """Numbers that ever had one of the target."""
        self.dead: set[int] = set()
        self.hold: dict[bytes, Record] = {}
        """What lies in the hold topic: records and markers."""

    def read(self) -> None:
        for record in self._new(RECEIPTS, 1):
            event, kind = (record.key or b"").decode().split("/")[1:]
            if kind == "terminal":
                number, kind = _number(event), record.header("ce_type") or ""
                self.ended[number] = kind
                if not kind.endswith(CLOSED):
                    self.home.add(number)
        for record in self._new(DLQ, PARTITIONS):
            self.dead.add(_number(record.header("ce_id") or ""))
        for record in self._new(HOLD, PARTITIONS):
            if record.value is None:
                self.hold.pop(record.key or b"", None)
            else:
                self.hold[record.key or b""] = record

    def _new(self, topic: str, partitions: int) -> list[Record]:
        found: list[Record] = []
        for tp in (TopicPartition(topic, p) for p in range(partitions)):
            records, self._at[tp] = self._broker.log(tp).read(self._at.get(tp, 0), 1 << 30)
            found += records
        return found

    def waiting(self) -> list[Record]:
        return [r for key, r in sorted(self.hold.items()) if not key.startswith(MARKER)]

    def markers(self) -> list[bytes]:
        return sorted(key for key in self.hold if key.startswith(MARKER))


def _number(event_id: str) -> int:
    try:
        return int(event_id, 16)
    except ValueError:
        return -1


class Component(RuleBasedStateMachine):
    idempotency: ClassVar[Idempotency] = "upsert"
    conditional: ClassVar[bool] = False
    lag: ClassVar[float] = 0.0
    settle: ClassVar[float] = 4.0

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(room, "WINDOW", WINDOW)
        self.now = 1_800_000_000.0
        self.broker = MemoryBroker(by_hand=True)
        for topic in (SOURCE, REDO, HOLD, DLQ, APPLIED):
            self.broker.create(topic, PARTITIONS)
        self.broker.create(RECEIPTS)
        self.stored = Stored(self.broker)
        self.erp = Erp(self.idempotency, self.conditional, self.lag, self.settle)
        self.board = Board()
        self.policy = Policy(
            "c",
            "sink",
            concurrency=3,
            batch=2,
            barrier=True,
            idempotency=self.idempotency,
            settle=self.settle,
            timeout=TIMEOUT,
            conditional=self.conditional,
            limit=Limit(0.9, 30, 6),
        )
        self.outside: MemoryProducer = self.broker.producer()
        self.sent: dict[int, Sent] = {}
        self.of_key: dict[str, list[Sent]] = defaultdict(list)
        self.workers: list[Worker] = []
        self.ghosts: list[MemoryReader] = []
        """Members that died without a word; the broker does not know it yet."""
        self.known: set[str] = set()
        self.mended: set[int] = set()
        self.open_period = False
        self.amended: set[int] = set()
        """Numbers in whose place an operator put another event."""
        self.discarded: set[int] = set()
        self.replayed: set[int] = set()
        self.lied: set[int] = set()
        """Numbers that the target said it had taken, and had not."""
        self.unanswered: set[int] = set()
        self.committed: dict[TopicPartition, int] = {}
        self.quiet: dict[Worker, float] = {}
        self.highest: dict[str, int] = {}
        self.judged = 0
        self.worker_joins()
        self.all_goes_well(3, 1.0)

    # ------------------------------------------------------------------------------------------ the world

    def put(self, topic: str, key: bytes, value: bytes, headers: tuple[tuple[str, bytes | None], ...]) -> Record:
        """Somebody else writes a record, and it is there."""
        partition = partition_of(key, PARTITIONS)
        away, self.broker.away = self.broker.away, False
        self.outside.write_and_wait([Write(topic, key, value, headers, partition)])
        self.broker.away = away
        end = self.broker.log(TopicPartition(topic, partition)).end
        return Record(topic, partition, end - 1, key, value, headers)

    @rule(key=st.sampled_from(KEYS), kind=st.sampled_from(KINDS), count=st.integers(1, 3))
    def produce(self, key: str, kind: str, count: int) -> None:
        for _ in range(count):
            number = (len(self.sent) - len(self.amended) + 1) * REVISIONS
            record = self.put(SOURCE, *told(key, number, self.idempotency == "upsert"))
            at = TopicPartition(SOURCE, record.partition), record.offset
            sent = self.sent[number] = Sent(number, key, kind, record, at)
            self.of_key[key].append(sent)

    @rule(
        what=st.sampled_from(["parent", "parent", "no parent", "mended", "open", "closed"]), number=st.integers(1, 12)
    )
    def the_world_changes(self, what: str, number: int) -> None:
        """A parent appears, or is not found any more (the reference store was emptied); what was bad is mended; the
        period opens or closes."""
        match what:
            case "parent":
                self.known.add(str(number))
            case "no parent":
                self.known.discard(str(number))
            case "mended":
                self.mended.add(number)
            case _:
                self.open_period = what == "open"

    @rule(seconds=st.sampled_from([0.3, 1.0, 3.0, 8.0, 50.0]))
    def time_passes(self, seconds: float) -> None:
        """Whoever waits for an answer waits no longer than its time-out."""
        self.now += seconds
        for worker in self.awake():
            for call in [c for c in worker.calls if c.request and c.request.sent_at + TIMEOUT < self.now]:
                self.no_answer(worker, call)
        self.erp.forget(self.now)

    # ------------------------------------------------------------------------------------------ workers

    def awake(self) -> list[Worker]:
        return [w for w in self.workers if not w.asleep]

    def worker(self, index: int) -> Worker:
        awake = self.awake()
        return awake[index % len(awake)]

    @precondition(lambda self: len(self.workers) < 3)
    @rule()
    def worker_joins(self) -> None:
        worker = Worker(self.policy, self.broker, self.erp, self.board, lambda: self.now, WINDOW)
        worker.sending = self.check_sending
        self.workers.append(worker)

    @precondition(lambda self: self.awake())
    @rule(what=st.sampled_from(TROUBLES), index=which)
    def trouble(self, what: str, index: int) -> None:
        """A worker leaves in good order, dies, or falls asleep; the broker is away, or refuses dead letters."""
        worker = self.worker(index)
        match what:
            case "leaves":
                worker.finishes = not self.broker.away
                self.gone(worker)
            case "killed":
                self.kill(worker, index)
            case "killed, done":
                self.carry_out_all()
                self.kill(worker, index)
            case "asleep":
                worker.asleep = True
            case "away":
                self.broker.away = True
            case _:
                self.broker.refusing.add(DLQ)

    def carry_out_all(self) -> None:
        """What has left takes effect, whoever hears of it."""
        for request in self.erp.under_way:
            if self.refusal(self.sent[number_of(request.event)]) is None:
                self.erp.carry_out(request, self.now)

    def gone(self, worker: Worker) -> None:
        worker.leave()
        self.workers.remove(worker)

    def kill(self, worker: Worker, landed: int) -> None:
        """Of what was on its way to the broker, some arrives."""
        for _ in range(landed):
            if worker.producer.under_way():
                worker.producer.land(worker.producer.under_way()[0])
        worker.die()
        self.workers.remove(worker)
        self.ghosts.append(worker.reader)

    @precondition(lambda self: len(self.awake()) < len(self.workers))
    @rule(index=which)
    def a_worker_wakes(self, index: int) -> None:
        """It goes on where it was, whatever has become of its partitions."""
        asleep = [w for w in self.workers if w.asleep]
        asleep[index % len(asleep)].asleep = False

    @rule()
    def sessions_run_out(self) -> None:
        """Of those who are dead or asleep."""
        self.time_passes(SESSION)
        for reader in [*self.ghosts, *(w.reader for w in self.workers if w.asleep)]:
            reader.expire()
        self.ghosts.clear()

    @precondition(lambda self: self.awake())
    @rule(index=which, finishes=st.booleans())
    def a_worker_polls(self, index: int, finishes: bool) -> None:
        """In a rebalance, what is open ends first, or does not in the time there is."""
        worker = self.worker(index)
        worker.finishes = finishes and not self.broker.away
        worker.turn()
        self.reap()

    @precondition(lambda self: self.awake())
    @rule(index=which)
    def a_worker_reads_again(self, index: int) -> None:
        """From the committed offset, while what it read before is on its way."""
        self.worker(index).reader.rewind()

    @precondition(lambda self: self.awake())
    @rule(index=which)
    def a_worker_steps(self, index: int) -> None:
        self.step(self.worker(index))
        self.reap()

    @precondition(lambda self: self.awake())
    @rule(index=which, key=st.sampled_from(KEYS))
    def a_worker_takes_what_comes(self, index: int, key: str) -> None:
        """And asks the target; no answer yet."""
        worker = self.worker(index)
        self.produce(key, "plain", 1)
        worker.finishes = not self.broker.away
        worker.turn()
        self.step(worker)
        self.reap()

    def step(self, worker: Worker) -> None:
        begun = len(worker.calls)
        worker.step()
        if len(worker.calls) > begun:
            assert not worker.engine.paused, "a call was begun while paused"
            assert self.quiet.get(worker, 0.0) <= self.now, "a call was begun before the time the target named"

    @rule(rounds=st.integers(1, 3), seconds=st.sampled_from([0.5, 2.0, 6.0, 50.0]))
    def all_goes_well(self, rounds: int, seconds: float) -> None:
        """For a while: somebody works, the broker is there, the dead are known to be dead, the target answers."""
        self.broker.away = False
        self.broker.refusing.clear()
        self.an_operator_pauses_or_lets_go_on("")
        if not self.awake():
            self.worker_joins()
        if self.ghosts or (self.broker.group("c").rebalancing and len(self.awake()) < len(self.workers)):
            self.sessions_run_out()
        for _ in range(rounds):
            self.time_passes(seconds)
            for worker in self.awake():
                self.go_on(worker)

    @rule(key=st.sampled_from(KEYS), kind=st.sampled_from(KINDS), rounds=st.integers(1, 3))
    def something_comes_and_all_goes_well(self, key: str, kind: str, rounds: int) -> None:
        self.produce(key, kind, rounds)
        self.all_goes_well(rounds, self.settle / 2)

    def go_on(self, worker: Worker) -> None:
        worker.finishes = True
        worker.turn()
        for _ in range(3):
            self.step(worker)
            for call in list(worker.calls):
                while call.request is not None:
                    self.answer(worker, call, "ok")
            worker.producer.flush()
        self.reap()

    @precondition(lambda self: self.awake())
    @rule(index=which)
    def a_worker_sweeps(self, index: int) -> None:
        self.worker(index).sweep(self.known)

    def reap(self) -> None:
        """A worker whose write was refused gives up."""
        for worker in [w for w in self.workers if w.failed]:
            worker.finishes = False
            self.gone(worker)

    # ------------------------------------------------------------------------------------------ broker and target

    def busy(self, has: Callable[[Worker], object]) -> list[Worker]:
        return [w for w in self.awake() if has(w)]

    @precondition(lambda self: self.busy(lambda w: w.producer.under_way()))
    @rule(index=which, tp=which, count=st.integers(1, 3))
    def writes_land(self, index: int, tp: int, count: int) -> None:
        busy = self.busy(lambda w: w.producer.under_way())
        producer = busy[index % len(busy)].producer
        for _ in range(count):
            if under_way := producer.under_way():
                producer.land(under_way[tp % len(under_way)])

    @precondition(lambda self: self.busy(lambda w: w.producer.unheard))
    @rule(index=which, lost=st.sampled_from([False] * 5 + [True]))
    def the_broker_acknowledges(self, index: int, lost: bool) -> None:
        busy = self.busy(lambda w: w.producer.unheard)
        producer = busy[index % len(busy)].producer
        at = index % producer.unheard
        (producer.lose if lost else producer.acknowledge)(at)
        self.reap()

    @precondition(lambda self: self.busy(open_calls))
    @rule(
        index=which,
        call=which,
        how=st.sampled_from(
            ["ok", "ok", "ok", "no answer", "no answer, done", "busy", "throttled", "500, done", "200, not done"]
        ),
    )
    def the_target_answers(self, index: int, call: int, how: str) -> None:
        busy = self.busy(open_calls)
        worker = busy[index % len(busy)]
        calls = open_calls(worker)
        self.answer(worker, calls[call % len(calls)], how)
        self.reap()

    @precondition(lambda self: self.erp.under_way)
    @rule(index=which)
    def the_target_carries_out(self, index: int) -> None:
        """A request of which nobody may be waiting for the answer."""
        request = self.erp.under_way[index % len(self.erp.under_way)]
        if self.refusal(self.sent[number_of(request.event)]) is None:
            self.erp.carry_out(request, self.now)

    def answer(self, worker: Worker, call: Call, how: str) -> None:
        request, asked = call.request, call.asked
        assert request is not None
        assert asked is not None
        if asked.what == "find":
            worker.answer(call, None if how in ("ok", "200, not done") else Transient("busy"))
            return
        refusal = self.refusal(self.sent[number_of(request.event)])
        if self.erp.never(request):
            how = "no answer"
        if how.startswith("no answer") or (how == "500, done" and request.done is None and refusal is not None):
            if how == "no answer, done" and refusal is None:
                self.erp.carry_out(request, self.now)
            self.no_answer(worker, call)
            return
        if request.done is not None and how != "500, done":
            how = "ok"
        match how:
            case "ok":
                outcome = None if request.done is not None else refusal
            case "busy":
                outcome = Retry("busy")
            case "throttled":
                outcome = Retry("too many", 15.0)
                self.quiet[worker] = max(self.quiet.get(worker, 0.0), self.now + 15.0)
            case "500, done":
                self.erp.carry_out(request, self.now)
                self.unanswered.add(number_of(request.event))
                outcome = Unknown("500") if self.idempotency == "none" else Retry("500")
            case _:
                outcome = Delivered(request.event.aggregate_id) if refusal is None else refusal
                self.lied.add(number_of(request.event))
        worker.answer(call, outcome)
        if request in self.erp.under_way:
            self.erp.under_way.remove(request)

    def no_answer(self, worker: Worker, call: Call) -> None:
        """The request may still be carried out."""
        assert call.asked is not None
        if call.asked.what == "find":
            worker.answer(call, Transient("no answer"))
        else:
            self.unanswered.add(number_of(call.asked.event))
            worker.answer(call, Unknown("no answer"))

    def refusal(self, sent: Sent) -> Outcome | None:
        if sent.kind == "bad" and sent.place not in self.mended:
            return Rejected("contract-violated", "no")
        if sent.kind == "needs" and str(sent.place) not in self.known:
            return Held("not there yet", Parent("project", str(sent.place)))
        if sent.kind == "closed" and not self.open_period:
            return Held("closed", Period("UK01", "2026-06"))
        return None

    # ------------------------------------------------------------------------------------------ operators

    @rule(why=st.sampled_from(["", "", "", "maintenance"]))
    def an_operator_pauses_or_lets_go_on(self, why: str) -> None:
        self.board.paused = why
        if not why:
            self.board.go_on()

    @precondition(lambda self: self.stored.waiting())
    @rule(act=st.sampled_from([Act.RELEASE, Act.BURY, Act.RESOLVE]), index=which)
    def an_operator_decides_about_what_waits(self, act: Act, index: int) -> None:
        waiting = self.stored.waiting()
        held = waiting[index % len(waiting)]
        entry, outcome = read_hold(held), ""
        if act is Act.RESOLVE:
            number = _number(entry.record.header("ce_id") or "")
            if not isinstance(entry.until, Answer) or any(number_of(r.event) == number for r in self.erp.under_way):
                return
            outcome = (
                "delivered"
                if (entry.record.key or b"").decode() + f"-{number // REVISIONS}" in self.erp.holds
                else "absent"
            )
        self.control(Control(act, (held.key or b"").decode(), "op", "me", "so", "", outcome=outcome), entry.record.key)

    @precondition(lambda self: self.stored.markers())
    @rule(index=which)
    def an_operator_discards(self, index: int) -> None:
        letters = self.letters()
        self.discard(letters[index % len(letters)])

    def discard(self, letter: Sent) -> None:
        self.discarded.add(letter.number)
        of, about = letter.record.coordinates, f"{letter.number:032x}"
        self.control(Control(Act.DISCARD, of, "op", "me", "so", "", about=about), letter.record.key)

    def letters(self) -> list[Sent]:
        """The dead letters that bar their keys, or what comes in the place of one."""
        return [self.sent[_number(read_marker(self.stored.hold[key]).event)] for key in self.stored.markers()]

    @precondition(lambda self: self.stored.markers())
    @rule(index=which, kind=st.sampled_from(["plain", "plain", "plain", "needs", "bad"]))
    def an_operator_amends(self, index: int, kind: str) -> None:
        """Once: the command refuses a letter that is closed. Nor one that a target which cannot tell may have taken."""
        done = {*self.amended, *self.discarded, *(set(self.sent) - self.stored.dead)}
        if self.idempotency == "none":
            done |= {*self.unanswered, *self.replayed}
        letters = [letter for letter in self.letters() if letter.number not in done]
        if letters:
            self.amend(letters[index % len(letters)], kind)

    def amend(self, letter: Sent, kind: str) -> None:
        """The control record, and behind it the event that goes in the place of the letter, at the same origin."""
        of, number = letter.record, letter.number + 1
        self.amended.add(letter.number)
        key, value, headers = told(letter.key, number, self.idempotency == "upsert")
        record = Record(of.topic, of.partition, of.offset, key, value, headers)
        about, by = f"{letter.number:032x}", f"{number:032x}"
        self.control(Control(Act.AMEND, of.coordinates, "op", "me", "so", "", about=about, by=by), key)
        lies = self.redo(record)
        at = TopicPartition(REDO, lies.partition), lies.offset
        sent = self.sent[number] = Sent(number, letter.key, kind, record, at)
        self.of_key[letter.key].append(sent)

    def control(self, control: Control, key: bytes | None) -> None:
        self.put(REDO, key or b"", control.to_value(), control.to_headers())

    @precondition(lambda self: self.stored.dead or self.stored.ended)
    @rule(index=st.integers(0, 20))
    def an_operator_replays(self, index: int) -> None:
        """Something that was delivered, or is dead."""
        numbers = sorted(n for n in {*self.stored.dead, *self.stored.ended} if n in self.sent)
        if numbers:
            self.replayed.add(numbers[index % len(numbers)])
            self.redo(self.sent[numbers[index % len(numbers)]].record)

    def redo(self, record: Record) -> Record:
        where = (("topic", record.topic), ("partition", str(record.partition)), ("offset", str(record.offset)))
        place = tuple(("__dlq.errors." + name, text.encode()) for name, text in where)
        headers = (*record.headers, *place, ("fabric-redo-plan", b"p"))
        return self.put(REDO, record.key or b"", record.value or b"", headers)

    # ------------------------------------------------------------------------------------------ what must hold

    def check_sending(self, worker: Worker, call: Call) -> None:
        """Judged when a request that changes something leaves."""
        assert call.asked is not None
        event = call.asked.event
        number, work = number_of(event), call.work_of(event.id)
        known = worker.applied.get(f"time/{event.aggregate_id}")
        assert known is None or known < event.version, f"{number} is known to be applied, and sent again"
        if not work.released:
            self.stored.read()
            for earlier in self.of_key[self.sent[number].key]:
                if earlier.number < number and earlier.place != self.sent[number].place:
                    why = self.in_the_way(worker, work, earlier)
                    assert not why, f"{number} overtakes {earlier.number}, which {why}"

    def in_the_way(self, worker: Worker, work: Work, earlier: Sent) -> str:
        hashed = key_hash(earlier.key.encode()).decode()
        place = earlier.record.coordinates
        if self.stands(worker, f"barrier/{hashed}/{place}".encode()):
            return "is a dead letter"
        if self.stands(worker, place.encode()):
            return "waits in hold"
        settled = earlier.number in self.stored.ended or earlier.number in self.stored.dead
        if work.fresh and not settled and place.encode() not in self.stored.hold:
            return "was not dealt with"
        if self.takes_a_place(earlier) and not settled and place.encode() not in self.stored.hold:
            return "is still to come"
        return ""

    def takes_a_place(self, sent: Sent) -> bool:
        """That of a dead letter which is closed, and which the target never took."""
        return sent.number - 1 in self.stored.ended and sent.number - 1 not in self.stored.home

    def stands(self, worker: Worker, hold_key: bytes) -> bool:
        """In the hold topic, and the worker can know: it was there when it loaded, or it wrote it."""
        found = self.stored.hold.get(hold_key)
        if found is None:
            return False
        return hold_key in worker.wrote or found.offset < worker.ends[TopicPartition(HOLD, found.partition)]

    @invariant()
    def nothing_below_the_committed_offset_is_lost(self) -> None:
        self.stored.read()
        committed = self.broker.group("c").committed
        for tp, offset in committed.items():
            assert offset >= self.committed.get(tp, 0), f"the commit of {tp} went back"
        if committed == self.committed and not self.stored.hold:
            return
        self.committed = dict(committed)
        for sent in self.sent.values():
            tp, offset = sent.at
            if offset < committed.get(tp, 0):
                there = sent.number in self.stored.ended or sent.number in self.stored.dead
                assert there or sent.record.coordinates.encode() in self.stored.hold, f"{sent.number} is lost"

    @invariant()
    def no_object_goes_back_and_no_document_is_made_twice(self) -> None:
        for name, number in self.erp.journal[self.judged :]:
            assert number >= self.highest.get(name, 0), f"{name} went back to {number}: {self.erp.journal}"
            self.highest[name] = number
        self.judged = len(self.erp.journal)
        for name, made in self.erp.holds.items():
            assert len(made) == 1, f"{name} was made {len(made)} times"

    @invariant()
    def the_window_is_kept(self) -> None:
        committed = self.broker.group("c").committed
        for worker in self.workers:
            for tp, log in ((tp, log) for lane in worker.engine.lanes.values() for tp, log in lane.logs.items()):
                base = log.committed if log.committed is not None else log.first
                assert (log.position or 0) - (base or 0) <= WINDOW, f"{tp}: read to {log.position}, {committed}"

    @invariant()
    def a_bad_deploy_does_not_bury_everything(self) -> None:
        for worker in self.workers:
            assert worker.engine._limit.in_row < self.policy.limit.in_row

    # ------------------------------------------------------------------------------------------ the end

    def teardown(self) -> None:
        try:
            self.all_is_well_again()
            self.everything_comes_to_its_end()
        finally:
            self._patch.undo()

    def all_is_well_again(self) -> None:
        self.broker.away = False
        self.broker.refusing.clear()
        self.open_period = True
        self.known = {str(sent.place) for sent in self.sent.values()}
        for worker in list(self.workers[1:]):
            self.workers.remove(worker)
            self.ghosts.append(worker.reader)
            worker.die()
        for worker in self.workers:
            worker.asleep = False
        self.sessions_run_out()
        self.an_operator_pauses_or_lets_go_on("")

    def everything_comes_to_its_end(self) -> None:
        discarded: set[tuple[int, int]] = set()
        for turn in range(100 + 12 * len(self.sent)):
            if not self.workers:
                self.worker_joins()
            self.all_goes_well(2, (1.0, 15.0, 50.0)[turn % 3])
            for worker in self.awake():
                worker.sweep(self.known)
            self.an_operator_pauses_or_lets_go_on("")
            self.nothing_below_the_committed_offset_is_lost()
            self.no_object_goes_back_and_no_document_is_made_twice()
            for letter, marker in zip(self.letters(), self.stored.markers(), strict=True):
                again = letter.number, self.stored.hold[marker].offset
                if again not in discarded and letter.number in self.stored.dead:
                    discarded.add(again)
                    self.discard(letter)
            if self.at_rest():
                break
        assert self.at_rest(), self.what_is_left()
        for sent in self.sent.values():
            assert sent.number in self.stored.ended, f"{sent.number} came to no end"
        self.the_target_has_what_was_promised()

    def at_rest(self) -> bool:
        ends = self.broker.ends([SOURCE, REDO])
        committed = self.broker.group("c").committed
        return not self.stored.hold and all(committed.get(tp, 0) == end for tp, end in ends.items())

    def what_is_left(self) -> str:
        lanes = [lane for worker in self.workers for lane in worker.engine.lanes.values()]
        queued = [(w.record.coordinates, w.state, w.due) for lane in lanes for q in lane.queues.values() for w in q]
        calls = [(c.asked and c.asked.what, c.request, w.lease.age) for w in self.workers for c in w.calls]
        return f"{sorted(self.stored.hold)} {self.broker.group('c').committed} {queued} {calls} at {self.now}"

    def the_target_has_what_was_promised(self) -> None:
        """The highest version that did not end as discarded; or a discarded one of which an answer was lost."""
        by_name: dict[str, list[int]] = defaultdict(list)
        for sent in self.sent.values():
            by_name[sent.key if self.idempotency == "upsert" else f"{sent.key}-{sent.place}"].append(sent.number)
        for name, numbers in by_name.items():
            good = [n for n in numbers if not self.stored.ended[n].endswith(CLOSED)]
            doubtful = {n for n in numbers if n not in good and n in self.unanswered}
            if good and not self.lied.intersection(numbers):
                there = [n for n, _ in self.erp.holds.get(name, ())]
                assert len(there) == 1, f"{name} is {there}"
                assert there[0] in {max(good), *doubtful}, f"{name} is {there}, promised {good}: {self.stored.ended}"


def open_calls(worker: Worker) -> list[Call]:
    return [c for c in worker.calls if c.request is not None]


class Conditional(Component):
    conditional = True


class Unprotected(Component):
    """A target that makes a document each time, and shows it some time later."""

    idempotency = "none"
    lag = 30.0
    settle = 40.0


class TakenOver(Unprotected):
    """The same with nothing but workers that come and go: what they began is known to nobody but the target."""

    the_world_changes = an_operator_discards = an_operator_amends = an_operator_replays = None  # type: ignore[assignment]
    an_operator_decides_about_what_waits = a_worker_sweeps = None  # type: ignore[assignment]
    something_comes_and_all_goes_well = None  # type: ignore[assignment]


for machine in (Component, Conditional, Unprotected, TakenOver):
    machine.TestCase.settings = settings(
        max_examples=EXAMPLES or 30,
        derandomize=not EXAMPLES,
        stateful_step_count=70,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )

TestUpsert = Component.TestCase
TestConditional = Conditional.TestCase
TestUnprotected = Unprotected.TestCase
TestTakenOver = TakenOver.TestCase


def test_a_worker_that_slept_through_its_session_sends_nothing() -> None:
    """Too rare a course for the search: it had read a record, and its heir has delivered it meanwhile."""
    model = TakenOver()
    model.all_goes_well(3, 50.0)
    model.produce("a", "plain", 1)
    (zombie,) = model.workers
    zombie.turn()
    zombie.asleep = True
    model.worker_joins()
    model.sessions_run_out()
    for _ in range(3):
        model.all_goes_well(3, 50.0)
    assert model.erp.journal == [("a-1", 100)]
    zombie.asleep = False
    model.step(zombie)
    assert [call.request for call in zombie.calls] == [None], "chosen, and kept back"
    model.all_goes_well(3, 50.0)
    assert model.erp.journal == [("a-1", 100)]
    model.teardown()
