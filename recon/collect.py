"""Reads both sides of the statement from the systems themselves, and the stages between from the fabric's topics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from psfabric.adapters import Line, Sink, Stated
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.errors import FabricError, Misconfigured
from psfabric.event import Version
from psfabric.http import Http
from psfabric.kafka import read_topic
from psfabric.pipelines import Pipelines
from recon.statement import Amount, Books
from schemas.models import TimeApproved, TimePosted, TimeRejected, TimeRemoved, TimeSubmitted

STAGES = {
    "submitted": (TimeSubmitted,),
    "approved": (TimeApproved, TimeRejected),
    "posted": (TimePosted, TimeRejected),
}
"""What speaks for a time entry at each stage; a removal speaks at all of them."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is kept from the targets, as the command line knows it: subjects of open dead letters and of holds."""

    dead: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


async def collect(pipelines: Pipelines, kafka: Kafka, codec: Codec, trouble: Trouble) -> tuple[Books, Amount]:
    """Read everything. Raises Transient or Unavailable when a system does not answer."""
    http = Http()
    try:
        sources = [d.adapter.bind(http) for d in pipelines.sources]
        stated = [s for s in sources if isinstance(s, Stated)]
        billing = [s.adapter.bind(http) for s in pipelines.sinks if type(s.adapter).amount is not Sink.amount]
        stages = await asyncio.to_thread(stages_of_time, kafka, codec)
        books = Books(
            time=await _all(stated, "time"),
            rates=await _all(stated, "rate"),
            milestones=await _all(stated, "milestone"),
            posted=[line for sink in billing for line in await _read(sink.statement("time", ""))],
            invoiced=[line for sink in billing for line in await _read(sink.statement("invoice", ""))],
            stages=stages,
            dead=trouble.dead,
            held=trouble.held,
        )
    finally:
        await http.close()
    return books, _amounts(billing)


def _amounts(billing: Iterable[Sink]) -> Amount:
    """Money by the rounding of the sink that serves a legal entity; all others round like the first."""
    sinks = list(billing)
    if not sinks:
        raise Misconfigured(["no sink of these pipelines bills time, so there is nothing to compare with"])
    by_entity: Mapping[str, Sink] = {getattr(s, "company", s.name): s for s in sinks}

    def amount(legal_entity: str, seconds: int, rate: Decimal, currency: str) -> Decimal:
        return by_entity.get(legal_entity, sinks[0]).amount(seconds, rate, currency)

    return amount


async def _all(stated: Iterable[Stated], entity: str) -> list[Line]:
    found: list[Line] = []
    for source in stated:
        try:
            lines = source.statement(entity)
        except ValueError:
            continue  # this source holds no such thing
        found += await _read(lines)
    return found


async def _read(lines: AsyncIterator[Line]) -> list[Line]:
    return [line async for line in lines]


def stages_of_time(kafka: Kafka, codec: Codec) -> dict[str, dict[str, int]]:
    """Per stage, the seconds of each time entry's newest version there; 0 once removed or rejected."""
    newest: dict[str, dict[str, tuple[Version, int]]] = {stage: {} for stage in STAGES}
    for record in read_topic(kafka, TimeSubmitted.TOPIC):
        try:
            data = codec.data(record.value or b"")
        except FabricError:
            continue  # it is a dead letter of whoever reads it
        version = Version(data.sequence, data.revision)
        seconds = 0 if isinstance(data, TimeRemoved | TimeRejected) else int(getattr(data, "worked_seconds", 0))
        for stage, models in STAGES.items():
            speaks = isinstance(data, (*models, TimeRemoved))
            known = newest[stage].get(data.aggregate_id)
            if speaks and (known is None or version >= known[0]):
                newest[stage][data.aggregate_id] = (version, seconds)
    return {stage: {entry: seconds for entry, (_, seconds) in of.items()} for stage, of in newest.items()}
