"""From a record's headers to a neutral dead letter. The newest failure counts; the first is kept where it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from psfabric.event import HeaderList, Record
from replay.deadletters import event_type, value_hash
from replay.dialects.declared import DIALECTS
from replay.dialects.dialect import Dialect, Part
from replay.dialects.values import BINARY, Reader, Value, instant

UNKNOWN = "unknown"
"""Dialect of a record that has the headers of none."""

_NEUTRAL = {
    "topic", "partition", "offset", "group", "stage", "code", "exception", "message", "first_failed_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the failure read the record, and the consumer group that failed; None for what is not known."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, told neutrally. `details` is what only its dialect knows, `derived` names the fields that no header
    carries but follow from those that do, `notes` say which headers could not be read."""

    dialect: str = UNKNOWN
    origin: Origin = Origin()
    stage: str | None = None
    code: str | None = None
    exception: str | None = None
    message: str | None = None
    first_failed_at: str | None = None
    details: Mapping[str, Value] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its value, whoever wrote it. `failure` is the newest, `first` the first where several are
    told of. `timestamp_ms` is Kafka's field: of some dialects that of the record before it failed. `type` is the event
    type where the record is an event of ours."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value_size: int | None
    value_hash: str | None
    type: str
    failure: Failure
    first: Failure | None

    @property
    def id(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def timestamp(self) -> str | None:
        return instant(self.timestamp_ms)

    @property
    def first_failed_at(self) -> str | None:
        """As the failure tells it that knows the oldest."""
        first = self.first.first_failed_at if self.first is not None else None
        return first or self.failure.first_failed_at

    @property
    def source(self) -> Origin:
        """Where the record was read before it ever failed, as far as it is told."""
        return (self.first or self.failure).origin


def letter_of(record: Record) -> Letter:
    """Never raises, whatever the headers hold."""
    first, newest = _failures(record.headers)
    return Letter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key=record.key,
        value_size=None if record.value is None else len(record.value),
        value_hash=value_hash(record.value),
        type=event_type(record),
        failure=newest,
        first=first,
    )


def own_headers(headers: HeaderList) -> HeaderList:
    """What the record had before it failed: all but the headers of the dialects that it is of."""
    found = _present(headers)
    return tuple((name, value) for name, value in headers if not any(at in found for at in _dialects_of(name)))


def decoded(name: str, value: bytes | None) -> Value | None:
    """A header for people: a number that its dialect writes in binary as a number, anything else as text."""
    if value is None:
        return None
    read = _binary().get(name)
    if read is not None:
        with suppress(ValueError):
            return read(value)
    return value.decode(errors="backslashreplace")


@lru_cache(maxsize=1)
def _binary() -> dict[str, Reader]:
    fields = [each for dialect in DIALECTS for part in dialect.parts for each in part.fields]
    return {name: each.read for each in fields if each.read in BINARY for name in each.headers}


def _failures(headers: HeaderList) -> tuple[Failure | None, Failure]:
    """The first failure, when it is not the newest, and the newest. Each framework appends, so the dialect of the last
    header is that of the newest."""
    found = _present(headers)
    if not found:
        return None, Failure()
    order = sorted(found, key=lambda at: found[at])
    oldest, newest = DIALECTS[order[0]], DIALECTS[order[-1]]
    count = _count(newest, headers)
    single = oldest is newest and count == 1
    return None if single else _failure(oldest, headers, 0), _failure(newest, headers, count - 1)


def _present(headers: HeaderList) -> dict[int, int]:
    """The dialects that the record is of, by their place in the table, each with the place of its last header."""
    last: dict[int, int] = {}
    for at, (name, _) in enumerate(headers):
        last |= dict.fromkeys(_dialects_of(name), at)
    return {each: at for each, at in last.items() if DIALECTS[each].present(headers)}


@lru_cache(maxsize=4096)
def _dialects_of(name: str) -> tuple[int, ...]:
    """Of which dialects a header of that name may be."""
    return tuple(at for at, dialect in enumerate(DIALECTS) if any(_fits(name, each) for each in dialect.families))


def _fits(name: str, family: str) -> bool:
    return name.startswith(family[:-1]) if family.endswith("*") else name == family


def _count(dialect: Dialect, headers: HeaderList) -> int:
    """How many failures the dialect tells of: each begins with the anchor of its first part."""
    return sum(name in dialect.parts[0].anchor for name, _ in headers) or 1


def _failure(dialect: Dialect, headers: HeaderList, number: int) -> Failure:
    """The failure of that number, the oldest being 0. Blocks are counted from the newest: a part that is renewed has
    only that one left."""
    before = _count(dialect, headers) - number
    found, notes = dict[str, Value](), list[str]()
    for part in dialect.parts:
        blocks = list(_blocks(part, headers))
        if before <= len(blocks):
            _read(part, blocks[-before], found, notes)
    found |= dialect.derive(found)
    return Failure(
        dialect=dialect.name,
        origin=Origin(_text(found, "topic"), _int(found, "partition"), _int(found, "offset"), _text(found, "group")),
        stage=_text(found, "stage"),
        code=_text(found, "code"),
        exception=_text(found, "exception"),
        message=_text(found, "message"),
        first_failed_at=_text(found, "first_failed_at"),
        details={name: value for name, value in found.items() if name not in _NEUTRAL},
        derived=tuple(name for name in dialect.derives if name in found),
        notes=tuple(notes),
    )


def _blocks(part: Part, headers: HeaderList) -> Iterator[HeaderList]:
    """The headers of each failure, oldest first; all in one where no anchor tells."""
    starts = [at for at, (name, _) in enumerate(headers) if name in part.anchor] or [0]
    if not part.renewed:
        starts[0] = 0
    for begin, end in pairwise([*starts, len(headers)]):
        yield headers[begin:end]


def _read(part: Part, block: HeaderList, found: dict[str, Value], notes: list[str]) -> None:
    last = {name: (at, value) for at, (name, value) in enumerate(block)}
    for each in part.fields:
        there = [(*last[name], name) for name in each.headers if name in last]
        if not there:
            continue
        _, value, name = max(there, key=lambda one: one[0])
        if value is None:
            notes.append(f"{name} is null")
            continue
        try:
            found[each.name] = each.read(value)
        except ValueError as wrong:
            notes.append(f"{name} {wrong}")


def _text(found: Mapping[str, Value], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


def _int(found: Mapping[str, Value], name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) else None
