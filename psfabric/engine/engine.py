"""One component's delivery, as a state machine over lanes. See the package docstring for how a host drives it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from psfabric.engine.applied import Applied
from psfabric.engine.backoff import Backoff, Breaker, TokenBucket
from psfabric.engine.deadletter import Failure, bounded, dead_letter_headers, origin
from psfabric.engine.hold import HoldEntry, hold_headers, hold_key, instant_text
from psfabric.engine.lane import Lane, source_order
from psfabric.engine.work import Result, State, TopicPartition, Work, Write
from psfabric.errors import At, Earlier, Parent, Period, Until
from psfabric.event import Record, Version
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry, Superseded, Unknown

WINDOW = 1024
"""Offsets that unacknowledged work may reach above the committed one: a constant of the format (DESIGN 5.1)."""

LONGEST_WAIT = 30.0
"""Seconds a record may wait in the window; anything due later goes to hold so that the offset moves on."""

MET_IN_VAIN = 5.0
"""Seconds until a record is tried again that was released and still waits for the same thing."""


ASK_PERIOD = 60.0
"""Seconds until a target is asked again whether a closed period takes the record now: nobody tells us."""

PERIOD_DAYS = 60
"""Days that a record may wait for its period."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How one component delivers; everything here is data from the pipeline file or the adapter's capabilities.

    `creatable`: the entities some component of the pipelines creates; a missing parent of any other kind is a dead
    letter at once. `barrier`: a record waits behind an earlier one of its key that lies in hold.
    `safe_repeat`: repeating a send whose answer was lost does no harm (capability upsert or unique, or a pure stage).
    """

    component: str
    stage: str
    concurrency: int = 1
    batch: int = 1
    rate: float = 0.0
    barrier: bool = False
    safe_repeat: bool = True
    creatable: frozenset[str] = frozenset()
    hold_days: int = 14
    classes: Mapping[str, str] = field(default_factory=dict)
    """Dead-letter class per code, from the list of codes."""

    @property
    def hold_topic(self) -> str:
        return f"hold.{self.component}"

    @property
    def dlq_topic(self) -> str:
        return f"dlq.{self.component}"

    @property
    def redo_topic(self) -> str:
        return f"redo.{self.component}"


@dataclass(frozen=True, slots=True)
class Step:
    """What the host does next: adapter calls to make (each a batch) and records to write."""

    calls: tuple[tuple[Work, ...], ...] = ()
    writes: tuple[tuple[Work, tuple[Write, ...]], ...] = ()


class Engine:
    def __init__(
        self,
        policy: Policy,
        *,
        receipt: Callable[[Record, Outcome], Write | None] = lambda record, outcome: None,
        rng: random.Random | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`receipt` makes the state receipt (held, rejected) of a record; pure."""
        self.policy = policy
        self._receipt = receipt
        self.lanes: dict[int, Lane] = {}
        self._rng = rng or random.Random()
        self._backoff = backoff or Backoff()
        self._breaker = Breaker()
        self._bucket = TokenBucket(policy.rate)
        self._calls: dict[int, int] = {}
        self._last_call = 0
        self._now = float("-inf")

    # ------------------------------------------------------------------------------------------ partitions

    def assign(
        self,
        partition: int,
        *,
        held: Iterable[HoldEntry] = (),
        applied: Mapping[str, Applied] | None = None,
        versions: Mapping[str, Version] | None = None,
    ) -> None:
        """Take over a partition with what was loaded from its hold, applied and ref partitions."""
        lane = Lane(partition, applied=dict(applied or {}), versions=dict(versions or {}))
        for entry in sorted(held, key=_held_order):
            lane.hold(entry, _order_key(entry.record))
        self.lanes[partition] = lane

    def revoke(self, partition: int) -> None:
        """Forget a partition; results that still come for it change nothing."""
        lane = self.lanes.pop(partition, None)
        for queue in lane.queues.values() if lane is not None else ():
            for work in queue:
                if work.state is State.CALLED:
                    self._returned(work)

    def arrive(self, records: Iterable[Record]) -> None:
        """Records read from the input or redo topic, in offset order per partition."""
        for record in records:
            lane = self.lanes[record.partition]
            tp = TopicPartition(record.topic, record.partition)
            log = lane.log(tp)
            if log.first is not None and record.offset < log.first:
                raise RuntimeError(f"{record.coordinates} comes after reading began at {log.first}: it was never read")
            if log.position is not None and record.offset < log.position:
                continue  # read again after a seek; the first reading is still on its way or done
            work = Work(origin(record), record.partition, (tp, record.offset))
            log.arrive(work, record.offset)
            if record.coordinates.encode() in lane.held:
                log.done(record.offset)  # put into hold before a crash, read again: it waits there, once
            else:
                lane.enqueue(work)

    def commits(self) -> dict[TopicPartition, int]:
        """Offsets that may be committed, everything below being durable; offered until they are `committed`."""
        logs = [pair for lane in self.lanes.values() for pair in lane.logs.items()]
        risen = {tp: log.committable for tp, log in logs if log.committable not in (log.committed, log.first)}
        return {tp: offset for tp, offset in risen.items() if offset is not None}

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The broker took these offsets. One that it refused is offered again: nobody else would commit it."""
        for tp, offset in offsets.items():
            lane = self.lanes.get(tp.partition)
            if lane is not None:
                lane.log(tp).committed = offset

    def full(self, tp: TopicPartition) -> bool:
        """Whether reading of `tp` must pause: the window above the committed offset is used up."""
        lane = self.lanes.get(tp.partition)
        return lane is not None and lane.log(tp).span >= WINDOW

    @property
    def idle(self) -> bool:
        """Nothing is queued, called or being written (held records do not count)."""
        return not any(lane.queues for lane in self.lanes.values())

    @property
    def in_flight(self) -> int:
        """Works that left the queue: called, or whose records are being written."""
        busy = (State.CALLED, State.WRITING, State.CLOSING)
        return sum(1 for lane in self.lanes.values() for q in lane.queues.values() for w in q if w.state in busy)

    # ------------------------------------------------------------------------------------------ working

    def step(self, now: float) -> Step:
        """Choose what may be called now: the head of each key, when due, within concurrency, rate and breaker."""
        self._tell(now)
        calls: list[tuple[Work, ...]] = []
        writes: list[tuple[Work, tuple[Write, ...]]] = []
        batch: list[Work] = []
        for lane in self.lanes.values():
            for work in lane.heads():
                decided = work.forced or self._barred(lane, work)
                if decided is not None:
                    lane.called(work, State.WRITING)
                    writes.append((work, self._decide(lane, work, Result(decided), now)))
                elif work.due <= now and (batch or self._may_call(now)):
                    if not batch:
                        self._last_call += 1
                    lane.called(work, State.CALLED)
                    work.call = self._last_call
                    self._calls[work.call] = self._calls.get(work.call, 0) + 1
                    batch.append(work)
                    if len(batch) >= self.policy.batch:
                        calls.append(tuple(batch))
                        batch = []
        if batch:
            calls.append(tuple(batch))
        return Step(tuple(calls), tuple(writes))

    def _tell(self, now: float) -> None:
        """When the clock was set back an hour, what was due in five seconds is due in five seconds still."""
        back, self._now = self._now - now, now
        if back <= 0:
            return
        self._breaker.set_back(back)
        self._bucket.set_back(back)
        for lane in self.lanes.values():
            for work in (w for queue in lane.queues.values() for w in queue):
                work.due -= back
            for entry in lane.held.values():
                entry.not_before -= back

    def _may_call(self, now: float) -> bool:
        if len(self._calls) >= self.policy.concurrency or not self._breaker.allows(now, len(self._calls)):
            return False
        return self._bucket.take(now)

    def _returned(self, work: Work) -> None:
        left = self._calls[work.call] - 1
        if left:
            self._calls[work.call] = left
        else:
            del self._calls[work.call]

    def _barred(self, lane: Lane, work: Work) -> Held | None:
        if not self.policy.barrier or not lane.waits_before(work):
            return None
        return Held("an earlier record of this key waits", Earlier(_key_text(work.key)))

    def settle(self, work: Work, result: Result, now: float) -> tuple[Write, ...]:
        """Take what came of a call. The writes returned must be acknowledged, then `written` called.

        No writes and the work still `QUEUED` means that it will be tried again.
        """
        lane = self.lanes.get(work.lane)
        if lane is None or work.state is not State.CALLED or lane.head(work.key) is not work:
            return ()
        self._returned(work)
        outcome = result.outcome
        if isinstance(outcome, Unknown) and self.policy.safe_repeat:
            outcome = Retry(outcome.why)
        if isinstance(outcome, Retry):
            return self._retry(lane, work, outcome, now)
        self._answered(now)
        return self._decide(lane, work, Result(outcome, result.writes, result.applied, result.versions), now)

    def _decide(self, lane: Lane, work: Work, result: Result, now: float) -> tuple[Write, ...]:
        work.state = State.WRITING
        outcome = result.outcome
        if isinstance(outcome, Unknown):
            outcome = Held(outcome.why, At(datetime.fromtimestamp(now + LONGEST_WAIT, UTC)))
        if isinstance(outcome, Held) and self._nobody_creates(outcome.until):
            outcome = Rejected("parent-unknown", f"nothing in these pipelines creates what it waits for: {outcome.why}")
        match outcome:
            case Held():
                work.result = Result(outcome)
                return self._hold(lane, work, outcome, now)
            case Rejected():
                work.result = Result(outcome)
                return self._bury(work, outcome, now)
            case Delivered() | Superseded():
                work.result = result
                return result.writes
        raise RuntimeError(f"no rule for outcome {outcome!r}")

    def _answered(self, now: float) -> None:
        """The target answered: whoever only waited for it to come back goes on at once."""
        if self._breaker.open:
            for lane in self.lanes.values():
                for work in lane.heads():
                    if not work.asked:
                        work.due = min(work.due, now)
        self._breaker.succeeded()

    def written(self, work: Work, now: float) -> tuple[Write, ...]:
        """All writes of a work are acknowledged. Returns the closing tombstone of its hold record, if it had one."""
        lane = self.lanes.get(work.lane)
        if lane is None or work.state not in (State.WRITING, State.CLOSING) or lane.head(work.key) is not work:
            return ()
        result = work.result
        if result is None:
            raise RuntimeError(f"{work.record.coordinates} was written without a result")
        if isinstance(result.outcome, Held):
            self._rest(lane, work, result.outcome, now)
            return ()
        if work.state is State.WRITING:
            self._remember(lane, result)
            if work.hold_key is not None:
                work.state = State.CLOSING
                return (Write(self.policy.hold_topic, work.hold_key, None, (), work.lane),)
        if work.hold_key is not None:
            lane.unhold(work.hold_key, work.key)
        lane.finish(work)
        return ()

    def _remember(self, lane: Lane, result: Result) -> None:
        if result.applied is not None:
            key, entry = result.applied
            lane.applied[key] = entry
        lane.versions.update(result.versions)

    def _rest(self, lane: Lane, work: Work, outcome: Held, now: float) -> None:
        key = work.hold_key or hold_key(work.record)
        known = lane.held.get(key)
        since = known.since if known is not None else now
        again = work.hold_key is not None and known is not None and known.until == outcome.until
        if isinstance(outcome.until, Period):
            not_before = now + ASK_PERIOD
        else:
            not_before = now + MET_IN_VAIN if again and not isinstance(outcome.until, Earlier) else 0.0
        entry = HoldEntry(key, work.record, outcome.until, since, not_before)
        lane.hold(entry, work.key)
        lane.finish(work)

    def _retry(self, lane: Lane, work: Work, outcome: Retry, now: float) -> tuple[Write, ...]:
        work.attempts += 1
        work.first_failed_at = work.first_failed_at or now
        self._breaker.failed(now)
        work.asked = outcome.after is not None
        wait = outcome.after if outcome.after is not None else self._backoff.wait(work.attempts, self._rng)
        if wait > LONGEST_WAIT or self._blocks(lane, work):
            work.state = State.WRITING
            waits = Held(outcome.why, At(datetime.fromtimestamp(now + wait, UTC)))
            work.result = Result(waits)
            return self._hold(lane, work, waits, now)
        work.due = now + wait
        lane.requeue(work)
        return ()

    def _blocks(self, lane: Lane, work: Work) -> bool:
        """Whether half of the window lies behind this record, while the target takes others (DESIGN 5.2)."""
        if work.at is None or self._breaker.open:
            return False
        tp, offset = work.at
        return (lane.log(tp).position or 0) - offset > WINDOW // 2

    def _hold(self, lane: Lane, work: Work, held: Held, now: float) -> tuple[Write, ...]:
        key = work.hold_key or hold_key(work.record)
        known = lane.held.get(key)
        if known is not None and known.until == held.until:
            return ()
        since = work.held_since if work.held_since is not None else now
        headers = hold_headers(work.record, held.until, held.why, since, now)
        record = Write(self.policy.hold_topic, key, work.record.value or b"", headers, work.lane)
        return self._with_receipt(record, work, held)

    def _bury(self, work: Work, rejected: Rejected, now: float) -> tuple[Write, ...]:
        failure = Failure(
            code=rejected.code,
            error_class=self.policy.classes.get(rejected.code, "invalid"),
            why=rejected.why,
            stage=self.policy.stage,
            component=self.policy.component,
            group=self.policy.component,
            exception=rejected.code,
            delivery_count=work.attempts + 1,
            first_failed_at=instant_text(work.first_failed_at or now),
            last_failed_at=instant_text(now),
        )
        headers = dead_letter_headers(work.record, failure)
        record = Write(self.policy.dlq_topic, work.record.key, work.record.value, headers, work.lane)
        return self._with_receipt(record, work, rejected)

    def _with_receipt(self, record: Write, work: Work, outcome: Outcome) -> tuple[Write, ...]:
        receipt = self._receipt(work.record, outcome)
        return (record,) if receipt is None else (record, receipt)

    def _nobody_creates(self, until: Until) -> bool:
        return isinstance(until, Parent) and bool(self.policy.creatable) and until.entity not in self.policy.creatable

    # ------------------------------------------------------------------------------------------ hold

    def awaited(self, now: float) -> set[Until]:
        """What held records wait for and the host should look up (parents, periods, approvals)."""
        return {e.until for lane in self.lanes.values() for e in lane.held.values() if e.not_before <= now}

    def release(self, met: Callable[[Until], bool], now: float) -> int:
        """Let go, in source order, what is met, due, or too old (that becomes a dead letter). Returns how many."""
        count = 0
        for lane in self.lanes.values():
            queued = {w.hold_key for q in lane.queues.values() for w in q if w.hold_key is not None}
            blocked: set[bytes] = set()
            for entry in sorted(lane.held.values(), key=_held_order):
                key = _order_key(entry.record)
                if entry.hold_key in queued:
                    blocked.add(key)
                    continue
                if key in blocked:
                    continue
                expired = now - entry.since > self._days(entry) * 86400
                if expired or (entry.not_before <= now and self._met(entry, met, now)):
                    self._let_go(lane, entry, expired)
                    count += 1
                elif self.policy.barrier:
                    blocked.add(key)
        return count

    def _days(self, entry: HoldEntry) -> int:
        return max(PERIOD_DAYS, self.policy.hold_days) if isinstance(entry.until, Period) else self.policy.hold_days

    def _met(self, entry: HoldEntry, met: Callable[[Until], bool], now: float) -> bool:
        match entry.until:
            case At():
                return entry.until.instant.timestamp() <= now
            case Earlier():
                return True  # nothing of the key stands before it in source order, or it would be blocked
            case Period():
                return True  # the target alone knows; `not_before` says when it is asked again
            case _:
                return met(entry.until)

    def _let_go(self, lane: Lane, entry: HoldEntry, expired: bool) -> None:
        work = Work(entry.record, lane.partition, None, entry.hold_key, held_since=entry.since)
        if expired:
            work.forced = Rejected("hold-expired", f"waited {self._days(entry)} days for {entry.until}")
        lane.enqueue(work)

    def held(self) -> Sequence[HoldEntry]:
        return [e for lane in self.lanes.values() for e in lane.held.values()]

    # ------------------------------------------------------------------------------------------ time

    def next_due(self, now: float) -> float | None:
        """The earliest instant at which a waiting head may be called, or None."""
        dues = [w.due for lane in self.lanes.values() for w in lane.heads()]
        if not dues:
            return None
        due = min(dues)
        return max(due, self._breaker.probe_at) if self._breaker.open else max(due, now)


def _order_key(record: Record) -> bytes:
    return Work(record, record.partition, None).key


def _key_text(key: bytes) -> str:
    return bounded(key.decode(errors="replace")).decode()


def _held_order(entry: HoldEntry) -> tuple[str, int, int]:
    return source_order(entry.record)
