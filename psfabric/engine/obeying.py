"""What an operator's control record asks of the owner of a partition, found in its lane: which record it means.

A dead letter that is discarded or amended takes its replay along where that waits in hold. Behind an amended one the
barrier stands on: the event that goes in its place has the same origin, and is what closes it in the end, so that
whatever of the key came later stays behind that event, also across a crash.
"""

from __future__ import annotations

from psfabric.engine import waiting
from psfabric.engine.control import Act, Control
from psfabric.engine.deadletter import marker_of
from psfabric.engine.lane import Lane
from psfabric.engine.work import State, Work
from psfabric.event import Record
from psfabric.outcomes import Amended, Discarded, Rejected


def ordered(lane: Lane, control: Control, record: Record) -> Work | None:
    """The work that carries `control` out; None when there is nothing to act on. `record` is the control record."""
    if control.act in (Act.DISCARD, Act.AMEND):
        return _closing(lane, control, record)
    work = _in_hold(lane, control.of.encode())
    if work is None or work.state is not State.QUEUED:
        return None
    work.released = True
    if control.act is Act.BURY:
        work.forced = Rejected("operator-buried", control.reason)
    elif control.act is Act.RESOLVE:
        work.resolved = control
    return work


def _closing(lane: Lane, control: Control, record: Record) -> Work:
    """The end of a dead letter, and of its replay where that waits in hold: neither is delivered any more."""
    topic, partition, offset = control.of.rsplit("/", 2)
    dead = Record(topic, int(partition), int(offset), record.key, None)
    entry = lane.held.get(control.of.encode())
    work = _in_hold(lane, control.of.encode()) if entry is not None and _means(control.about, entry.record) else None
    if work is None or work.state is not State.QUEUED:
        work = Work(dead, lane.partition, None, bars=lane.marked(marker_of(dead)) is not None)
        lane.enqueue(work)
    about = control.about or control.of
    if control.act is Act.AMEND:
        work.forced = Amended(control.reason, about, control.about_type, control.by)
    else:
        work.forced = Discarded(control.reason, about, control.about_type)
    return work


def take_along(lane: Lane, work: Work, closed: Discarded | Amended) -> None:
    """A replay that came back to hold after the operator asked ends with its dead letter."""
    key = work.record.coordinates.encode()
    entry = lane.held.get(key)
    if work.hold_key is not None or entry is None or not _means(closed.about, entry.record):
        return
    work.hold_key = key
    queue = lane.queues[work.key]
    for again in [each for each in queue if each is not work and each.hold_key == key]:
        queue.remove(again)  # let go since, and behind us in its turn
        work.acts = (*work.acts, *again.acts)


def place_taken(lane: Lane, record: Record) -> bool:
    """Whether an operator put another event in the place of this record, and that one is still dead or to come."""
    marker = marker_of(record)
    stands = lane.marked(marker)
    return stands is not None and not stands.keeps(marker.event)


def _means(about: str, held: Record) -> bool:
    """Whether what lies in hold is the dead letter's replay, and not an event that was put in its place."""
    return held.header("ce_id") in (None, about)


def _in_hold(lane: Lane, key: bytes) -> Work | None:
    """The work of a held record, let go for an operator; None when nothing of that origin is held."""
    entry = lane.held.get(key)
    if entry is None:
        return None
    queue = lane.queues.get(waiting.order_key(entry), ())
    return next((w for w in queue if w.hold_key == key), None) or waiting.let_go(lane, entry)
