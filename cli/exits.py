"""Exit codes (DESIGN section 6), and which error means which."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

CLEAN, FINDINGS, USAGE, PARTIAL, REFUSED, UNREACHABLE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 101, 130


def code_of(error: Exception) -> int:
    """An error may carry its own `exit_code`. Imported late: only a command that failed pays for it."""
    from psfabric import errors
    from psfabric.kafka.producer import WriteFailed
    from replay.errors import Declined, Interrupted, NotThere

    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    match error:
        case errors.Misconfigured() | NotThere():
            return USAGE
        case Declined() | errors.Refused():
            return REFUSED
        case Interrupted():
            return PARTIAL
        case errors.Unavailable() | errors.Transient() | errors.Unknown() | WriteFailed():
            return UNREACHABLE
        case errors.FabricError():
            return FINDINGS
        case _:
            return INTERNAL


def write_log(error: Exception) -> Path:
    """Keep the stack trace where the person can send it from; returns the file."""
    text = f"{datetime.now(UTC).isoformat()} pid {os.getpid()}\n{''.join(traceback.format_exception(error))}\n"
    for folder in (Path(".local/log"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "psfabric-cli.log"
            with path.open("a", encoding="utf-8") as log:
                log.write(text)
        except OSError:
            continue
        return path.resolve()
    return Path(os.devnull)
