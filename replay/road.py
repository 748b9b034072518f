"""Where a business object is: every record about it along the road, and one sentence on where it stands now.

Topics are read in the order of the road, so that what follows from a record found (same correlation) is found too. A
record belongs to the object when its aggregate id is the id asked for or ends in it after `:` or `/` (the native id of
a worklog, an opportunity); a record as received from a source has only its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.applied import Applied
from psfabric.engine.control import PREFIX as CONTROL
from psfabric.engine.deadletter import origin
from psfabric.engine.hold import read_hold
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import FabricError
from psfabric.event import Record
from psfabric.kafka import Admin, latest
from psfabric.kafka.reader import read
from psfabric.stages import about_id
from psfabric.stored import understood
from replay.catalogue import catalogue
from replay.deadletters import DeadLetter, event_type
from replay.held import HeldRecord, held
from replay.reading import Place
from replay.receipts import TERMINAL, parse_key
from replay.selection import names

CANONICAL = ("client", "engagement", "project", "milestone", "time", "billing", "invoice")


@dataclass(frozen=True, slots=True)
class Step:
    """One record on the road. `outcome` is what the stage says of it, `reference` the target's id and number."""

    stage: str
    place: Place
    what: str
    aggregate_id: str
    version: str = ""
    outcome: str = ""
    reference: str = ""
    at_ms: int = 0


@dataclass(slots=True)
class Road:
    """`steps` in the order of the road; `ids` are the aggregate ids that the asked id stands for."""

    asked: str
    steps: list[Step] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    dead: list[DeadLetter] = field(default_factory=list)
    held: list[HeldRecord] = field(default_factory=list)
    before: list[DeadLetter] = field(default_factory=list)
    waiting: Sequence[HeldRecord] = ()
    """What it may stand behind: dead letters that it names, and all that waits in these components."""

    @property
    def now(self) -> str:
        """Where it stands, in a sentence."""
        if not self.steps:
            return f"Nothing is known of {self.asked}: no record of the retained topics has this id."
        return " ".join([*map(_dead_text, self.dead), *map(self._held_text, self.held)]) or self._moving()

    def _held_text(self, each: HeldRecord) -> str:
        if each.unknown:
            return (
                f"Nobody knows yet whether it is in {each.component}: a request left at {each.attempted_at} and no "
                f"answer came. From {each.until.partition(':')[2]} on it is looked for there (psfabric unknown list)."
            )
        return f"It waits at {each.component} since {each.since} for {each.until}: {each.why}.{self._behind(each)}"

    def _behind(self, each: HeldRecord) -> str:
        """What stands before it, where that is known: a dead letter of its key, or another one that waits."""
        if each.behind:
            letters = {letter.origin: letter for letter in self.before if letter.component == each.component}
            known = [letters[place] for place in each.behind if place in letters]
            named = ", ".join(f"{letter.code} (psfabric dlq show {letter.id})" for letter in known)
            return f" It stands behind a dead letter of its key: {named or ', '.join(map(str, each.behind))}."
        first = next((one for one in self.waiting if one.component == each.component and _before(one, each)), None)
        return "" if first is None else f" It stands behind {first.origin}, which waits for {first.until}."

    def _moving(self) -> str:
        """Neither dead nor waiting: at its targets, or somewhere on the way to them."""
        there = {(_target(s), s.aggregate_id): s for s in self.steps if s.stage == "applied"}
        sent = {(_target(s), s.aggregate_id): s for s in self.steps if s.stage == "deliver"}
        pending = [s for key, s in sent.items() if key not in there or there[key].version < s.version]
        if pending:
            return " ".join(f"It is on its way: {s.place} has no answer of its target yet." for s in pending)
        if there:
            return " ".join(_there_text(s) for s in there.values())
        last = self.steps[-1]
        return f"It came as far as {last.place} ({last.what or 'as received'}); nothing waits, nothing failed."


def road(kafka: Kafka, codec: Codec, components: Sequence[str], topics: Sequence[str], asked: str) -> Road:
    """Search the given topics (all of the installation) for a business object. Raises Unavailable."""
    found = _Search(kafka, codec, asked)
    for stage in _stages(topics):
        found.pass_through(stage)
    found.failures(components)
    return found.road


class _Search:
    def __init__(self, kafka: Kafka, codec: Codec, asked: str) -> None:
        self._kafka, self._codec = kafka, codec
        self.road = Road(asked)
        self._correlations: set[str] = set()
        self._events: dict[str, str] = {}
        """Event id -> aggregate id of what was found, for receipts, which name the event."""

    def pass_through(self, topics: Sequence[str]) -> None:
        ends = Admin(self._kafka).end_offsets(topics)
        records = read(self._kafka, [tp for tp, end in ends.items() if end > 0])
        steps = self._applied(records) if topics[0].startswith("applied.") else self._each(records)
        self.road.steps += sorted(steps, key=lambda s: (s.version, s.place))

    def failures(self, components: Sequence[str]) -> None:
        """What is dead or waits now, of the object and of what follows from it."""
        self.road.waiting = held(self._kafka, components)
        self.road.held = [
            each
            for each in self.road.waiting
            if self._follows(each.about, each.aggregate_id, each.origin, each.record.key)
        ]
        behind = {(each.component, place) for each in self.road.held for place in each.behind}
        with catalogue(self._kafka, components) as found:
            for letter in found.letters():
                if letter.open and self._follows(letter.about, letter.aggregate_id, letter.origin, letter.key):
                    self.road.dead.append(letter)
                if (letter.component, letter.origin) in behind:
                    self.road.before.append(letter)

    def _each(self, records: Iterator[Record]) -> Iterator[Step]:
        for record in records:
            step = self._receipt(record) if record.topic == RECEIPTS else self._step(record)
            if step is not None:
                yield step

    def _step(self, record: Record) -> Step | None:
        subject, correlation = record.header("ce_subject") or "", record.header("ce_correlationid") or ""
        first = _first_seen(record)
        if first is None:
            return None
        named = self._names(subject, _place(first), first.key)
        if not named and correlation not in self._correlations:
            return None
        if subject and named:
            self.road.ids.add(subject)
        self._correlations |= {correlation} - {""}
        self._events[about_id(first)] = subject
        return _step_of(record, subject)

    def _receipt(self, record: Record) -> Step | None:
        parsed = parse_key(record.key)
        if parsed is None or parsed[0].id not in self._events:
            return None
        about, kind = parsed
        outcome = event_type(record).removeprefix("delivery.").lower()
        reference = self._reference(record) if kind == TERMINAL else ""
        what, subject = f"of {about.component}", self._events[about.id]
        return Step("receipt", _place(record), what, subject, "", outcome, reference, record.timestamp_ms)

    def _reference(self, record: Record) -> str:
        """Reference and number in a receipt; "" when the bytes cannot be read now."""
        try:
            data = self._codec.data(record.value or b"").model_dump()
        except FabricError:
            return ""
        return " ".join(str(data[name]) for name in ("reference", "number") if data.get(name))

    def _applied(self, records: Iterator[Record]) -> Iterator[Step]:
        by_topic: dict[str, list[Record]] = {}
        for record in records:
            by_topic.setdefault(record.topic, []).append(record)
        for stored in (r for of_topic in by_topic.values() for r in latest(of_topic).values()):
            id = (stored.key or b"").decode(errors="replace").partition("/")[2]
            if id and (names(self.road.asked, id, "", "") or id in self._events.values()):
                yield _applied_step(stored, id)

    def _follows(self, about: str, subject: str, first: Place, key: bytes | None) -> bool:
        return about in self._events or self._names(subject, first, key)

    def _names(self, subject: str, first: Place, key: bytes | None) -> bool:
        return names(self.road.asked, subject, first.topic, (key or b"").decode(errors="replace"))


def _stages(topics: Sequence[str]) -> Iterator[list[str]]:
    """Topics in the order of the road; canonical ones one after the other, since events cause each other."""

    def family(prefix: str) -> list[str]:
        return [topic for topic in topics if topic.startswith(f"{prefix}.")]

    entities = [[f"psf.{entity}"] for entity in CANONICAL if f"psf.{entity}" in topics]
    order = [family("raw"), family("full"), *entities, family("deliver"), family("hold"), family("dlq")]
    order += [family("redo"), [RECEIPTS] if RECEIPTS in topics else [], family("applied")]
    return (stage for stage in order if stage)


def _step_of(record: Record, subject: str) -> Step:
    stage = record.topic.split(".")[0]
    outcome = {
        "dlq": record.header("fabric-dlq-code") or "dead",
        "hold": record.header("fabric-hold-until") or "held",
        "redo": record.header(CONTROL) or "replayed",
    }.get(stage, "")
    version = record.header("ce_sequence") or ""
    return Step(stage, _place(record), event_type(record), subject, version, outcome, "", record.timestamp_ms)


def _first_seen(record: Record) -> Record | None:
    """The record as it was first read; None for the mark that something left hold."""
    if not record.topic.startswith("hold."):
        return origin(record)
    if record.value is None or (record.key or b"").startswith(b"barrier/"):
        return None
    return understood(record, read_hold).record


def _applied_step(stored: Record, id: str) -> Step:
    try:
        entry = Applied.from_bytes(stored.value or b"")
    except (ValueError, LookupError, TypeError):
        return Step("applied", _place(stored), "of a newer format", id, at_ms=stored.timestamp_ms)
    outcome = "removed" if entry.removed else "applied"
    reference = f"{entry.reference} {entry.number}".strip()
    what = (stored.key or b"").decode(errors="replace").partition("/")[0]
    return Step("applied", _place(stored), what, id, entry.version.sequence, outcome, reference, stored.timestamp_ms)


def _place(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)


def _dead_text(letter: DeadLetter) -> str:
    return (
        f"It is dead at {letter.component} since {letter.last_failed_at}: {letter.code}, {letter.message} "
        f"(psfabric dlq show {letter.id})."
    )


def _before(one: HeldRecord, each: HeldRecord) -> bool:
    """Whether `each` waits for its turn after `one`, which waits for something else."""
    same_key = one.record.key == each.record.key is not None
    return same_key and each.kind == "earlier" != one.kind and one.origin < each.origin


def _there_text(step: Step) -> str:
    if step.outcome == "removed":
        return f"It was removed from {_target(step)}, or was never there."
    reference = step.reference or "(no reference)"
    return f"It is in {_target(step)} as {step.what} {reference}, version {step.version or 'unknown'}."


def _target(step: Step) -> str:
    return step.place.topic.partition(".")[2]
