"""`dlq.<component>`: the original bytes, untouched, and why. The header format persists.

`__dlq.errors.*` are the names of KIP-1191, so that other tools read them; `fabric-dlq-*` are ours. On a second
failure ours are replaced and the first origin is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from psfabric.event import HeaderList, Record

LIMIT = 1024
"""Bytes a header value may have (DESIGN section 3)."""

THEIRS = "__dlq.errors."
OURS = "fabric-dlq-"
REDO = "fabric-redo-"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record is buried. `error_class` is the class of the code in schemas/codes.toml; instants are ISO text."""

    code: str
    error_class: str
    why: str
    stage: str
    component: str
    group: str
    exception: str
    delivery_count: int
    first_failed_at: str
    last_failed_at: str
    incident: str = ""


def origin(record: Record) -> Record:
    """The record under the coordinates where it was first read, whatever road it took since."""
    topic = record.header(THEIRS + "topic")
    partition, offset = record.header(THEIRS + "partition"), record.header(THEIRS + "offset")
    if not (topic and partition and offset and partition.isdigit() and offset.isdigit()):
        return record
    if not any(n.startswith((OURS, REDO)) for n, _ in record.headers):
        return record
    return Record(topic, int(partition), int(offset), record.key, record.value, record.headers, record.timestamp_ms)


def dead_letter_headers(record: Record, failure: Failure) -> HeaderList:
    """All headers of a dead letter: the record's own, then the two families."""
    first = origin(record)
    theirs = {
        "topic": first.topic,
        "partition": str(first.partition),
        "offset": str(first.offset),
        "group": failure.group,
        "delivery.count": str(failure.delivery_count),
        "message": failure.why,
    }
    ours = {
        "code": failure.code,
        "class": failure.error_class,
        "stage": failure.stage,
        "component": failure.component,
        "exception": failure.exception,
        "first-failed-at": record.header(OURS + "first-failed-at") or failure.first_failed_at,
        "last-failed-at": failure.last_failed_at,
        "incident": failure.incident,
    }
    return (
        *own_headers(record.headers),
        *((THEIRS + n, bounded(v)) for n, v in theirs.items()),
        *((OURS + n, bounded(v)) for n, v in ours.items()),
    )


def own_headers(headers: HeaderList) -> HeaderList:
    """What the record had before we buried or replayed it."""
    return tuple((n, v) for n, v in headers if not n.startswith((THEIRS, OURS, REDO)))


def bounded(text: str) -> bytes:
    """UTF-8 of at most 1 KiB, cut at a character; control characters that could split a header are spaces."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    encoded = clean.encode(errors="replace")
    return encoded if len(encoded) <= LIMIT else encoded[: LIMIT - 3].decode(errors="ignore").encode() + b"..."
