"""How often the process looks for reference cycles while it moves records."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SELDOM = 50_000
"""Containers that are new and still alive before Python looks for cycles among them: those of some 1,000 records."""

_USUAL: Final = gc.get_threshold()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cycles seldom, and never among what was there before.

    Records are in no cycles: they are freed as they go. But many are alive at a time, and with its usual threshold of
    700 containers Python looks through the same ones again and again, for a tenth of the host's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM, *_USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)
        gc.unfreeze()
