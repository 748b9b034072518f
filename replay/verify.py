"""What became of a replay: the receipts given since it began, one answer per record of the plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from psfabric.codec import Codec
from psfabric.connection import Kafka
from replay.answers import HOME, SETTLED, Answer, Answers
from replay.errors import NotThere
from replay.plan import Plan
from replay.watching import Watch

__all__ = ["HOME", "SETTLED", "Answer", "Verification", "verify"]

POLL = 0.5


@dataclass(frozen=True, slots=True)
class Verification:
    """`answers` by dead letter id, in the order of the plan; `in_time` is false when the deadline came first."""

    answers: dict[str, Answer]
    counts: dict[Answer, int]
    in_time: bool

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
) -> Verification:
    """Wait until every record has an answer that lasts, or `deadline` (by `clock`) has passed.

    Receipts are read once, each poll what is new. Raises NotThere when the plan was never applied.
    """
    watch = Watch(kafka, plan.hash, clock)
    try:
        answers = _caught_up(watch, codec, plan, tell)
        while not answers.settled and clock() < deadline:
            watch.look(min(POLL, max(0.0, deadline - clock())))
            tell(answers.counts)
    finally:
        watch.close()
    given = {entry.id: answer for entry, answer in zip(plan.entries, answers.given, strict=True)}
    return Verification(given, answers.counts, answers.settled)


def answered(kafka: Kafka, plan: Plan) -> dict[str, int]:
    """What was answered by now: records that are home, failed again, are held, or unknown. Asks no registry."""
    watch = Watch(kafka, plan.hash)
    try:
        return _caught_up(watch, None, plan, lambda counts: None).summary
    finally:
        watch.close()


def _caught_up(watch: Watch, codec: Codec | None, plan: Plan, tell: Callable[[dict[Answer, int]], None]) -> Answers:
    progress = watch.read().progress
    if progress is None:
        raise NotThere("this plan was not applied yet: run `psfabric replay apply` first")
    answers = Answers(codec, (entry.subject for entry in plan.entries))
    watch.answers(progress.receipts_from, answers.take)
    watch.read(lambda: tell(answers.counts))
    return answers
