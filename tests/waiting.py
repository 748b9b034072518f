"""Waiting for what other threads and processes do: bounded, and no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(
    condition: Callable[[], object], seconds: float = 20.0, what: str = "what was waited for", every: float = 0.05
) -> None:
    """Wait until `condition()` is true; AssertionError that names `what` when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
