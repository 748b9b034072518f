"""What every peer does with a record: decode, look up in a table of 5,000, route, add three fields, encode.

The added fields come from fields that the head carries, so the lazy way reads as much as it needs and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, NamedTuple

from bench.contract import ENRICHED, EVENT, Contract, EnrichedTimeApproved, Ids, TimeApproved
from psfabric.adapters import Fields, Known, Processor, Route, Types
from psfabric.codec import Codec
from psfabric.event import Event, HeaderList, Record, new_event, sequence
from psfabric.reference import Memory

CLIENTS = 5000
TARGETS = {"UK01": "bench-uk", "US01": "bench-us"}
OUTPUTS = tuple(f"deliver.{target}" for target in TARGETS.values())
KEYS = 20_000
_START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Client(NamedTuple):
    name: str
    cost_centre: str
    cost_share: Decimal


TABLE = {
    f"001{i:06d}": Client(f"Client number {i} Ltd", f"CC-{i % 17:03d}", Decimal(i % 97 + 1).scaleb(-4))
    for i in range(CLIENTS)
}


class Enrich(Processor):
    accepts: ClassVar[Types] = (EVENT,)
    emits: ClassVar[Types] = (ENRICHED,)

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        head = event.head
        client = TABLE[head.client_id]
        added = {"client_name": client.name, "cost_centre": client.cost_centre, "cost_share": client.cost_share}
        yield Route(TARGETS[head.legal_entity], event.enrich(EnrichedTimeApproved, added))


class EnrichWhole(Enrich):
    """Reads the state as well, as a processor does that needs more than the head."""

    reads: ClassVar[Fields] = {EVENT: ("hours",)}

    def process(self, event: Event, known: Known) -> Iterable[Route]:
        _ = event.data
        return super().process(event, known)


def enriching(name: str, *, lazy: bool) -> Enrich:
    return (Enrich if lazy else EnrichWhole)(name=name)


def codec(*, lazy: bool) -> Codec:
    return Codec(Ids(combinations=lazy), Contract())


Output = tuple[str, bytes, bytes, HeaderList]


def bare(*, lazy: bool) -> Callable[[Record], Output]:
    """The work on one record without any host: topic, key, value and headers of its output."""
    coding, processor, known = codec(lazy=lazy), enriching("bench", lazy=lazy), Memory()
    read = coding.lazy if lazy else coding.decode

    def work(record: Record) -> Output:
        (route,) = processor.process(read(record), known)
        return (f"deliver.{route.target}", *coding.encode(route.event))

    return work


def records(count: int) -> Iterator[Output]:
    """The input: (topic is left to the caller), key, value, headers; the same every time."""
    coding = codec(lazy=True)
    for n in range(count):
        yield ("", *coding.encode(_event(n)))


def _event(n: int) -> Event:
    at = _START + timedelta(seconds=n)
    entry = f"jira-acme:worklog:{n % KEYS}"
    return new_event(
        TimeApproved,
        source="jira-acme",
        native_id=str(n),
        aggregate_id=entry,
        sequence=sequence(at, n),
        time=at,
        legal_entity=list(TARGETS)[n % len(TARGETS)],
        client_id=f"001{n * 7919 % CLIENTS:06d}",
        project_id=f"PRJ-{n % 900:05d}",
        hours=Decimal(n % 3200 + 25).scaleb(-2),
        bill_rate=Decimal(1_250_000 + n % 90_000).scaleb(-4),
        amount=Decimal(n % 3200 * 125).scaleb(-2),
        currency="GBP",
        work_date=date(2026, 3, 2) + timedelta(days=n % 300),
        approved_at=at,
        submitted_at=at - timedelta(hours=2),
        note=f"workshop on site with the finance team about the closing of quarter {n % 4}; follow-up {n}"
        if n % 8
        else None,
    )
