"""Dead letters in any topic, whoever wrote them: read one by one, chosen, planned, and sent to a topic of choice.

Nobody keeps a state of them, so all that lie there are listed, and a plan of them may be made again. What is sent is
the record as it was before it failed, as far as its dialect kept that: key and value as stored, its own headers without
those of the failure. No receipt tells what became of it, since its readers are none of ours.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.event import Record
from psfabric.kafka import Admin
from psfabric.kafka.reader import read
from replay.dialects import DIALECTS, UNKNOWN, Letter, letter_of, own_headers
from replay.errors import Declined, nearest
from replay.plan import Count, Entry, Plan, sealed
from replay.selection import Selection, key_text

KEPT = ("redo.", "hold.", "dlq.", "applied.", "ref.", "fabric.", "psf.delivery")
"""Beginnings of topics of ours in which only their owners write."""


def letters(kafka: Kafka, topic: str, wanted: Selection) -> Iterator[Letter]:
    """The dead letters of a topic that fit, up to its present end, by partition and offset; with a limit the oldest of
    them by timestamp. What is read is let go: memory is needed for those within the limit alone.

    Raises NotThere for a topic that does not exist, Unavailable when the broker does not answer.
    """
    found = (letter for letter in _all(kafka, topic) if fits(letter, wanted))
    return found if wanted.limit is None else iter(heapq.nsmallest(wanted.limit, found, key=_stored))


def fits(letter: Letter, wanted: Selection) -> bool:
    """A code is the letter's, or its exception's class with or without its package. Instants bound the timestamp."""
    return (
        (not wanted.code or bool(_names(letter).intersection(wanted.code)))
        and (not wanted.key or (letter.key is not None and key_text(letter.key) in wanted.key))
        and (wanted.since is None or letter.timestamp_ms >= wanted.since.timestamp() * 1000)
        and (wanted.until is None or letter.timestamp_ms < wanted.until.timestamp() * 1000)
    )


def cause(letter: Letter) -> str:
    """What stands for the reason in counts and plans; "" where the dialect tells none."""
    return letter.failure.code or letter.failure.exception or ""


def check_target(to: str, topic: str, existing: Collection[str], ours: Collection[str]) -> None:
    """Raises NotThere when `to` does not exist, Declined when the dead letters of `topic` may not be sent there."""
    expect_topic(to, existing)
    if to == topic:
        raise Declined(f"{to} is where they lie: sent there they would be dead letters again; nothing was planned")
    if to.startswith("__"):
        raise Declined(f"{to} is Kafka's own; nothing was planned")
    if to.startswith("fabric.") or (to in ours and to.startswith(KEPT)):
        raise Declined(
            f"only the fabric itself writes to {to}: what failed at a component goes back to it with "
            "`psfabric replay plan --component`; nothing was planned"
        )


def expect_topic(topic: str, existing: Collection[str]) -> None:
    """Raises NotThere, with the nearest names, for a topic that does not exist."""
    if topic not in existing:
        raise nearest("topic", topic, (name for name in existing if not name.startswith("__")), most=3)


def plan_elsewhere(
    topic: str, to: str, found: Iterable[Letter], wanted: Selection, readers: Sequence[str], *, who: str, now: datetime
) -> Plan:
    """Freeze what was found in `topic`, to be sent to `to`. `readers` are the components of ours that read that."""
    ordered = sorted(found, key=_source_order)
    causes = Counter(map(cause, ordered))
    plan = Plan(
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        created_by=who,
        selection={"topic": topic, "to_topic": to, **wanted.described()},
        entries=tuple(_entry(letter, to) for letter in ordered),
        counts=tuple(Count(component="", code=name, records=causes[name]) for name in sorted(causes)),
        worth=(),
        without_worth=len(ordered),
        targets=(to,),
        warnings=tuple(_warnings(ordered, to, readers)),
    )
    return sealed(plan)


def is_elsewhere(plan: Plan) -> bool:
    """Whether it goes to a topic of others, so that nobody answers for what was sent."""
    return any(not entry.component for entry in plan.entries)


def again(entry: Entry, original: Record) -> Write:
    """The record as it goes to the topic of choice; its key chooses the partition, as with every producer of ours."""
    return Write(entry.to, original.key, original.value, own_headers(original.headers), entry.to_partition)


def _all(kafka: Kafka, topic: str) -> Iterator[Letter]:
    """Partition after partition, so that the order is the same each time."""
    admin = Admin(kafka)
    expect_topic(topic, admin.topics(topic))
    filled = sorted(tp for tp, end in admin.end_offsets([topic]).items() if end > 0)
    return (letter_of(record) for tp in filled for record in read(kafka, [tp]))


def _names(letter: Letter) -> set[str | None]:
    exception = letter.failure.exception
    return {letter.failure.code, exception, exception.rpartition(".")[2] if exception else None}


def _stored(letter: Letter) -> tuple[int, int, int]:
    return letter.timestamp_ms, letter.partition, letter.offset


def _source_order(letter: Letter) -> tuple[str, int, int, int, int]:
    """As the records stood where they were first read; what does not tell stands as it lies in its topic."""
    source, here = letter.source, (letter.partition, letter.offset)
    if source.topic is None or source.partition is None or source.offset is None:
        return "", -1, -1, *here
    return source.topic, source.partition, source.offset, *here


def _entry(letter: Letter, to: str) -> Entry:
    origin = letter.failure.origin
    return Entry(
        id=letter.id,
        component="",
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        value_hash=letter.value_hash,
        to=to,
        to_partition=None,
        origin_topic=origin.topic or "",
        origin_partition=-1 if origin.partition is None else origin.partition,
        origin_offset=-1 if origin.offset is None else origin.offset,
        about="",
        code=cause(letter),
        type=letter.type,
        key=key_text(letter.key),
    )


def _warnings(found: Sequence[Letter], to: str, readers: Sequence[str]) -> Iterator[str]:
    for dialect in DIALECTS:
        of_it = [letter for letter in found if letter.failure.dialect == dialect.name]
        for trap in dialect.traps:
            caught = sum(trap.when(letter.key, letter.value_size, letter.failure.details) for letter in of_it)
            if caught:
                yield f"{dialect.title}, {_records(caught)}: each {trap.says}"
    unknown = sum(letter.failure.dialect == UNKNOWN for letter in found)
    if unknown:
        yield f"{_records(unknown)} of no known dialect: each goes as it lies, with all its headers"
    empty = sum(letter.value_size is None for letter in found)
    if empty:
        yield f"{_records(empty)} without a value: where {to} is compacted each deletes its key"
    if readers:
        yield f"{to} is read by {', '.join(readers)}: what they make of these goes on to others"


def _records(count: int) -> str:
    return f"{count} record{'s' if count != 1 else ''}"
