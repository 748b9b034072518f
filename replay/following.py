"""What came of a plan from a source's record at the targets: its events, followed by the correlation that everything
derived of them shares, under the revision that nothing else has."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.engine.work import TopicPartition
from psfabric.errors import Invalid
from psfabric.event import Record
from psfabric.kafka import Follower
from replay.receipts import parse_key
from replay.remapped import ANY, Awaited, Remapped
from replay.verify import HOME, SETTLED, Answer
from schemas import Model, models

AT_ONCE = 5000
POLL = 0.5
GRACE = 30.0
"""Seconds after the deadline in which what was there before is still read."""

_WORST = (Answer.FAILED_AGAIN, Answer.UNKNOWN, Answer.HELD, Answer.SUPERSEDED, Answer.DUPLICATE, Answer.DELIVERED)


@dataclass(frozen=True, slots=True)
class Followed:
    """`counts` of answers by target; `given` by event id, of those events that a target has to answer for; `unmoved`:
    corrections of which the target says that it had this content already. `in_time` is false when the deadline came
    before all had an answer that lasts."""

    counts: Mapping[str, Mapping[Answer, int]]
    given: Mapping[str, Answer]
    unmoved: int
    in_time: bool = True

    @property
    def home(self) -> bool:
        return all(answer in HOME for answer in self.given.values())


def follow(
    kafka: Kafka,
    codec: Codec,
    remapped: Remapped,
    failed: Collection[str],
    *,
    deadline: float,
    tell: Callable[[Mapping[Answer, int]], None] = lambda counts: None,
    clock: Callable[[], float] = time.monotonic,
) -> Followed:
    """Wait until every event that a target has to answer for has an answer that lasts, or `deadline` (by `clock`).

    `failed`: the records, by id, that the translate component refused: what they would say never comes. Raises
    Unavailable, and Transient when the schema registry gives no answer.
    """
    following, follower = Following(codec, remapped), Follower(kafka)
    try:
        follower.seek(following.starts)
        ends = follower.ends(list({tp.topic for tp in following.starts}))
        while True:
            for record in follower.poll(AT_ONCE, POLL):
                following.take(record)
            read = follower.positions()
            found = following.found(failed)
            tell(Counter(found.given.values()))
            caught_up = all(read[tp] >= end for tp, end in ends.items() if tp in read)
            if caught_up and following.settled(failed):
                return found
            if clock() >= deadline and (caught_up or clock() >= deadline + GRACE):
                return replace(found, in_time=False)
    finally:
        follower.close()


class Following:
    """Feed it every record of `starts` on. Nothing is kept of what is not under the plan's revision."""

    def __init__(self, codec: Codec, remapped: Remapped) -> None:
        self._codec, self._revision, self._awaited = codec, remapped.revision, remapped.awaited
        self.starts = {_place(text): offset for text, offset in remapped.since_offsets.items()}
        self._targets = {tp.topic.removeprefix("deliver.") for tp in self.starts if tp.topic.startswith("deliver.")}
        self._sent: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._dead: set[str] = set()
        self._answers: dict[tuple[str, str], Answer] = {}

    def take(self, record: Record) -> None:
        """Raises Transient when the schema registry gives no answer."""
        if record.topic == RECEIPTS:
            self._receipt(record)
        elif record.header("ce_revision") == self._revision:
            correlation = record.header("ce_correlationid") or ""
            family, _, name = record.topic.partition(".")
            if family == "deliver":
                self._sent[correlation].add((name, record.header("ce_id") or ""))
            else:
                self._dead.add(correlation)

    def settled(self, failed: Collection[str]) -> bool:
        """Whether waiting longer changes nothing. `failed`: records that the mapping refused, by id."""
        return all(answer in SETTLED for _, answer in self._given(failed))

    def found(self, failed: Collection[str]) -> Followed:
        counts: dict[str, Counter[Answer]] = defaultdict(Counter)
        for target, id in (each for sent in self._sent.values() for each in sent):
            counts[target][self._answers.get((target, id), Answer.UNKNOWN)] += 1
        given = list(self._given(failed))
        unmoved = sum(answer is Answer.DUPLICATE and ANY not in awaited.targets for awaited, answer in given)
        return Followed(counts, {awaited.id: answer for awaited, answer in given}, unmoved)

    def _given(self, failed: Collection[str]) -> list[tuple[Awaited, Answer]]:
        return [(each, self._answer(each, failed)) for each in self._awaited if each.targets]

    def _answer(self, awaited: Awaited, failed: Collection[str]) -> Answer:
        if awaited.record in failed or awaited.correlation in self._dead:
            return Answer.FAILED_AGAIN
        sent = self._sent.get(awaited.correlation, ())
        found = [(target, self._answers.get((target, id), Answer.UNKNOWN)) for target, id in sent]
        reached = {target for target, _ in found}
        if not found or not reached.issuperset({*awaited.targets} - {ANY}):
            return Answer.UNKNOWN
        due = [answer for target, answer in found if target in awaited.targets or ANY in awaited.targets]
        return min(due, key=_WORST.index)

    def _receipt(self, record: Record) -> None:
        parsed = parse_key(record.key)
        if parsed is None or parsed[0].component not in self._targets or record.value is None:
            return
        try:
            revision = self._codec.lazy(record).head.revision
        except Invalid:
            return
        about = parsed[0].component, parsed[0].id
        if revision == self._revision and self._answers.get(about) not in HOME:
            self._answers[about] = _answer(self._codec.data(record.value))


def _answer(receipt: Model) -> Answer:
    match receipt:
        case models.Delivered():
            return Answer.DUPLICATE if receipt.duplicate else Answer.DELIVERED
        case models.Superseded():
            return Answer.SUPERSEDED
        case models.Held():
            return Answer.HELD
        case models.Rejected() | models.Discarded() | models.Amended():
            return Answer.FAILED_AGAIN
        case _:
            return Answer.UNKNOWN


def _place(text: str) -> TopicPartition:
    topic, _, partition = text.rpartition("/")
    return TopicPartition(topic, int(partition))
