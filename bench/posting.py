"""What the sink stage and the plain loop both do with a record: read it whole and post it as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from bench.contract import ENRICHED
from bench.work import Output, bare, records
from psfabric.adapters import Capabilities, Document, Sink, Types
from psfabric.event import Event, Record
from psfabric.outcomes import Delivered, Outcome

CONCURRENCY = 16


def body(event: Event) -> Mapping[str, Any]:
    return event.data.model_dump(mode="json")


class Post(Sink):
    """Posts each event to `url`; the target writes by our key."""

    accepts: ClassVar[Types] = (ENRICHED,)
    capabilities: ClassVar[Capabilities] = Capabilities("upsert", concurrency=CONCURRENCY)

    url: str

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, body(event))

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [await self._one(event) for event in events]

    async def _one(self, event: Event) -> Outcome:
        answer = await self.http.request("POST", self.url, json=body(event))
        return Delivered(str(answer.json()["id"]))


def enriched(count: int) -> Iterator[Output]:
    """What the process stage makes of the input."""
    work = bare(lazy=True)
    for n, (_, key, value, headers) in enumerate(records(count)):
        yield work(Record("psf.bench", 0, n, key, value, headers))
