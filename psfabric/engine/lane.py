"""One partition of a component: who waits behind whom, what lies in hold, and how far the log may be committed.

The owner of partition p of the source owns p of redo, hold, dlq and applied as well, so all of it is one lane.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import islice
from math import inf

from psfabric.engine.applied import Applied
from psfabric.engine.deadletter import Marker, key_hash
from psfabric.engine.hold import HoldEntry
from psfabric.engine.work import Run, State, TopicPartition, Work
from psfabric.event import Record, Version


def source_order(record: Record) -> tuple[str, int, int]:
    """The order in which held records of one key go on: by the coordinates of their origin."""
    return (record.topic, record.partition, record.offset)


@dataclass(slots=True)
class Log:
    """Offsets of one topic-partition: `open` holds those read and not yet done, in order; gaps cost nothing."""

    open: OrderedDict[int, Work | Run] = field(default_factory=OrderedDict)
    position: int | None = None
    """One past the last offset read."""
    committed: int | None = None
    first: int | None = None

    def arrive(self, work: Work | Run, offset: int) -> None:
        self.open[offset] = work
        self.position = offset + 1
        if self.first is None:
            self.first = offset

    def done(self, offset: int) -> None:
        self.open.pop(offset, None)

    @property
    def committable(self) -> int | None:
        """The offset that may be committed: the first one still open, or one past everything read."""
        return next(iter(self.open), self.position)

    @property
    def span(self) -> int:
        """How far the reading is above the committed offset (or where it began, before anything was committed).

        Not above the first unfinished one: what is done but not committed is read again after a crash, too.
        """
        base = self.committed if self.committed is not None else self.first
        return 0 if base is None or self.position is None else self.position - base


@dataclass(slots=True)
class Lane:
    """State of one partition number. Dropped whole when the partition is revoked."""

    partition: int
    logs: dict[TopicPartition, Log] = field(default_factory=dict)
    queues: dict[bytes, deque[Work]] = field(default_factory=dict)
    ready: OrderedDict[bytes, None] = field(default_factory=OrderedDict)
    """Keys whose head is queued, in order of arrival: what `step` looks at, so that idle keys cost nothing."""
    resting: dict[bytes, float] = field(default_factory=dict)
    """Keys whose head is queued and was found to wait for an instant (its `due`): nobody looks at them before."""
    alarms: list[tuple[float, bytes]] = field(default_factory=list)
    """A heap of when resting keys wake; of a key that was roused, an entry stays that no longer means anything."""
    held: dict[bytes, HoldEntry] = field(default_factory=dict)
    held_by_key: dict[bytes, dict[bytes, HoldEntry]] = field(default_factory=dict)
    applied: dict[str, Applied] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    """For the keeper of reference data: version stored per `ref` key."""
    dead: dict[bytes, dict[bytes, Marker]] = field(default_factory=dict)
    """Dead letters that later records of their key wait behind: key hash -> marker key -> marker."""
    believe_at: float = 0.0
    """From when on this owner believes that something is absent in the target: nothing that an earlier owner sent can
    still arrive (DESIGN 5.5)."""
    quiet: dict[bytes, float] = field(default_factory=dict)
    """Per key with an unanswered send: until when that may still take effect."""
    passing: set[Run] = field(default_factory=set)
    """Runs whose outputs are being written."""

    def log(self, tp: TopicPartition) -> Log:
        found = self.logs.get(tp)
        if found is None:
            found = self.logs[tp] = Log()
        return found

    def enqueue(self, work: Work) -> None:
        queue = self.queues.setdefault(work.key, deque())
        queue.append(work)
        if len(queue) == 1:
            self.ready[work.key] = None

    def heads(self) -> Iterator[Work]:
        """Works that may be looked at now, one per key. Who looks may call them.

        Few are wanted where many wait, so the keys are copied little by little.
        """
        at, size = 0, 16
        while keys := list(islice(self.ready, at, at + size)):
            for key in keys:
                yield self.queues[key][0]
            at += sum(key in self.ready for key in keys)
            size *= 2

    def head(self, key: bytes) -> Work | None:
        queue = self.queues.get(key)
        return queue[0] if queue else None

    def called(self, work: Work, state: State) -> None:
        """The head of its key left the queue for a call or a write: nobody looks at the key until it is back."""
        work.state = state
        self.ready.pop(work.key, None)

    def requeue(self, work: Work) -> None:
        work.state = State.QUEUED
        self.ready[work.key] = None

    def rest(self, work: Work) -> None:
        """The head of its key waits until it is due."""
        del self.ready[work.key]
        self.resting[work.key] = work.due
        heappush(self.alarms, (work.due, work.key))

    def wake(self, now: float) -> None:
        """Whoever is due by now is looked at again."""
        while self.alarms and self.alarms[0][0] <= now:
            due, key = heappop(self.alarms)
            if self.resting.get(key) == due:
                self.rouse(key)

    def rouse(self, key: bytes) -> None:
        """Something changed for the head of this key: it is looked at although it is not due."""
        if self.resting.pop(key, None) is not None:
            self.ready[key] = None

    def rouse_all(self) -> None:
        self.ready.update(dict.fromkeys(self.resting))
        self.resting.clear()
        self.alarms.clear()

    def next_due(self) -> float:
        """The earliest instant at which a waiting head is due; infinity when none waits."""
        while self.alarms and self.resting.get(self.alarms[0][1]) != self.alarms[0][0]:
            heappop(self.alarms)
        return self.alarms[0][0] if self.alarms else inf

    def finish(self, work: Work) -> None:
        """The work is durable: its offset is free and the next of its key may go."""
        work.state = State.DONE
        for tp, offset in (work.at, *work.acts) if work.at is not None else work.acts:
            self.log(tp).done(offset)
        queue = self.queues[work.key]
        if not queue or queue[0] is not work:
            raise RuntimeError(f"order broken: {work.record.coordinates} finished before an earlier one of its key")
        queue.popleft()
        if queue:
            self.ready[work.key] = None
        else:
            del self.queues[work.key]

    def hold(self, entry: HoldEntry, key: bytes) -> None:
        self.held[entry.hold_key] = entry
        self.held_by_key.setdefault(key, {})[entry.hold_key] = entry

    def unhold(self, hold_key: bytes, key: bytes) -> None:
        self.held.pop(hold_key, None)
        of_key = self.held_by_key.get(key, {})
        of_key.pop(hold_key, None)
        if not of_key:
            self.held_by_key.pop(key, None)

    def mark(self, marker: Marker) -> None:
        self.dead.setdefault(marker.key_hash, {})[marker.key] = marker

    def unmark(self, marker: Marker) -> None:
        of_key = self.dead.get(marker.key_hash, {})
        of_key.pop(marker.key, None)
        if not of_key:
            self.dead.pop(marker.key_hash, None)

    def marked(self, marker: Marker) -> Marker | None:
        """What stands at the place of this marker, for whichever event."""
        return self.dead.get(marker.key_hash, {}).get(marker.key)

    def waits_before(self, work: Work) -> bool:
        """Whether a record of the same key that comes earlier lies in hold.

        One that was just read comes after everything held from other topics; those released keep the order among them.
        """
        of_key = self.held_by_key.get(work.key)
        if not of_key:
            return False
        record = work.record
        if not work.fresh:
            return any(source_order(e.record) < source_order(record) for e in of_key.values())
        return any(e.record.topic != record.topic or e.record.offset < record.offset for e in of_key.values())

    def passed(self, run: Run) -> None:
        """All outputs of a run are durable. One of an earlier life of this partition changes nothing."""
        if run in self.passing:
            self.passing.discard(run)
            self.log(run.at[0]).done(run.at[1])

    def dead_of(self, key: bytes | None) -> bool:
        """Whether any record of the key is a dead letter."""
        return key is not None and key_hash(key) in self.dead

    def dead_before(self, work: Work) -> bool:
        """Whether an earlier record of the same key is a dead letter; its own marker does not count."""
        if not self.dead or work.record.key is None:
            return False
        of_key = self.dead.get(key_hash(work.record.key))
        if not of_key:
            return False
        record = work.record
        if work.fresh:
            return any(m.topic != record.topic or m.offset < record.offset for m in of_key.values())
        return any(m.order < source_order(record) for m in of_key.values())
