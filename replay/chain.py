"""Whether the audit trail is as it was written: which row was altered, replaced, removed, doubled, moved or put in.

A row cannot be altered without its own hash showing it, nor replaced or removed without the row after it. What nothing
in the log can show is that its last rows were cut off, or that all of it was written anew: a hash that somebody noted
earlier, elsewhere, shows that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from replay.operations import hash_before, read_operation


class Stored(NamedTuple):
    """One record as it lies in the log, or in an exported file; `place` says where: `offset 12`, `line 3`."""

    place: str
    key: bytes | None
    value: bytes | None


class What(StrEnum):
    ALTERED = "altered"
    REPLACED = "replaced"
    MISSING = "missing"
    DOUBLED = "doubled"
    OUT_OF_ORDER = "out of order"
    OUTSIDE = "outside the chain"
    UNREADABLE = "unreadable"
    CUT = "cut off"


class Finding(NamedTuple):
    """`row` is the number of the row it is about, None where it is about none, or about those before the chain."""

    what: What
    row: int | None
    place: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verified:
    """`rows` of the chain that are as written, the last of them `last` with the hash `head` (0 and "" without any), and
    `earlier` records before the chain. `noted`: number of the row whose hash was noted, None when it is not there."""

    rows: int
    earlier: int
    last: int
    head: str
    noted: int | None
    findings: Sequence[Finding]


def verify(log: Iterable[Stored], noted: str = "") -> Verified:
    """Look through a log from its beginning to its end; keeps some hundred bytes for each row.

    `noted`: hash of a row that was the last once, or how it begins.
    """
    before, links = _parted([_link(stored) for stored in log])
    walk = _Walk()
    findings = [*_unreadable_before(before), *walk.through(links), *walk.missing(), *walk.replaced(before)]
    at = next((link.seq for link in walk.sound.values() if noted and link.hash.startswith(noted)), None)
    if noted and at is None:
        sentence = f"no row has the hash {noted}: it was cut off with all behind it, or the log was written anew"
        findings.append(Finding(What.CUT, None, "", sentence))
    last = max(walk.sound, default=0)
    return Verified(len(walk.sound), len(before), last, walk.sound[last].hash if last else "", at, findings)


@dataclass(frozen=True, slots=True)
class _Link:
    """What is kept of a record: of a row of the chain its number and hashes, of any other its bytes.

    `wrong` says why it is no row as written.
    """

    place: str
    wrong: str = ""
    seq: int = 0
    prev: str = ""
    hash: str = ""
    bytes: tuple[bytes | None, bytes | None] = (None, None)

    @property
    def sound(self) -> bool:
        return bool(self.seq) and not self.wrong


def _link(stored: Stored) -> _Link:
    raw = (stored.key, stored.value)
    try:
        row = read_operation(*raw)
    except ValueError as error:
        return _Link(stored.place, str(error), bytes=raw)
    if not row.seq:
        return _Link(stored.place, bytes=raw)
    wrong = "" if row.hash == row.digest() else "its hash is not that of what it says"
    return _Link(stored.place, wrong, row.seq, row.prev, row.hash)


def _parted(links: Sequence[_Link]) -> tuple[Sequence[_Link], Sequence[_Link]]:
    """What stands before the chain, and the chain. What cannot be read belongs to it where its first rows lack."""
    first = next((at for at, link in enumerate(links) if link.seq), len(links))
    sound = next((at for at, link in enumerate(links) if link.sound), 0)
    while first and links[first - 1].wrong and sound - first < links[sound].seq - 1:
        first -= 1
    return links[:first], links[first:]


def _unreadable_before(before: Sequence[_Link]) -> Iterator[Finding]:
    for link in before:
        if link.wrong:
            sentence = f"before the chain is no row of an earlier release: {link.wrong}"
            yield Finding(What.UNREADABLE, None, link.place, sentence)


class _Walk:
    """`sound`: by number the rows that are as written. Where one belongs that is not, its number is in `spoilt`."""

    def __init__(self) -> None:
        self.sound: dict[int, _Link] = {}
        self.spoilt: set[int] = set()

    def through(self, links: Iterable[_Link]) -> Iterator[Finding]:
        """In the order of the log: what was altered, put in, doubled or moved."""
        last, others = 0, list[_Link]()
        for link in links:
            if not link.sound:
                others.append(link)
                continue
            yield from self._between(last, others, link.seq)
            yield from self._again(link, last)
            self.sound.setdefault(link.seq, link)
            last, others = max(last, link.seq), []
        yield from self._between(last, others, None)

    def _again(self, link: _Link, last: int) -> Iterator[Finding]:
        known = self.sound.get(link.seq)
        if known is not None:
            how = "the same as at" if known.hash == link.hash else "another than at"
            yield Finding(What.DOUBLED, link.seq, link.place, f"row {link.seq} is there again, {how} {known.place}")
        elif link.seq < last:
            yield Finding(What.OUT_OF_ORDER, link.seq, link.place, f"row {link.seq} stands behind row {last}")

    def _between(self, last: int, others: Iterable[_Link], following: int | None) -> Iterator[Finding]:
        """What is no sound row stands for the next number that lacks, as long as one does."""
        number = last
        for link in others:
            after = f"behind row {last}" if last else "before row 1"
            if not link.wrong:
                sentence = f"{after} is a row of an earlier release, which does not write the chain on"
                yield Finding(What.OUTSIDE, None, link.place, sentence)
            elif following is not None and number + 1 >= following:
                yield Finding(What.OUTSIDE, None, link.place, f"{after} is something put in: {link.wrong}")
            else:
                number += 1
                self.spoilt.add(number)
                what = What.ALTERED if link.seq or following else What.UNREADABLE
                yield Finding(what, number, link.place, f"where row {number} belongs: {link.wrong}")

    def missing(self) -> Iterator[Finding]:
        """Numbers below the last that no row has, neighbours in one finding."""
        there, expected = {*self.sound, *self.spoilt}, 1
        for number in sorted(there):
            if number > expected:
                rows = f"row {expected} is" if number == expected + 1 else f"rows {expected} to {number - 1} are"
                yield Finding(What.MISSING, expected, "", f"{rows} missing")
            expected = number + 1

    def replaced(self, before: Sequence[_Link]) -> Iterator[Finding]:
        """Each row says the hash of the one before it, the first that of all before the chain."""
        for number, link in sorted(self.sound.items()):
            if number == 1 and link.prev != hash_before(each.bytes for each in before):
                yield Finding(What.REPLACED, None, "", _not_as_before(before))
            neighbour = self.sound.get(number - 1)
            if neighbour is not None and link.prev != neighbour.hash:
                sentence = f"row {number} was written behind another row {number - 1}, which was replaced since"
                yield Finding(What.REPLACED, number - 1, neighbour.place, sentence)


def _not_as_before(before: Sequence[_Link]) -> str:
    found = (
        f"what stands before the chain ({len(before)} records)" if before else "that nothing stands before the chain"
    )
    return f"{found} is not as it was when row 1 was written: a row was altered, removed, moved or put in"
