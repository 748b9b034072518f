"""Shows posted invoices in Salesforce: one PSF_Invoice__c for each, under the opportunity it came from.

Upsert by an External Id is the only idempotency Salesforce has (REST API guide, "Insert or Update (Upsert) a Record
Using an External ID"): a repeat, and an answer that was lost, leave one record. External_Id__c is
`<legal entity>:invoice:<invoice id>:1`; a correction writes the same record. Make the field unique in the org.
"""

from __future__ import annotations

import calendar
from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar

from pydantic import Field, PrivateAttr

from psfabric import outcomes, upstream
from psfabric.adapters import Capabilities, Document, Fields, Line, Receipt, Sink, Types
from psfabric.errors import FabricError, Invalid
from psfabric.event import Event
from psfabric.oauth import ClientCredentials
from psfabric.outcomes import Delivered, Outcome
from psfabric.upstream import at, text
from schemas.models import EnrichedInvoicePosted, Money
from sinks.salesforce_rest import Org, Row, literal

OBJECT, KEY = "PSF_Invoice__c", "External_Id__c"
KEY_LIMIT = 255
READ = (KEY, "Project_Code__c", "Number__c", "Net__c", "CurrencyIsoCode", "Invoice_Date__c", "Status__c")
CENT = Decimal("0.01")


class Salesforce(Sink):
    """The org's connected app needs the client credentials flow and edit rights on PSF_Invoice__c."""

    accepts: ClassVar[Types] = (EnrichedInvoicePosted.EVENT,)
    reads: ClassVar[Fields] = {
        EnrichedInvoicePosted.EVENT: (
            "currency",
            "enrichment.engagement_id",
            "gross.amount",
            "invoice_date",
            "net.amount",
            "number",
            "tax.amount",
        ),
    }
    capabilities: ClassVar[Capabilities] = Capabilities(idempotency="upsert", concurrency=4)

    base_url: upstream.Url = Field(description="My Domain address, e.g. https://acme.my.salesforce.com")
    client_id: str = Field(min_length=1, description="Consumer key of the connected app.")
    client_secret: upstream.Secret = Field(description="Consumer secret of the connected app.")
    api_version: str = Field(default="64.0", pattern=r"^\d{2}\.0$", description="Version of the REST API.")

    _sign_in: ClientCredentials | None = PrivateAttr(default=None)

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        """One upsert for each event."""
        return [await self._one(event) for event in events]

    async def _one(self, event: Event) -> Outcome:
        try:
            key = external_id(event)
            fields = {name: value for name, value in self.document(event).body.items() if name != KEY}
            id_ = await self._org.upsert(OBJECT, KEY, key, fields) or text(await self._row(key), "Id")
        except FabricError as error:
            return outcomes.of_error(error)
        return Delivered(id_, number=invoice_of(event).number)

    def document(self, event: Event) -> Document:
        """The fields of the record."""
        data = invoice_of(event)
        body = {
            KEY: external_id(event),
            "Opportunity__c": data.enrichment.engagement_id,
            "Project_Code__c": data.project_id,
            "Number__c": data.number,
            "Net__c": amount(data.net),
            "Tax__c": amount(data.tax),
            "Total__c": amount(data.gross),
            "CurrencyIsoCode": data.currency,
            "Invoice_Date__c": data.invoice_date.isoformat(),
            "Status__c": "Posted",
        }
        return Document("invoice", event.aggregate_id, body)

    async def find(self, event: Event) -> Receipt | None:
        """The record under the invoice's external id."""
        row = await self._row(external_id(event))
        return Receipt(text(row, "Id"), number=text(row, "Number__c")) if row else None

    async def statement(self, entity: str, period: str) -> AsyncIterator[Line]:
        """`invoice`: one line for each invoice record, its net amount, by invoice date."""
        if entity != "invoice":
            raise ValueError(f"Salesforce has no statement of {entity!r}: invoice")
        async for row in self._org.rows(f"SELECT {', '.join(READ)} FROM {OBJECT}{_within(period)} ORDER BY Id"):
            yield _line(row)

    @property
    def _org(self) -> Org:
        if self._sign_in is None:
            token_url = f"{self.base_url}/services/oauth2/token"
            self._sign_in = ClientCredentials(token_url, self.client_id, self.client_secret.get_secret_value())
        return Org(self.http, self.base_url, self.api_version, self._sign_in, self.name)

    async def _row(self, key: str) -> Row | None:
        soql = f"SELECT Id, {KEY}, Number__c FROM {OBJECT} WHERE {KEY} = {literal(key)}"
        # SOQL compares text without regard to case; our ids do not.
        rows = [row async for row in self._org.rows(soql) if row.get(KEY) == key]
        return rows[0] if rows else None


def invoice_of(event: Event) -> EnrichedInvoicePosted:
    if not isinstance(event.data, EnrichedInvoicePosted):
        raise TypeError(f"{event.type} is not for this sink")
    return event.data


def external_id(event: Event) -> str:
    """Business identity: legal entity, kind, aggregate id, document version (an upsert never raises it)."""
    key = f"{invoice_of(event).legal_entity}:invoice:{event.aggregate_id}:1"
    if len(key) > KEY_LIMIT:
        raise Invalid("field-invalid", f"the external id has {len(key)} characters, Salesforce takes {KEY_LIMIT}")
    return key


def amount(money: Money) -> Decimal:
    """Exact, without the zeros that no currency has."""
    short = money.amount.quantize(CENT)
    return short if short == money.amount else money.amount


def _within(period: str) -> str:
    if not period:
        return ""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError:
        raise ValueError(f"period {period!r}: wanted YYYY-MM") from None
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return f" WHERE Invoice_Date__c >= {first} AND Invoice_Date__c <= {last}"


def _line(row: Row) -> Line:
    legal_entity, _, rest = text(row, KEY).partition(":invoice:")
    net, day = at(row, "Net__c"), text(row, "Invoice_Date__c")
    return Line(
        entity="invoice",
        aggregate_id=rest.rpartition(":")[0],
        legal_entity=legal_entity,
        currency=text(row, "CurrencyIsoCode"),
        project_id=text(row, "Project_Code__c"),
        day=date.fromisoformat(day) if day else None,
        amount=Decimal(net) if isinstance(net, int | Decimal) else Decimal(0),
        number=text(row, "Number__c"),
        state=text(row, "Status__c"),
    )
