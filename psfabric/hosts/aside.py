"""Blocking acts beside the event loop, one after the other, that the end of the process does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

IDLE = 5.0
"""Seconds after the last act until its thread ends."""


class Aside:
    """`await aside(act)` runs `act` in a thread. One that nobody waits for any more still ends before the next begins.

    The threads of an executor are joined when the interpreter ends; with a broker that is away, a process told to stop
    would hang in them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._acts: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._working = False
        self._lock = threading.Lock()

    async def __call__(self, act: Callable[[], T]) -> T:
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()

        def run() -> None:
            try:
                answer.set_result(act())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                answer.set_exception(error)

        with self._lock:
            self._acts.put(run)
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return await asyncio.wrap_future(answer)

    def _work(self) -> None:
        while True:
            try:
                self._acts.get(timeout=IDLE)()
            except Empty:
                with self._lock:
                    if self._acts.empty():
                        self._working = False
                        return
