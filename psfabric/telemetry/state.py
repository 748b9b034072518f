"""What a component looks like at one instant: taken by its host, in its own loop, when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from psfabric.engine import Engine
from psfabric.engine.lane import Log
from psfabric.engine.work import TopicPartition


@dataclass(frozen=True, slots=True)
class PartitionState:
    """Offsets of one topic-partition; None where nothing is known yet.

    `reached` is the first record that is not done, or, when all that was read is done, where reading stands: lag is
    the partition's end less this. (Reading passes transaction markers, which no record is ever below of.)
    """

    tp: TopicPartition
    reached: int | None
    processed: int | None
    committed: int | None


@dataclass(frozen=True, slots=True)
class ComponentState:
    """Ages in seconds; `held` and `oldest_held` by kind of what is waited for."""

    ready: bool = False
    partitions: Sequence[PartitionState] = ()
    queued: int = 0
    in_flight: int = 0
    retrying: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    oldest_held: Mapping[str, float] = field(default_factory=dict)
    unknown: int = 0
    oldest_unknown: float = 0.0
    barriers: int = 0
    breaker_open: bool = False
    paused: bool = False
    stopped: bool = False
    tokens: float | None = None
    """None: no rate limit."""
    leased: bool = False
    """It commits while calls are open, whether there is anything new to commit or not."""

    @property
    def doing(self) -> str:
        """In one word. A paused component is ready: it does what it was told."""
        if self.stopped:
            return "stopped"
        return "paused" if self.paused else "running" if self.ready else "starting"

    @property
    def commits_due(self) -> bool:
        """Something is done that the broker has not yet taken as committed, or the lease has to be renewed."""
        if self.leased and self.in_flight:
            return True
        pairs = [(p.processed, p.committed) for p in self.partitions]
        return any(done is not None and taken is not None and done > taken for done, taken in pairs)


@runtime_checkable
class Rated(Protocol):
    def tokens(self, now: float) -> float | None:
        """Calls that may be made at once now; None: no limit."""


def of_engine(
    engine: Engine,
    now: float,
    *,
    ready: bool,
    waiting: Mapping[TopicPartition, int] | None = None,
    committed: Mapping[TopicPartition, int] | None = None,
    pace: object = None,
    leased: bool = False,
) -> ComponentState:
    """`waiting`: the first record read that has not entered the engine yet; `committed`: what the broker accepted,
    where the engine is not told."""
    seen = engine.snapshot(now)
    logs = {tp: log for lane in engine.lanes.values() for tp, log in lane.logs.items()}
    return ComponentState(
        ready=ready,
        partitions=[
            _partition(tp, log, (waiting or {}).get(tp), (committed or {}).get(tp)) for tp, log in logs.items()
        ],
        queued=seen.queued,
        in_flight=seen.in_flight,
        retrying=seen.retrying,
        held=seen.held,
        oldest_held=seen.oldest_held,
        unknown=seen.unknown,
        oldest_unknown=seen.oldest_unknown,
        barriers=seen.dead_markers,
        breaker_open=seen.breaker_open,
        paused=seen.paused,
        stopped=bool(seen.stopped),
        tokens=pace.tokens(now) if isinstance(pace, Rated) else None,
        leased=leased,
    )


def _partition(tp: TopicPartition, log: Log, waiting: int | None, committed: int | None) -> PartitionState:
    undone = [at for at in (waiting, next(iter(log.open), None)) if at is not None]
    reached = min(undone) if undone else log.position
    taken = next((at for at in (committed, log.committed, log.first) if at is not None), None)
    return PartitionState(tp, reached, log.committable, taken)
