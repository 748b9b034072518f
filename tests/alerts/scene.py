"""Processes watched as Prometheus would: scraped every 15 s of a clock that tests move, all rules evaluated each time.

What is scraped is what the real parts say at that moment; only the waiting in between is spared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from psfabric.telemetry import Telemetry
from tests.alerts.evaluating import Labels, Samples
from tests.alerts.rules import Watch
from tests.telemetry.scraping import fetched, scraped

EVERY = 15.0
Found = Mapping[tuple[str, Labels], float] | None
Target = Callable[[], Found]


@dataclass
class Clock:
    """What telemetry takes for the time."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Scene:
    clock: Clock = field(default_factory=Clock)
    targets: dict[str, Target] = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)
    ever: set[str] = field(default_factory=set)
    """Alerts that fired at any time."""

    def __post_init__(self) -> None:
        self._watch = Watch(self.samples)
        self._looked_at = 0.0

    def process(self, name: str, telemetry: Telemetry) -> None:
        """A process in this one."""
        self.targets[name] = lambda: scraped(telemetry)

    def served(self, name: str, url: str) -> None:
        """A process elsewhere: what it says over HTTP."""

        def fetch() -> Found:
            try:
                return fetched(url)
            except httpx.HTTPError:
                return None

        self.targets[name] = fetch

    def look(self) -> dict[str, list[dict[str, str]]]:
        """One scrape of all, one evaluation: what fires, with its labels."""
        for name, target in self.targets.items():
            self.samples.scrape(self.clock.now, {"job": "psfabric", "instance": name}, target())
        self._looked_at = self.clock.now
        found = self._watch.firing(self.clock.now)
        self.ever |= found.keys()
        return found

    async def watch(
        self, minutes: float, meanwhile: Callable[[], Awaitable[object]] | None = None, every: float = EVERY
    ) -> dict[str, list[dict[str, str]]]:
        """So many minutes of the clock; `meanwhile` is done before each scrape. What fires at the end."""
        found = self.look() if self._looked_at != self.clock.now else {}
        for _ in range(round(minutes * 60 / every)):
            self.clock.now += every
            await asyncio.sleep(0)
            if meanwhile is not None:
                await meanwhile()
            found = self.look()
        return found
