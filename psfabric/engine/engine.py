"""One component's delivery, as a state machine over lanes. See the package docstring for how a host drives it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from math import inf

from psfabric.engine import filing, obeying, snapshot, waiting
from psfabric.engine.applied import Applied
from psfabric.engine.backoff import Backoff
from psfabric.engine.control import is_control, read_control
from psfabric.engine.deadletter import Marker, bounded, marker_of, origin, unforged
from psfabric.engine.express import Handle, Passage, ride
from psfabric.engine.hold import HoldEntry
from psfabric.engine.lane import Lane
from psfabric.engine.limit import LimitWindow
from psfabric.engine.pace import LocalPace, Pace
from psfabric.engine.policy import LONGEST_WAIT, SUSPECT_AFTER, SUSPECT_TIMES, WINDOW, Policy
from psfabric.engine.work import Result, Run, State, TopicPartition, Work, Write
from psfabric.errors import Answer, At, Earlier, Parent, Until
from psfabric.event import Record, Version
from psfabric.outcomes import Amended, Delivered, Discarded, Held, Outcome, Rejected, Retry, Superseded, Unknown


@dataclass(frozen=True, slots=True)
class Step:
    """What the host does next: adapter calls to make (each a batch) and records to write."""

    calls: tuple[tuple[Work, ...], ...] = ()
    writes: tuple[tuple[Work, tuple[Write, ...]], ...] = ()


LOOK_LEAST, LOOK_EACH = 0.5, 0.0005
"""Seconds between two looks at all heads while the pace refuses calls, at least and for each head: what needs no call
is decided meanwhile, and thousands that wait for the target do not take the processor from the calls that are open."""


class Engine:
    def __init__(
        self,
        policy: Policy,
        *,
        receipt: Callable[[Record, Outcome], Write | None] = lambda record, outcome: None,
        rng: random.Random | None = None,
        backoff: Backoff | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`receipt` makes the receipt of a record that is held, rejected, discarded or amended; pure."""
        self.policy = policy
        self.lanes: dict[int, Lane] = {}
        self.paused = ""
        """Why an operator paused the component; "" while it runs."""
        self.stopped = ""
        """Why the dead-letter limit stopped it; "" while it has not. Only an operator lets it go on."""
        self.reported = False
        """Whether its host has made the stop durable."""
        self._receipt = receipt
        self._rng = rng or random.Random()
        self._backoff = backoff or Backoff()
        self._pace = pace or LocalPace(policy.rate, policy.concurrency)
        self._limit = LimitWindow(policy.limit)
        self._calls: dict[int, int] = {}
        self._last_call = 0
        self._succeeded_at = float("-inf")
        self._now = float("-inf")
        self._was_open = False
        self._look_again_at = float("-inf")

    # ------------------------------------------------------------------------------------------ partitions

    def assign(
        self,
        partition: int,
        *,
        held: Iterable[HoldEntry] = (),
        markers: Iterable[Marker] = (),
        applied: Mapping[str, Applied] | None = None,
        versions: Mapping[str, Version] | None = None,
        now: float = 0.0,
    ) -> None:
        """Take over a partition with what was loaded from its hold, applied and ref partitions.

        `now`: the instant of the assignment, from which belief in absence counts.
        """
        lane = Lane(partition, applied=dict(applied or {}), versions=dict(versions or {}))
        lane.believe_at = now + self.policy.timeout + self.policy.settle
        for entry in sorted(held, key=waiting.order):
            lane.hold(entry, waiting.order_key(entry))
        for marker in markers:
            lane.mark(marker)
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
            redo = record.topic == self.policy.redo_topic
            if redo and is_control(record):
                self._obey(lane, tp, record)
                continue
            work = Work(origin(record) if redo else unforged(record), record.partition, (tp, record.offset))
            log.arrive(work, record.offset)
            # What an earlier owner may have sent lies within the window above what it had committed (DESIGN 5.4).
            work.find_first = redo or record.offset < (log.first or 0) + WINDOW
            if record.coordinates.encode() in lane.held:
                log.done(record.offset)  # put into hold before a crash, read again: it waits there, once
            else:
                lane.enqueue(work)

    def reached(self, tp: TopicPartition, offset: int) -> None:
        """Reading stands at `offset`: between it and the last record that arrived there is nothing to read, only
        markers of transactions, or records that compaction removed. They may be committed over."""
        lane = self.lanes.get(tp.partition)
        if lane is not None:
            log = lane.log(tp)
            log.position = max(log.position or 0, offset)

    def express(self, tp: TopicPartition, records: Sequence[Record], handle: Handle, now: float) -> Passage:
        """`arrive` for a stage that answers at once: what nothing stands in the way of is handled here and now.

        The rest waits for `step`. Records of one log, in offset order.
        """

        def aside(record: Record, result: Result | None) -> bool:
            self.arrive((record,))
            if result is not None:
                passage.aside.extend(self._handled(lane, record, result, now))
            return self._express(tp)

        if not self._express(tp):
            self.arrive(records)
            return Passage()
        lane = self.lanes[tp.partition]
        passage = Passage()
        ride(lane, tp, records, handle, aside, self._limit, passage)
        if passage.runs:
            self._succeeded_at = now
            self._pace.succeeded(now)
        return passage

    def passed(self, run: Run) -> None:
        """All outputs of a run are acknowledged."""
        lane = self.lanes.get(run.lane)
        if lane is not None:
            lane.passed(run)

    def _express(self, tp: TopicPartition) -> bool:
        """Whether anything may be handled the moment it arrives."""
        policy = self.policy
        if self.paused or self.stopped or self._pace.open:
            return False
        return not policy.rate and policy.batch == 1 and tp.topic != policy.redo_topic

    def _handled(
        self, lane: Lane, record: Record, result: Result, now: float
    ) -> Iterator[tuple[Work, tuple[Write, ...]]]:
        """A record that was handled as it arrived goes on as if `step` had chosen it."""
        work = next(reversed(lane.queues[Work(record, lane.partition, None).key]))
        if self._pace.may_call(now, len(self._calls)):
            self._call(lane, work)
            yield work, self.settle(work, result, now)

    def commits(self) -> dict[TopicPartition, int]:
        """Offsets that may be committed, everything below being durable; offered until they are `committed`."""
        logs = [pair for lane in self.lanes.values() for pair in lane.logs.items()]
        risen = {tp: log.committable for tp, log in logs if log.committable not in (log.committed, log.first)}
        return {tp: offset for tp, offset in risen.items() if offset is not None}

    def positions(self) -> dict[TopicPartition, int]:
        """What may be committed of every partition that was read, risen or not: to renew the sending lease."""
        logs = [pair for lane in self.lanes.values() for pair in lane.logs.items()]
        return {tp: log.committable for tp, log in logs if log.committable is not None}

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
        return not any(lane.queues or lane.passing for lane in self.lanes.values())

    @property
    def in_flight(self) -> int:
        """Works and runs that left the queue: called, or whose records are being written."""
        busy, lanes = (State.CALLED, State.WRITING, State.CLOSING), self.lanes.values()
        works = sum(1 for lane in lanes for q in lane.queues.values() for w in q if w.state in busy)
        return works + sum(len(lane.passing) for lane in lanes)

    @property
    def calling(self) -> int:
        """Calls open now."""
        return len(self._calls)

    # ------------------------------------------------------------------------------------------ operators

    def pause(self, why: str) -> None:
        """Begin nothing new. What is open ends as always."""
        self.paused = why or "paused"

    def resume(self) -> None:
        """Go on, also after the limit stopped the component: an operator has looked."""
        self.paused = self.stopped = ""
        self.reported = False
        self._limit.clear()

    def _obey(self, lane: Lane, tp: TopicPartition, record: Record) -> None:
        """Act on a control record. It counts as done when the work that carries it out is."""
        self._look_again_at = float("-inf")
        at, log = (tp, record.offset), lane.log(tp)
        try:
            control = read_control(record)
        except ValueError:
            control = None
        work = obeying.ordered(lane, control, record) if control is not None else None
        log.arrive(work or Work(record, lane.partition, at), record.offset)
        if work is None:
            log.done(record.offset)
        else:
            work.acts = (*work.acts, at)
            lane.rouse(work.key)

    # ------------------------------------------------------------------------------------------ working

    def step(self, now: float, most: int | None = None) -> Step:
        """Choose what may be called now: the head of each key, when due, within concurrency, rate and breaker.

        `most`: calls that the host makes at once, if it cannot leave them open; what is left is for the next step.
        """
        self._tell(now)
        self._look_up(now)
        if self.paused or self.stopped:
            return Step()
        calls: list[tuple[Work, ...]] = []
        writes: list[tuple[Work, tuple[Write, ...]]] = []
        batch: list[Work] = []
        refused, looked_at = False, 0
        for lane in self._in_turn():
            lane.wake(now)
            for work in lane.heads():
                if not batch and (self._all_open or len(calls) == most or (refused and now < self._look_again_at)):
                    break  # what is left, however much it is, is looked at when a call returns, or may be made
                looked_at += 1
                decided = work.forced or obeying.replaced(lane, work) or self._barred(lane, work)
                if decided is not None:
                    lane.called(work, State.WRITING)
                    made = self._decide(lane, work, Result(decided), now)
                    if self.stopped:
                        return Step((*calls, tuple(batch)) if batch else tuple(calls), tuple(writes))
                    writes.append((work, made))
                elif work.due > now:
                    lane.rest(work)
                elif batch or (not refused and self._pace.may_call(now, len(self._calls))):
                    self._call(lane, work, new=not batch)
                    batch.append(work)
                    if len(batch) >= self.policy.batch:
                        calls.append(tuple(batch))
                        batch = []
                else:
                    refused = True
        if batch:
            calls.append(tuple(batch))
        if refused and now >= self._look_again_at:
            self._look_again_at = now + max(LOOK_LEAST, looked_at * LOOK_EACH)
        return Step(tuple(calls), tuple(writes))

    @property
    def _all_open(self) -> bool:
        """No call may begin before one returns."""
        return len(self._calls) >= self.policy.concurrency

    def _in_turn(self) -> Sequence[Lane]:
        """All lanes, another one first each time, so that a full one does not take every call."""
        for partition in list(self.lanes)[:1]:
            self.lanes[partition] = self.lanes.pop(partition)
        return list(self.lanes.values())

    def _look_up(self, now: float) -> None:
        """The target answers again, as another worker found out: nobody here waits on for it to come back."""
        was_open, self._was_open = self._was_open, self._pace.open
        if was_open and not self._was_open:
            self._hurry(now)

    def _call(self, lane: Lane, work: Work, *, new: bool = True) -> None:
        self._last_call += new
        lane.called(work, State.CALLED)
        work.call = self._last_call
        self._calls[work.call] = self._calls.get(work.call, 0) + 1

    def _tell(self, now: float) -> None:
        """When the clock was set back an hour, what was due in five seconds is due in five seconds still."""
        back, self._now = self._now - now, now
        if back <= 0:
            return
        self._pace.set_back(back)
        self._look_again_at -= back
        for lane in self.lanes.values():
            lane.believe_at -= back
            lane.quiet = {key: until - back for key, until in lane.quiet.items()}
            lane.rouse_all()
            for work in (w for queue in lane.queues.values() for w in queue):
                work.due -= back
            for entry in lane.held.values():
                entry.not_before -= back

    def _returned(self, work: Work) -> None:
        left = self._calls[work.call] - 1
        if left:
            self._calls[work.call] = left
        else:
            del self._calls[work.call]
            self._pace.returned()

    def _barred(self, lane: Lane, work: Work) -> Held | None:
        if work.released or not self.policy.bars(work.record):
            return None
        if lane.dead_before(work):
            return Held("an earlier record of this key is a dead letter", Earlier(_key_text(work.key)))
        if lane.waits_before(work):
            return Held("an earlier record of this key waits", Earlier(_key_text(work.key)))
        return None

    def settle(self, work: Work, result: Result, now: float) -> tuple[Write, ...]:
        """Take what came of a call. The writes returned must be acknowledged, then `written` called.

        No writes and the work still `QUEUED` means that it will be tried again.
        """
        lane = self.lanes.get(work.lane)
        if lane is None or work.state is not State.CALLED or lane.head(work.key) is not work:
            return ()
        self._returned(work)
        outcome = result.outcome
        if isinstance(outcome, Unknown):
            outcome = self._unanswered(lane, work, outcome, now)
        if isinstance(outcome, Retry):
            return self._retry(lane, work, outcome, now)
        self._answered(work, outcome, now)
        if isinstance(outcome, Delivered) and self.policy.settle and not self.policy.conditional:
            self._let_settle(lane, work, now)
        return self._decide(lane, work, Result(outcome, result.writes, result.applied, result.versions), now)

    def _let_settle(self, lane: Lane, work: Work, now: float) -> None:
        """What was sent a moment ago is not shown yet: the next version of its key, looking for it, would miss it."""
        lane.quiet[work.key] = now + self.policy.settle
        if len(lane.quiet) > WINDOW:
            lane.quiet = {key: until for key, until in lane.quiet.items() if until > now}

    def _unanswered(self, lane: Lane, work: Work, outcome: Unknown, now: float) -> Outcome:
        """The request left; until when it may still take effect, and whether repeating it does harm."""
        lane.quiet[work.key] = now + self.policy.settle
        work.attempted_at = now
        if self.policy.safe_repeat:
            return Retry(outcome.why)
        work.unanswered = work.find_first = True
        work.resolved = None  # it was said of what was sent before
        self._pace.failed(now)
        believed = max(lane.believe_at, now + self.policy.settle)
        return Held(outcome.why, Answer(datetime.fromtimestamp(believed, UTC)))

    def _decide(self, lane: Lane, work: Work, result: Result, now: float) -> tuple[Write, ...]:
        work.state = State.WRITING
        outcome = result.outcome
        if isinstance(outcome, Held) and self._nobody_creates(outcome.until):
            outcome = Rejected("parent-unknown", f"nothing in these pipelines creates what it waits for: {outcome.why}")
        match outcome:
            case Held():
                return self._hold(lane, work, outcome, now)
            case Rejected():
                return self._bury(lane, work, outcome, now)
            case Discarded() | Amended():
                work.result = Result(outcome)
                if work.bars and lane.marked(marker_of(work.record)) is None:
                    return ()  # its replay came to an end before
                obeying.take_along(lane, work, outcome)
                place = filing.amended(self.policy, lane, work, outcome, now) if isinstance(outcome, Amended) else ()
                return self._with_receipt(place, work, outcome)
            case Delivered() | Superseded():
                self._limit.count(bad=False)
                work.result = result
                return result.writes
        raise RuntimeError(f"no rule for outcome {outcome!r}")

    def _answered(self, work: Work, outcome: Outcome, now: float) -> None:
        """The target answered: whoever only waited for it to come back goes on at once."""
        if isinstance(outcome, Held) and isinstance(outcome.until, Answer):
            return
        work.unanswered = False
        if isinstance(outcome, Delivered | Superseded):
            self._succeeded_at = now
        if self._pace.open:
            self._hurry(now)
        self._pace.succeeded(now)

    def _hurry(self, now: float) -> None:
        for lane in self.lanes.values():
            lane.rouse_all()
            for head in lane.heads():
                if not head.asked:
                    head.due = min(head.due, now)

    def written(self, work: Work, now: float) -> tuple[Write, ...]:
        """All writes of a work are acknowledged. Returns the tombstones that close its place in hold, or its marker."""
        lane = self.lanes.get(work.lane)
        if lane is None or work.state not in (State.WRITING, State.CLOSING) or lane.head(work.key) is not work:
            return ()
        result = work.result
        if result is None:
            raise RuntimeError(f"{work.record.coordinates} was written without a result")
        if isinstance(result.outcome, Held):
            lane.hold(waiting.rest(lane, work, result.outcome, now), work.key)
            lane.finish(work)
            return ()
        if work.state is State.WRITING:
            self._remember(lane, work, result)
            closing = filing.closed(self.policy, lane, work)
            if closing:
                work.state = State.CLOSING
                return closing
        self._close(lane, work, result)
        return ()

    def _remember(self, lane: Lane, work: Work, result: Result) -> None:
        if result.applied is not None:
            key, entry = result.applied
            lane.applied[key] = entry
        lane.versions.update(result.versions)
        marker = filing.marks(self.policy, lane, work, result.outcome)
        if marker is not None:
            lane.mark(marker)

    def _close(self, lane: Lane, work: Work, result: Result) -> None:
        if work.hold_key is not None:
            lane.unhold(work.hold_key, work.key)
        freed = filing.frees(lane, work, result.outcome)
        if freed is not None:
            lane.unmark(freed)
        if lane.quiet.get(work.key, now := self._now) < now:
            del lane.quiet[work.key]
        lane.finish(work)

    def too_large(self, work: Work, why: str, now: float) -> tuple[Write, ...]:
        """A topic refused what was made of a record as too large: the record is buried instead.

        Raises RuntimeError when the dead letter itself was refused: then nothing may be committed.
        """
        lane = self.lanes.get(work.lane)
        if lane is None or work.state is not State.WRITING:
            return ()
        if work.result is None or not isinstance(work.result.outcome, Delivered | Superseded):
            raise RuntimeError(f"what sets {work.record.coordinates} aside was refused as too large: {why}")
        return self._decide(lane, work, Result(Rejected("oversize", why)), now)

    def _retry(self, lane: Lane, work: Work, outcome: Retry, now: float) -> tuple[Write, ...]:
        work.attempts += 1
        work.first_failed_at = work.first_failed_at or now
        self._pace.failed(now)
        if self._suspect(work, now):
            why = f"failed {work.attempts} times while others succeeded, last: {outcome.why}"
            return self._decide(lane, work, Result(Rejected("transient-suspect", why)), now)
        work.asked = outcome.after is not None
        if outcome.after is not None:
            self._pace.asked_to_wait(now + outcome.after)
        wait = outcome.after if outcome.after is not None else self._backoff.wait(work.attempts, self._rng)
        return self._wait(lane, work, Held(outcome.why, At(datetime.fromtimestamp(now + wait, UTC))), now + wait, now)

    def _suspect(self, work: Work, now: float) -> bool:
        since = work.first_failed_at or now
        return work.attempts >= SUSPECT_TIMES and now - since >= SUSPECT_AFTER and self._succeeded_at > since

    def _wait(self, lane: Lane, work: Work, waits: Held, until: float, now: float) -> tuple[Write, ...]:
        """In the window when it is short, else in hold so that the offset moves on (DESIGN 5.2)."""
        if until - now > LONGEST_WAIT or self._blocks(lane, work):
            return self._to_hold(lane, work, waits, now)
        work.due = until
        lane.requeue(work)
        return ()

    def _blocks(self, lane: Lane, work: Work) -> bool:
        """Whether half of the window lies behind this record, while the target takes others (DESIGN 5.2)."""
        if work.at is None or self._pace.open:
            return False
        tp, offset = work.at
        return (lane.log(tp).position or 0) - offset > WINDOW // 2

    def _hold(self, lane: Lane, work: Work, held: Held, now: float) -> tuple[Write, ...]:
        if isinstance(held.until, At | Answer):
            at = held.until.at if isinstance(held.until, Answer) else held.until.instant
            return self._wait(lane, work, held, at.timestamp(), now)
        behind_dead = isinstance(held.until, Earlier) and lane.dead_before(work)
        if behind_dead and self._trips(lane, work):
            return ()
        self._limit.count(bad=behind_dead)
        return self._to_hold(lane, work, held, now)

    def _to_hold(self, lane: Lane, work: Work, held: Held, now: float) -> tuple[Write, ...]:
        work.state, work.result = State.WRITING, Result(held)
        record = filing.held(self.policy, lane, work, held, now)
        return () if record is None else self._with_receipt((record,), work, held)

    def _bury(self, lane: Lane, work: Work, rejected: Rejected, now: float) -> tuple[Write, ...]:
        if work.forced is None:
            if self._trips(lane, work):
                return ()
            self._limit.count(bad=True)
        work.result = Result(rejected)
        return self._with_receipt(filing.buried(self.policy, lane, work, rejected, now), work, rejected)

    def _trips(self, lane: Lane, work: Work) -> bool:
        """Whether this record is one too many: then it is neither buried nor committed, and the component stops."""
        why = self.stopped or self._limit.tripped_by_one_more()
        if not why:
            return False
        self.stopped = why
        lane.requeue(work)
        return True

    def _with_receipt(self, writes: tuple[Write, ...], work: Work, outcome: Outcome) -> tuple[Write, ...]:
        receipt = self._receipt(work.record, outcome)
        return writes if receipt is None else (*writes, receipt)

    def _nobody_creates(self, until: Until) -> bool:
        return isinstance(until, Parent) and bool(self.policy.creatable) and until.entity not in self.policy.creatable

    # ------------------------------------------------------------------------------------------ hold

    def awaited(self, now: float) -> set[Until]:
        """What held records wait for and the host should look up (parents, approvals)."""
        return {e.until for lane in self.lanes.values() for e in lane.held.values() if e.not_before <= now}

    def release(self, met: Callable[[Until], bool], now: float) -> int:
        """Let go, in source order, what is met, due, or too old (that becomes a dead letter). Returns how many."""
        sweep = waiting.Release(self.policy, met, now)
        released = sum(sweep.lane(lane) for lane in self.lanes.values())
        if released:
            self._look_again_at = float("-inf")
        return released

    def held(self) -> Sequence[HoldEntry]:
        return [e for lane in self.lanes.values() for e in lane.held.values()]

    # ------------------------------------------------------------------------------------------ seen from outside

    def next_due(self, now: float) -> float | None:
        """The earliest instant at which a waiting head may be called, or None."""
        if self.paused or self.stopped or self._all_open:
            return None
        first = min((lane.next_due() for lane in self.lanes.values()), default=inf)
        for work in chain.from_iterable(lane.heads() for lane in self.lanes.values()):
            if first <= now:
                break  # the others, however many, change nothing
            first = min(first, work.due)
        return None if first == inf else max(first, self._pace.next_at(now))

    def snapshot(self, now: float) -> snapshot.Snapshot:
        return snapshot.of_lanes(
            self.lanes.values(), now, breaker_open=self._pace.open, paused=bool(self.paused), stopped=self.stopped
        )


def _key_text(key: bytes) -> str:
    return bounded(key.decode(errors="replace")).decode()
