"""What every sink promises; inherit, give the fixtures, and these run against the real target (or its sandbox).

    class TestTryton(SinkContract):
        @pytest.fixture
        def sink(self, ...) -> Sink: an instance that can reach the target
        @pytest.fixture
        def events(self, ...) -> list[Event]: see below
        async def count(self, sink, event) -> int: documents in the target for that event's business identity

`events` covers every accepted type, in an order in which the target can take them (the project before its time), each
of an aggregate that the target has not seen before this test. Events of one aggregate may repeat only as a removal
after its entry. Events are dealt one by one, because a target may need the first before it can take the second.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest

import schemas
from psfabric.adapters import Receipt, Sink
from psfabric.errors import FabricError
from psfabric.event import Event
from psfabric.outcomes import Delivered, Outcome
from tests.contracts.given import example

MONEY = ("time", "billing", "invoice", "expense", "revenue")

STATED = {
    "enriched.time.TimeApproved": "time",
    "enriched.billing.BillingRequested": "invoice",
    "enriched.invoice.InvoicePosted": "invoice",
}
"""In which statement an event shows."""


def told(outcome: Outcome | Receipt | None) -> tuple[Any, ...]:
    """What a delivery, its repetition and a look-up must agree on."""
    assert isinstance(outcome, Delivered | Receipt), outcome
    return (outcome.reference, dict(outcome.facts), outcome.number, outcome.document_version)


async def one(sink: Sink, event: Event) -> Outcome:
    outcomes = await sink.deliver([event])
    assert len(outcomes) == 1
    return outcomes[0]


class SinkContract:
    statements: ClassVar[tuple[str, ...]] = ()
    """Entities (`time`, `invoice`) whose statement must hold what was delivered."""

    serial: ClassVar[Mapping[str, str]] = {}
    """Event types that the target cannot protect from two deliveries at once -> why, and what does protect them."""

    @pytest.fixture
    def sink(self) -> Sink:
        raise NotImplementedError

    @pytest.fixture
    def events(self) -> Sequence[Event]:
        raise NotImplementedError

    async def count(self, sink: Sink, event: Event) -> int:
        raise NotImplementedError

    # -------------------------------------------------------------------------------- what it says of itself

    def test_the_events_cover_what_it_accepts(self, sink: Sink, events: Sequence[Event]) -> None:
        assert {event.type for event in events} == set(sink.accepts)

    def test_it_accepts_enriched_events_of_the_contract(self, sink: Sink) -> None:
        assert all(name.startswith("enriched.") and name == schemas.model(name).EVENT for name in sink.accepts)

    def test_its_capabilities_hold_together(self, sink: Sink) -> None:
        can = sink.capabilities
        assert can.batch >= 1
        assert can.concurrency >= 1
        assert can.settle >= 0
        if can.idempotency == "at_least_once":
            assert not can.read_back
            assert not [name for name in sink.accepts if name.split(".")[1] in MONEY], "money needs a read-back"
        if can.read_back:
            assert type(sink).find is not Sink.find, "read_back promises find"

    # -------------------------------------------------------------------------------- the document

    def test_a_document_is_pure_and_stable(self, sink: Sink, events: Sequence[Event]) -> None:
        detached = sink.model_copy()
        detached._http = None
        for event in events:
            before = event.data.model_dump_json()
            first, second = sink.document(event), detached.document(event)
            assert (first, first.content_hash) == (second, second.content_hash)
            assert event.data.model_dump_json() == before

    def test_a_document_is_json_without_floats(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            document = sink.document(event)
            assert not [value for value in _leaves(document.body) if isinstance(value, float)]
            json.dumps(document.body, default=_text)

    def test_a_document_names_the_aggregate(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            document = sink.document(event)
            assert document.kind
            assert document.aggregate_id == event.aggregate_id

    def test_an_entry_and_its_removal_are_one_business_object(self, sink: Sink, events: Sequence[Event]) -> None:
        kinds: dict[str, set[str]] = {}
        for event in events:
            kinds.setdefault(event.aggregate_id, set()).add(sink.document(event).kind)
        assert all(len(kind) == 1 for kind in kinds.values()), kinds

    def test_a_document_does_not_depend_on_ids_and_versions(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            again = event.derive(
                type(event.data), component="again", sequence="2031-01-01T00:00:00.000000Z/" + "0" * 20
            )
            assert sink.document(again).content_hash == sink.document(event).content_hash

    # -------------------------------------------------------------------------------- delivery

    async def test_what_was_delivered_is_found(self, sink: Sink, events: Sequence[Event]) -> None:
        if not sink.capabilities.read_back:
            pytest.skip("the target cannot be read back, and says so")
        for event in events:
            removal = sink.document(event).removed
            if not removal:
                assert await sink.find(event) is None, f"{event.type} was there before"
            outcome = await one(sink, event)
            assert (told(outcome)[0] == "") == removal
            # Of a removal `find` answers that nothing is left: the receipt without a reference.
            assert told(await sink.find(event)) == told(outcome)

    async def test_delivering_twice_leaves_one_document(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            first = await one(sink, event)
            again = await one(sink, event)
            assert told(again) == told(first)
            assert await self.count(sink, event) == (0 if sink.document(event).removed else 1)

    async def test_delivering_twice_at_once_leaves_one_document(self, sink: Sink, events: Sequence[Event]) -> None:
        if sink.capabilities.idempotency not in ("upsert", "unique"):
            pytest.skip("the target does not protect a create, and says so")
        for event in events:
            if event.type in self.serial:
                assert self.serial[event.type], "an exemption needs its reason"
                await one(sink, event)
            await asyncio.gather(one(sink, event), one(sink, event))
            final = await one(sink, event)
            assert told(final)
            assert await self.count(sink, event) == (0 if sink.document(event).removed else 1)

    async def test_one_outcome_for_each_event_in_order(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            await one(sink, event)
        entries = [event for event in events if not sink.document(event).removed]
        entries = [e for e in entries if await self.count(sink, e) == 1]
        size = sink.capabilities.batch
        for start in range(0, len(entries), size):
            batch = entries[start : start + size]
            outcomes = await sink.deliver(batch)
            assert len(outcomes) == len(batch)
            for event, outcome in zip(batch, outcomes, strict=True):
                assert told(outcome) == told(await sink.find(event))

    async def test_the_statement_holds_what_was_delivered(self, sink: Sink, events: Sequence[Event]) -> None:
        for event in events:
            await one(sink, event)
        for entity in self.statements:
            lines = [line.aggregate_id async for line in sink.statement(entity, "")]
            for event in events:
                if STATED.get(event.type) == entity and await self.count(sink, event) == 1:
                    # One line for a time entry; an invoice has as many as it has lines.
                    times = lines.count(event.aggregate_id)
                    assert times == 1 if entity == "time" else times >= 1

    async def test_an_event_it_does_not_accept_is_a_bug(self, sink: Sink) -> None:
        foreign = example("delivery.Held")
        with pytest.raises(Exception) as by_document:  # noqa: PT011 - any error that is not one of ours
            sink.document(foreign)
        with pytest.raises(Exception) as by_delivery:  # noqa: PT011
            await sink.deliver([foreign])
        for caught in (by_document, by_delivery):
            assert not isinstance(caught.value, FabricError), "a wrong pipeline must not look like a bad record"


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def _text(value: Any) -> str:
    assert isinstance(value, Decimal) or hasattr(value, "isoformat"), f"{value!r} is not JSON"
    return str(value)
