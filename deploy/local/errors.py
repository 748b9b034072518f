"""What can go wrong while the local stack starts, each with the sentence a person reads.

LocalError               what happened, what to do, and the exit code of a command that ends with it
├── Misused              2  a setting or an argument is wrong
│   ├── PortTaken        2  a configured port belongs to another program
│   └── UnknownPart      2  no such part
├── StackBusy            4  another process owns this stack
├── Unfetched            5  a download did not arrive
├── WrongChecksum        5  a download arrived, but is not what was pinned
├── NoSpace              5  the disk is full
└── PartFailed           5  a part ended or did not become ready
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class LocalError(Exception):
    """Something a person can act on: `what` happened and what `todo` about it. Printed without a stack trace."""

    exit_code = 5

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}\n{self.todo}" if self.todo else self.what


class Misused(LocalError):
    exit_code = 2


class UnknownPart(Misused):
    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no part {name!r}.", f"Parts are: {', '.join(known)}.")


class PortTaken(Misused):
    def __init__(self, part: str, port: int, setting: str) -> None:
        super().__init__(
            f"Port {port}, configured for {part} by {setting}, is taken by another program.",
            f"Set {setting} to a free port, or unset it to have one chosen.",
        )


class StackBusy(LocalError):
    exit_code = 4

    def __init__(self, name: str, pid: int | None) -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"The stack {name!r} of this checkout is in use by {owner}.",
            "Wait until it ends or stop it; a second checkout has stacks of its own.",
        )


class Unfetched(LocalError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"Could not download {name}: {why}.",
            "Check the network (a proxy is read from HTTPS_PROXY) and run the same command again; "
            "parts that have arrived whole are kept.",
        )


class WrongChecksum(LocalError):
    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(
            f"{name} was downloaded but is not the pinned file: sha256 {found}, expected {expected}. It was not used.",
            "Run the same command again; if it repeats, something between here and the publisher alters downloads.",
        )


class NoSpace(LocalError):
    def __init__(self, where: Path | str) -> None:
        super().__init__(
            f"No space left on the disk of {where}.",
            "Free about 1.5 GB there (`make clean` removes what the local stack keeps) and run the same command again.",
        )


class PartFailed(LocalError):
    """A part ended or never became ready; shows the end of its log and where the whole log is."""

    def __init__(self, part: str, how: str, log: Path, tail: Sequence[str]) -> None:
        shown = "\n".join(f"  | {line}" for line in tail) or "  | (nothing was logged)"
        super().__init__(
            f"{part} {how}. The end of its log:\n{shown}\n  whole log: {log}",
            _advice(how, tail, part),
        )
        self.part = part
        self.log = log
        self.tail = tuple(tail)


def _advice(how: str, tail: Sequence[str], part: str) -> str:
    text = "\n".join(tail)
    if "No space left on device" in text:
        return "The disk is full: free about 1.5 GB and run the same command again."
    if "Address already in use" in text or "BindException" in text or "address in use" in text:
        return "Another program took its port in the meantime: run the same command again."
    if "Cannot allocate memory" in text or "OutOfMemoryError" in text:
        return "The machine is short of memory: close something (about 2 GB are needed) and run the same command again."
    if "SIGKILL" in how:
        return "A person did, or the kernel for want of memory (about 2 GB are needed): run the same command again."
    return f"Run the same command again; if it repeats, the log above says what {part} is missing."


@contextmanager
def disk_full_named(where: Path) -> Iterator[None]:
    """Turn 'no space left' of any write below into NoSpace; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(error.filename or where) from error
        raise
