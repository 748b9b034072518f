"""Shows posted invoices in Salesforce: one PSF_Invoice__c for each, under the opportunity it came from.

Upsert by an External Id is the only idempotency Salesforce has (REST API guide, "Insert or Update (Upsert) a Record
Using an External ID"): a repeat, and an answer that was lost, leave one record. External_Id__c is
`<legal entity>:invoice:<invoice id>:1`; a correction writes the same record. Make the field unique in the org.

Outcomes: 401 signs in anew once. 403 REQUEST_LIMIT_EXCEEDED (the throttle; Salesforce has no 429 and announces no
wait), 5xx, a locked row and two upserts of one key at once (UNABLE_TO_LOCK_ROW, DUPLICATE_VALUE) are tried again.
Other 403 are access-denied, everything else it says of a row is crm-refused.
"""

from __future__ import annotations

import calendar
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, PrivateAttr

from psfabric import outcomes, strict_json, upstream
from psfabric.adapters import Capabilities, Document, Line, Receipt, Sink, Types
from psfabric.errors import FabricError, Invalid, Transient, Unknown
from psfabric.event import Event
from psfabric.http import Response, retry_after
from psfabric.oauth import ClientCredentials
from psfabric.outcomes import Delivered, Outcome
from psfabric.upstream import at, text
from schemas.models import EnrichedInvoicePosted, Money

OBJECT, KEY = "PSF_Invoice__c", "External_Id__c"
KEY_LIMIT = 255
READ = (
    *("Id", KEY, "Opportunity__c", "Project_Code__c", "Number__c", "Net__c", "Tax__c", "Total__c"),
    *("CurrencyIsoCode", "Invoice_Date__c", "Status__c"),
)
AGAIN = frozenset({"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE"})
"""Error codes after which the same request can succeed; with status 403 Salesforce throttles, it never sends 429."""


class Salesforce(Sink):
    """The org's connected app needs the client credentials flow and edit rights on PSF_Invoice__c."""

    accepts: ClassVar[Types] = (EnrichedInvoicePosted.EVENT,)
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
        document = self.document(event)
        key = external_id(event)
        fields = {name: value for name, value in document.body.items() if name != KEY}
        try:
            url = f"{self._data}/sobjects/{OBJECT}/{KEY}/{quote(key, safe='')}"
            answer = await self._request("PATCH", url, content=strict_json.dumps(fields))
            id_ = _written(answer) or text(await self._row(key), "Id")
        except Unknown as error:
            # Lost on its way back at worst: an upsert may be sent again.
            raise Transient(error.why) from None
        except FabricError as error:
            return outcomes.of_error(error)
        return Delivered(id_, number=str(document.body["Number__c"]))

    def document(self, event: Event) -> Document:
        """The fields of the record; money to the places that the invoice has, at least two."""
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
        row = await self._row(external_id(event))
        return Receipt(text(row, "Id"), number=text(row, "Number__c")) if row else None

    async def statement(self, entity: str, period: str) -> AsyncIterator[Line]:
        """`invoice`: one line for each invoice record, its net amount, by invoice date."""
        if entity != "invoice":
            raise ValueError(f"Salesforce has no statement of {entity!r}: invoice")
        async for row in self._rows(f"{_select()}{_within(period)} ORDER BY Id"):
            yield _line(row)

    @property
    def _data(self) -> str:
        return f"/services/data/v{self.api_version}"

    async def _row(self, key: str) -> Mapping[str, Any] | None:
        found = self._rows(f"{_select()} WHERE {KEY} = {_literal(key)}")
        # SOQL compares text without regard to case; our ids do not.
        return next((row for row in [row async for row in found] if row.get(KEY) == key), None)

    async def _rows(self, soql: str) -> AsyncIterator[Mapping[str, Any]]:
        answer = await self._request("GET", f"{self._data}/query", params={"q": soql})
        while True:
            page = _page(answer)
            for row in page["records"]:
                yield row
            more = text(page, "nextRecordsUrl")
            if not more:
                return
            if not more.startswith("/services/data/"):
                raise Invalid("upstream-invalid", "the next page of a query is not an address of this org")
            answer = await self._request("GET", more)

    async def _request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Response:
        """A good answer. Raises Transient, Unknown, Invalid(access-denied, crm-refused)."""
        if self._sign_in is None:
            token_url = f"{self.base_url}/services/oauth2/token"
            self._sign_in = ClientCredentials(token_url, self.client_id, self.client_secret.get_secret_value())
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            # Marks our own writes in `changeOrigin` of their change events.
            "sforce-call-options": f"client=psfabric/{self.name}",
        }
        url = f"{self.base_url}{path}"
        answer = await self._sign_in.request(self.http, method, url, headers=headers, params=params, content=content)
        _check(answer)
        return answer


def invoice_of(event: Event) -> EnrichedInvoicePosted:
    if not isinstance(event.data, EnrichedInvoicePosted):
        raise TypeError(f"{event.type} is not for this sink")
    return event.data


def external_id(event: Event) -> str:
    """Business identity: legal entity, kind, aggregate id, document version (an upsert never raises it)."""
    key = f"{invoice_of(event).legal_entity}:invoice:{event.aggregate_id}:1"
    if len(key) > KEY_LIMIT:
        raise Invalid(
            "field-invalid", f"the external id would have {len(key)} characters, Salesforce takes {KEY_LIMIT}"
        )
    return key


def amount(money: Money) -> Decimal:
    """Exact, without the zeros that no currency has."""
    short = money.amount.normalize()
    return short.quantize(Decimal("0.01")) if short.as_tuple().exponent > -2 else short  # type: ignore[operator]


def _select() -> str:
    return f"SELECT {', '.join(READ)} FROM {OBJECT}"


def _within(period: str) -> str:
    if not period:
        return ""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError:
        raise ValueError(f"period {period!r}: wanted YYYY-MM") from None
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return f" WHERE Invoice_Date__c >= {first} AND Invoice_Date__c <= {last}"


def _literal(value: str) -> str:
    """A SOQL text literal (SOQL reference, "Quoted String Escape Sequences")."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _line(row: Mapping[str, Any]) -> Line:
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


def _page(answer: Response) -> dict[str, Any]:
    page = upstream.content(answer)
    records = page.get("records")
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise Invalid("upstream-invalid", "a query answer without records")
    return page


def _written(answer: Response) -> str:
    """The record's id; "" where API versions before 46 answer 204. A body that says no is an error like the others."""
    if answer.status == 204:
        return ""
    body = upstream.content(answer)
    if body.get("success") is not True:
        raise _refusal(answer.status, body.get("errors"))
    return text(body, "id")


def _check(answer: Response) -> None:
    if answer.status in (200, 201, 204):
        return
    if answer.status == 300:
        raise Invalid("crm-refused", f"several records of {OBJECT} have this {KEY}: make the field unique")
    if answer.status in (408, 429) or answer.status >= 500:
        raise Transient(f"Salesforce answered {answer.status}", retry_after(answer))
    try:
        errors = strict_json.loads(answer.body)
    except strict_json.NotJson:
        errors = None
    raise _refusal(answer.status, errors)


def _refusal(status: int, errors: Any) -> FabricError:
    """Errors are an array `[{message, errorCode, fields}]`; in the body of an upsert the code is `statusCode`."""
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    codes = [text(error, "errorCode") or text(error, "statusCode") for error in found]
    told = "; ".join(f"{code} {_about(error)}".strip() for code, error in zip(codes, found, strict=True))
    why = f"Salesforce answered {status}: {told[:400] or 'no reason given'}"
    if codes and all(code in AGAIN for code in codes):
        return Transient(why)
    return Invalid("access-denied" if status == 403 else "crm-refused", why)


def _about(error: Mapping[str, Any]) -> str:
    """Field names, not the message: that may quote what was sent."""
    fields = error.get("fields")
    names = [name for name in fields if isinstance(name, str)] if isinstance(fields, list) else []
    return f"({', '.join(names)})" if names else ""
