"""Applying a plan: exactly its records go to `redo.<component>`, bytes and own headers untouched, each of them once.

A batch, its progress and the state of its dead letters are one Kafka transaction under the plan's own transactional id.
Whoever begins under that id fences the applier before it and completes what that one left open, and reads only then how
far the plan is: so no record enters redo twice and none is left out, wherever an applier is killed, and of several at
once only the last that began can send.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType

from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import FabricError, Unavailable
from psfabric.kafka import Fenced, Indefinite, Transactions, WriteFailed
from replay import trail
from replay.acts import Operator
from replay.alive import ended
from replay.applying import Terms
from replay.claiming import claimed, expect_nobody, refuse, taken_over
from replay.errors import Interrupted
from replay.originals import check_destinations, check_records
from replay.plan import Plan
from replay.progress import DONE, INTERRUPTED, Progress, Replay
from replay.reading import ends
from replay.run import Run, Tell, planned_order
from replay.watching import Watch


@dataclass(frozen=True, slots=True)
class Applied:
    """`sent` by this call, of `total`; `already` when an earlier call had sent everything. `progress` as it ended:
    done, stopped or cancelled."""

    sent: int
    total: int
    progress: Progress
    already: bool = False


class Applier:
    """Applies one plan. `check` and `apply` in this order; what is between them may take long (a question)."""

    def __init__(
        self,
        kafka: Kafka,
        plan: Plan,
        *,
        waiting: Callable[[str], None] = lambda why: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`waiting` is told what is waited for before anything is sent."""
        self._kafka, self._plan, self._waiting, self._clock, self._now = kafka, plan, waiting, clock, now
        self._watch = Watch(kafka, plan.hash, clock)
        self._transactions = Transactions(kafka, f"psfabric.replay.{plan.hash}")
        self._nobody: Progress | None = None

    def __enter__(self) -> Applier:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transactions.close()
        self._watch.close()

    def check(self) -> Replay:
        """How far the plan is. Raises, before anything is sent: Declined when it may not be applied (cancelled, being
        applied, a record vanished or differs, a component is gone), Interrupted when it is paused."""
        found = self._look()
        if found.progress is None or found.progress.status != DONE:
            order = planned_order(self._plan, found.progress)
            left = order[found.progress.sent if found.progress else 0 :]
            check_destinations(self._kafka, self._plan.entries)
            check_records(self._kafka, left)
        return found

    def apply(self, operator: Operator, terms: Terms, tell: Tell = lambda told: None) -> Applied:
        """Send what is left. Raises as `check` does; Interrupted when the broker stopped acknowledging on the way,
        Declined when somebody else took over."""
        found = self._look().progress
        receipts = {str(partition): end for (_, partition), end in ends(self._kafka, [RECEIPTS]).items()}
        if found is None or found.status != DONE or not found.told:
            self._transactions.begin()
            found = refuse(self._watch.settle()).progress
        if found is not None:
            self._close_books(found)
        if found is not None and found.status == DONE:
            return Applied(0, found.total, found, already=True)
        at = self._now().astimezone(UTC).isoformat()
        claim = claimed(found, self._plan.hash, self._plan.entries, operator, terms, receipts, at)
        self._claim(claim, found.run if found is not None else "")
        ended = self._run(claim, terms, tell)
        self._close_books(ended)
        return Applied(ended.sent - claim.sent, ended.total, ended)

    def _look(self) -> Replay:
        found = self._watch.read()
        if not (found.progress and (found.progress.status == DONE or ended(found.progress.process))):
            found = self._watch.settle()  # a claim may be hidden; of one that was killed nothing more is to come
        if refuse(found).progress != self._nobody:
            expect_nobody(self._watch, self._now, self._clock, self._waiting)
            self._nobody = self._watch.progress
        return refuse(self._watch.replay)

    def _claim(self, claim: Progress, before: str) -> None:
        """The audit row stands before the first record goes."""
        try:
            self._transactions.write([claim.to_write()])
            trail.write(self._kafka, trail.started(self._plan, claim))
        except Fenced:
            raise taken_over(self._watch, {before, claim.run}, self._clock, self._now) from None
        except (Indefinite, WriteFailed) as error:
            raise Unavailable(f"{error}; nothing was sent, apply again") from None

    def _run(self, claim: Progress, terms: Terms, tell: Tell) -> Progress:
        run = Run(self._kafka, self._plan, claim, self._transactions, self._watch, terms, tell, self._clock, self._now)
        try:
            return run.all()
        except KeyboardInterrupt:
            with suppress(FabricError):
                self._let_go(claim.run)
            raise

    def _let_go(self, run: str) -> None:
        """Tell that nobody applies the plan any more, unless somebody else does already."""
        found = self._watch.settle().progress
        if found is None or found.run != run:
            return
        self._transactions.begin()
        found = self._watch.settle().progress
        if found is not None and found.run == run:
            self._transactions.write([replace(found, status=INTERRUPTED, run="", why="by its operator").to_write()])

    def _close_books(self, found: Progress) -> None:
        """A replay that ended has an audit row of that, also when whoever ended it was killed before it wrote one."""
        if found.status in trail.ENDINGS and not found.told:
            try:
                trail.write(self._kafka, trail.ended(self._plan, found), once=True)
            except Unavailable as error:
                so_far = f"{found.sent} of {found.total} were sent and the replay is {found.status}"
                raise Interrupted(f"{so_far}, but not yet its audit row: {error}; apply it again to have it") from None
            with suppress(Fenced, Indefinite, WriteFailed):  # then the next one looks again whether the row is there
                self._transactions.write([replace(found, told=True).to_write()])


def apply(
    kafka: Kafka, plan: Plan, operator: Operator, terms: Terms | None = None, *, tell: Tell = lambda told: None
) -> Applied:
    """Check and apply, with nothing in between."""
    with Applier(kafka, plan) as applier:
        applier.check()
        return applier.apply(operator, terms or Terms(), tell)
