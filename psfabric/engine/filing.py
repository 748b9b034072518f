"""The records a component writes about a record that it sets aside: into hold, or buried with its marker."""

from __future__ import annotations

from psfabric.engine.deadletter import Failure, dead_letter_headers, marker_of, marker_value
from psfabric.engine.hold import hold_headers, hold_key, instant_text
from psfabric.engine.lane import Lane
from psfabric.engine.policy import Policy
from psfabric.engine.work import Work, Write
from psfabric.outcomes import Held, Rejected


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


def buried(policy: Policy, work: Work, outcome: Rejected, now: float) -> tuple[Write, ...]:
    """The dead letter, and the marker that later records of its key wait behind."""
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
    )
    headers = dead_letter_headers(work.record, failure)
    letter = Write(policy.dlq_topic, work.record.key, work.record.value, headers, work.lane)
    if not policy.bars(work.record):
        return (letter,)
    marker = Write(policy.hold_topic, marker_of(work.record).key, marker_value(outcome.code, at), (), work.lane)
    return (letter, marker)


def closed(policy: Policy, lane: Lane, work: Work) -> tuple[Write, ...]:
    """The tombstones that close a record: of its place in hold, and of its marker when it is no dead letter any more.

    They come last of all: whatever they stood for must be durable before.
    """
    tombstones = []
    if work.hold_key is not None:
        tombstones.append(Write(policy.hold_topic, work.hold_key, None, (), work.lane))
    stays_dead = work.result is not None and isinstance(work.result.outcome, Rejected)
    if work.record.key is not None and lane.dead and not stays_dead:
        marker = marker_of(work.record)
        if lane.marked(marker):
            tombstones.append(Write(policy.hold_topic, marker.key, None, (), work.lane))
    return tuple(tombstones)
