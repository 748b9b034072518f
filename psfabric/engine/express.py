"""The express: consecutive records of one partition that nothing stands in the way of go through as one.

A stage that only computes (translate, process) answers at once, so most records need no queue of their key, no call
that is open, no acknowledgement before the next of their key is handled: the one producer keeps the order in which it
was given their outputs, and when one of them is not taken, the component halts and commits nothing more. What is left
to remember of a whole run is one open entry in the log, at its first offset, until all of its outputs are durable.

A record goes the long way round (queue, `step`, `settle`, `written`) as soon as there is anything to decide: its key
has something waiting, in hold or dead; it came from redo; it was read before; its outcome is not Delivered; what was
made of it is so large that a topic might refuse it. Then it waits behind what was there before it, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psfabric.engine.lane import Lane, Log
from psfabric.engine.limit import LimitWindow
from psfabric.engine.work import Result, Run, TopicPartition, Work, Write
from psfabric.event import Record
from psfabric.outcomes import Delivered

LIGHT = 48 * 1024
"""Bytes of a value that no topic of ours refuses; what is larger may have to be buried, alone."""

Handle = Callable[[Record, Lane], Result]
Aside = Callable[[Record, Result | None], bool]
"""Takes a record that leaves the express, with its result when it was handled; False: none may follow now."""


@dataclass(slots=True)
class Passage:
    """What came of records that arrived together.

    `writes`: the outputs of all `runs`, to be produced in this order, as one group; when the last is acknowledged, each
    run has `passed`. `aside`: works that were handled and left the express, with their writes, as `settle` gives them.
    """

    runs: list[Run] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    aside: list[tuple[Work, tuple[Write, ...]]] = field(default_factory=list)


def ride(
    lane: Lane,
    tp: TopicPartition,
    records: Sequence[Record],
    handle: Handle,
    aside: Aside,
    limit: LimitWindow,
    passage: Passage,
) -> None:
    """Handle the records of one log, in order, as far as they go through."""
    log, run, last, good = lane.log(tp), None, 0, 0
    position, clear, going = log.position or 0, _clear(lane), True
    for record in records:
        result = None
        if going and record.offset >= position and (clear or not _special(lane, record)):
            result = handle(record, lane)
            if type(result.outcome) is Delivered and result.applied is None and _light(result.writes):
                if run is None:
                    run = Run(lane.partition, (tp, record.offset), record.offset)
                    log.arrive(run, record.offset)
                    passage.runs.append(run)
                last = record.offset
                position = last + 1
                good += 1
                passage.writes += result.writes
                if result.versions:
                    lane.versions.update(result.versions)
                continue
        if run is not None:
            _ended(run, log, last, good, limit)
            run, good = None, 0
        going = aside(record, result) and going
        position, clear = log.position or 0, _clear(lane)
    if run is not None:
        _ended(run, log, last, good, limit)
    lane.passing.update(passage.runs)


def _ended(run: Run, log: Log, last: int, count: int, limit: LimitWindow) -> None:
    run.last, run.count = last, count
    log.position = last + 1
    limit.good(count)


def _clear(lane: Lane) -> bool:
    """Whether there is nothing that any record of this partition could have to wait for."""
    return not (lane.queues or lane.held or lane.quiet or lane.dead)


def _special(lane: Lane, record: Record) -> bool:
    """Whether this one has something to wait for, or lies in hold itself."""
    if lane.quiet or record.key in lane.queues or record.key in lane.held_by_key:
        return True
    if lane.held and record.coordinates.encode() in lane.held:
        return True
    return bool(lane.dead) and lane.dead_of(record.key)


def _light(writes: Sequence[Write]) -> bool:
    for write in writes:  # noqa: SIM110 - a generator costs more than all of the rest here
        if write.value is not None and len(write.value) > LIGHT:
            return False
    return True
