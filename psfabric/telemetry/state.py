"""What a component looks like at one instant: taken by its host, in its own loop, when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

    @property
    def doing(self) -> str:
        """In one word. A paused component is ready: it does what it was told."""
        if self.stopped:
            return "stopped"
        return "paused" if self.paused else "running" if self.ready else "starting"

    @property
    def uncommitted(self) -> bool:
        """Something is done that the broker has not yet taken as committed."""
        return any(p.processed is not None and p.processed != p.committed for p in self.partitions)
