"""Making a plan from a source's record: compare, count, freeze. Nothing is called and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psfabric.connection import Kafka
from psfabric.event import LIVE
from replay import remapping
from replay.book import Book, Kept
from replay.plan import Count, Entry, Plan, sealed
from replay.remapped import Remapped
from replay.remapping import Comparison, Tell
from replay.scratch import room
from replay.selection import Selection
from replay.surveying import Surveying, behind, ends_to_follow

CODE = "remapped"
"""Stands in a plan where that of a dead letter does."""


@dataclass(frozen=True, slots=True)
class Downstream:
    """What of an installation comes behind a source. `leads`: whether an event type can reach a target at all."""

    sinks: Sequence[str]
    processors: Sequence[str]
    leads: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Made:
    """`plan` is None when there is nothing to send; `remapped` says why."""

    remapped: Remapped
    plan: Plan | None


def plan_from_source(
    kafka: Kafka,
    mapping: remapping.Mapping,
    wanted: Selection,
    downstream: Downstream,
    number: Callable[[Mapping[str, Any]], str],
    *,
    who: str,
    now: datetime,
    tell: Tell = lambda doing, count: None,
) -> Made:
    """Run the mapping over what the selection takes and freeze what is to be sent.

    `number` gives the revision under which everything is said again, in twenty digits; it is asked only when there is
    something to send, with what the audit trail shall tell. Raises Unavailable, Transient (the schema registry).
    """
    with Book() as book, room("the comparison with what was said"):
        found = remapping.compare(kafka, mapping, wanted, downstream.sinks, book, tell)
        kept = list(book.records())
        detail = {"from": mapping.topic, "selection": wanted.described(), "records": len(kept)}
        revision = number(detail) if kept else LIVE
        surveying = Surveying(book, mapping, found, revision, downstream.leads)
        remapped = surveying.section(ends_to_follow(kafka, downstream.sinks, downstream.processors) if kept else {})
        if not kept:
            return Made(remapped, None)
        barred = behind(kafka, downstream.sinks, surveying.undelivered)
    plan = Plan(
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        created_by=who,
        selection={"from": mapping.topic, **wanted.described()},
        entries=tuple(_entry(found.source, mapping.topic, each) for each in kept),
        counts=(Count(component=found.source, code=CODE, records=len(kept)),),
        worth=(),
        without_worth=0,
        targets=tuple(sorted({t for each in remapped.awaited for t in each.targets if t in downstream.sinks})),
        warnings=tuple(warnings(remapped, found, wanted, barred)),
        revision=revision,
        remapped=remapped,
    )
    return Made(remapped, sealed(plan))


def warnings(remapped: Remapped, found: Comparison, wanted: Selection, barred: Mapping[str, int]) -> Iterator[str]:
    cut = found.retained.cut
    if cut is not None and (wanted.since is None or wanted.since < cut):
        yield f"retention has removed what {remapped.topic} held before {cut.isoformat(timespec='seconds')}: not mapped"
    if remapped.amended:
        yield (
            f"{remapped.amended} events differ and are left alone: an operator amended them, or another event of the "
            "same record, and this would undo it"
        )
    if remapped.left:
        yield f"{remapped.left} more events differ, in records beyond the limit"
    if remapped.gone:
        yield f"{remapped.gone} events are no longer said by any record; what targets hold of them stays"
    for sink, count in barred.items():
        yield f"{count} will wait at {sink} behind a dead letter of their key: discard that one, or replay it first"


def _entry(source: str, topic: str, kept: Kept) -> Entry:
    return Entry(
        id=f"{topic}/{kept.partition}/{kept.offset}",
        component=source,
        topic=topic,
        partition=kept.partition,
        offset=kept.offset,
        value_hash=kept.value_hash,
        to=f"redo.{source}",
        to_partition=kept.partition,
        origin_topic=topic,
        origin_partition=kept.partition,
        origin_offset=kept.offset,
        about=kept.about,
        code=CODE,
        type="",
        key=kept.key,
    )
