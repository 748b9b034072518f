"""`fabric.cursors`: how far each polled source has been read, and which process reads it. The formats persist.

Key `<source>`: the cursor as the source gave it; no record: it is read from its beginning. Key `reader/<source>`: the
process that reads, renewed while it does; no record: nobody does. Blocking.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.event import Record
from psfabric.kafka import Fenced, Transactions, latest, read_settled
from psfabric.stored import understood

CURSORS = "fabric.cursors"
FORMAT = 1

READS, STOPPED = "reads", "stopped"

Place = tuple[int, int]
"""Partition and offset of a record in `fabric.cursors`."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`who` is unique to one run of one process; `state` is reads or stopped, `why` it stopped; `at` is ISO text."""

    who: str
    state: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of one source. The places change whenever something is written anew, equal or not."""

    cursor: str | None
    reader: Reader | None
    cursor_place: Place | None
    reader_place: Place | None


def transactional_id(source: str) -> str:
    return f"source.{source}"


def standing(kafka: Kafka, source: str) -> Standing:
    """As committed now. Raises Unavailable; Misconfigured for a record of a newer release."""
    return standings(read_settled(kafka, CURSORS), [source])[source]


def standings(records: Sequence[Record], sources: Sequence[str]) -> dict[str, Standing]:
    """The same of several sources; `records` is all of the topic, in order within a partition."""
    places = {record.key: (record.partition, record.offset) for record in records}
    stored = latest(records)

    def one(source: str) -> Standing:
        own, reading = source.encode(), _reader_key(source)
        cursor, reader = stored.get(own), stored.get(reading)
        return Standing(
            None if cursor is None else (cursor.value or b"").decode(),
            None if reader is None else understood(reader, _reader),
            places.get(own),
            places.get(reading),
        )

    return {source: one(source) for source in sources}


def cursor_write(source: str, cursor: str | None) -> Write:
    """None: the source is read from its beginning."""
    return Write(CURSORS, source.encode(), None if cursor is None else cursor.encode())


def reader_write(source: str, reader: Reader | None) -> Write:
    """None: nobody reads it, so whoever stands by may begin at once."""
    body = None if reader is None else json.dumps({"v": FORMAT, **asdict(reader)}, sort_keys=True).encode()
    return Write(CURSORS, _reader_key(source), body)


def move(
    kafka: Kafka, source: str, cursor: str | None, store: Callable[[Sequence[Write]], object] | None = None
) -> None:
    """Set the cursor, or with None forget it; whoever reads the source begins again there.

    `store` makes the writes durable in a transaction of its own, together with what belongs to them. Whoever reads is
    fenced before, so that a page that is being stored is given up, never half of it. One that began again since may
    have read the old cursor, so it is fenced once more, and the new one is written over what it stored.
    Raises Unavailable, Indefinite, WriteFailed, and what `store` raises.
    """
    writes = [cursor_write(source, cursor), reader_write(source, None)]
    transactions = Transactions(kafka, transactional_id(source))
    try:
        transactions.begin()
        if store is None:
            transactions.write(writes)
            return
        store(writes)
        try:
            transactions.write([reader_write(source, None)])
        except Fenced:
            transactions.begin()
            transactions.write(writes)
    finally:
        transactions.close()


def _reader_key(source: str) -> bytes:
    return f"reader/{source}".encode()


def _reader(record: Record) -> Reader:
    body = json.loads(record.value or b"")
    if body.pop("v") != FORMAT:
        raise ValueError(f"the reader of a source in a newer format; this release reads {FORMAT}")
    return Reader(**body)
