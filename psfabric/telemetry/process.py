"""What the operating system says of this process (Linux) and of the disk it works on."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from psfabric.telemetry.rows import Row

_PAGE = os.sysconf("SC_PAGE_SIZE")

Free = Callable[[Path], float]


def free_part(folder: Path) -> float:
    """Of the disk that `folder` is on, as anybody but root may use it: 0 to 1."""
    found = shutil.disk_usage(folder)
    return found.free / found.total if found.total else 0.0


def of_process(began: float, folder: Path, free: Free = free_part) -> Iterator[Row]:
    """`began` by `time.monotonic`."""
    yield "process.memory.usage", int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE, {}
    yield "process.unix.file_descriptor.count", len(os.listdir("/proc/self/fd")), {}
    yield "process.cpu.time", time.process_time(), {}
    yield "process.uptime", time.monotonic() - began, {}
    yield "psf.disk.free", free(folder), {}
