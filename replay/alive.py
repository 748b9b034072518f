"""Who applies a plan, and whether that one is still there.

An applier writes a sign of life every `BEAT` seconds. Another one judges it by its age, on two clocks that may differ:
younger than `ALIVE` counts as alive; what is older, or lies in the future, is watched until it moves or has not moved
for `WATCHED` seconds, which no clock can get wrong. Being wrong costs nobody a record: whoever begins the transactions
of a plan fences the one before. On one machine nothing is waited for, because the kernel tells that a process ended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from replay.progress import Progress

BEAT = 5.0
ALIVE = 30.0
AHEAD = 2.0
"""Seconds by which two clocks may differ before a sign of life is taken for one from the future."""

WATCHED = 15.0
"""Seconds in which somebody alive gives two more signs."""


def this_process() -> str:
    """What tells this process from every other, ever; "" where the system does not tell."""
    own = _of(os.getpid())
    return f"{_machine()}/{os.getpid()}/{own}" if own else ""


def ended(process: str) -> bool:
    """Whether the process is known to be gone: it ran on this machine since its last start, and does not any more."""
    boot, _, rest = process.partition("/")
    space, _, rest = rest.partition("/")
    pid, _, began = rest.partition("/")
    if not pid.isdigit() or f"{boot}/{space}" != _machine():
        return False
    return _of(int(pid)) != began and not _hidden(int(pid))


def age(progress: Progress, now: datetime) -> float:
    """Seconds since the last sign of life, by our clock; negative when its writer's clock is ahead."""
    return (now - datetime.fromisoformat(progress.updated_at)).total_seconds()


def alive(progress: Progress, now: datetime) -> bool | None:
    """Whether somebody applies the plan; None when that has to be watched."""
    if not progress.run or ended(progress.process):
        return False
    return True if -AHEAD <= age(progress, now) < ALIVE else None


def said(progress: Progress, now: datetime | None = None) -> str:
    """`alice@host applies it since 2026-06-30T10:00:00, last sign of life 3 s ago`."""
    seconds = max(0, round(age(progress, now or datetime.now(UTC))))
    return f"{progress.who} applies it since {progress.since[:19]}, last sign of life {seconds} s ago"


def _machine() -> str:
    """This start of this machine, and the namespace in which it counts processes; "" where there is none of it."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    return ""


def _of(pid: int) -> str:
    """When the process began, in clock ticks since the start of the machine; "" when it is not there, or dead."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    return ""


def _hidden(pid: int) -> bool:
    """Whether a process of that number is there which only others may look at (proc(5), `hidepid`)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False
