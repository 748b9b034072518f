"""What a worker tells Redis about one component, and what it is answered. Times are seconds; Redis counts in ms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEASE = 0.2
"""Seconds for which tokens may be used after they were asked for; then they are given back."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is declared for a target. `rate` 0: no limit. `trip`, `pause`, `longest`: the breaker's constants."""

    rate: float
    in_flight: int
    trip: int
    pause: float
    longest: float

    @property
    def capacity(self) -> float:
        """Tokens that Redis keeps at most.

        With those that workers hold for `LEASE` it makes bursts of one second's worth, or of two calls where that is
        more: in any window, calls <= rate x window + max(2, rate).
        """
        return max(1.0, self.rate * (1.0 - LEASE))


@dataclass(frozen=True, slots=True)
class Report:
    """`keep`: open calls it may still come to have; `demand`: those it would have. `failed`: failures in a row after
    the last answer. `believed`: failures it was last told of, for a Redis that has forgotten them."""

    speaks_in: float
    keep: int
    demand: int
    ask: int
    back: int
    failed: int
    answered: bool
    probing: bool
    would_probe: bool
    quiet: float
    resumed: bool
    believed: int

    def arguments(self, worker: str, terms: Terms) -> list[str]:
        flags = {True: "1", False: "0"}
        return [
            worker,
            f"{terms.rate:.6f}",
            f"{terms.capacity:.6f}",
            str(terms.in_flight),
            f"{self.speaks_in * 1000:.0f}",
            *map(str, (self.keep, self.demand, self.ask, self.back, self.failed)),
            *(flags[each] for each in (self.answered, self.probing, self.would_probe)),
            f"{max(0.0, self.quiet) * 1000:.0f}",
            flags[self.resumed],
            str(self.believed),
            str(terms.trip),
            f"{terms.pause * 1000:.0f}",
            f"{terms.longest * 1000:.0f}",
        ]


@dataclass(frozen=True, slots=True)
class Answer:
    """`slots`: calls it may have open now; `target`: what it shall go down to as its calls end. `probe_in`: seconds
    until somebody may probe; `probe`: this worker may. `quiet`: seconds in which nobody may call."""

    granted: int
    slots: int
    target: int
    failures: int
    probe_in: float
    probe: bool
    quiet: float
    workers: int

    @classmethod
    def of(cls, answer: Sequence[Any]) -> Answer:
        granted, slots, target, failures, probe_in, probe, quiet, workers = map(int, answer)
        return cls(granted, slots, target, failures, probe_in / 1000, probe == 1, max(0, quiet) / 1000, workers)
