"""Waits between attempts, and the breaker that keeps an unreachable target from being asked by every key at once."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a wait is drawn evenly from zero to `base * 2**attempt`, capped (seconds)."""

    base: float = 0.2
    cap: float = 30.0

    def wait(self, attempts: int, rng: random.Random) -> float:
        ceiling = min(self.cap, self.base * 2 ** min(attempts, 20))
        return rng.uniform(0.0, ceiling)


@dataclass(slots=True)
class Breaker:
    """Opens after `trip` failures in a row; while open one call at a time probes, at most every `pause` seconds.

    A target that is down for a minute is asked some thirty times, not thirty times per key, and when it is back
    every waiting key goes on at once.
    """

    trip: int = 5
    pause: float = 0.5
    longest: float = 5.0
    failures: int = 0
    probe_at: float = 0.0

    @property
    def open(self) -> bool:
        return self.failures >= self.trip

    def allows(self, now: float, calls_open: int) -> bool:
        return not self.open or (calls_open == 0 and now >= self.probe_at)

    def failed(self, now: float) -> None:
        """Calls that were under way when it opened say nothing new when they fail too."""
        if self.open and now < self.probe_at:
            return
        self.failures += 1
        if self.open:
            exponent = min(self.failures - self.trip, 10)
            self.probe_at = now + min(self.longest, self.pause * 2**exponent)

    def succeeded(self) -> None:
        self.failures = 0

    def set_back(self, seconds: float) -> None:
        """The clock was."""
        self.probe_at -= seconds


@dataclass(slots=True)
class TokenBucket:
    """At most `rate` calls a second, bursts of up to one second's worth. `rate` 0 means no limit."""

    rate: float = 0.0
    tokens: float = 0.0
    at: float | None = None

    def take(self, now: float) -> bool:
        if self.rate <= 0:
            return True
        self.tokens, self.at = self._left(now), now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def left(self, now: float) -> float | None:
        """Calls that may be made at once; None: no limit."""
        return None if self.rate <= 0 else self._left(now)

    def _left(self, now: float) -> float:
        most = max(1.0, self.rate)
        return most if self.at is None else min(most, self.tokens + (now - self.at) * self.rate)

    def ready_at(self, now: float) -> float:
        """When the next token is there."""
        if self.rate <= 0 or self.at is None or self.tokens >= 1.0:
            return now
        return max(now, self.at + (1.0 - self.tokens) / self.rate)

    def set_back(self, seconds: float) -> None:
        """The clock was."""
        self.at = None if self.at is None else self.at - seconds
