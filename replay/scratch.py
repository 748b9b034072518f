"""Databases for the time of one command: in a file without a name, which nobody else can open, and which ends with the
process."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from psfabric.errors import Unavailable


def opened(tables: str, cache_kb: int) -> sqlite3.Connection:
    """`cache_kb`: what SQLite may keep in memory; the rest lies in the file."""
    db = sqlite3.connect("", isolation_level=None)
    for setting in ("temp_store = FILE", f"cache_size = -{cache_kb}", "journal_mode = OFF", "synchronous = OFF"):
        db.execute(f"PRAGMA {setting}")
    db.executescript(tables)
    return db


@contextmanager
def room(what: str) -> Iterator[None]:
    """Turns a full disk into a sentence about what needs it. Raises Unavailable."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            raise
        where = os.environ.get("TMPDIR") or "/var/tmp or /tmp"
        raise Unavailable(f"{what} needs room on disk, in {where}, or set TMPDIR: {error}") from None
