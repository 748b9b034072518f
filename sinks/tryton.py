"""Tryton 8.2 as the ERP of one legal entity: clients and projects, approved time, invoices.

One instance is one company of a Tryton database. Everything is found by external id before it is made (the module
`fabric_ext` makes them unique), so a repeat and a crash at any moment leave one of each:

    client:<client id>                       party, shared by all companies
    <LE>:project:<project id>                project
    <LE>:task:<project id>:<role>            task, with the price of an hour
    <LE>:resource:<resource id>              employee (made when a person is on-boarded, never here)
    <LE>:time:<time entry id>:<version>      timesheet line
    <LE>:billing:<billing id>:<version>      invoice

Facts of a receipt, all text:

    project   reference: project. project_reference, client_reference, tasks (JSON: role -> reference)
    time      reference: line. rate (price of the task's hour, four decimals, "0.0000" when never billed)
    removal   reference "", no facts
    billing   reference: invoice. number, invoice_date (the date it got), currency, net, tax, gross (decimals),
              lines (JSON: list of {description, role, quantity, unit_price, amount, tax_code}, all text)

Codes of a refusal: legal-entity-unknown, currency-mismatch, tax-unknown, field-invalid, field-missing,
resource-unknown, role-unknown, time-already-billed, nothing-to-bill, access-denied, erp-refused.
A project that is not there is Held(Parent("project", id)), a closed period Held(Period(legal entity, YYYY-MM)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, TypeVar

from pydantic import PrivateAttr

from psfabric import outcomes
from psfabric.adapters import Capabilities, Document, Fields, Line, Receipt, Sink, Types
from psfabric.errors import FabricError
from psfabric.event import Event
from psfabric.money import minor_units
from psfabric.outcomes import Delivered, Outcome
from psfabric.upstream import Secret, Url
from schemas.models import (
    EnrichedBillingRequested,
    EnrichedProjectRequested,
    EnrichedTimeApproved,
    EnrichedTimeRemoved,
)
from sinks.tryton_erp import hours, invoices, projects, readback
from sinks.tryton_erp.books import Books, Names
from sinks.tryton_erp.rounding import tryton_amount
from sinks.tryton_erp.rpc import Session

T = TypeVar("T")

ACCEPTED = (EnrichedProjectRequested, EnrichedTimeApproved, EnrichedTimeRemoved, EnrichedBillingRequested)


class Tryton(Sink):
    """Settings: `url`, `database`, `user` and `password` of the integration user, and `company`, the code of the legal
    entity. `hour_product` and `fee_product` are the codes of the products that time and milestones are billed with.
    """

    accepts: ClassVar[Types] = tuple(model.EVENT for model in ACCEPTED)
    reads: ClassVar[Fields] = {
        EnrichedProjectRequested.EVENT: (
            "billing_model",
            "cost_centre",
            "currency",
            "engagement_id",
            "enrichment.city",
            "enrichment.client_name",
            "enrichment.country_code",
            "enrichment.postal_code",
            "enrichment.region",
            "enrichment.street",
            "project_name",
            "purchase_order",
            "rates.billable",
            "rates.hourly_rate.amount",
            "rates.hourly_rate.currency",
            "rates.role",
            "revenue_rule",
            "tax_code",
        ),
        EnrichedTimeApproved.EVENT: ("resource_id", "role", "work_date", "worked_seconds"),
        EnrichedBillingRequested.EVENT: (
            "amount.amount",
            "amount.currency",
            "bill_up_to",
            "description",
            "enrichment.currency",
            "enrichment.legal_entity",
            "enrichment.purchase_order",
            "enrichment.tax_code",
            "invoice_date",
            "kind",
            "milestone_id",
        ),
    }
    capabilities: ClassVar[Capabilities] = Capabilities(idempotency="unique", settle=5.0, batch=100, concurrency=4)

    url: Url
    database: str
    user: str
    password: Secret
    company: str
    hour_product: str = "HOUR"
    fee_product: str = "FEE"

    _books: Books | None = PrivateAttr(default=None)

    def books(self) -> Books:
        """The company's books over the host's HTTP client; one login serves all calls of this instance."""
        if self._books is None:
            password = self.password.get_secret_value()
            session = Session(self.http, self.url, self.database, self.user, password)
            self._books = Books(self.company, session, self.hour_product, self.fee_product)
        return self._books

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        """Time and removals go in batches of different entries, everything else one by one.

        Events of one aggregate keep their order; between aggregates there is none to keep.
        """
        answers: dict[int, Outcome] = {}
        for wave in waves(events):
            answers |= await self._wave(wave)
        return [answers[place] for place in range(len(events))]

    async def _wave(self, wave: Mapping[int, Event]) -> dict[int, Outcome]:
        """Events of different aggregates, by their place."""
        posts = {place: event.data for place, event in wave.items() if isinstance(event.data, EnrichedTimeApproved)}
        removals = {place: event.data for place, event in wave.items() if isinstance(event.data, EnrichedTimeRemoved)}
        answers: dict[int, Outcome] = {}
        if posts:
            answers |= zip(posts, await self._batch(hours.post, list(posts.values())), strict=True)
        if removals:
            answers |= zip(removals, await self._batch(hours.remove, list(removals.values())), strict=True)
        for place, event in wave.items():
            if place not in answers:
                answers[place] = await self._one(event)
        return answers

    async def _batch(self, act: Callable[[Books, list[T]], Awaitable[list[Outcome]]], data: list[T]) -> list[Outcome]:
        try:
            return await act(self.books(), data)
        except FabricError as error:
            return [outcomes.of_error(error)] * len(data)

    async def _one(self, event: Event) -> Outcome:
        try:
            match event.data:
                case EnrichedProjectRequested() as data:
                    return await projects.deliver(self.books(), data)
                case EnrichedBillingRequested() as data:
                    return await invoices.deliver(self.books(), data)
                case _:
                    raise unaccepted(event)
        except FabricError as error:
            return outcomes.of_error(error)

    def document(self, event: Event) -> Document:
        """Business identity and content, without ids and versions of the event. Raises Invalid."""
        names = Names(self.company)
        match event.data:
            case EnrichedProjectRequested() as data:
                return projects.document(names, data)
            case EnrichedTimeApproved() | EnrichedTimeRemoved() as data:
                return hours.document(names, data)
            case EnrichedBillingRequested() as data:
                return invoices.document(names, data)
            case _:
                raise unaccepted(event)

    async def find(self, event: Event) -> Receipt | None:
        """What Tryton holds, as `deliver` answered it; for a removal: a receipt when the line is gone."""
        found: Delivered | None
        match event.data:
            case EnrichedProjectRequested() as data:
                found = await projects.find(self.books(), data)
            case EnrichedTimeApproved() | EnrichedTimeRemoved() as data:
                found = await hours.find(self.books(), data)
            case EnrichedBillingRequested() as data:
                found = await invoices.find(self.books(), data)
            case _:
                raise unaccepted(event)
        return Receipt(found.reference, found.facts, found.number) if found else None

    def statement(self, entity: str, period: str) -> AsyncIterator[Line]:
        """`time`: every timesheet line dated in the period; `invoice`: every line of the invoices dated in it."""
        if entity not in ("time", "invoice"):
            raise ValueError(f"Tryton has no statement of {entity!r}: time or invoice")
        return (readback.time if entity == "time" else readback.invoices)(self.books(), period)

    def amount(self, seconds: int, hourly_rate: Decimal, currency: str) -> Decimal:
        """See `sinks.tryton_erp.rounding`."""
        return tryton_amount(seconds, hourly_rate, minor_units(currency))


def unaccepted(event: Event) -> TypeError:
    """Not the record's fault: a pipeline or the host sent it here."""
    return TypeError(f"{event.type} is not for this sink")


def waves(events: Sequence[Event]) -> list[dict[int, Event]]:
    """The events by place: the first of each aggregate, then the second of each, and so on."""
    found: list[dict[int, Event]] = []
    seen: Counter[str] = Counter()
    for place, event in enumerate(events):
        nth = seen[event.aggregate_id]
        seen[event.aggregate_id] += 1
        if nth == len(found):
            found.append({})
        found[nth][place] = event
    return found
