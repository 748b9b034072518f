"""What a program under measurement says of itself, as one line of JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Reading:
    """`cpu_seconds` of the whole process, its threads included, since its first record; `rss_mb` at the highest."""

    records: int
    seconds: float
    cpu_seconds: float
    rss_mb: float

    @property
    def per_second(self) -> float:
        return self.records / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.records / self.cpu_seconds


class Meter:
    """Counts from the first record that is handled to the last one whose output is acknowledged."""

    def __init__(self) -> None:
        self.records = 0
        self._began: tuple[float, float] | None = None

    def handled(self, count: int = 1) -> None:
        if self._began is None:
            self._began = time.monotonic(), time.process_time()
        self.records += count

    def reading(self) -> Reading:
        if self._began is None:
            raise RuntimeError("nothing was handled")
        began, cpu = self._began
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Reading(self.records, time.monotonic() - began, time.process_time() - cpu, rss)

    def tell(self) -> None:
        """The reading to standard output, where the measuring program waits for it."""
        print(json.dumps(asdict(self.reading())), flush=True)


def asked() -> dict[str, Any]:
    """What the measuring program asked for: one JSON object as the only argument."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found
