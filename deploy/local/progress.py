"""What a person sees while things download and start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal, TextIO

Step = Literal["download", "prepare", "start", "ready", "running", "given", "stop", "stopped"]


@dataclass(frozen=True)
class Progress:
    """One thing that happened to a part. `done` and `total` are bytes, of a download only; 0 when unknown."""

    part: str
    step: Step
    text: str = ""
    done: int = 0
    total: int = 0


Tell = Callable[[Progress], None]


def silent(_: Progress) -> None:
    return


class Console:
    """Prints progress: a line per event, downloads every few seconds (or in place, on a terminal)."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._shown: dict[str, float] = {}
        self._lock = Lock()
        self._open_line = False

    def __call__(self, progress: Progress) -> None:
        with self._lock:
            if progress.step == "download" and progress.total:
                self._download(progress)
            else:
                self._line(f"  {progress.part:<9} {progress.text or progress.step}")

    def _download(self, progress: Progress) -> None:
        now = time.monotonic()
        finished = progress.done >= progress.total
        if not finished and now - self._shown.get(progress.part, 0.0) < (0.2 if self._live else 3.0):
            return
        self._shown[progress.part] = now
        mega = 1_000_000
        text = f"  {progress.part:<9} {progress.text} {progress.done // mega} of {progress.total // mega} MB"
        if self._live and not finished:
            print(f"\r{text}\x1b[K", end="", file=self._stream, flush=True)
            self._open_line = True
        else:
            self._line(text)

    def _line(self, text: str) -> None:
        start = "\r\x1b[K" if self._open_line else ""
        self._open_line = False
        print(f"{start}{text}\n", end="", file=self._stream, flush=True)
