"""Processes that we start, recognise again and stop. Nothing else is ever signalled.

A process is known by its id *and* its start time *and* the boot it belongs to, so a reused id is never taken for ours.
Every process also carries the mark of its stack and part in its environment, which its own children inherit: that is
how workers of a killed master, or a process whose record was never written, are found.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict

MARK = "PSF_LOCAL_PART_OF"
_LEASH = Path(__file__).with_name("leash.py")
# The parent-death signal fires when the *thread* that forked ends, so one thread that lives as long as we do forks all.
_FORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-stack-forker")


class Process(BaseModel):
    """One started process, as written to run/<part>.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: int  # clock ticks since boot, field 22 of /proc/<pid>/stat
    boot: str
    command: tuple[str, ...] = ()
    ports: dict[str, int] = {}

    @property
    def alive(self) -> bool:
        return self.boot == boot_id() and started_at(self.pid) == self.started

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        now = float(Path("/proc/uptime").read_text().split()[0])
        return max(0.0, now - self.started / os.sysconf("SC_CLK_TCK"))


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started_at(pid: int) -> int | None:
    """Start time of a living process in clock ticks since boot; None when there is none (a zombie counts as none)."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # the name before ")" may hold spaces


def spawn(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path, mark: str, leashed: bool
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log`. Leashed: it dies when we die."""
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())] if leashed else []
    with log.open("ab") as output:
        return _FORKER.submit(
            subprocess.Popen,
            [*leash, *command],
            env={**env, MARK: mark},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).result()


def identify(pid: int, command: Sequence[str], ports: Mapping[str, int]) -> Process | None:
    """The identity of a process just started; None when it has already ended."""
    started = started_at(pid)
    if started is None:
        return None
    return Process(pid=pid, started=started, boot=boot_id(), command=tuple(command), ports=dict(ports))


def marked(mark: str) -> Iterator[int]:
    """Living processes that carry this mark, or a mark below it (`<stack>` finds all of `<stack>:<part>`)."""
    wanted = f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and _carries(int(entry), wanted):
            yield int(entry)


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    found = any(e == wanted or e.startswith(wanted + b":") for e in environment.split(b"\0"))
    return found and started_at(pid) is not None


def signal_marked(mark: str, number: signal.Signals) -> int:
    """Signal every process that carries the mark; how many there were."""
    count = 0
    for pid in marked(mark):
        count += 1
        _signal(pid, number)
    return count


def terminate(process: Process) -> None:
    """Ask a process to end; nothing when it has ended already."""
    if process.alive:
        _signal(process.pid, signal.SIGTERM)


def kill(mark: str) -> None:
    """SIGKILL to all that carry the mark, until none is left."""
    wait_until(lambda: signal_marked(mark, signal.SIGKILL) == 0, 10)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], bool], within: float, every: float = 0.02) -> bool:
    """Poll until `condition()` is true; False when `within` seconds passed first."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
