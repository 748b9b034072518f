"""What became of a replay: the receipts given since it began, one answer per record of the plan."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import Invalid
from psfabric.event import Record
from replay import progress as progresses
from replay.errors import NotThere
from replay.plan import Plan
from replay.reading import since
from replay.receipts import About, parse_key
from schemas import models

POLL = 0.5


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


@dataclass(frozen=True, slots=True)
class Verification:
    """`answers` by dead letter id, in the order of the plan; `in_time` is false when the deadline came first."""

    answers: dict[str, Answer]
    in_time: bool

    @property
    def counts(self) -> dict[Answer, int]:
        found = Counter(self.answers.values())
        return {answer: found[answer] for answer in Answer}

    @property
    def home(self) -> bool:
        """Every record is in its target, or need not be."""
        return all(answer in HOME for answer in self.answers.values())


def verify(
    kafka: Kafka,
    codec: Codec,
    plan: Plan,
    *,
    deadline: float,
    tell: Callable[[dict[Answer, int]], None] = lambda counts: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Verification:
    """Wait until every record has an answer that lasts, or `deadline` (by `clock`) has passed.

    Raises NotThere when the plan was never applied.
    """
    progress = progresses.all_progress(kafka).get(plan.hash)
    if progress is None:
        raise NotThere("this plan was not applied yet: run `psfabric replay apply` first")
    answers = dict.fromkeys((entry.subject for entry in plan.entries), Answer.UNKNOWN)
    starts = {(RECEIPTS, int(partition)): offset for partition, offset in progress.receipts_from.items()}
    while True:
        starts = _take(codec, answers, since(kafka, starts), starts)
        found = Verification({entry.id: answers[entry.subject] for entry in plan.entries}, in_time=True)
        tell(found.counts)
        if all(answer in SETTLED for answer in answers.values()):
            return found
        if clock() >= deadline:
            return Verification(found.answers, in_time=False)
        sleep(min(POLL, max(0.0, deadline - clock())))


def _take(
    codec: Codec, answers: dict[About, Answer], records: Iterable[Record], starts: dict[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """Note the answers and return where to read on. A terminal receipt is never undone by a state that follows."""
    reached = dict(starts)
    for record in records:
        reached[record.topic, record.partition] = record.offset + 1
        parsed = parse_key(record.key)
        if parsed is not None and parsed[0] in answers and answers[parsed[0]] not in HOME:
            answers[parsed[0]] = _answer(codec, record)
    return reached


def _answer(codec: Codec, record: Record) -> Answer:
    match record.header("ce_type"):
        case models.Superseded.CE_TYPE:
            return Answer.SUPERSEDED
        case models.Held.CE_TYPE:
            return Answer.HELD
        case models.Rejected.CE_TYPE:
            return Answer.FAILED_AGAIN
        case models.Delivered.CE_TYPE:
            return Answer.DUPLICATE if _duplicate(codec, record) else Answer.DELIVERED
        case _:
            return Answer.UNKNOWN


def _duplicate(codec: Codec, record: Record) -> bool:
    try:
        receipt = codec.data(record.value or b"")
    except Invalid:
        return False
    return isinstance(receipt, models.Delivered) and receipt.duplicate
