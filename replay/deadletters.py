"""What lies in `dlq.*`: each dead letter from its headers alone, and whether it is still open.

A dead letter is closed when its subject has a terminal receipt younger than it (the broker stamps dlq topics on
append), or when an operator discarded it. Several dead letters of one subject (component, event) are one failure that
came again: only the newest counts. Values are hashed and let go, so that listing needs memory per dead letter, not per
byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice

from psfabric.connection import Kafka
from psfabric.engine.deadletter import OURS, THEIRS, origin
from psfabric.event import Record
from psfabric.stages import about_id
from psfabric.stored import understood
from replay.progress import TOPIC as STATES
from replay.reading import Place, fetch, scan
from replay.receipts import About, terminals

OPEN, DELIVERED, DISCARDED = "open", "delivered", "discarded"
FETCH = 500
"""Records kept in memory at once by `records_of`."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter, without its value. Instants are ISO text in UTC; `key` is the original Kafka key.

    `type` is the event type, "" for a record as received; `aggregate_id` is "" when no header says it; `failures`
    counts the dead letters of the same subject; `state` is open, delivered or discarded.
    """

    component: str
    partition: int
    offset: int
    code: str
    error_class: str
    stage: str
    message: str
    exception: str
    origin: Place
    about: str
    type: str
    aggregate_id: str
    key: bytes | None
    first_failed_at: str
    last_failed_at: str
    buried_ms: int
    value_hash: str | None
    failures: int = 1
    state: str = OPEN

    @property
    def id(self) -> str:
        return f"{self.component}/{self.partition}/{self.offset}"

    @property
    def place(self) -> Place:
        return Place(f"dlq.{self.component}", self.partition, self.offset)

    @property
    def subject(self) -> About:
        return About(self.component, self.about)

    @property
    def open(self) -> bool:
        return self.state == OPEN


def dead_letters(kafka: Kafka, components: Iterable[str]) -> list[DeadLetter]:
    """The newest dead letter of each subject, open or closed, oldest first. Raises Unavailable."""
    newest: dict[About, DeadLetter] = {}
    for record in scan(kafka, [f"dlq.{name}" for name in components]):
        letter = of_record(record)
        known = newest.get(letter.subject)
        if known is not None:
            older, letter = sorted((known, letter), key=lambda each: (each.buried_ms, each.offset))
            letter = replace(letter, failures=known.failures + 1, first_failed_at=older.first_failed_at)
        newest[letter.subject] = letter
    return sorted(_judged(kafka, newest), key=lambda each: (each.buried_ms, each.id))


def open_dead_letters(kafka: Kafka, components: Iterable[str]) -> list[DeadLetter]:
    """Those of `dead_letters` that still wait for somebody."""
    return [letter for letter in dead_letters(kafka, components) if letter.open]


def records_of(kafka: Kafka, letters: Iterable[DeadLetter]) -> Iterator[tuple[DeadLetter, Record | None]]:
    """Each dead letter with its record as stored in the dlq topic; None when retention has removed it since."""
    rest = iter(letters)
    while batch := list(islice(rest, FETCH)):
        found = fetch(kafka, [letter.place for letter in batch])
        for letter in batch:
            yield letter, found.get(letter.place)


def of_record(record: Record) -> DeadLetter:
    """A dead letter from one record of a dlq topic; a header that is missing is ""."""
    first = origin(record)
    return DeadLetter(
        component=record.topic.removeprefix("dlq."),
        partition=record.partition,
        offset=record.offset,
        code=record.header(OURS + "code") or "",
        error_class=record.header(OURS + "class") or "",
        stage=record.header(OURS + "stage") or "",
        message=record.header(THEIRS + "message") or "",
        exception=record.header(OURS + "exception") or "",
        origin=Place(first.topic, first.partition, first.offset),
        about=about_id(first),
        type=event_type(record),
        aggregate_id=record.header("ce_subject") or "",
        key=record.key,
        first_failed_at=record.header(OURS + "first-failed-at") or "",
        last_failed_at=record.header(OURS + "last-failed-at") or "",
        buried_ms=record.timestamp_ms,
        value_hash=value_hash(record.value),
    )


def event_type(record: Record) -> str:
    """`enriched.time.TimeApproved` of `psf.enriched.time.TimeApproved.v1`; "" for a record as received."""
    return (record.header("ce_type") or "").removeprefix("psf.").rpartition(".v")[0]


def value_hash(value: bytes | None) -> str | None:
    """Hex of BLAKE2b-256 over the value's bytes; None for a null value."""
    return None if value is None else blake2b(value, digest_size=32).hexdigest()


def _judged(kafka: Kafka, newest: dict[About, DeadLetter]) -> Iterator[DeadLetter]:
    if not newest:
        return
    receipts = terminals(kafka, {subject.terminal for subject in newest})
    discarded = _discarded(kafka)
    for subject, letter in newest.items():
        receipt = receipts.get(subject.terminal)
        final = receipt is not None and receipt.at_ms > letter.buried_ms
        if str(letter.place) in discarded or (final and receipt is not None and receipt.discarded):
            yield replace(letter, state=DISCARDED)
        elif final:
            yield replace(letter, state=DELIVERED)
        else:
            yield letter


def _discarded(kafka: Kafka) -> set[str]:
    """Places that `fabric.dlq-state` calls discarded."""
    found: set[str] = set()
    for record in scan(kafka, [STATES]):
        key = (record.key or b"").decode(errors="replace")
        if key.startswith("dlq."):
            discarded = record.value is not None and understood(record, _state) == DISCARDED
            (found.add if discarded else found.discard)(key)
    return found


def _state(record: Record) -> str:
    return str(json.loads(record.value or b"").get("state"))
