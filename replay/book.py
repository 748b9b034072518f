"""What a source has said and what its mapping says now, side by side, in a database on disk that nobody else sees.

An event is known by aggregate id, type and sequence. Of what was said the newest revision counts; where the source said
several contents under one version, any of them is what the mapping said before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Self

from psfabric.engine import Write
from psfabric.event import LIVE, Record
from replay import scratch
from replay.deadletters import event_type, short_type

CACHE_KB = 64 * 1024
"""Of the database; the rest of it lies in its file."""

TABLES = """
CREATE TABLE said (agg, type, seq, revision, hash, at_ms, source, time, value,
    PRIMARY KEY (agg, type, seq, revision, hash)) WITHOUT ROWID;
CREATE TABLE now (agg, type, seq, kind, at_ms, part, off, id, correlation, time, value,
    PRIMARY KEY (agg, type, seq)) WITHOUT ROWID;
CREATE INDEX by_kind ON now (kind, at_ms, part, off);
CREATE TABLE together (part, off, agg, type, seq, correlation, PRIMARY KEY (part, off, agg, type, seq)) WITHOUT ROWID;
CREATE TABLE record (part, off, at_ms, key, about, hash, PRIMARY KEY (part, off)) WITHOUT ROWID;
CREATE TABLE target (target, key, agg, event_id, seq, revision, removed, PRIMARY KEY (target, key)) WITHOUT ROWID;
CREATE INDEX by_aggregate ON target (agg);
CREATE INDEX by_event ON target (target, event_id);
CREATE TABLE road (correlation, target, agg, PRIMARY KEY (correlation, target, agg)) WITHOUT ROWID;
CREATE TABLE delivered (target, event_id, value, PRIMARY KEY (target, event_id)) WITHOUT ROWID;
"""

_FOUND = "kind IN ('changed', 'new')"
_NOTE = """
INSERT INTO now VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    kind = excluded.kind, at_ms = excluded.at_ms, part = excluded.part, off = excluded.off, id = excluded.id,
    correlation = excluded.correlation, time = excluded.time, value = excluded.value
WHERE excluded.kind != 'aside'
    AND (kind = 'aside' OR (excluded.at_ms, excluded.part, excluded.off) < (at_ms, part, off))
"""
_SAY = """
INSERT INTO said VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at_ms = min(at_ms, excluded.at_ms)
"""

SAMPLES = 5
"""Events shown of each kind."""


class Kind(StrEnum):
    """What the mapping of today means for one event."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    NEW = "new"
    SUPERSEDED = "superseded"
    """Other than before, but the aggregate has a newer version."""
    AMENDED = "amended"
    """An operator amended it, or an event of the same record, since: replaying would undo that."""
    LEFT = "left"
    """Beyond the limit that was asked for."""
    ASIDE = "aside"
    """Not asked for: another time, type or key."""


@dataclass(frozen=True, slots=True)
class Content:
    """One content that was said: its revision, its `ce_time`, its framed bytes."""

    revision: str
    time: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Mapped:
    """One event as the mapping says it now. `id` and `correlation` are those of live traffic."""

    aggregate_id: str
    type: str
    sequence: str
    id: str
    correlation: str
    time: str
    value: bytes

    @property
    def key(self) -> tuple[str, str, str]:
        return self.aggregate_id, self.type, self.sequence

    @classmethod
    def of(cls, write: Write) -> Self:
        """From what a stage would write."""
        named = {name: (value or b"").decode() for name, value in write.headers}
        about = (
            named["ce_subject"],
            short_type(named["ce_type"]),
            named["ce_sequence"],
            named["ce_id"],
            named["ce_correlationid"],
        )
        return cls(*about, named["ce_time"], write.value or b"")


@dataclass(frozen=True, slots=True)
class Finding:
    """An event that is said otherwise, or for the first time, and where its record lies."""

    event: Mapped
    kind: Kind
    place: tuple[int, int]
    """Partition and offset."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record to be sent again. `about`: what its receipts are filed under."""

    partition: int
    offset: int
    key: str
    about: str
    value_hash: str


class Book:
    """Use as a context: the file is gone when it ends."""

    def __init__(self) -> None:
        self.db = scratch.opened(TABLES, CACHE_KB)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.db.close()

    def say(self, records: Iterable[Record], types: Collection[str]) -> None:
        """Take in events of these types from `psf.*`; bytes are kept unread."""
        events = (record for record in records if record.value is not None and event_type(record) in types)
        self.db.executemany(_SAY, map(_said, events))

    def said(self, event: Mapped) -> list[Content]:
        """The contents of the newest revision of an event; none when it was never said."""
        query = "SELECT revision, time, value FROM said WHERE agg = ? AND type = ? AND seq = ? ORDER BY revision DESC"
        found = [Content(*row) for row in self.db.execute(query, event.key)]
        return [each for each in found if each.revision == found[0].revision]

    def note(self, record: Record, event: Mapped, kind: Kind) -> None:
        """What the mapping says. Of several records that say an event, the oldest one that was asked for speaks."""
        value = None if kind in (Kind.UNCHANGED, Kind.ASIDE) else event.value
        at = record.timestamp_ms, record.partition, record.offset
        row = *event.key, str(kind), *at, event.id, event.correlation, event.time, value
        self.db.execute(_NOTE, row)

    def keep(self, record: Record, key: str, about: str, value_hash: str | None, events: Iterable[Mapped]) -> None:
        """A record that may be sent again, with all that it says: it says all of it again."""
        place = record.partition, record.offset
        row = *place, record.timestamp_ms, key, about, value_hash
        self.db.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", row)
        rows = ((*place, *event.key, event.correlation) for event in events)
        self.db.executemany("INSERT OR IGNORE INTO together VALUES (?, ?, ?, ?, ?, ?)", rows)

    def supersede(self) -> None:
        """Set aside what a newer version of its aggregate, said before or now, makes void."""
        newer = "SELECT 1 FROM {} AS other WHERE other.agg = now.agg AND other.seq > now.seq"
        exists = f"EXISTS ({newer.format('said')}) OR EXISTS ({newer.format('now')})"
        self.db.execute(f"UPDATE now SET kind = 'superseded' WHERE {_FOUND} AND ({exists})")

    def leave(self, limit: int | None) -> None:
        """Set aside what is in none of the first `limit` records, the oldest first."""
        if limit is not None:
            first = f"SELECT DISTINCT part, off FROM now WHERE {_FOUND} ORDER BY at_ms, part, off LIMIT ?"
            self.db.execute(f"UPDATE now SET kind = 'left' WHERE {_FOUND} AND (part, off) NOT IN ({first})", (limit,))

    def settle(self, key: tuple[str, str, str], kind: Kind) -> None:
        self.db.execute("UPDATE now SET kind = ? WHERE agg = ? AND type = ? AND seq = ?", (str(kind), *key))

    def settle_record(self, place: tuple[int, int], kind: Kind) -> None:
        """All that a record says otherwise, or for the first time."""
        self.db.execute(f"UPDATE now SET kind = ? WHERE part = ? AND off = ? AND {_FOUND}", (str(kind), *place))

    def together(self, partition: int, offset: int) -> list[tuple[str, str, str, str]]:
        """Aggregate id, type, sequence and correlation of everything that a record says."""
        query = "SELECT agg, type, seq, correlation FROM together WHERE part = ? AND off = ?"
        return self.db.execute(query, (partition, offset)).fetchall()

    def findings(self) -> Iterator[Finding]:
        """What is to be said again, in the order in which its records are sent."""
        query = f"SELECT agg, type, seq, id, correlation, time, value, kind, part, off FROM now WHERE {_FOUND}"
        for row in self.db.execute(f"{query} ORDER BY part, off, agg, type"):
            yield Finding(Mapped(*row[:7]), Kind(row[7]), (row[8], row[9]))

    def records(self) -> Iterator[Kept]:
        """The records that say it, in the same order."""
        chosen = f"SELECT part, off FROM now WHERE {_FOUND}"
        query = f"SELECT part, off, key, about, hash FROM record WHERE (part, off) IN ({chosen}) ORDER BY part, off"
        return (Kept(*row) for row in self.db.execute(query))

    def gone(
        self,
        source: str,
        types: Sequence[str],
        aggregates: Sequence[str],
        since: datetime | None,
        until: datetime | None,
    ) -> tuple[int, list[tuple[str, str, str]]]:
        """How many events, the newest of their aggregates, were first said in that time and are not said now; and
        (type, aggregate id, sequence) of a few."""
        wanted = [("source", (source,)), ("type", types), *([("agg", aggregates)] if aggregates else [])]
        where = " AND ".join(f"{name} IN ({', '.join('?' * len(values))})" for name, values in wanted)
        query = f"""
            SELECT type, agg, seq FROM said WHERE {where} GROUP BY agg, type, seq
            HAVING min(at_ms) >= ? AND min(at_ms) < ?
            AND NOT EXISTS (SELECT 1 FROM now WHERE now.agg = said.agg AND now.type = said.type AND now.seq = said.seq)
            AND NOT EXISTS (SELECT 1 FROM said AS other WHERE other.agg = said.agg AND other.seq > said.seq)
            ORDER BY seq, agg"""
        bounds = (since.timestamp() * 1000 if since else 0), (until.timestamp() * 1000 if until else 2**63 - 1)
        rows = self.db.execute(query, [*(value for _, values in wanted for value in values), *bounds])
        samples = rows.fetchmany(SAMPLES)
        return len(samples) + sum(1 for _ in rows), samples

    def counts(self) -> dict[Kind, int]:
        found = dict(self.db.execute("SELECT kind, count(*) FROM now GROUP BY kind"))
        return {kind: found.get(str(kind), 0) for kind in Kind}


def _said(record: Record) -> tuple[object, ...]:
    value, time = record.value or b"", record.header("ce_time") or ""
    return (
        record.header("ce_subject") or "",
        event_type(record),
        record.header("ce_sequence") or "",
        record.header("ce_revision") or LIVE,
        blake2b(value + time.encode(), digest_size=16).digest(),
        record.timestamp_ms,
        record.header("ce_source") or "",
        time,
        value,
    )
