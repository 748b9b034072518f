"""The pure part of the reference store: what a `ref.*` record means, how a value is kept, how far a copy has come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from psfabric.event import Record


class Tp(NamedTuple):
    """A topic partition."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"

    @classmethod
    def parse(cls, text: str) -> Tp:
        topic, _, partition = text.rpartition("/")
        return cls(topic, int(partition))


@dataclass(frozen=True, slots=True)
class Stamp:
    """How far the copy has come: per partition the next offset to apply. `complete` once every partition has reached
    the end that was read when loading began."""

    token: str
    complete: bool
    positions: Mapping[Tp, int] = field(default_factory=dict)

    def passed(self, topic: str, partition: int, offset: int) -> bool:
        """Whether the record at `offset` is in the copy."""
        return self.positions.get(Tp(topic, partition), 0) > offset


@dataclass(frozen=True, slots=True)
class Stored:
    """One value as kept: the framed bytes of the record and where they came from."""

    value: bytes
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Item:
    """One value to keep under `key` (`<entity>:<id>`); `value` None is a deletion, which is remembered."""

    key: str
    partition: int
    offset: int
    value: bytes | None

    @property
    def rank(self) -> tuple[int, int]:
        """What must never go back. A key lives on one partition, so the offset decides; the partition only makes the
        outcome the same in every order of arrival should somebody have produced with another partitioner."""
        return (self.offset, self.partition)

    @property
    def size(self) -> int:
        return len(self.key) + len(self.value or b"") + 32


_ENTITY = re.compile(r"ref\.([a-z][a-z0-9_-]*)")
_STORED = re.compile(rb"(\d+) (\d+) ([01])\n")


def item_of(record: Record) -> Item | None:
    """The value a record of `ref.<entity>` sets, or None when its key is not `<entity>:<id>` (nobody could find it)."""
    topic = _ENTITY.fullmatch(record.topic)
    if topic is None or record.key is None:
        return None
    try:
        key = record.key.decode()
    except UnicodeDecodeError:
        return None
    entity, _, id_ = key.partition(":")
    if entity != topic[1] or not id_:
        return None
    return Item(key, record.partition, record.offset, record.value)


def newest(items: Iterable[Item]) -> list[Item]:
    """One item per key, the highest rank, in order of first appearance."""
    best: dict[str, Item] = {}
    for item in items:
        known = best.get(item.key)
        if known is None or item.rank > known.rank:
            best[item.key] = item
    return list(best.values())


def chunks(items: Sequence[Item], count: int, size: int) -> Iterator[list[Item]]:
    """Runs of at most `count` items and about `size` bytes; a larger single item is a run of its own."""
    run: list[Item] = []
    held = 0
    for item in items:
        if run and (len(run) >= count or held + item.size > size):
            yield run
            run, held = [], 0
        run.append(item)
        held += item.size
    if run:
        yield run


def parse_stored(raw: bytes) -> Stored | None:
    """Undo what the loader's script writes: `<partition> <offset> <1 present, 0 deleted>\\n<bytes>`.

    None for a deletion. Raises ValueError for anything else.
    """
    head = _STORED.match(raw)
    if head is None:
        raise ValueError("not a value of the reference store")
    if head[3] == b"0":
        return None
    return Stored(raw[head.end() :], int(head[1]), int(head[2]))


def stamp_of(answer: Sequence[bytes]) -> Stamp:
    """Read the answer of the STAMP script."""
    names, numbers = answer[3::2], answer[4::2]
    positions = {Tp.parse(name.decode()): int(at) for name, at in zip(names, numbers, strict=True)}
    return Stamp(answer[1].decode(), answer[2] == b"1", positions)
