"""One dead letter as it lies in `dlq.*`: what its headers say, and its bytes when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby

from psfabric.connection import Kafka
from psfabric.engine.deadletter import OURS, THEIRS, origin
from psfabric.event import Record
from psfabric.kafka.reader import read
from psfabric.stages import about_id
from replay.reading import Place, walk
from replay.receipts import About
from replay.states import UNSETTLED, State

IMPORTED = OURS + "imported"
"""Header of an imported dead letter: where it lay before, and when the broker stored it there (`<place>@<ms>`)."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter, without its value. Instants are ISO text in UTC; `key` is the original Kafka key.

    `type` is the event type, "" for a record as received; `aggregate_id` is "" when no header says it; `failures`
    counts the dead letters of the same subject; `again` is the id of the newest of them where this one is older.
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
    incident: str = ""
    failures: int = 1
    state: State = State.OPEN
    again: str = ""

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
        """Whether it still wants somebody's eye: nobody did anything about it, or what was replayed gave no answer."""
        return self.state in UNSETTLED


def records_of(kafka: Kafka, letters: Iterable[DeadLetter]) -> Iterator[tuple[DeadLetter, Record | None]]:
    """Each dead letter with its record as stored in the dlq topic, as they lie there, each partition read once; at the
    end, with None, those that retention has removed since."""
    waiting = {letter.place: letter for letter in letters}
    for place, record in walk(kafka, list(waiting)):
        yield waiting.pop(place), record
    yield from ((letter, None) for letter in waiting.values())


def originals(kafka: Kafka, letters: Iterable[DeadLetter]) -> Iterator[Record]:
    """The records of dead letters that are given in the order in which they lie, read in one go for each partition; one
    that retention has removed is left out."""
    for (topic, partition, _), group in groupby(letters, key=lambda letter: letter.place._replace(offset=0)):
        offsets = (letter.offset for letter in group)
        wanted = next(offsets, None)
        with closing(read(kafka, [(topic, partition)], {(topic, partition): wanted or 0})) as records:
            for record in records:
                while wanted is not None and wanted < record.offset:
                    wanted = next(offsets, None)
                if wanted is None:
                    break
                if wanted == record.offset:
                    yield record


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
        buried_ms=_buried_ms(record),
        value_hash=value_hash(record.value),
        incident=record.header(OURS + "incident") or "",
    )


def _buried_ms(record: Record) -> int:
    """An imported one is as old as it was: receipts of that time still count."""
    _, _, before = (record.header(IMPORTED) or "").rpartition("@")
    return int(before) if before.isascii() and before.isdigit() else record.timestamp_ms


def event_type(record: Record) -> str:
    """The short type of an event's record; "" for a record as received."""
    return short_type(record.header("ce_type") or "")


def short_type(ce_type: str) -> str:
    """`enriched.time.TimeApproved` of `psf.enriched.time.TimeApproved.v1`."""
    return ce_type.removeprefix("psf.").rpartition(".v")[0]


def value_hash(value: bytes | None) -> str | None:
    """Hex of BLAKE2b-256 over the value's bytes; None for a null value."""
    return None if value is None else blake2b(value, digest_size=32).hexdigest()
