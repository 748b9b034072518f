"""The thread that speaks with Redis for all components of a process."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

from psfabric.errors import Transient
from psfabric.pacing import scripts
from psfabric.pacing.shared import SharedPace
from psfabric.pacing.told import Answer
from psfabric.reference.link import Link

WITHIN = 0.1
"""Seconds that Redis has for an answer; later is as good as away."""


class Sharing:
    """`worker` names this process among all workers: its slot (PSF_INSTANCE) where it has one, so that a quick restart
    takes its own place again; otherwise something unique."""

    def __init__(self, url: str, worker: str, *, prefix: str = "psf", within: float = WITHIN) -> None:
        self._link = Link(url, within, "the Redis of shared paces")
        self._worker, self._prefix = worker, prefix
        self._paces: list[SharedPace] = []
        self._nudged = threading.Event()
        self._rng = random.Random()

    def pace(self, component: str, rate: float, in_flight: int, wake: Callable[[], None]) -> SharedPace:
        """The pace of one component in this process; may be asked before `run`, and says no until then."""
        pace = SharedPace(component, rate, in_flight, wake=wake, nudge=self._nudged.set)
        self._paces = [*self._paces, pace]
        self._nudged.set()
        return pace

    def run(self, stop: threading.Event) -> None:
        """Speak for all paces until `stop`, then free what this worker held; blocking."""
        try:
            while not stop.is_set():
                wait = min((pace.due() for pace in self._paces), default=time.monotonic() + 1.0) - time.monotonic()
                # Uneven, so that no worker comes right after another for ever and finds nothing left.
                if wait > 0 and self._nudged.wait(min(0.2, wait * self._rng.uniform(0.7, 1.2))):
                    self._nudged.clear()
                self._turn()
        finally:
            self._leave()
            self._link.close()

    def _turn(self) -> None:
        for pace in self._paces:
            if pace.due() > time.monotonic() + 0.001:
                continue
            report = pace.report()
            try:
                found = self._link.run(
                    scripts.EXCHANGE, self._key(pace.component), report.arguments(self._worker, pace.terms)
                )
                pace.answered(report, Answer.of(found))
            except Transient as error:
                pace.lost(error.why)

    def _leave(self) -> None:
        for pace in self._paces:
            with contextlib.suppress(Transient):
                self._link.run(scripts.LEAVE, self._key(pace.component), [self._worker, pace.calls])

    def _key(self, component: str) -> str:
        """The braces keep a component's keys on one node of a cluster."""
        return f"{self._prefix}:pace:{{{component}}}"
