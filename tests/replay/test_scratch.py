"""What one command keeps on disk for its own time."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from psfabric.errors import Unavailable
from replay import scratch
from replay.book import Book


def test_a_full_disk_is_a_sentence_that_says_what_needs_it_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/small")
    with pytest.raises(Unavailable, match=r"the comparison needs room on disk, in /small, or set TMPDIR: .*full"):
        write_more_than_there_is_room_for()


def write_more_than_there_is_room_for() -> None:
    rows = ((f"w{n}", "t", "s", "r", b"h" * 200, 0, "s", "t", b"v" * 1000) for n in range(10_000))
    with Book() as book, scratch.room("the comparison"):
        book.db.execute("PRAGMA max_page_count = 40")
        book.db.executemany("INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def test_another_mistake_is_not_taken_for_a_full_disk() -> None:
    with (
        closing(scratch.opened("CREATE TABLE t (a)", 100)) as db,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
        scratch.room("the list"),
    ):
        db.execute("SELECT * FROM absent")
