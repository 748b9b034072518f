"""A source's mapping of today over what it received: what would be said otherwise than it was.

The mapping is run exactly as the translate component runs it, over the retained records of `full.<source>` (of a fat
source `raw.<source>`), and nothing is called: what is not in the record is not known here. What it says is compared
with what `psf.*` holds (`book`), and with what the targets hold of that (`landed`). Records are chosen by the timestamp
that Kafka has of them: when intake or hydrate stored them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine.lane import Lane
from psfabric.errors import Invalid, Transient
from psfabric.event import Record
from psfabric.kafka import Admin
from psfabric.outcomes import Delivered, Rejected
from psfabric.stages import TranslateStage, about_id
from replay import landed
from replay.book import Book, Content, Kind, Mapped
from replay.deadletters import value_hash
from replay.differences import NAMES_IT
from replay.reading import scan
from replay.retained import Retained, retained
from replay.selection import Selection, key_text
from schemas import Model

Tell = Callable[[str, int], None]
"""What is being done, and with how many records so far."""

TELL_EACH = 1000


@dataclass(slots=True)
class Comparison:
    """What came of comparing; the events themselves are in the book.

    `records`: how many were mapped again. `ahead`: how many the component has not read yet, so that the mapping of
    today will say them anyway. `failing`: per code how many records, and why the first. `gone`: how many events,
    the newest of their aggregates, no retained record says any more; type, aggregate id and sequence of a few.
    """

    source: str
    retained: Retained
    records: int = 0
    ahead: int = 0
    failing: dict[str, tuple[int, str]] = field(default_factory=dict)
    gone: int = 0
    gone_samples: list[tuple[str, str, str]] = field(default_factory=list)

    def failed(self, outcome: Rejected) -> None:
        count, why = self.failing.get(outcome.code, (0, outcome.why))
        self.failing[outcome.code] = count + 1, why


class Mapping:
    """A source's mapping: `stage` is its translate stage, `types` what it may say."""

    def __init__(self, codec: Codec, stage: TranslateStage, types: Sequence[str]) -> None:
        self.codec, self.stage, self.types = codec, stage, tuple(types)
        self.topics = tuple(dict.fromkeys(codec.topic(event) for event in types))
        (self.topic,) = stage.inputs

    def of(self, record: Record) -> list[Mapped] | Rejected:
        """What the record says now, or why it says nothing. Raises Transient when the registry gives no answer."""
        result = self.stage.handle(record, Lane(record.partition))
        match result.outcome:
            case Delivered():
                return [Mapped.of(write) for write in result.writes]
            case Rejected():
                return result.outcome
        raise Transient(f"{record.coordinates} cannot be mapped now: {result.outcome.why}")

    def same(self, said: Content, now: Mapped) -> bool:
        """Equal but for id and revision; the trace is in neither."""
        if said.time != now.time:
            return False
        if said.value == now.value:
            return True
        before, after = self.state(said.value), self.state(now.value)
        names = {name: getattr(after, name) for name in NAMES_IT}
        return before is not None and before.model_copy(update=names) == after

    def state(self, value: bytes) -> Model | None:
        """None for bytes that this release cannot read."""
        try:
            return self.codec.data(value)
        except Invalid:
            return None


def compare(
    kafka: Kafka, mapping: Mapping, wanted: Selection, sinks: Sequence[str], book: Book, tell: Tell
) -> Comparison:
    """Fill the book. Raises Unavailable, and Transient when the schema registry gives no answer.

    Where the component has read to is looked up first: what it made of all before that is in `psf.*` then.
    """
    read = Admin(kafka).offsets({mapping.stage.name: [mapping.topic]})[1][mapping.stage.name]
    book.say(_counted(scan(kafka, mapping.topics), "reading what was said", tell), mapping.types)
    found = Comparison(mapping.stage.name, retained(kafka, mapping.topic))
    for record in _counted(found.retained.between(wanted.since, wanted.until), "mapping", tell):
        if record.offset < read[record.topic, record.partition]:
            found.records += 1
            _take(book, mapping, wanted, record, found)
        else:
            found.ahead += 1
            _pass(book, mapping, record)
    book.supersede()
    if book.counts()[Kind.CHANGED] or book.counts()[Kind.NEW]:
        tell("looking at the targets", 0)
        landed.look_up(kafka, book, sinks)
        landed.judge(book)
    book.leave(wanted.limit)
    found.gone, found.gone_samples = _gone(book, mapping, wanted, found, tell)
    return found


def _take(book: Book, mapping: Mapping, wanted: Selection, record: Record, found: Comparison) -> None:
    said = mapping.of(record)
    if isinstance(said, Rejected):
        if _wanted_key(wanted, record, ""):
            found.failed(said)
        return
    kinds = [_kind(book, mapping, wanted, record, event) for event in said]
    for event, kind in zip(said, kinds, strict=True):
        book.note(record, event, kind)
    if Kind.CHANGED in kinds or Kind.NEW in kinds:
        book.keep(record, key_text(record.key), about_id(record), value_hash(record.value), said)


def _pass(book: Book, mapping: Mapping, record: Record) -> None:
    """Note only that what it says is said."""
    said = mapping.of(record)
    for event in said if not isinstance(said, Rejected) else ():
        book.note(record, event, Kind.ASIDE)


def _kind(book: Book, mapping: Mapping, wanted: Selection, record: Record, event: Mapped) -> Kind:
    if (wanted.type and event.type not in wanted.type) or not _wanted_key(wanted, record, event.aggregate_id):
        return Kind.ASIDE
    said = book.said(event)
    if not said:
        return Kind.NEW
    return Kind.UNCHANGED if any(mapping.same(content, event) for content in said) else Kind.CHANGED


def _wanted_key(wanted: Selection, record: Record, aggregate_id: str) -> bool:
    return not wanted.key or key_text(record.key) in wanted.key or aggregate_id in wanted.key


def _gone(
    book: Book, mapping: Mapping, wanted: Selection, found: Comparison, tell: Tell
) -> tuple[int, list[tuple[str, str, str]]]:
    """What was said in that time, as Kafka stored it, and is not any more. An event may have been said long after its
    record was stored, so before any is called gone all other records are asked too."""
    cut = found.retained.cut
    since = max((at for at in (wanted.since, cut) if at is not None), default=None)
    asked = found.source, wanted.type or mapping.types, wanted.key, since, wanted.until
    if not book.gone(*asked)[0]:
        return 0, []
    others = found.retained.outside(wanted.since, wanted.until)
    for record in _counted(others, "mapping what lies before and after", tell):
        _pass(book, mapping, record)
    return book.gone(*asked)


def _counted(records: Iterable[Record], doing: str, tell: Tell) -> Iterator[Record]:
    for count, record in enumerate(records, 1):
        yield record
        if count % TELL_EACH == 0:
            tell(doing, count)
