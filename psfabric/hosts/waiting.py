"""Says why a component tries again: a target that is away, or refuses our password, would else only show as lag."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from psfabric.outcomes import Outcome, Retry, Unknown

log = structlog.get_logger(__name__)

SAY_EVERY = 10.0
"""Seconds between two lines of one component, however many of its records wait."""


@dataclass(slots=True)
class Waiting:
    component: str
    clock: Callable[[], float] = time.monotonic
    said_at: float = float("-inf")

    def told(self, outcome: Outcome) -> None:
        """Log the reason when the outcome means another try."""
        if not isinstance(outcome, Retry | Unknown) or self.clock() - self.said_at < SAY_EVERY:
            return
        self.said_at = self.clock()
        log.warning("tries again", component=self.component, why=outcome.why)
