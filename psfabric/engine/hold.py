"""`hold.<component>`: what waits, why, and for what. The format persists.

A hold record is the original value and headers plus `fabric-hold-*`; its key names the origin, so the same record is
held once however often it is read: `<origin topic>/<partition>/<offset>`. A record without a value is held with an
empty one and `fabric-hold-null`, because in a compacted topic no value means that the entry is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from psfabric.engine.deadletter import bounded, origin
from psfabric.errors import Answer, Approval, At, Earlier, Operator, Parent, Period, Schema, Until
from psfabric.event import HeaderList, Record

PREFIX = "fabric-hold-"


@dataclass(slots=True)
class HoldEntry:
    """One waiting record, as kept in memory by the owner of its partition. Instants are epoch seconds."""

    hold_key: bytes
    record: Record
    until: Until
    since: float
    not_before: float = 0.0
    attempted_at: float = 0.0
    """When it was last handled: until then it may have been sent."""
    attempts: int = 0
    first_failed_at: float = 0.0


def hold_key(record: Record) -> bytes:
    return origin(record).coordinates.encode()


def hold_headers(
    record: Record,
    until: Until,
    why: str,
    since: float,
    attempted_at: float,
    attempts: int = 0,
    first_failed_at: float = 0.0,
) -> HeaderList:
    """The record's own headers and ours. `fabric-hold-key` is the original Kafka key, byte for byte."""
    null: HeaderList = ((PREFIX + "null", b"1"),) if record.value is None else ()
    failed: HeaderList = ()
    if attempts:
        failed = (
            (PREFIX + "attempts", str(attempts).encode()),
            (PREFIX + "first-failed-at", instant_text(first_failed_at).encode()),
        )
    return (
        *without_hold(record.headers),
        *null,
        (PREFIX + "key", record.key),
        (PREFIX + "code", bounded(why)),
        (PREFIX + "until", bounded(until_text(until))),
        (PREFIX + "since", instant_text(since).encode()),
        (PREFIX + "attempted-at", instant_text(attempted_at).encode()),
        *failed,
    )


def read_hold(stored: Record) -> HoldEntry:
    """The entry a hold record stands for. Raises ValueError when it is not one."""
    if stored.key is None:
        raise ValueError(f"hold record {stored.coordinates} has no key")
    topic, partition, offset = stored.key.decode().rsplit("/", 2)
    key = dict(stored.headers).get(PREFIX + "key")
    since = stored.header(PREFIX + "since") or ""
    value = None if stored.header(PREFIX + "null") else stored.value
    record = Record(topic, int(partition), int(offset), key, value, without_hold(stored.headers), stored.timestamp_ms)
    until = parse_until(stored.header(PREFIX + "until") or "operator")
    entry = HoldEntry(stored.key, record, until, parse_instant(since))
    entry.attempted_at = parse_instant(stored.header(PREFIX + "attempted-at") or since)
    attempts = stored.header(PREFIX + "attempts") or ""
    if attempts.isdigit():
        entry.attempts = int(attempts)
        entry.first_failed_at = parse_instant(stored.header(PREFIX + "first-failed-at") or since)
    return entry


def without_hold(headers: HeaderList) -> HeaderList:
    return tuple((n, v) for n, v in headers if not n.startswith(PREFIX))


def instant_text(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def until_text(until: Until) -> str:
    match until:
        case Parent():
            return f"parent:{until.entity}:{until.id}"
        case Period():
            return f"period:{until.entity}:{until.period}"
        case At():
            return f"at:{instant_text(until.instant.timestamp())}"
        case Approval():
            return f"approval:{until.id}"
        case Earlier():
            return f"earlier:{until.key}"
        case Operator():
            return "operator"
        case Schema():
            return f"schema:{until.id}{':unreachable' if until.unreachable else ''}"
        case Answer():
            return f"unknown:{instant_text(until.at.timestamp())}"


def parse_until(text: str) -> Until:
    """The inverse of `until_text`; an unknown kind (a newer release's) waits for an operator."""
    kind, _, rest = text.partition(":")
    match kind:
        case "parent":
            entity, _, id = rest.partition(":")
            return Parent(entity, id)
        case "period":
            entity, _, period = rest.rpartition(":")
            return Period(entity, period)
        case "at":
            return At(datetime.fromtimestamp(parse_instant(rest), UTC))
        case "approval":
            return Approval(rest)
        case "earlier":
            return Earlier(rest)
        case "schema":
            number, _, how = rest.partition(":")
            return Schema(int(number), unreachable=how == "unreachable")
        case "unknown":
            return Answer(datetime.fromtimestamp(parse_instant(rest), UTC))
        case _:
            return Operator()
