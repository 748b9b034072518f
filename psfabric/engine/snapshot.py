"""A component's delivery as seen from outside, at one instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psfabric.engine.lane import Lane
from psfabric.engine.work import State
from psfabric.errors import Answer, Until

KINDS = ("parent", "period", "at", "approval", "earlier", "operator", "schema", "unknown")
"""What a held record may wait for, as in `fabric-hold-until`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Counts of records, ages in seconds; `held` and `oldest_held` by kind of what is waited for. `retrying`: waiting
    in the window for another try."""

    queued: int = 0
    in_flight: int = 0
    retrying: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    oldest_held: Mapping[str, float] = field(default_factory=dict)
    unknown: int = 0
    oldest_unknown: float = 0.0
    dead_markers: int = 0
    breaker_open: bool = False
    paused: bool = False
    stopped: str = ""


def kind(until: Until) -> str:
    return "unknown" if isinstance(until, Answer) else type(until).__name__.lower()


def of_lanes(lanes: Iterable[Lane], now: float, *, breaker_open: bool, paused: bool, stopped: str) -> Snapshot:
    lanes = list(lanes)
    works = [work for lane in lanes for queue in lane.queues.values() for work in queue]
    entries = [entry for lane in lanes for entry in lane.held.values()]
    oldest: dict[str, float] = {}
    for entry in entries:
        oldest[kind(entry.until)] = max(oldest.get(kind(entry.until), 0.0), now - entry.since)
    unanswered = [work.attempted_at for work in works if work.unanswered]
    unanswered += [entry.since for entry in entries if isinstance(entry.until, Answer)]
    return Snapshot(
        queued=sum(1 for work in works if work.state is State.QUEUED),
        in_flight=sum(1 for work in works if work.state is not State.QUEUED)
        + sum(run.count for lane in lanes for run in lane.passing),
        retrying=sum(1 for work in works if work.state is State.QUEUED and work.attempts),
        held=dict(Counter(kind(entry.until) for entry in entries)),
        oldest_held=oldest,
        unknown=len(unanswered),
        oldest_unknown=max((now - at for at in unanswered), default=0.0),
        dead_markers=sum(len(of_key) for lane in lanes for of_key in lane.dead.values()),
        breaker_open=breaker_open,
        paused=paused,
        stopped=stopped,
    )
