"""What the targets hold of what a source said: from `applied.<target>`, and from `deliver.<target>` as it was sent.

An event belongs to what came of it by its correlation, which everything derived from it shares, or by its aggregate id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from psfabric.connection import Kafka
from psfabric.engine.applied import Applied
from psfabric.event import LIVE, Record
from psfabric.stored import understood
from replay.book import Book, Kind
from replay.reading import scan

_HELD_OF = """
    SELECT t.target, t.agg, t.event_id, t.seq, t.revision, t.removed FROM target t WHERE t.agg = :agg
    UNION SELECT t.target, t.agg, t.event_id, t.seq, t.revision, t.removed
    FROM road r JOIN target t ON t.target = r.target AND t.agg = r.agg WHERE r.correlation = :correlation
"""


@dataclass(frozen=True, slots=True)
class Landed:
    """What one target holds: the version applied last, and whether that was a removal."""

    target: str
    aggregate_id: str
    event_id: str
    sequence: str
    revision: str
    removed: bool


def look_up(kafka: Kafka, book: Book, sinks: Sequence[str]) -> None:
    """Read what these sinks applied and were sent. Raises Unavailable; Misconfigured for what cannot be read."""
    if not sinks:
        return
    for stored in scan(kafka, [f"applied.{sink}" for sink in sinks]):
        _apply(book.db, stored)
    for record in scan(kafka, [f"deliver.{sink}" for sink in sinks]):
        _send(book.db, record)


def of(book: Book, aggregate_id: str, correlation: str) -> list[Landed]:
    """What the targets hold that came of an event, sorted by target."""
    rows = book.db.execute(_HELD_OF, {"agg": aggregate_id, "correlation": correlation})
    found = (Landed(target, agg, id, seq, revision, bool(removed)) for target, agg, id, seq, revision, removed in rows)
    return sorted(found, key=lambda each: (each.target, each.aggregate_id))


def sent(book: Book, landed: Landed) -> bytes | None:
    """The framed bytes of the enriched event that a target holds; None when retention removed them."""
    query = "SELECT value FROM delivered WHERE target = ? AND event_id = ?"
    row = book.db.execute(query, (landed.target, landed.event_id)).fetchone()
    return None if row is None else bytes(row[0])


def judge(book: Book) -> None:
    """Set aside what a replay would not change at its target, and what it would spoil there."""
    findings = [(found.event.key, found.event.correlation, found.place) for found in book.findings()]
    places = set()
    for key, correlation, place in findings:
        agg, _, seq = key
        if any(each.aggregate_id == agg and each.sequence > seq for each in of(book, agg, correlation)):
            book.settle(key, Kind.SUPERSEDED)
        else:
            places.add(place)
    for place in places:
        if any(_amended(book, *row) for row in book.together(*place)):
            book.settle_record(place, Kind.AMENDED)


def _amended(book: Book, agg: str, type: str, seq: str, correlation: str) -> bool:
    """A target holds this version under a revision that the source never said: an operator's."""
    query = "SELECT max(revision) FROM said WHERE agg = ? AND type = ? AND seq = ?"
    newest = book.db.execute(query, (agg, type, seq)).fetchone()[0] or LIVE
    return any(each.sequence == seq and each.revision > newest for each in of(book, agg, correlation))


def _apply(db: sqlite3.Connection, stored: Record) -> None:
    target, key = stored.topic.removeprefix("applied."), (stored.key or b"").decode(errors="replace")
    if stored.value is None:
        db.execute("DELETE FROM target WHERE target = ? AND key = ?", (target, key))
        return
    entry = understood(stored, lambda record: Applied.from_bytes(record.value or b""))
    row = target, key, key.partition("/")[2], entry.event_id, *entry.version, entry.removed
    db.execute("INSERT OR REPLACE INTO target VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _send(db: sqlite3.Connection, record: Record) -> None:
    target, id = record.topic.removeprefix("deliver."), record.header("ce_id") or ""
    row = record.header("ce_correlationid") or "", target, record.header("ce_subject") or ""
    db.execute("INSERT OR IGNORE INTO road VALUES (?, ?, ?)", row)
    there = db.execute("SELECT 1 FROM target WHERE target = ? AND event_id = ?", (target, id)).fetchone()
    if there and record.value is not None:
        db.execute("INSERT OR IGNORE INTO delivered VALUES (?, ?, ?)", (target, id, record.value))
