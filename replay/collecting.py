"""Fills a catalogue of dead letters: one pass over each topic, into a database on disk, nothing kept in memory.

Dead letters and their worth from `dlq.*`, what was done about them and from where a replay's answers count from
`fabric.dlq-state`, final receipts of their subjects from `psf.delivery`; then where each stands is computed once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import Transient
from psfabric.event import Record
from psfabric.stored import understood
from replay import scratch
from replay.deadletters import DeadLetter, of_record
from replay.progress import TOPIC as STATES
from replay.progress import folded
from replay.reading import scan
from replay.receipts import TERMINAL, parse_key
from replay.selection import failed_at, key_text
from replay.states import State, is_state, read_state
from replay.worth import Worth, worth
from schemas import event_of, models

AT_ONCE = 1000
"""Rows that go to the database in one call."""

CACHE_KB = 16 * 1024
"""What SQLite may keep in memory; the rest lies in its file."""

_CLOSED = {models.Discarded.EVENT: State.DISCARDED, models.Amended.EVENT: State.AMENDED}
"""What a final receipt says that an operator's act led to; any other came of the target."""

JUDGED = ("failures", "state", "again", "first_failed_at")
"""What the dead letters of a subject say together."""

OWN = tuple(each.name for each in fields(DeadLetter) if each.name not in JUDGED[:3])
CONTENT = ("known", "entity", "client", "currency", "period", "seconds", "money")
EXTRA = ("id", "place", "subject", "failed_us", "key_text")

Tell = Callable[[str], None]

_TABLES = f"""
CREATE TABLE letter ({", ".join((*OWN, *EXTRA, *CONTENT))});
CREATE TABLE act (place PRIMARY KEY, state, plan) WITHOUT ROWID;
CREATE TABLE answers (plan, partition, first, PRIMARY KEY (plan, partition)) WITHOUT ROWID;
CREATE TABLE receipt (subject PRIMARY KEY, partition, offset, at_ms, state) WITHOUT ROWID;
"""

_INDEXES = "CREATE INDEX by_subject ON letter (subject, buried_ms, offset)"

_STANDING = f"""
CREATE TABLE standing AS
WITH together AS (
  SELECT rowid AS letter, subject, place, buried_ms, count(*) OVER every AS failures,
         first_value(first_failed_at) OVER every AS first_failed_at, last_value(id) OVER every AS newest, id
  FROM letter
  WINDOW every AS (PARTITION BY subject ORDER BY buried_ms, offset
                   ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
SELECT letter, failures, first_failed_at, CASE WHEN newest = id THEN '' ELSE newest END AS again,
  CASE
    WHEN newest <> id THEN 'failed again'
    WHEN receipt.at_ms > buried_ms OR receipt.offset >= answers.first THEN receipt.state
    ELSE coalesce(act.state, 'open')
  END AS state
FROM together
LEFT JOIN receipt USING (subject)
LEFT JOIN act USING (place)
LEFT JOIN answers ON answers.plan = act.plan AND answers.partition = receipt.partition;
CREATE UNIQUE INDEX by_letter ON standing (letter);
CREATE VIEW catalogue AS
SELECT {", ".join(f"letter.{name}" for name in (*OWN, *EXTRA, *CONTENT) if name not in JUDGED)},
       {", ".join(f"standing.{name}" for name in JUDGED)}
FROM letter JOIN standing ON standing.letter = letter.rowid;
DROP TABLE act; DROP TABLE answers; DROP TABLE receipt;
"""
"""A final receipt counts when it is younger than the dead letter by the broker's clock, or, whatever the clocks say,
when it was written after a replay of this very dead letter began."""


def opened() -> sqlite3.Connection:
    """An empty catalogue."""
    return scratch.opened(_TABLES, CACHE_KB)


def collect(db: sqlite3.Connection, kafka: Kafka, components: Iterable[str], codec: Codec | None, tell: Tell) -> str:
    """Read everything. Without `codec` no value is decoded. Returns why worth is not known of all that could be read:
    "" unless the schema registry gave no answer. Raises Unavailable."""
    names, reading = list(components), _Worths(codec)
    topics = [f"dlq.{name}" for name in names]
    letters = _told(scan(kafka, topics), "dead letters read", tell)
    _insert(db, "letter", len(OWN) + len(EXTRA) + len(CONTENT), (_row(record, reading) for record in letters))
    db.execute(_INDEXES)
    if db.execute("SELECT 1 FROM letter LIMIT 1").fetchone():
        _states(db, kafka)
        _receipts(db, _told(scan(kafka, [RECEIPTS]), "receipts read", tell), frozenset(names))
    db.executescript(_STANDING)
    return reading.away


class _Worths:
    """Worth of records, until the registry does not answer: then it is not asked again, for each time takes long."""

    def __init__(self, codec: Codec | None) -> None:
        self._codec = codec
        self.away = ""

    def of(self, record: Record) -> Worth | None:
        if self._codec is None or self.away:
            return None
        try:
            return worth(self._codec, record)
        except Transient as error:
            self.away = error.why
            return None


def _row(record: Record, worths: _Worths) -> tuple[Any, ...]:
    letter, content = of_record(record), worths.of(record)
    own = [str(value) if name == "origin" else value for name in OWN for value in (getattr(letter, name),)]
    failed_us = int(failed_at(letter).timestamp() * 1_000_000)
    extra = (letter.id, str(letter.place), letter.subject.terminal, failed_us, key_text(letter.key))
    return (*own, *extra, *_content(content))


def _content(found: Worth | None) -> tuple[Any, ...]:
    if found is None:
        return 0, "", "", "", "", 0, "0"
    return 1, found.legal_entity, found.client_id, found.currency, found.period, found.seconds, str(found.money)


def _states(db: sqlite3.Connection, kafka: Kafka) -> None:
    plans: dict[bytes, Record] = {}
    for record in scan(kafka, [STATES]):
        if not is_state(record):
            plans[record.key or b""] = record
        elif (act := understood(record, read_state)) is None:
            db.execute("DELETE FROM act WHERE place = ?", ((record.key or b"").decode(),))
        else:
            db.execute("INSERT OR REPLACE INTO act VALUES (?, ?, ?)", (str(act.of), act.state, act.plan))
    for plan in folded(plans.values()).values():
        rows = [(plan.plan, int(partition), offset) for partition, offset in plan.receipts_from.items()]
        db.executemany("INSERT INTO answers VALUES (?, ?, ?)", rows)


def _receipts(db: sqlite3.Connection, records: Iterator[Record], components: frozenset[str]) -> None:
    """The last final receipt of each subject that has a dead letter."""
    rows = (
        (
            r.key,
            r.partition,
            r.offset,
            r.timestamp_ms,
            _CLOSED.get(event_of(r.header("ce_type") or ""), State.DELIVERED),
            r.key,
        )
        for r in records
        if r.value is not None
        and (about := parse_key(r.key))
        and about[1] == TERMINAL
        and about[0].component in components
    )
    while batch := list(islice(rows, AT_ONCE)):
        db.executemany(
            "INSERT OR REPLACE INTO receipt SELECT ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM letter WHERE subject = ?)",
            batch,
        )


def _insert(db: sqlite3.Connection, table: str, columns: int, rows: Iterator[Sequence[Any]]) -> None:
    values = ", ".join("?" * columns)
    while batch := list(islice(rows, AT_ONCE)):
        db.executemany(f"INSERT INTO {table} VALUES ({values})", batch)


def _told(records: Iterator[Record], what: str, tell: Tell) -> Iterator[Record]:
    for count, record in enumerate(records):
        if count % AT_ONCE == 0:
            tell(f"{count} {what}")
        yield record
