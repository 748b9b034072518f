"""`dlq.<component>`: the original bytes, untouched, and why. The header format persists.

`__dlq.errors.*` are the names of KIP-1191, so that other tools read them; `fabric-dlq-*` are ours. On a second
failure ours are replaced and the first origin is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b

from psfabric.event import HeaderList, Record

LIMIT = 1024
"""Bytes a header value may have (DESIGN section 3)."""

MARKER = b"barrier/"
"""Keys in hold topics that mark dead letters behind a barrier, not records."""

THEIRS = "__dlq.errors."
OURS = "fabric-dlq-"
REDO = "fabric-redo-"
_NAMES = (THEIRS, OURS, REDO)
REVISION = REDO + "revision"
"""On a replayed source record: the revision, in twenty digits, under which translate says its events again. A dead
letter of it keeps this one header of the replay, so that it is still that correction when it is sent again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record is buried. `error_class` is the class of the code in schemas/codes.toml; instants are ISO text.
    `principal`: who may write where the record came from, where that is known."""

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
    principal: str = ""


def origin(record: Record) -> Record:
    """The record under the coordinates where it was first read, whatever road it took since."""
    topic = record.header(THEIRS + "topic")
    partition, offset = record.header(THEIRS + "partition"), record.header(THEIRS + "offset")
    if not (topic and partition and offset and partition.isdigit() and offset.isdigit()):
        return record
    if not any(n.startswith((OURS, REDO)) for n, _ in record.headers):
        return record
    return Record(topic, int(partition), int(offset), record.key, record.value, record.headers, record.timestamp_ms)


def unforged(record: Record) -> Record:
    """A record of an input: what stands there under our names was said by its writer, who might be anybody. Believed,
    it would come from another place than it does, or close the dead letter of somebody else."""
    if any(name.startswith(_NAMES) for name, _ in record.headers):
        return record._replace(headers=own_headers(record.headers))
    return record


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
        **({"principal": failure.principal} if failure.principal else {}),
    }
    return (
        *own_headers(record.headers),
        *((THEIRS + n, bounded(v)) for n, v in theirs.items()),
        *((OURS + n, bounded(v)) for n, v in ours.items()),
        *revision_of(record.headers),
    )


def own_headers(headers: HeaderList) -> HeaderList:
    """What the record had before we buried or replayed it."""
    return tuple((n, v) for n, v in headers if not n.startswith(_NAMES))


def revision_of(headers: HeaderList) -> HeaderList:
    """The header of the replay that its record and every dead letter of it carry; none for any other record."""
    return tuple((n, v) for n, v in headers if n == REVISION)


def bounded(text: str) -> bytes:
    """UTF-8 of at most 1 KiB, cut at a character; control characters that could split a header are spaces."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    encoded = clean.encode(errors="replace")
    return encoded if len(encoded) <= LIMIT else encoded[: LIMIT - 3].decode(errors="ignore").encode() + b"..."


@dataclass(frozen=True, slots=True)
class Marker:
    """A dead letter that later records of its key wait behind, stored in `hold.<component>`. The format persists:
    key `barrier/<key hash>/<origin topic>/<partition>/<offset>`, value JSON; no value once it is resolved.

    `event`: the id of the event whose place it keeps, since an operator may have put another one there; "" when it is
    no event, or was written by a release that did not say.
    """

    key_hash: bytes
    topic: str
    partition: int
    offset: int
    event: str = ""

    @property
    def key(self) -> bytes:
        return MARKER + self.key_hash + f"/{self.topic}/{self.partition}/{self.offset}".encode()

    @property
    def order(self) -> tuple[str, int, int]:
        return (self.topic, self.partition, self.offset)

    def keeps(self, event: str) -> bool:
        """Whether it stands for this event, and not for one that took its place."""
        return self.event in ("", event)


def key_hash(key: bytes) -> bytes:
    """Hex of BLAKE2b-128: keys may be long, or carry what must not stand in a key of ours."""
    return blake2b(key, digest_size=16).hexdigest().encode()


def marker_of(record: Record) -> Marker:
    """The marker of a record with a key, wherever it was read from."""
    first = origin(record)
    event = record.header("ce_id") or ""
    return Marker(key_hash(first.key or b""), first.topic, first.partition, first.offset, event)


def marker_value(code: str, at: str, event: str = "") -> bytes:
    body = {"v": 1, "code": code, "at": at, **({"event": event} if event else {})}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def read_marker(stored: Record) -> Marker:
    """The marker that a record of a hold topic is. Raises ValueError when it is none."""
    key = stored.key or b""
    if not key.startswith(MARKER):
        raise ValueError(f"{stored.coordinates} is no barrier marker")
    hashed, _, place = key.removeprefix(MARKER).partition(b"/")
    topic, partition, offset = place.decode().rsplit("/", 2)
    return Marker(hashed, topic, int(partition), int(offset), _event_in(stored.value or b""))


def _event_in(value: bytes) -> str:
    """That a dead letter bars its key says the key of a marker; its value need not be one of ours."""
    try:
        body = json.loads(value)
    except ValueError:
        return ""
    return str(body.get("event", "")) if isinstance(body, dict) else ""
