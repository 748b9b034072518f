"""Notices a part of the local stack that ends by itself while the demo is busy with something else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from deploy.local import Stack

EVERY = 0.5
"""Seconds between looks; a part counts as dead when two of them find it so, for one that is stopped is gone a blink
before that is written down."""


class Watch:
    """While it is open, a LocalError is raised in the main thread, which must open it, as soon as a part has died.

    `away`: names of parts whose absence is intended right now.
    """

    def __init__(self, stack: Stack, away: Callable[[], set[str]]) -> None:
        self._stack, self._away = stack, away
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(threading.get_ident(),), name="watch", daemon=True)
        self._dead = ""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGUSR1, self._raise)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        signal.signal(signal.SIGUSR1, self._before)

    def _look(self, main: int) -> None:
        before: set[str] = set()
        while not self._stop.wait(EVERY):
            dead = {name for name in self._stack.died() if name not in self._away()}
            if dead & before:
                self._dead = min(dead & before)
                signal.pthread_kill(main, signal.SIGUSR1)  # a signal, for it ends a blocking read too
                return
            before = dead

    def _raise(self, number: int, frame: FrameType | None) -> None:
        raise self._stack.death(self._dead, "during the demo")
