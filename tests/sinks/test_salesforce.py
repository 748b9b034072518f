"""Invoices in Salesforce: the simulated org for what happens, a scripted network for what it never answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import aiohttp
import httpx
import pytest
from pydantic import ValidationError

from psfabric.adapters import Sink
from psfabric.errors import Invalid, Transient
from psfabric.event import Event
from psfabric.http import Http
from psfabric.outcomes import Delivered, Outcome, Rejected, Retry
from sandbox.control import Control
from schemas.models import Money
from sinks.salesforce import Salesforce, amount
from tests.contracts.answering import Answering
from tests.contracts.given import example
from tests.contracts.sinks import SinkContract, one
from tests.sandbox.conftest import SECRETS, Running, start, stop

NUMBERS = count(1)


@pytest.fixture(scope="module")
def org() -> Iterator[Running]:
    process = start()
    assert process.stdout
    yield Running(**json.loads(process.stdout.readline()))
    stop(process)


@pytest.fixture
def control(org: Running) -> Iterator[Control]:
    with Control(org.jira, org.salesforce) as steering:
        yield steering
        steering.salesforce_faults(throttle=0, server_error=0, delay=0)


def salesforce(url: str, http: Http, **settings: str) -> Salesforce:
    given = {
        "client_id": SECRETS["PSF_SALESFORCE_CLIENT_ID"],
        "client_secret": SECRETS["PSF_SALESFORCE_CLIENT_SECRET"],
        **settings,
    }
    return Salesforce.model_validate({"name": "salesforce-status", "base_url": url, **given}).bind(http)


def invoice(**changes: Any) -> Event:
    """An invoice that the org has not seen."""
    id_ = f"milestone:a0H5g{next(NUMBERS):013d}"
    return example("enriched.invoice.InvoicePosted", **{"aggregate_id": id_, "billing_id": id_, **changes})


def rows_of(control: Control, event: Event) -> list[dict[str, Any]]:
    key = f"UK01:invoice:{event.aggregate_id}:1"
    return [row for row in control.records("PSF_Invoice__c") if row["External_Id__c"] == key]


class TestSalesforce(SinkContract):
    statements = ("invoice",)

    @pytest.fixture
    async def sink(self, org: Running) -> AsyncIterator[Salesforce]:
        http = Http()
        yield salesforce(org.salesforce, http)
        await http.close()

    @pytest.fixture
    def events(self) -> Sequence[Event]:
        return [invoice(), invoice(number="INV-2026-0008")]

    @pytest.fixture(autouse=True)
    def _org(self, control: Control) -> None:
        self.control = control

    async def count(self, sink: Sink, event: Event) -> int:
        return len(rows_of(self.control, event))

    async def test_sales_sees_the_invoice_under_the_opportunity(self, sink: Salesforce) -> None:
        event = invoice()
        assert isinstance(await one(sink, event), Delivered)
        (row,) = rows_of(self.control, event)
        assert (row["Opportunity__c"], row["Project_Code__c"]) == ("0065g00000XyZaBAAV", "PRJ-1001")
        assert (row["Number__c"], row["Invoice_Date__c"], row["Status__c"]) == ("INV-2026-0007", "2026-06-30", "Posted")
        assert (row["Net__c"], row["Tax__c"], row["Total__c"], row["CurrencyIsoCode"]) == (10000, 2000, 12000, "GBP")

    async def test_a_correction_writes_the_same_record(self, sink: Salesforce) -> None:
        event = invoice()
        first = await one(sink, event)
        changed = event.derive(type(event.data), component="x", net=Money(amount=Decimal("9000.5"), currency="GBP"))
        second = await one(sink, changed)
        assert isinstance(first, Delivered)
        assert isinstance(second, Delivered)
        assert first.reference == second.reference
        (row,) = rows_of(self.control, event)
        assert row["Net__c"] == 9000.5

    async def test_an_expired_token_is_renewed_once_and_nobody_notices(self, sink: Salesforce) -> None:
        await one(sink, invoice())
        self.control.expire_tokens()
        answers = await asyncio.gather(*(one(sink, invoice()) for _ in range(4)))
        assert all(isinstance(answer, Delivered) for answer in answers)

    async def test_the_throttle_and_an_outage_are_tried_again(self, sink: Salesforce) -> None:
        event = invoice()
        self.control.salesforce_faults(throttle=1)
        answer = await one(sink, event)
        assert isinstance(answer, Retry)
        assert "REQUEST_LIMIT_EXCEEDED" in answer.why
        self.control.salesforce_faults(server_error=1)
        assert isinstance(await one(sink, event), Retry)
        assert isinstance(await one(sink, event), Delivered)
        assert await self.count(sink, event) == 1

    async def test_wrong_credentials_bury_nothing(self, org: Running) -> None:
        http = Http()
        wrong = salesforce(org.salesforce, http, client_secret="no")
        answer = await one(wrong, invoice())
        assert isinstance(answer, Retry)
        assert "client id or secret" in answer.why
        await http.close()

    async def test_a_value_the_org_does_not_take_is_refused_by_field(self, sink: Salesforce) -> None:
        answer = await one(sink, invoice(number="9" * 300))
        assert isinstance(answer, Rejected)
        assert (answer.code, "STRING_TOO_LONG (Number__c)" in answer.why) == ("crm-refused", True)

    async def test_an_id_that_would_not_fit_is_refused_before_sending(self, sink: Salesforce) -> None:
        answer = await one(sink, invoice(aggregate_id="x" * 250))
        assert isinstance(answer, Rejected)
        assert answer.code == "field-invalid"

    @pytest.mark.parametrize("id_", ["a'b\\c", "a/b?c#d&e", "ü ☃", "%2F"])
    async def test_ids_may_hold_anything(self, sink: Salesforce, id_: str) -> None:
        event = invoice(aggregate_id=f"{id_}-{next(NUMBERS)}")
        answer = await one(sink, event)
        assert isinstance(answer, Delivered)
        found = await sink.find(event)
        assert found is not None
        assert found.reference == answer.reference
        assert await self.count(sink, event) == 1

    async def test_the_statement_is_of_one_period(self, sink: Salesforce) -> None:
        event = invoice(invoice_date=date(2024, 2, 29))
        await one(sink, event)
        lines = [line async for line in sink.statement("invoice", "2024-02")]
        assert [line.aggregate_id for line in lines] == [event.aggregate_id]
        (line,) = lines
        assert (line.legal_entity, line.currency, line.amount) == ("UK01", "GBP", Decimal(10000))
        assert line.number == "INV-2026-0007"
        assert (line.project_id, line.state) == ("PRJ-1001", "Posted")
        assert not [line async for line in sink.statement("invoice", "2024-03")]

    @pytest.mark.parametrize(("entity", "period"), [("time", ""), ("invoice", "June"), ("invoice", "2026-13")])
    async def test_a_statement_it_does_not_have_is_a_wrong_call(
        self, sink: Salesforce, entity: str, period: str
    ) -> None:
        with pytest.raises(ValueError, match=r"invoice|YYYY-MM"):
            [line async for line in sink.statement(entity, period)]


# ------------------------------------------------------------------------ answers the simulated org never gives

TOKEN = httpx.Response(200, json={"access_token": "t", "id": "https://x/id/00D/005"})


def scripted(answer: Callable[[httpx.Request], httpx.Response]) -> Salesforce:
    def respond(request: httpx.Request) -> httpx.Response:
        return TOKEN if request.url.path.endswith("/token") else answer(request)

    return salesforce("https://acme.example", Answering(respond))


def problem(status: int, *codes: str) -> httpx.Response:
    return httpx.Response(status, json=[{"message": "secret 4711", "errorCode": code, "fields": []} for code in codes])


@pytest.mark.parametrize(
    ("answer", "kind", "what"),
    [
        (problem(403, "INSUFFICIENT_ACCESS"), Rejected, "access-denied"),
        (problem(403, "REQUEST_LIMIT_EXCEEDED"), Retry, "REQUEST_LIMIT"),
        (problem(400, "UNABLE_TO_LOCK_ROW"), Retry, "UNABLE_TO_LOCK_ROW"),
        (problem(400, "DUPLICATE_VALUE"), Retry, "DUPLICATE_VALUE"),
        (problem(400, "UNABLE_TO_LOCK_ROW", "INVALID_FIELD"), Rejected, "crm-refused"),
        (problem(404, "NOT_FOUND"), Rejected, "crm-refused"),
        (httpx.Response(300, json=["/a", "/b"]), Rejected, "crm-refused"),
        (httpx.Response(429, headers={"retry-after": "7"}), Retry, "429"),
        (httpx.Response(502, text="<html>"), Retry, "502"),
        (httpx.Response(418, text="<html>"), Rejected, "crm-refused"),
        (httpx.Response(400, json={"error": 1}), Rejected, "crm-refused"),
        (httpx.Response(302, headers={"location": "https://elsewhere"}), Rejected, "crm-refused"),
        (httpx.Response(200, text="<html>"), Rejected, "upstream-invalid"),
        (
            httpx.Response(200, json={"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW"}]}),
            Retry,
            "UNABLE_TO_LOCK_ROW",
        ),
        (
            httpx.Response(200, json={"success": False, "errors": [{"statusCode": "INVALID_CROSS_REFERENCE_KEY"}]}),
            Rejected,
            "crm-refused",
        ),
    ],
)
async def test_each_answer_has_its_meaning(answer: httpx.Response, kind: type[Outcome], what: str) -> None:
    outcome = await one(scripted(lambda request: answer), invoice())
    assert isinstance(outcome, kind)
    assert what in (outcome.code if isinstance(outcome, Rejected) else str(getattr(outcome, "why", "")))
    assert "4711" not in str(outcome), "the vendor's text may quote what was sent"


async def test_the_wait_that_was_asked_for_is_passed_on() -> None:
    outcome = await one(scripted(lambda request: httpx.Response(503, headers={"retry-after": "7"})), invoice())
    assert isinstance(outcome, Retry)
    assert outcome.after == 7.0


@pytest.mark.parametrize("broken", [TimeoutError(), aiohttp.ConnectionTimeoutError()])
async def test_a_lost_answer_is_sent_again(broken: Exception) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise broken

    assert isinstance(await one(scripted(fail), invoice()), Retry)
    with pytest.raises(Transient):
        await scripted(fail).find(invoice())


async def test_a_fresh_token_that_is_refused_is_tried_later_not_for_ever() -> None:
    asked: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return problem(401, "INVALID_SESSION_ID")

    assert isinstance(await one(scripted(refuse), invoice()), Retry)
    assert asked == ["PATCH", "PATCH"]


async def test_an_answer_without_a_body_is_read_back() -> None:
    event = invoice()
    key = f"UK01:invoice:{event.aggregate_id}:1"

    def old_version(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            return httpx.Response(204)
        return httpx.Response(200, json={"records": [{"Id": "a0V1", "External_Id__c": key, "Number__c": "N"}]})

    outcome = await one(scripted(old_version), event)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == "a0V1"


async def test_money_leaves_as_exact_json_numbers() -> None:
    sent: list[bytes] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(201, json={"id": "a0V1", "success": True, "errors": [], "created": True})

    event = invoice(net=Money(amount=Decimal("90071992547409.93"), currency="GBP"))
    await one(scripted(keep), event)
    assert b'"Net__c":90071992547409.93' in sent[0]
    assert b"External_Id__c" not in sent[0]


async def test_pages_of_a_query_stay_in_the_org() -> None:
    def elsewhere(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"records": [], "nextRecordsUrl": "//evil.example/x"})

    with pytest.raises(Invalid, match="not an address of this org"):
        [line async for line in scripted(elsewhere).statement("invoice", "")]


async def test_pages_of_a_query_are_all_read() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/query"):
            first = {
                "records": [{"External_Id__c": "UK01:invoice:a:b:1"}],
                "nextRecordsUrl": "/services/data/v64.0/query/x-1",
            }
            return httpx.Response(200, json=first)
        return httpx.Response(200, json={"records": [{"External_Id__c": "US01:invoice:c:1", "Net__c": 1.5}]})

    lines = [line async for line in scripted(pages).statement("invoice", "")]
    assert [(line.legal_entity, line.aggregate_id, line.amount) for line in lines] == [
        ("UK01", "a:b", Decimal(0)),
        ("US01", "c", Decimal("1.5")),
    ]


@pytest.mark.parametrize(
    ("given", "wanted"), [("10", "10.00"), ("0.5", "0.50"), ("1.234567", "1.234567"), ("-3", "-3.00")]
)
def test_amounts_keep_what_they_are_and_lose_idle_zeros(given: str, wanted: str) -> None:
    assert str(amount(Money(amount=Decimal(given), currency="GBP"))) == wanted


@pytest.mark.parametrize(
    "settings",
    [{"base_url": "ftp://x"}, {"client_secret": ""}, {"client_id": ""}, {"api_version": "latest"}, {"secret": "x"}],
)
def test_settings_are_checked(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Salesforce.model_validate(
            {"name": "s", "base_url": "https://x", "client_id": "a", "client_secret": "b", **settings}
        )


def test_the_secret_does_not_show() -> None:
    shown = repr(salesforce("https://acme.example", Http(), client_secret="topsecret"))
    assert "topsecret" not in shown


async def test_an_id_is_one_segment_of_the_address() -> None:
    asked: list[bytes] = []

    def keep(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(201, json={"id": "a0V1", "success": True, "errors": [], "created": True})

    await one(scripted(keep), invoice(aggregate_id="a/b?c"))
    assert asked == [b"/services/data/v64.0/sobjects/PSF_Invoice__c/External_Id__c/UK01%3Ainvoice%3Aa%2Fb%3Fc%3A1"]
