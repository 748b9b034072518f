"""The records a component writes about a record that it sets aside: into hold, or buried with its marker."""

from __future__ import annotations

from dataclasses import replace

from psfabric.engine.deadletter import Failure, Marker, dead_letter_headers, marker_of, marker_value
from psfabric.engine.hold import hold_headers, hold_key, instant_text
from psfabric.engine.lane import Lane
from psfabric.engine.policy import Policy
from psfabric.engine.work import Work, Write
from psfabric.outcomes import Amended, Discarded, Held, Outcome, Rejected


def held(policy: Policy, lane: Lane, work: Work, outcome: Held, now: float) -> Write | None:
    """The hold record; None when it lies there already and waits for the same."""
    key = work.hold_key or hold_key(work.record)
    known = lane.held.get(key)
    if known is not None and known.until == outcome.until and known.attempts == work.attempts:
        return None
    since = work.held_since if work.held_since is not None else now
    headers = hold_headers(
        work.record,
        outcome.until,
        outcome.why,
        since,
        work.attempted_at or now,
        work.attempts,
        work.first_failed_at or now,
    )
    return Write(policy.hold_topic, key, work.record.value or b"", headers, work.lane)


def buried(policy: Policy, lane: Lane, work: Work, outcome: Rejected, now: float) -> tuple[Write, ...]:
    """The dead letter, and the marker that later records of its key wait behind, unless one of another event that took
    its place stands there."""
    at = instant_text(now)
    failure = Failure(
        code=outcome.code,
        error_class=policy.classes.get(outcome.code, "invalid"),
        why=outcome.why,
        stage=policy.stage,
        component=policy.component,
        group=policy.component,
        exception=outcome.code,
        delivery_count=work.attempts + 1,
        first_failed_at=instant_text(work.first_failed_at or now),
        last_failed_at=at,
        principal=outcome.principal,
    )
    headers = dead_letter_headers(work.record, failure)
    letter = Write(policy.dlq_topic, work.record.key, work.record.value, headers, work.lane)
    marker = marks(policy, lane, work, outcome)
    return (letter,) if marker is None else (letter, _stored(policy, work, marker, outcome.code, now))


def amended(policy: Policy, lane: Lane, work: Work, outcome: Amended, now: float) -> tuple[Write, ...]:
    """The marker, which from now on keeps the place of the event that follows."""
    marker = marks(policy, lane, work, outcome)
    return () if marker is None else (_stored(policy, work, marker, "amended", now),)


def marks(policy: Policy, lane: Lane, work: Work, outcome: Outcome) -> Marker | None:
    """The marker that stands once this outcome is durable; None when it changes none."""
    if not isinstance(outcome, Rejected | Amended):
        return None
    marker = marker_of(work.record)
    stands = lane.marked(marker)
    if isinstance(outcome, Amended):
        return replace(marker, event=outcome.by) if stands is not None else None
    return marker if policy.bars(work.record) and (stands is None or stands.keeps(marker.event)) else None


def frees(lane: Lane, work: Work, outcome: Outcome) -> Marker | None:
    """The marker that goes with the end of a record: none of a record that is dead, or whose place another one took."""
    if work.record.key is None or not lane.dead or isinstance(outcome, Rejected | Amended):
        return None
    marker = marker_of(work.record)
    stands = lane.marked(marker)
    event = outcome.about if isinstance(outcome, Discarded) else marker.event
    return stands if stands is not None and stands.keeps(event) else None


def _stored(policy: Policy, work: Work, marker: Marker, code: str, now: float) -> Write:
    value = marker_value(code, instant_text(now), marker.event)
    return Write(policy.hold_topic, marker.key, value, (), work.lane)


def closed(policy: Policy, lane: Lane, work: Work) -> tuple[Write, ...]:
    """The tombstones that close a record: of its place in hold, and of its marker when it is no dead letter any more.

    They come last of all: whatever they stood for must be durable before.
    """
    tombstones = []
    if work.hold_key is not None:
        tombstones.append(Write(policy.hold_topic, work.hold_key, None, (), work.lane))
    freed = frees(lane, work, work.result.outcome) if work.result is not None else None
    if freed is not None:
        tombstones.append(Write(policy.hold_topic, freed.key, None, (), work.lane))
    return tuple(tombstones)
