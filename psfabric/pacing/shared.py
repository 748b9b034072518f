"""The pace of one component in one process, as part of what all its workers may do together.

While Redis answers, a call needs a token, a slot and an answer not older than 0.2 s, all fetched ahead by the thread
of `sharing`. When it does not, the process goes on at once with its part of the declared pace, by the number of
workers last known (`LocalPace`), and comes back when Redis does: it then begins without tokens, so that the two
regimes together make no burst.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from psfabric.engine.backoff import TokenBucket
from psfabric.engine.pace import LocalPace
from psfabric.pacing.tokens import Tokens
from psfabric.pacing.told import LEASE, Answer, Report, Terms

log = structlog.get_logger(__name__)

FRESH = 0.2
"""Seconds for which an answer holds: how late a worker may see what another has noticed."""

EVERY, SOON, IDLE, AWAY = 0.05, 0.005, 1.0, 0.5
"""Seconds between two words to Redis: with work; when something cannot wait; without work; while it is away."""

CREEP = 0.05
"""Seconds by which others' word about a wait must differ from ours to count: each round trip adds its own time."""

BUSY = 0.25
"""Seconds for which a component counts as having work after it last asked."""


class SharedPace:
    """Implements `Pace`. Thread-safe: the engine asks in one thread, the round trips are made in another.

    `wake` is called (from that other thread) when a refusal may have become an allowance. `nudge` makes the thread
    speak soon.
    """

    def __init__(
        self,
        component: str,
        rate: float,
        in_flight: int,
        *,
        wake: Callable[[], None] = lambda: None,
        nudge: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.component = component
        self._rate, self._in_flight = rate, in_flight
        self._wake, self._nudge, self._clock = wake, nudge, clock
        self._local = LocalPace(rate, in_flight)
        breaker = self._local.breaker
        self.terms = Terms(rate, in_flight, breaker.trip, breaker.pause, breaker.longest)
        self._lock = threading.Lock()
        self._now = 0.0
        self._shared: bool | None = None
        self._workers = 1
        self._spoke = self._heard = self._busy = float("-inf")
        self._urgent, self._promised = True, False
        self._begin()

    def _begin(self) -> None:
        """Nothing granted, nothing to tell."""
        self._tokens = Tokens(self.terms.capacity)
        self._slots = self._target = self._calls = self._peak = 0
        self._refused = self._lacks_slots = self._few_slots = False
        self._failed, self._answered = 0, False
        self._believed = 0
        self._quiet_until = self._probe_until = 0.0
        self._may_probe = self._probing = self._would_probe = False
        self._fresh = True

    @property
    def shared(self) -> bool:
        """False while this process paces alone, by its part of the declared rate."""
        return self._shared is not False

    @property
    def calls(self) -> int:
        """Calls open now, as far as the engine said."""
        return self._calls

    @property
    def workers(self) -> int:
        """Workers of this component, as last known."""
        return self._workers

    def tokens(self, now: float) -> float | None:
        """Calls that may be made at once now, as far as fetched; None: no limit."""
        if self._rate <= 0:
            return None
        if self._shared is False:
            return self._local.tokens(now)
        return float(self._tokens.usable(self._clock()))

    # ------------------------------------------------------------------------------------ asked by the engine

    @property
    def open(self) -> bool:
        return self._local.open or (self.shared and self._believed >= self.terms.trip)

    def may_call(self, now: float, calls_open: int) -> bool:
        with self._lock:
            self._now, self._calls, self._busy = now, calls_open, self._clock()
            allowed = self._alone(now, calls_open) if self._shared is False else self._granted(self._busy, calls_open)
            if allowed:
                self._calls += 1
                self._peak = max(self._peak, self._calls)
            else:
                self._refused = True
            return allowed

    def _alone(self, now: float, calls_open: int) -> bool:
        if self._fresh:  # begins without tokens, from the first call on
            part = self._rate / self._workers
            self._local.bucket = TokenBucket(part, 0.0, now if part else None)
            self._local.in_flight = max(1, self._in_flight // self._workers)
            self._fresh = False
        return self._local.may_call(now, calls_open)

    def _granted(self, at: float, calls_open: int) -> bool:
        if at < self._quiet_until:
            return False
        if at - self._heard > FRESH:
            self._hurry()
            return False
        if calls_open >= min(self._slots, self._target):  # less than it has: others wait, so its calls are not renewed
            self._lacks_slots = True
            if not self._few_slots:  # those there are were not all asked for: there may be more at once
                self._hurry()
            return False
        if self.open and not (self._may_probe and at < self._probe_until):
            self._would_probe = not self._probing
            return False
        if not self._token(at):
            return False
        if self._may_probe:
            self._may_probe, self._probing = False, True
        return True

    def _token(self, at: float) -> bool:
        if self._rate <= 0 or self._tokens.take(at):
            return True
        if not self._tokens.few:
            self._hurry()
        return False

    def returned(self) -> None:
        with self._lock:
            self._calls = max(0, self._calls - 1)
            if self._target <= self._calls < self._slots:
                self._hurry()
            if self._probing:
                self._probing, self._probe_until = False, self._clock() + LEASE

    def succeeded(self, now: float) -> None:
        with self._lock:
            self._now = now
            was_open = self.open
            self._local.succeeded(now)
            self._answered, self._failed, self._believed = True, 0, 0
            self._probing, self._probe_until = False, 0.0
            if was_open:
                self._hurry()

    def failed(self, now: float) -> None:
        with self._lock:
            self._now = now
            self._local.failed(now)
            self._failed += 1
            self._hurry()

    def asked_to_wait(self, until: float) -> None:
        with self._lock:
            self._local.asked_to_wait(until)
            self._quiet_until = max(self._quiet_until, self._clock() + until - self._now)
            self._hurry()

    def next_at(self, now: float) -> float:
        """When refused, whoever grants wakes the engine; this is for the time in which nobody does."""
        with self._lock:
            if self._shared is False:
                return now if self._fresh else self._local.next_at(now)
            return max(now + (EVERY if self._refused else 0.0), now + self._quiet_until - self._clock())

    def set_back(self, seconds: float) -> None:
        with self._lock:
            self._local.set_back(seconds)
            self._now -= seconds

    def _hurry(self) -> None:
        if not self._urgent:
            self._urgent = True
            self._nudge()

    # ------------------------------------------------------------------------------------ asked by the thread

    def due(self) -> float:
        """When Redis should be spoken to again (by `clock`)."""
        if self._shared is False:
            return self._spoke + AWAY
        if self._urgent:
            return self._spoke + SOON
        return self._spoke + (EVERY if self._promised or self._has_work(self._clock()) else IDLE)

    def _has_work(self, at: float) -> bool:
        return self._calls > 0 or at - self._busy < BUSY or self._probing or at < self._probe_until

    def report(self) -> Report:
        """What is to be said now. What is reported as given back is given back."""
        with self._lock:
            at = self._spoke = self._clock()
            self._urgent = False
            self._promised = self._has_work(at)
            if at >= self._probe_until:
                self._may_probe = False
            back = self._tokens.given_back(at)
            ask = self._tokens.asked(at - self._busy < BUSY) if self._rate > 0 else 0
            self._slots = max(self._calls, min(self._slots, self._target))
            demand = self._in_flight if self._lacks_slots else min(self._in_flight, max(self._calls, self._peak))
            self._peak = max(self._calls, self._peak // 2)
            report = Report(
                speaks_in=10 * EVERY if self._promised else 2.5 * IDLE,
                keep=self._slots,
                demand=demand,
                ask=ask,
                back=back,
                failed=self._failed,
                answered=self._answered,
                probing=self._probing or self._may_probe or at < self._probe_until,
                would_probe=self._would_probe,
                quiet=self._quiet_until - at,
                resumed=self._shared is False,
                believed=max(self._believed, self._local.breaker.failures if self._local.open else 0),
            )
            self._failed, self._answered, self._would_probe = 0, False, False
            self._lacks_slots = False
            return report

    def answered(self, report: Report, answer: Answer) -> None:
        with self._lock:
            if self._shared is not True:
                self._come_back(answer)
            at, self._heard = self._clock(), self._spoke
            self._tokens.granted(report.ask, answer.granted, self._spoke)
            self._slots, self._target = max(answer.slots, self._calls), answer.target
            self._few_slots = answer.slots < min(report.demand, self._in_flight) or report.demand == self._in_flight
            self._workers = answer.workers
            if at + answer.quiet > self._quiet_until + CREEP:
                self._quiet_until = at + answer.quiet
            self._learn(report, answer)
            refused, self._refused = self._refused, False
        if refused:
            self._wake()

    def _learn(self, report: Report, answer: Answer) -> None:
        """What the workers together know of the target. News of our own that is not told yet is newer."""
        if self._failed or self._answered:
            return
        if self._believed >= self.terms.trip > answer.failures:
            log.info("target answers again", component=self.component)
        self._believed = answer.failures
        if answer.failures < self.terms.trip and self._local.open:
            self._local.breaker.succeeded()
        if answer.probe and report.would_probe and not report.probing:
            self._may_probe, self._probe_until = True, self._spoke + LEASE

    def _come_back(self, answer: Answer) -> None:
        if self._shared is False:
            log.info("pace is shared again", component=self.component, workers=answer.workers)
        self._shared = True

    def lost(self, why: str) -> None:
        """Redis did not answer: from now on this process keeps to its part, by itself."""
        with self._lock:
            if self._shared is False:
                return
            calls, quiet = self._calls, self._quiet_until
            self._begin()
            self._calls, self._quiet_until = calls, quiet
            self._shared = False
            workers = self._workers
        log.warning("pace is kept without Redis", component=self.component, why=why, workers=workers)
        self._wake()
