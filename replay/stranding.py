"""Proposed schemas tried on what is there: records that topics keep, and dead letters that wait for a replay.

At most so many of each place are tried, spread evenly over its partitions and offsets; memory does not depend on how
many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psfabric.connection import Kafka
from psfabric.event import Record
from psfabric.kafka import Admin
from psfabric.kafka.sampling import read_spans, spans
from psfabric.trial import Trial, Verdict
from replay.catalogue import catalogue
from replay.collecting import Tell
from replay.deadletters import DeadLetter, originals
from replay.errors import nearest
from replay.selection import Selection
from replay.states import UNSETTLED
from schemas.review.reality import SAMPLES, Sample


@dataclass
class Tally:
    """What became of one place: `where` a topic, or the component of dead letters. `kept` is how many offsets or dead
    letters there are, `whole` whether all of them were tried."""

    where: str
    dead_letters: bool
    kept: int
    whole: bool
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    stranded: Counter[str] = field(default_factory=Counter)
    """By the label of the proposal."""
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        return self.verdicts.total()

    def add(self, trial: Trial, record: Record) -> None:
        found = trial(record.value)
        self.verdicts[found.verdict] += 1
        if found.verdict is Verdict.STRANDED:
            self.stranded[found.label] += 1
            samples = self.samples.setdefault(found.label, [])
            if len(samples) < SAMPLES:
                samples.append(Sample(f"{record.topic}/{record.partition}/{record.offset}", found.cause))


def in_topic(kafka: Kafka, topic: str, trial: Trial, limit: int, tell: Tell = lambda sentence: None) -> Tally:
    """Try what a topic keeps. Raises NotThere for a topic that is not there; Unavailable, Transient."""
    admin = Admin(kafka)
    ends = admin.end_offsets([topic])
    if not ends:
        raise nearest("topic", topic, (name for name in admin.topics() if not name.startswith("__")))
    begins = admin.begin_offsets([topic])
    kept = sum(end - begins[tp] for tp, end in ends.items())
    tally = Tally(topic, False, kept, kept <= limit)
    for count, record in enumerate(read_spans(kafka, spans(begins, ends, limit))):
        if count % 1000 == 0:
            tell(f"{topic}: {count} records tried")
        tally.add(trial, record)
    return tally


def in_dead_letters(
    kafka: Kafka, components: Iterable[str], trial: Trial, limit: int, tell: Tell = lambda sentence: None
) -> Iterator[Tally]:
    """Try the unresolved dead letters of each component, `limit` of each at most. Raises Unavailable, Transient."""
    names = list(components)
    unsettled = tuple(UNSETTLED)
    with catalogue(kafka, names, tell=tell) as found:
        groups = found.groups(Selection(state=unsettled), ["component"])
        counts = {group.by["component"]: group.records for group in groups}
        for name in names:
            kept = counts.get(name, 0)
            tally = Tally(name, True, kept, kept <= limit)
            letters = found.by_place(Selection(component=(name,), state=unsettled))
            for record in originals(kafka, _some(letters, kept, limit)):
                tally.add(trial, record)
            yield tally


def _some(letters: Iterable[DeadLetter], kept: int, limit: int) -> Iterator[DeadLetter]:
    """`limit` of them at most, evenly."""
    for number, letter in enumerate(letters):
        if kept <= limit or (number + 1) * limit // kept > number * limit // kept:
            yield letter
