"""Where log lines go: to standard error, and never in the way of the work.

A log that cannot be written (its pipe is closed, the disk is full) must not become the failure of what it tells of.
What libraries say by themselves comes as lines like our own, and what they repeat is counted: while a broker is away
the consumers of the Faust host say hundreds of times a second that they cannot connect.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO, cast

import structlog

AGAIN_AFTER = 60.0
"""Seconds until a library may say the same again."""

MOST_REMEMBERED = 1000


class _StandardError(io.TextIOBase):
    """Whatever `sys.stderr` is at the moment; a line it does not take is dropped."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class Libraries(logging.Handler):
    """Takes what libraries log by Python's own means, from warnings on.

    The same is what has the same words before anything is filled in, and is about the same kind of exception. How often
    it was said meanwhile is told with it the next time.
    """

    def __init__(self, level: int = logging.WARNING, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(max(level, logging.WARNING))
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        with contextlib.suppress(Exception):  # a library's line that cannot be put together is not worth a failure
            self._tell(record, f"{record.msg} {kind}", self._clock())

    def _tell(self, record: logging.LogRecord, words: str, now: float) -> None:
        at, meanwhile = self._said.get((record.name, words), (float("-inf"), 0))
        if now - at < AGAIN_AFTER:
            self._said[record.name, words] = at, meanwhile + 1
            return
        if len(self._said) >= MOST_REMEMBERED:  # one fills its words in by itself
            self._said.clear()
        self._said[record.name, words] = now, 0
        more: dict[str, Any] = {"meanwhile": meanwhile} if meanwhile else {}
        if record.exc_info and record.exc_info[0] is not None:
            more["exception"] = "".join(traceback.format_exception(*record.exc_info))  # without values of variables
        structlog.get_logger().log(record.levelno, record.getMessage(), library=record.name, **more)


def configure(level: int = logging.INFO) -> None:
    """Log lines from `level` on."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, Libraries)]
    root.addHandler(Libraries(level))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, _StandardError())),
    )
