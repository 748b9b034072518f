"""How fast one target may be called: tokens, calls open at once, and the breaker. `LocalPace` is this process's own.

Workers of one component may share a pace (through Redis): then what they are granted is handed to an object with the
same face, and the engine does not know the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from psfabric.engine.backoff import Breaker, TokenBucket


class Pace(Protocol):
    """Asked before each call, told what came of it. Instants are epoch seconds."""

    @property
    def open(self) -> bool:
        """Whether the breaker is open: the target is taken for unreachable and only probed."""

    def may_call(self, now: float, calls_open: int) -> bool:
        """False: not now. True: the call counts, a token is taken."""

    def returned(self) -> None:
        """A call that was allowed has ended, whatever came of it."""

    def succeeded(self, now: float) -> None:
        """The target answered (a refusal is an answer)."""

    def failed(self, now: float) -> None:
        """The target did not answer, or said that it cannot now."""

    def asked_to_wait(self, until: float) -> None:
        """The target named an instant before which it wants no call (Retry-After)."""

    def next_at(self, now: float) -> float:
        """When asking again makes sense, at the earliest."""

    def set_back(self, seconds: float) -> None:
        """The clock was."""


@dataclass(slots=True)
class LocalPace:
    """Of one process. `rate`: calls a second, 0 for no limit; `in_flight`: calls open at once."""

    rate: float = 0.0
    in_flight: int = 1
    breaker: Breaker = field(default_factory=Breaker)
    bucket: TokenBucket = field(default_factory=TokenBucket)
    quiet_until: float = 0.0

    def __post_init__(self) -> None:
        self.bucket.rate = self.rate

    @property
    def open(self) -> bool:
        return self.breaker.open

    def may_call(self, now: float, calls_open: int) -> bool:
        if calls_open >= self.in_flight or now < self.quiet_until or not self.breaker.allows(now, calls_open):
            return False
        return self.bucket.take(now)

    def tokens(self, now: float) -> float | None:
        """Calls that the rate allows at once now; None: no limit."""
        return self.bucket.left(now)

    def returned(self) -> None:
        """Nothing to give back: the engine counts the calls that are open."""

    def succeeded(self, now: float) -> None:
        self.breaker.succeeded()

    def failed(self, now: float) -> None:
        self.breaker.failed(now)

    def asked_to_wait(self, until: float) -> None:
        self.quiet_until = max(self.quiet_until, until)

    def next_at(self, now: float) -> float:
        probe = self.breaker.probe_at if self.breaker.open else now
        return max(now, probe, self.quiet_until, self.bucket.ready_at(now))

    def set_back(self, seconds: float) -> None:
        self.breaker.set_back(seconds)
        self.bucket.set_back(seconds)
        self.quiet_until -= seconds
