"""The answers to a replay: what the receipts given since it began say of each of its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from psfabric.codec import Codec
from psfabric.errors import Invalid
from psfabric.event import Record
from replay.applying import Tally
from replay.receipts import About, parse_key
from schemas import event_of, models


class Answer(StrEnum):
    DELIVERED = "delivered"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    FAILED_AGAIN = "failed again"
    HELD = "held"
    UNKNOWN = "unknown"


HOME = frozenset({Answer.DELIVERED, Answer.DUPLICATE, Answer.SUPERSEDED})
SETTLED = HOME | {Answer.FAILED_AGAIN}
"""What does not change by waiting longer; a held record goes on when what it waits for is there."""


class Answers:
    """One answer for each record of a plan, in its sending order. What is sent to a topic that no component of ours
    reads (component "") is answered by nobody.

    Only a receipt's value tells a duplicate; without a `codec` it counts as delivered, and no registry is asked.
    """

    def __init__(self, codec: Codec | None, subjects: Iterable[About]) -> None:
        self._codec = codec
        self._places: dict[About, list[int]] = {}
        for place, subject in enumerate(subjects):
            self._places.setdefault(subject, []).append(place)
        self._given = [Answer.UNKNOWN] * sum(map(len, self._places.values()))
        self._answerable = [False] * len(self._given)
        for subject, places in self._places.items():
            for place in places:
                self._answerable[place] = bool(subject.component)
        self._counts = Counter(self._given)
        self._mark, self._since = 0, Counter(self._given)

    def take(self, record: Record) -> None:
        """Note what a record of `psf.delivery` says. A terminal receipt is never undone by a state that follows."""
        parsed = parse_key(record.key)
        if parsed is None or parsed[0] not in self._places:
            return
        for place in self._places[parsed[0]]:
            before = self._given[place]
            if before not in HOME:
                self._note(place, before, _answer(self._codec, record))

    def mark(self, place: int) -> None:
        """From where on `since` counts."""
        if place != self._mark:
            self._mark, self._since = place, Counter(self._given[place:])

    def of(self, start: int, end: int) -> Tally:
        """Of the records number `start` to `end`, which should be few."""
        given = [self._given[place] for place in range(start, end) if self._answerable[place]]
        answered = sum(answer is not Answer.UNKNOWN for answer in given)
        return Tally(len(given), answered, sum(answer is Answer.FAILED_AGAIN for answer in given))

    @property
    def since(self) -> Tally:
        """Of all records from the mark on."""
        expected = len(self._given) - self._mark
        return Tally(expected, expected - self._since[Answer.UNKNOWN], self._since[Answer.FAILED_AGAIN])

    @property
    def counts(self) -> dict[Answer, int]:
        return {answer: self._counts[answer] for answer in Answer}

    @property
    def summary(self) -> dict[str, int]:
        """The counts, with all that are home as one."""
        home = sum(self._counts[answer] for answer in HOME)
        others = (Answer.FAILED_AGAIN, Answer.HELD, Answer.UNKNOWN)
        return {"home": home, **{str(answer): self._counts[answer] for answer in others}}

    @property
    def given(self) -> Sequence[Answer]:
        return self._given

    @property
    def settled(self) -> bool:
        """Nothing changes any more by waiting."""
        return sum(self._counts[answer] for answer in SETTLED) == len(self._given)

    @property
    def home(self) -> bool:
        """Every record is in its target, or need not be."""
        return sum(self._counts[answer] for answer in HOME) == len(self._given)

    def _note(self, place: int, before: Answer, now: Answer) -> None:
        self._given[place] = now
        for counter in (self._counts, self._since) if place >= self._mark else (self._counts,):
            counter[before] -= 1
            counter[now] += 1


def _answer(codec: Codec | None, record: Record) -> Answer:
    match event_of(record.header("ce_type") or ""):
        case models.Superseded.EVENT:
            return Answer.SUPERSEDED
        case models.Held.EVENT:
            return Answer.HELD
        case models.Rejected.EVENT | models.Discarded.EVENT | models.Amended.EVENT:
            return Answer.FAILED_AGAIN  # also what an operator gave up, or put another event in the place of
        case models.Delivered.EVENT:
            return Answer.DUPLICATE if _duplicate(codec, record) else Answer.DELIVERED
        case _:
            return Answer.UNKNOWN


def _duplicate(codec: Codec | None, record: Record) -> bool:
    if codec is None:
        return False
    try:
        receipt = codec.data(record.value or b"")
    except Invalid:
        return False
    return isinstance(receipt, models.Delivered) and receipt.duplicate
