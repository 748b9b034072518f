"""What a replay through the changed mapping would do, counted for the person who decides on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from psfabric.connection import Kafka
from psfabric.engine.deadletter import MARKER, key_hash, read_marker
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.ids import revised_id
from psfabric.kafka import latest
from psfabric.money import hours
from psfabric.stored import understood
from replay import differences, landed
from replay.book import SAMPLES, Book, Finding, Kind
from replay.differences import Difference
from replay.landed import Landed
from replay.reading import ends, scan
from replay.remapped import ANY, Awaited, Change, Failing, Remapped, Sample
from replay.remapping import Comparison, Mapping
from schemas import Model


class Surveying:
    """Makes the section from what was compared. `leads`: whether an event type can reach a target at all."""

    def __init__(
        self, book: Book, mapping: Mapping, found: Comparison, revision: str, leads: Callable[[str], bool]
    ) -> None:
        self._book, self._mapping, self._found = book, mapping, found
        self._revision, self._leads = revision, leads
        self._differences: list[Difference] = []
        self._samples: list[Sample] = []
        self._awaited: list[Awaited] = []
        self._corrected = self._corrections = 0
        self.undelivered: Counter[bytes] = Counter()
        """How many of what no target holds yet, by the hash of their Kafka keys."""

    def section(self, since_offsets: dict[str, int]) -> Remapped:
        for finding in self._book.findings():
            self._survey(finding)
        counts, found = self._book.counts(), self._found
        return Remapped(
            topic=self._mapping.topic,
            revision=self._revision,
            records=found.records,
            ahead=found.ahead,
            unchanged=counts[Kind.UNCHANGED],
            changed=counts[Kind.CHANGED],
            corrected=self._corrected,
            new=counts[Kind.NEW],
            gone=found.gone,
            superseded=counts[Kind.SUPERSEDED],
            amended=counts[Kind.AMENDED],
            left=counts[Kind.LEFT],
            corrections=self._corrections,
            failing=tuple(Failing(code=c, records=n, why=why) for c, (n, why) in sorted(found.failing.items())),
            differences=tuple(map(_change, differences.total(self._differences))),
            samples=tuple(self._samples),
            gone_samples=tuple(" ".join(sample) for sample in found.gone_samples),
            awaited=tuple(self._awaited),
            since_offsets=since_offsets,
        )

    def _survey(self, finding: Finding) -> None:
        event, now = finding.event, self._now(finding)
        about = landed.of(self._book, event.aggregate_id, event.correlation)
        there = [each for each in about if self._replaced(finding, each)]
        said = self._book.said(event)
        before = self._mapping.state(said[0].value) if said else None
        if there:
            self._corrections += 1
            self._corrected += finding.kind is Kind.CHANGED
            self._differences += [self._difference(each, before, now) for each in there]
        else:
            self.undelivered[key_hash(now.partition_key.encode())] += 1
        self._sample(finding, before, now, said[0].time if said else event.time, bool(there))
        targets = tuple(sorted({each.target for each in there})) or ((ANY,) if self._leads(event.type) else ())
        named = {"record": self._record(finding), "type": event.type, "correlation": event.correlation}
        self._awaited.append(Awaited(id=revised_id(event.id, self._revision), targets=targets, **named))

    def _replaced(self, finding: Finding, held: Landed) -> bool:
        """Whether a target holds what this event corrects: this version of it, or for a new one an older version."""
        same = held.sequence == finding.event.sequence
        return not held.removed and (same or (finding.kind is Kind.NEW and held.sequence < finding.event.sequence))

    def _difference(self, held: Landed, before: Model | None, now: Model) -> Difference:
        sent = landed.sent(self._book, held)
        return differences.difference(self._mapping.state(sent) if sent is not None else None, before, now)

    def _sample(self, finding: Finding, before: Model | None, now: Model, time: str, delivered: bool) -> None:
        """A few of each state."""
        state: Literal["delivered", "not delivered", "new"] = "delivered" if delivered else "not delivered"
        if finding.kind is Kind.NEW:
            state = "new"
        if sum(1 for sample in self._samples if sample.state == state) >= SAMPLES:
            return
        event, changes = finding.event, differences.changes(before, now)
        if time != event.time:
            changes["ce_time"] = (time, event.time)
        named = {"type": event.type, "aggregate_id": event.aggregate_id, "sequence": event.sequence}
        self._samples.append(Sample(state=state, record=self._record(finding), changes=changes, **named))

    def _now(self, finding: Finding) -> Model:
        state = self._mapping.state(finding.event.value)
        if state is None:
            raise RuntimeError(f"{finding.event.type} was encoded and cannot be decoded")
        return state

    def _record(self, finding: Finding) -> str:
        partition, offset = finding.place
        return f"{self._mapping.topic}/{partition}/{offset}"


def ends_to_follow(kafka: Kafka, sinks: Iterable[str], processors: Iterable[str]) -> dict[str, int]:
    """From where on what comes of a replay shows: in receipts, in what sinks are sent and in what processors bury."""
    topics = [RECEIPTS, *(f"deliver.{name}" for name in sinks), *(f"dlq.{name}" for name in processors)]
    return {f"{topic}/{partition}": end for (topic, partition), end in ends(kafka, topics).items()}


def behind(kafka: Kafka, sinks: Iterable[str], keys: Counter[bytes]) -> dict[str, int]:
    """How many of these keys' events will wait at each sink, because a dead letter of their key bars it."""
    found: dict[str, int] = {}
    for sink in sinks:
        stored = latest(scan(kafka, [f"hold.{sink}"])).items()
        barred = {understood(record, read_marker).key_hash for key, record in stored if key.startswith(MARKER)}
        found[sink] = sum(count for key, count in keys.items() if key in barred)
    return {sink: count for sink, count in found.items() if count}


def _change(each: Difference) -> Change:
    return Change(
        legal_entity=each.legal_entity,
        client=each.client_id,
        period=each.period,
        currency=each.currency,
        events=each.events,
        seconds=each.seconds,
        hours=f"{hours(each.seconds):f}",
        money=f"{each.money.normalize():f}",
        unpriced=each.unpriced,
    )
