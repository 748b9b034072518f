"""A target in memory for the model, and the sink that asks it: every request waits until the model lets it go on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from psfabric.adapters import Capabilities, Document, Receipt, Sink, Types
from psfabric.codec import Codec
from psfabric.engine.policy import Idempotency
from psfabric.event import Event, HeaderList
from psfabric.outcomes import Delivered, Outcome, Superseded
from tests.contracts.given import example
from tests.psfabric.test_codec import Ids

CODEC = Codec(Ids())

TIMEOUT = 2.0

REVISIONS = 100
"""Numbers from one upstream version to the next; those between are its revisions, in the order of the numbers."""


class Asked:
    """A request that the adapter makes: suspended until somebody answers it, or says that no answer came."""

    def __init__(self, what: str, event: Event) -> None:
        self.what, self.event = what, event

    def __await__(self) -> Generator[Asked, object, object]:
        return (yield self)


class ErpSink(Sink):
    accepts: ClassVar[Types] = ("enriched.time.TimeApproved",)
    capabilities: ClassVar[Capabilities] = Capabilities("upsert")

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, {"version": event.data.sequence, "revision": event.data.revision})

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [await Asked("deliver", event) for event in events]  # type: ignore[misc]

    async def find(self, event: Event) -> Receipt | None:
        return await Asked("find", event)  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def told(key: str, number: int, whole: bool) -> tuple[bytes, bytes, HeaderList]:
    """Key, value and headers of the event with this number: the next version of its key's object, or an object of its
    own (`whole` false)."""
    place, revision = divmod(number, REVISIONS)
    event = example(
        "enriched.time.TimeApproved",
        event_id=f"{number:032x}",
        aggregate_id=key if whole else f"{key}-{place}",
        partition_key=key,
        sequence=f"2026-06-01T00:00:00.{place:06d}Z/{0:020d}",
        revision=f"{revision:020d}",
    )
    return CODEC.encode(event)


def number_of(event: Event) -> int:
    return int(event.id, 16)


@dataclass(slots=True, eq=False)
class Request:
    """One that has left: `done` once the target carried it out."""

    event: Event
    sent_at: float
    done: Outcome | None = None


@dataclass
class Erp:
    """`journal`: (object, number) of everything carried out, in order. `upsert` writes whatever comes, also what is
    older, unless writes carry a version condition; `none` makes a document each time, shown some time later."""

    idempotency: Idempotency = "upsert"
    conditional: bool = False
    lag: float = 0.0
    settle: float = 4.0
    """Seconds after sending within which it carries out and shows a request, if it does at all."""
    journal: list[tuple[str, int]] = field(default_factory=list)
    holds: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Per object: number and since when it is shown; the last is what the object is."""
    under_way: list[Request] = field(default_factory=list)
    """Requests that may still be carried out, though nobody may wait for their answer any more."""

    def carry_out(self, request: Request, now: float) -> Outcome:
        if request.done is None:
            request.done = self._do(request, now)
        return request.done

    def _do(self, request: Request, now: float) -> Outcome:
        name, number = request.event.aggregate_id, number_of(request.event)
        there = self.holds.setdefault(name, [])
        if self.conditional and there and there[-1][0] > number:
            return Superseded()
        self.journal.append((name, number))
        shown_at = min(now + self.lag, request.sent_at + self.settle)
        if self.idempotency == "none" or not there:
            there.append((number, shown_at))
        else:
            there[-1] = (number, shown_at)
        return Delivered(name)

    def find(self, event: Event, now: float) -> Receipt | None:
        shown = [number for number, at in self.holds.get(event.aggregate_id, ()) if at <= now]
        return Receipt(event.aggregate_id) if number_of(event) in shown else None

    def never(self, request: Request) -> bool:
        """It was not carried out in time: whoever sent it and still waits (it slept meanwhile) gets no answer."""
        return request.done is None and request not in self.under_way

    def forget(self, now: float) -> None:
        """What was not carried out in time never will be."""
        self.under_way = [r for r in self.under_way if r.done is None and r.sent_at + self.settle >= now]
