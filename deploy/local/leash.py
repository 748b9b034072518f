"""Become another program that dies with its owner: `python leash.py OWNER_PID PROGRAM [ARGUMENT...]`.

The kernel's parent-death signal is set between fork and exec. Doing that here, in a program of its own that then
becomes the part (same process id), is safe in a threaded owner, which `preexec_fn` of subprocess is not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(owner: int, command: list[str]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:  # it died before the signal was asked for
        sys.exit(1)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
