"""What lies in hold: for what, for how long, and who may go on. Level-triggered, so that no wake-up can be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psfabric.engine.hold import HoldEntry, hold_key
from psfabric.engine.lane import Lane, source_order
from psfabric.engine.policy import (
    ASK_PERIOD,
    ASK_REGISTRY,
    ASK_SCHEMA,
    MET_IN_VAIN,
    PERIOD_DAYS,
    SCHEMA_WAIT,
    Policy,
)
from psfabric.engine.work import Work
from psfabric.errors import Answer, At, Earlier, Period, Schema, Until
from psfabric.outcomes import Held, Rejected


def rest(lane: Lane, work: Work, outcome: Held, now: float) -> HoldEntry:
    """The entry of a record that lies in hold from now on."""
    key = work.hold_key or hold_key(work.record)
    known = lane.held.get(key)
    again = work.hold_key is not None and known is not None and known.until == outcome.until
    entry = HoldEntry(key, work.record, outcome.until, _since(known, outcome.until, now))
    entry.not_before = now + _pause(outcome.until, again)
    entry.attempted_at = work.attempted_at or now
    entry.attempts, entry.first_failed_at = work.attempts, work.first_failed_at or now
    return entry


def _since(known: HoldEntry | None, until: Until, now: float) -> float:
    """A schema is looked for from the first time that the registry said it has none."""
    if known is None or (isinstance(until, Schema) and known.until != until):
        return now
    return known.since


def _pause(until: Until, again: bool) -> float:
    match until:
        case Period():
            return ASK_PERIOD
        case Schema():
            return ASK_REGISTRY if until.unreachable else ASK_SCHEMA
        case Earlier():
            return 0.0
    return MET_IN_VAIN if again else 0.0


@dataclass(frozen=True, slots=True)
class Release:
    """One sweep over what is held. `met` says whether a parent or an approval is there."""

    policy: Policy
    met: Callable[[Until], bool]
    now: float

    def lane(self, lane: Lane) -> int:
        """Let go, in source order per key, what is met, due, or too old (that becomes a dead letter)."""
        queued = {w.hold_key for q in lane.queues.values() for w in q if w.hold_key is not None}
        blocked: set[bytes] = set()
        count = 0
        for entry in sorted(lane.held.values(), key=order):
            key = order_key(entry)
            expired = self._expired(entry)
            if entry.hold_key in queued:
                blocked.add(key)
            elif expired or (key not in blocked and self._may_go(lane, entry)):
                let_go(lane, entry, expired)
                count += 1
            elif self.policy.bars(entry.record):
                blocked.add(key)
        return count

    def _may_go(self, lane: Lane, entry: HoldEntry) -> bool:
        if entry.not_before > self.now or not self._met(entry.until):
            return False
        return not self.policy.bars(entry.record) or not lane.dead_before(of_entry(lane, entry))

    def _met(self, until: Until) -> bool:
        match until:
            case At():
                return until.instant.timestamp() <= self.now
            case Answer():
                return until.at.timestamp() <= self.now
            case Earlier() | Period() | Schema():
                # Earlier: nothing of the key stands before it, or it would be blocked. The others only their keeper
                # knows; `not_before` says when it is asked again.
                return True
            case _:
                return self.met(until)

    def _expired(self, entry: HoldEntry) -> Rejected | None:
        waited = self.now - entry.since
        if isinstance(entry.until, Schema):
            if entry.until.unreachable or waited <= SCHEMA_WAIT:
                return None
            return Rejected("schema-unknown", f"the registry has no schema {entry.until.id}, asked for {waited:.0f} s")
        days = max(PERIOD_DAYS, self.policy.hold_days) if isinstance(entry.until, Period) else self.policy.hold_days
        return Rejected("hold-expired", f"waited {days} days for {entry.until}") if waited > days * 86400 else None


def of_entry(lane: Lane, entry: HoldEntry) -> Work:
    """A record on its way again from hold."""
    return Work(
        entry.record,
        lane.partition,
        None,
        entry.hold_key,
        held_since=entry.since,
        attempts=entry.attempts,
        first_failed_at=entry.first_failed_at or None,
        attempted_at=entry.attempted_at,
        find_first=True,
    )


def let_go(lane: Lane, entry: HoldEntry, forced: Rejected | None = None) -> Work:
    work = of_entry(lane, entry)
    work.forced = forced
    lane.enqueue(work)
    return work


def order(entry: HoldEntry) -> tuple[str, int, int]:
    return source_order(entry.record)


def order_key(entry: HoldEntry) -> bytes:
    return Work(entry.record, entry.record.partition, None).key
