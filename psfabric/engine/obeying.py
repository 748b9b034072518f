"""What an operator's control record asks of the owner of a partition, found in its lane: which record it means.

A dead letter that is discarded or amended takes its replay along where that waits in hold. Behind an amended one the
barrier stands on: the event that goes in its place has the same origin, and is what closes it in the end, so that
whatever of the key came later stays behind that event, also across a crash (docs/adr/0014).
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


def replaced(lane: Lane, work: Work) -> Amended | None:
    """The end of a record in whose place an operator put another event, which still waits or is dead.

    Nobody handles such a record again, whether it is replayed by a plan made before, or read again where it was first
    written after a crash: in hold, and behind the barrier, there is room for one at each place.
    """
    by = _waits_there(lane, work) or _dead_there(lane, work)
    if not by:
        return None
    record = work.record
    return Amended("another event went in its place", _event(record), record.header("ce_type") or "", by)


def _waits_there(lane: Lane, work: Work) -> str:
    """The id of another event that lies in hold at the place of this one, "" when there is none."""
    of_key = lane.held_by_key.get(work.key)
    entry = of_key.get(work.record.coordinates.encode()) if of_key else None
    there = "" if entry is None else _event(entry.record)
    return "" if there == _event(work.record) else there


def _dead_there(lane: Lane, work: Work) -> str:
    """The same for one that is a dead letter, or follows in redo."""
    if not lane.dead_of(work.record.key):
        return ""
    marker = marker_of(work.record)
    stands = lane.marked(marker)
    return "" if stands is None or stands.keeps(marker.event) else stands.event


def _event(record: Record) -> str:
    return record.header("ce_id") or ""


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
