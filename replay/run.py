"""One applier at work: sends batch by batch, gives signs of life, obeys orders, stops when too many fail again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.deadletter import REDO, REVISION, THEIRS, bounded, own_headers, revision_of
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import Fenced, Indefinite, TooLarge, Transactions, WriteFailed
from replay.alive import BEAT
from replay.answers import Answer, Answers
from replay.applying import LOOK, Allowance, Cancel, Pause, Send, Stop, Terms, View, Wait, decide, sequence
from replay.claiming import taken_over
from replay.errors import Declined, Interrupted
from replay.foreign import again
from replay.originals import Originals
from replay.plan import Entry, Plan
from replay.progress import CANCELLED, DONE, PAUSED, RUNNING, STOPPED, Progress
from replay.states import State, Stored
from replay.trail import ENDINGS, started_id
from replay.watching import Watch

TRIES = 3
"""Times in a row that the broker may refuse, or not answer, before the applier gives up."""


@dataclass(frozen=True, slots=True)
class Told:
    """For whoever looks on. `rate`: records a second since this applier began; `home`, `failed`, `held`: answers."""

    progress: Progress
    rate: float
    home: int
    failed: int
    held: int

    @property
    def left(self) -> float | None:
        """Seconds until all are sent, at this rate; None while there is none."""
        return (self.progress.total - self.progress.sent) / self.rate if self.rate else None


Tell = Callable[[Told], None]


class Run:
    def __init__(
        self,
        kafka: Kafka,
        plan: Plan,
        claim: Progress,
        transactions: Transactions,
        watch: Watch,
        terms: Terms,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`claim` is stored already, under the id of `transactions`."""
        self._plan, self._transactions, self._watch, self._terms = plan, transactions, watch, terms
        self._tell, self._clock, self._now = tell, clock, now
        self.progress, self._begun_with = claim, claim.sent
        self._entries = planned_order(plan, claim)
        self._answers = Answers(None, (entry.subject for entry in self._entries))
        self._originals = Originals(kafka, self._entries, self._beat)
        self._began = self._beaten = self._waits = clock()
        self._allowance = Allowance(terms.rate, 0.0, self._began)
        self._refused = 0

    def all(self) -> Progress:
        """Send everything, or as much as answers and orders allow; returns the progress as it ended.

        Raises Declined when somebody took over or a record is not as planned, Interrupted when the broker gave up.
        """
        self._answers.mark(self.progress.mark)
        self._watch.answers(self.progress.receipts_from, self._answers.take)
        self._watch.read(self._beat)
        while self.progress.status in (RUNNING, PAUSED):
            self._turn()
        return self.progress

    def _turn(self) -> None:
        self._watch.look(0.0)
        self._allowance = self._allowance.by(self._clock())
        match decide(self._view(), self._terms, self._allowance):
            case Send(count):
                self._send(count)
            case Wait(seconds):
                self._idle(RUNNING, seconds)
            case Pause():
                self._idle(PAUSED, LOOK)
                self._waits = self._clock()
            case Cancel():
                order = self._watch.replay.cancel
                self._end(CANCELLED, "", f"by {order.who}: {order.reason}" if order else "")
            case Stop(cause, tally):
                why = f"{tally.failed} of {tally.answered} failed again, {tally.expected - tally.answered} unanswered"
                self._end(STOPPED, cause, why)
        self._tell(self._told())

    def _view(self) -> View:
        p, replay = self.progress, self._watch.replay
        canary = self._answers.of(p.mark, p.gate)
        waited = self._clock() - self._waits
        return View(p.sent, p.total, p.gate, canary, self._answers.since, waited, replay.paused, replay.cancelled)

    def _send(self, count: int) -> None:
        start = self.progress.sent
        entries = self._entries[start : start + count]
        records = self._originals.take(start, count)
        at = self._at()
        writes = [to_write(entry, record, self._plan) for entry, record in zip(entries, records, strict=True)]
        writes += [self._replayed(entry, at) for entry in entries if entry.component and entry.topic.startswith("dlq.")]
        sent = start + len(entries)
        progress = replace(self.progress, sent=sent, status=RUNNING)
        if sent == progress.total:
            progress = replace(progress, status=DONE, run="")
        self._commit(writes, progress)
        self._allowance = self._allowance.less(len(entries))
        self._waits = self._clock()

    def _replayed(self, entry: Entry, at: str) -> Write:
        row = started_id(self.progress)
        return Stored(entry.place, State.REPLAYED, at, self.progress.who, row, self.progress.plan).to_write()

    def _idle(self, status: str, seconds: float) -> None:
        self._watch.look(seconds)
        if status != self.progress.status:
            self._commit([], replace(self.progress, status=status))
        self._beat()

    def _beat(self) -> None:
        """A sign of life, when one is due."""
        if self._clock() - self._beaten >= BEAT:
            self._commit([], self.progress)

    def _end(self, status: str, cause: str, why: str) -> None:
        self._commit([], replace(self.progress, status=status, cause=cause, why=why, run=""))

    def _commit(self, writes: Sequence[Write], progress: Progress) -> None:
        """All of it, or nothing and `self.progress` as it is stored."""
        progress = replace(progress, updated_at=self._at(), answers=self._answers.summary)
        try:
            self._transactions.write([*writes, progress.to_write()])
        except Fenced:
            raise self._taken_over() from None
        except TooLarge as error:
            raise Declined(f"{error}; plan without it, {self._so_far()}") from None
        except (Indefinite, WriteFailed) as error:
            self._again(str(error))
        else:
            self.progress, self._refused = progress, 0
        self._beaten = self._clock()

    def _again(self, why: str) -> None:
        """Nobody knows, or nothing took effect: begin again, and read how far it is. Never remember it."""
        self._refused += 1
        try:
            if self._refused >= TRIES:
                raise Unavailable(why)
            self._expect_mine()
            self._transactions.begin()
            found = self._expect_mine()
        except Unavailable as error:
            raise Interrupted(f"{self._so_far()}, then: {error}; apply the plan again to send the rest") from None
        if found.sent > self.progress.sent:
            self._refused = 0
        self.progress = found

    def _expect_mine(self) -> Progress:
        """The stored progress, if it is this run's or has ended: then the commit was taken after all."""
        found = self._watch.settle().progress
        if found is None or not (found.run == self.progress.run or found.status in ENDINGS):
            raise self._taken_over()
        return found

    def _taken_over(self) -> Declined | Interrupted:
        return taken_over(self._watch, {self.progress.run}, self._clock, self._now)

    def _so_far(self) -> str:
        return f"{self.progress.sent} of {self.progress.total} were sent"

    def _told(self) -> Told:
        counts, seconds = self._answers.summary, self._clock() - self._began
        rate = (self.progress.sent - self._begun_with) / seconds if seconds > 0 else 0.0
        return Told(self.progress, rate, counts["home"], counts[Answer.FAILED_AGAIN], counts[Answer.HELD])

    def _at(self) -> str:
        return self._now().astimezone(UTC).isoformat()


def planned_order(plan: Plan, progress: Progress | None) -> list[Entry]:
    """The entries in the order in which they are sent."""
    first = progress.first if progress is not None else ()
    return [plan.entries[index] for index in sequence(len(plan.entries), first)]


def to_write(entry: Entry, original: Record, plan: Plan) -> Write:
    """The record as it goes to whom it is planned for."""
    return redo(entry, original, plan) if entry.component else again(entry, original)


def redo(entry: Entry, original: Record, plan: Plan) -> Write:
    """The record as it goes to redo: on the partition of its dead letter, with the place where it was first read, under
    the plan's revision, or the one that it was replayed under when it died."""
    headers = (
        *own_headers(original.headers),
        (THEIRS + "topic", bounded(entry.origin_topic)),
        (THEIRS + "partition", str(entry.origin_partition).encode()),
        (THEIRS + "offset", str(entry.origin_offset).encode()),
        (REDO + "plan", plan.hash.encode()),
        (REDO + "dead-letter", bounded(entry.id)),
        *(((REVISION, plan.revision.encode()),) if plan.revision else revision_of(original.headers)),
    )
    return Write(entry.to, original.key, original.value, headers, entry.to_partition)
