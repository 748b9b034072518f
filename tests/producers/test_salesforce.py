"""Salesforce: reading change events, what they lead to reading, and what the records read mean."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import httpx
import pytest

from producers.salesforce import OBJECTS, TOPICS, Salesforce
from producers.salesforce_pubsub import header_of
from producers.salesforce_rest import quoted
from psfabric import strict_json
from psfabric.adapters import Page
from psfabric.errors import Invalid, Transient
from psfabric.event import Raw
from psfabric.http import Http
from schemas.models import BillingRequested, ClientOnboarded, EngagementContracted, MilestoneAccepted
from tests.contracts.answering import Answering, Respond
from tests.contracts.sources import PolledContract, ThinContract, taken
from tests.producers.conftest import Vendors

OPPORTUNITY, ACCOUNT = "0065g00000TestoAAA", "0015g00000TestaAAA"
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "OpportunityChangeEvent",
        "fields": [
            {
                "name": "ChangeEventHeader",
                "type": {
                    "type": "record",
                    "name": "ChangeEventHeader",
                    "fields": [
                        {"name": "entityName", "type": "string"},
                        {"name": "recordIds", "type": {"type": "array", "items": "string"}},
                        {"name": "changeType", "type": "string"},
                        {"name": "commitNumber", "type": "long"},
                    ],
                },
            },
            {"name": "Amount", "type": ["null", "double"], "default": None},
        ],
    }
)


@pytest.fixture
def settings() -> dict[str, Any]:
    return {
        "name": "salesforce-acme",
        "base_url": "https://acme.salesforce.example",
        "pubsub": "127.0.0.1:1",
        "client_id": "psfabric",
        "client_secret": "a-client-secret",
        "tls": False,
    }


@pytest.fixture
def source(settings: dict[str, Any]) -> Salesforce:
    made = Salesforce.model_validate(settings)
    made._schemas["s-1"] = SCHEMA
    return made


def payload(ids: list[str], object: str = "Opportunity", kind: str = "UPDATE", commit: int = 42) -> bytes:
    header = {"entityName": object, "recordIds": ids, "changeType": kind, "commitNumber": commit}
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(SCHEMA)), {"ChangeEventHeader": header})
    return buffer.getvalue()


def event(ids: list[str], **header: Any) -> Raw:
    return Raw(ids[0], payload(ids, **header), {"fabric-sf-schema-id": "s-1", "fabric-notice-id": "n-1"})


@pytest.fixture
def thin() -> Raw:
    return event([OPPORTUNITY])


def account(**changes: Any) -> dict[str, Any]:
    return {
        "Id": ACCOUNT,
        "Name": "Nova Health plc",
        "AccountNumber": "C-100",
        "BillingStreet": "1 Sample Street",
        "BillingCity": "Leeds",
        "BillingPostalCode": "LS1 1AA",
        "BillingState": None,
        "BillingCountryCode": "GB",
        "CurrencyIsoCode": "GBP",
        "SystemModstamp": "2026-09-01T08:00:00.000+0000",
    } | changes


def opportunity(**changes: Any) -> dict[str, Any]:
    return {
        "Id": OPPORTUNITY,
        "Name": "Nova transformation",
        "AccountId": ACCOUNT,
        "StageName": "Closed Won",
        "CloseDate": "2026-09-30",
        "Amount": Decimal("125000.50"),
        "CurrencyIsoCode": "GBP",
        "PSA_Project_Code__c": "PRJ-1001",
        "Legal_Entity__c": "UK01",
        "Billing_Model__c": "Time and Materials",
        "Cost_Center__c": "CC-10",
        "Tax_Code__c": "GB-VAT-20",
        "Purchase_Order__c": None,
        "Rev_Rec_Rule__c": "AS-BILLED",
        "SystemModstamp": "2026-09-30T12:00:00.000+0000",
        "IsDeleted": False,
    } | changes


def line(role: str = "Consultant", price: Any = 150, **changes: Any) -> dict[str, Any]:
    return {
        "Id": f"00k-{role}",
        "OpportunityId": OPPORTUNITY,
        "Role__c": role,
        "UnitPrice": price,
        "Quantity": 100,
        "SystemModstamp": "2026-09-29T12:00:00.000+0000",
    } | changes


def record(*records: dict[str, Any], commit: int = 42) -> Raw:
    body = strict_json.dumps({"notice": {"commitNumber": commit}, "records": list(records)})
    return Raw(OPPORTUNITY, body, {"fabric-notice-id": "n-1", "content-type": "application/json"})


def won(lines: list[dict[str, Any]] | None = None, client: Any = None, commit: int = 42, **changes: Any) -> Raw:
    content = {
        "object": "Opportunity",
        "id": OPPORTUNITY,
        "record": opportunity(**changes),
        "account": client or account(),
        "lines": [line(), line("Partner", Decimal("320.00"))] if lines is None else lines,
    }
    return record(content, commit=commit)


def milestone(**changes: Any) -> Raw:
    found = {
        "Id": "a0M5g00000TestmAAA",
        "Name": "Design signed off",
        "Project_Code__c": "PRJ-1002",
        "pse__Milestone_Amount__c": Decimal("40000.00"),
        "CurrencyIsoCode": "USD",
        "pse__Status__c": "Approved",
        "pse__Actual_Date__c": "2026-10-15",
        "SystemModstamp": "2026-10-16T09:00:00.000+0000",
    } | changes
    return record({"object": "pse__Milestone__c", "id": found["Id"], "record": found})


def billing_event(**changes: Any) -> Raw:
    found = {
        "Id": "a0B5g00000TestbAAA",
        "Name": "October 2026",
        "Project_Code__c": "PRJ-1001",
        "pse__Date__c": "2026-10-31",
        "pse__Status__c": "Released",
        "SystemModstamp": "2026-11-01T09:00:00.000+0000",
    } | changes
    return record({"object": "pse__Billing_Event__c", "id": found["Id"], "record": found})


@pytest.fixture
def full() -> Raw:
    return won()


# ------------------------------------------------------------------------------------------------ translate


def test_a_won_opportunity_is_a_client_and_an_engagement(source: Salesforce) -> None:
    client, engagement = (event.data for event in source.translate(won()))
    assert isinstance(client, ClientOnboarded)
    assert isinstance(engagement, EngagementContracted)
    assert client.aggregate_id == client.client_id == engagement.client_id == ACCOUNT
    assert (client.name, client.client_number, client.default_currency) == ("Nova Health plc", "C-100", "GBP")
    assert (client.address.city, client.address.region, client.address.country_code) == ("Leeds", "", "GB")
    assert client.sequence == "2026-09-01T08:00:00.000000Z/" + "0" * 20
    assert engagement.aggregate_id == OPPORTUNITY
    assert (engagement.legal_entity, engagement.project_id, engagement.tax_code) == ("UK01", "PRJ-1001", "GB-VAT-20")
    assert engagement.billing_model == "TIME_AND_MATERIALS"
    assert engagement.contracted_on == date(2026, 9, 30)
    assert engagement.contract_value.amount == Decimal("125000.50")
    assert (engagement.cost_centre, engagement.revenue_rule, engagement.purchase_order) == ("CC-10", "AS-BILLED", "")
    rates = {rate.role: (rate.hourly_rate.amount, rate.billable) for rate in engagement.rates}
    assert rates == {"Consultant": (Decimal(150), True), "Partner": (Decimal(320), True)}


def test_the_version_is_the_newest_part_and_the_commit(source: Salesforce) -> None:
    def version(full: Raw) -> str:
        return next(e.data.sequence for e in source.translate(full) if e.type == "engagement.EngagementContracted")

    newer = won([line(SystemModstamp="2026-10-02T00:00:00.000+0000")])
    assert version(won()) == f"2026-09-30T12:00:00.000000Z/{42:020}"
    assert version(newer) == f"2026-10-02T00:00:00.000000Z/{42:020}"
    assert version(won()) < version(won(commit=43)) < version(newer)


def test_time_under_a_fixed_fee_or_at_no_price_is_never_invoiced_by_the_hour(source: Salesforce) -> None:
    def billable(full: Raw) -> list[bool]:
        _, engagement = (event.data for event in source.translate(full))
        assert isinstance(engagement, EngagementContracted)
        return [rate.billable for rate in engagement.rates]

    assert billable(won([line(price=0), line("Partner", 300)])) == [False, True]
    assert billable(won([line(price=0)], Billing_Model__c="Fixed Fee Milestone")) == [False]


@pytest.mark.parametrize("stage", ["Prospecting", "Closed Lost", "closed won", "", None])
def test_only_a_won_opportunity_means_anything(source: Salesforce, stage: str | None) -> None:
    assert list(source.translate(won([], StageName=stage, Amount=None))) == []


def test_an_accepted_milestone(source: Salesforce) -> None:
    (event,) = source.translate(milestone())
    assert isinstance(event.data, MilestoneAccepted)
    assert event.data.partition_key == event.aggregate_id == "a0M5g00000TestmAAA"
    assert (event.data.amount.amount, event.data.amount.currency) == (Decimal(40000), "USD")
    assert (event.data.project_id, event.data.accepted_on) == ("PRJ-1002", date(2026, 10, 15))
    assert event.time == datetime(2026, 10, 16, 9, tzinfo=UTC)


def test_a_released_billing_event_bills_its_project_up_to_its_date(source: Salesforce) -> None:
    (event,) = source.translate(billing_event())
    assert isinstance(event.data, BillingRequested)
    assert event.data.partition_key == event.data.project_id == "PRJ-1001"
    assert event.aggregate_id == "a0B5g00000TestbAAA"
    assert event.data.bill_up_to == event.data.invoice_date == date(2026, 10, 31)
    assert (event.data.kind, event.data.amount, event.data.milestone_id) == ("TIME_AND_MATERIALS", None, "")


@pytest.mark.parametrize("full", [milestone(pse__Status__c="Planned"), billing_event(pse__Status__c="Draft")])
def test_what_is_not_released_means_nothing(source: Salesforce, full: Raw) -> None:
    assert list(source.translate(full)) == []


def test_one_event_may_be_about_several_records_of_which_some_are_gone(source: Salesforce) -> None:
    first, second = (strict_json.loads(full.body)["records"][0] for full in (milestone(), milestone(Id="a0M-2")))
    gone = {"object": "pse__Milestone__c", "id": "a0M-3", "record": None}
    deleted = {"object": "Opportunity", "id": OPPORTUNITY, "record": opportunity(IsDeleted=True)}
    other = {"object": "Contact", "id": "003-1", "record": {"Id": "003-1"}}
    events = list(source.translate(record(first, gone, second, deleted, other)))
    assert [event.aggregate_id for event in events] == ["a0M5g00000TestmAAA", "a0M-2"]


def test_everything_missing_is_named_at_once(source: Salesforce) -> None:
    bare = won([], PSA_Project_Code__c=None, Legal_Entity__c=" ", Tax_Code__c=None, Amount=None)
    with pytest.raises(Invalid) as refusal:
        source.translate(bare)
    assert refusal.value.code == "engagement-incomplete"
    for name in ("PSA_Project_Code__c", "Legal_Entity__c", "Tax_Code__c", "Amount", "OpportunityLineItems"):
        assert name in refusal.value.why


@pytest.mark.parametrize(
    ("code", "full"),
    [
        ("project-code-missing", won(PSA_Project_Code__c="")),
        ("engagement-incomplete", won([line(role="")])),
        ("engagement-incomplete", won([line(price=None)])),
        ("engagement-incomplete", won(client={"Id": ACCOUNT})),
        ("engagement-incomplete", won(AccountId=None)),
        ("field-invalid", won(Billing_Model__c="Retainer")),
        ("field-invalid", won(CurrencyIsoCode="pounds")),
        ("field-invalid", won(Amount="125000")),
        ("field-invalid", won(Amount=True)),
        ("field-invalid", won(Amount=Decimal("0.0000001"))),
        ("field-invalid", won(CloseDate="30/09/2026")),
        ("field-invalid", won([line(price=Decimal("-1"))])),
        ("field-invalid", won([line(price=1), line(price=2)])),
        ("field-invalid", won(SystemModstamp="2026-09-30T12:00:00")),
        ("field-missing", won(SystemModstamp=None)),
        ("project-code-missing", milestone(Project_Code__c=None)),
        ("field-missing", milestone(pse__Milestone_Amount__c=None)),
        ("field-missing", milestone(pse__Actual_Date__c=None)),
        ("field-missing", milestone(CurrencyIsoCode="")),
        ("project-code-missing", billing_event(Project_Code__c="")),
        ("field-missing", billing_event(pse__Date__c=None)),
        ("field-invalid", billing_event(pse__Date__c="2026-02-30")),
    ],
)
def test_what_cannot_be_translated_is_refused_by_code(source: Salesforce, code: str, full: Raw) -> None:
    with pytest.raises(Invalid) as refusal:
        source.translate(full)
    assert refusal.value.code == code


# ------------------------------------------------------------------------------------------------ hydrate


@pytest.mark.parametrize(
    "raw",
    [
        event(["001*"]),
        event(["000000000000000AAA"], kind="GAP_OVERFLOW"),
        event([OPPORTUNITY], kind="GAP_OVERFLOW"),
        event([OPPORTUNITY, "006*"]),
    ],
)
async def test_a_change_of_too_many_records_needs_a_resync(source: Salesforce, raw: Raw) -> None:
    with pytest.raises(Invalid) as refusal:
        await source.hydrate(raw)
    assert refusal.value.code == "resync-needed"


@pytest.mark.parametrize("id", ["", "x' OR Name != '", "../Account/1", "006 5g00000TestoAA", "0065g00000Testoé"])
async def test_an_id_that_is_none_is_never_asked_for(source: Salesforce, id: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await source.hydrate(replace(event([OPPORTUNITY]), body=payload([id])))
    assert refusal.value.code == "field-invalid"


@pytest.mark.parametrize("body", [b"", payload([OPPORTUNITY])[:-3], b"\xff" * 40, b"\x02\x00\x00\x00"])
async def test_bytes_that_are_no_change_event_are_refused_by_code(source: Salesforce, body: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        await source.hydrate(replace(event([OPPORTUNITY]), body=body))
    assert refusal.value.code == "avro-truncated"


@pytest.mark.parametrize("schema", ["", "[", "{}", '{"type": "nonsense"}', '{"type": "string"}', '"long"'])
def test_a_schema_that_is_none_is_refused_by_code(schema: str) -> None:
    with pytest.raises(Invalid):
        header_of(schema, payload([OPPORTUNITY]))


class Org:
    """REST of an org: a token, and per object the states that successive reads take; the last one stays."""

    def __init__(self, **states: list[Any]) -> None:
        self.states, self.tokens, self.good = states, 0, "token-1"
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(str(request.url))
        if request.url.path == "/services/oauth2/token":
            self.tokens += 1
            granted = {"access_token": f"token-{self.tokens}", "id": "https://login.example/id/00Dorg/005user"}
            return httpx.Response(200, json=granted)
        if request.headers["authorization"] != f"Bearer {self.good}":
            return httpx.Response(401, json=[{"errorCode": "INVALID_SESSION_ID", "message": "expired"}])
        name = "lines" if request.url.path.endswith("/query") else request.url.path.split("/")[-2]
        states = self.states.get(name, [None])
        state = states.pop(0) if len(states) > 1 else states[0]
        if name == "lines":
            state = {"done": True, "records": state or []}
        return httpx.Response(404, json=[]) if state is None else httpx.Response(200, content=strict_json.dumps(state))


async def test_an_opportunity_is_read_with_its_account_and_lines(source: Salesforce) -> None:
    org = Org(Opportunity=[opportunity()], Account=[account()], lines=[[line()]])
    source.bind(Answering(org))
    full = await source.hydrate(event([OPPORTUNITY]))
    assert [event.type for event in source.translate(full)] == list(source.emits[:2])
    assert full.headers["fabric-notice-id"] == "n-1"
    assert "125000.50" in full.body.decode()
    assert all(name in "".join(org.seen) for name in OBJECTS["Opportunity"])


async def test_several_ids_are_several_records(source: Salesforce) -> None:
    source.bind(Answering(Org(Opportunity=[opportunity(), None], Account=[account()], lines=[[line()]])))
    full = await source.hydrate(event([OPPORTUNITY, "0065g00000TestpAAA"]))
    assert not full.absent
    assert [found["record"] is None for found in strict_json.loads(full.body)["records"]] == [False, True]


@pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE", "UPDATE"])
async def test_what_is_gone_is_absent(source: Salesforce, kind: str) -> None:
    source.bind(Answering(Org()))
    full = await source.hydrate(event([OPPORTUNITY], kind=kind))
    assert full.absent
    assert list(source.translate(full)) == []


async def test_an_old_opportunity_never_travels_under_the_version_of_a_new_line(source: Salesforce) -> None:
    new = opportunity(Legal_Entity__c="US01", SystemModstamp="2026-10-02T00:00:00.000+0000")
    lines = [[line(SystemModstamp="2026-10-02T00:00:00.000+0000")]]
    source.bind(Answering(Org(Opportunity=[opportunity(), new], Account=[account()], lines=lines)))
    _, engagement = source.translate(await source.hydrate(event([OPPORTUNITY])))
    assert engagement.data.legal_entity == "US01"


async def test_an_opportunity_that_does_not_rest_is_tried_again_later(source: Salesforce) -> None:
    states = [opportunity(Amount=n) for n in range(9)]
    lines = [[line(SystemModstamp="2026-10-02T00:00:00.000+0000")]]
    source.bind(Answering(Org(Opportunity=states, Account=[account()], lines=lines)))
    with pytest.raises(Transient):
        await source.hydrate(event([OPPORTUNITY]))


async def test_an_expired_token_is_renewed_once_for_all(source: Salesforce) -> None:
    """Also for the one that hears of the expiry after another has renewed the token."""
    org, renewed = Org(Opportunity=[opportunity()], Account=[account()], lines=[[line()]]), asyncio.Event()
    expired: list[httpx.Request] = []

    async def respond(request: httpx.Request) -> httpx.Response:
        answer = org(request)
        await asyncio.sleep(0)  # let the others send theirs before they hear of it
        if answer.status_code == 401:
            expired.append(request)
            if len(expired) == 3:
                await renewed.wait()
        elif org.tokens == 2 and "/sobjects/" in request.url.path:
            renewed.set()
        return answer

    source.bind(Answering(respond))
    await source.hydrate(event([OPPORTUNITY]))
    org.good = "token-2"
    async with asyncio.timeout(5):
        await asyncio.gather(*(source.hydrate(event([OPPORTUNITY])) for _ in range(3)))
    assert (len(expired), org.tokens) == (3, 2)


async def test_a_fresh_token_that_is_refused_is_for_people(source: Salesforce) -> None:
    org = Org()
    org.good = "none"
    source.bind(Answering(org))
    with pytest.raises(Transient):
        await source.hydrate(event([OPPORTUNITY]))
    assert org.tokens == 2


@pytest.mark.parametrize(
    "more", ["https://evil.example/services/data/next", "//evil.example/x", 7, "/services/oauth2/token"]
)
async def test_a_token_never_follows_an_address_elsewhere(source: Salesforce, more: Any) -> None:
    org = Org(Opportunity=[opportunity()], Account=[account()])

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/query"):
            return httpx.Response(200, json={"done": False, "records": [], "nextRecordsUrl": more})
        return org(request)

    source.bind(Answering(respond))
    with pytest.raises(Invalid):
        await source.hydrate(event([OPPORTUNITY]))
    assert not [url for url in org.seen if "evil" in url]


async def test_pages_of_a_query_are_followed(source: Salesforce) -> None:
    org = Org(Opportunity=[opportunity()], Account=[account()])

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/query"):
            more = {"done": False, "records": [line()], "nextRecordsUrl": "/services/data/v64.0/query/01g-2"}
            return httpx.Response(200, content=strict_json.dumps(more))
        if request.url.path.endswith("/01g-2"):
            return httpx.Response(200, content=strict_json.dumps({"done": True, "records": [line("Partner")]}))
        return org(request)

    source.bind(Answering(respond))
    full = await source.hydrate(event([OPPORTUNITY]))
    assert [row["Role__c"] for row in strict_json.loads(full.body)["records"][0]["lines"]] == ["Consultant", "Partner"]


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("plain", "'plain'"),
        ("O'Hara", "'O\\'Hara'"),
        ("a\\' OR '1'='1", "'a\\\\\\' OR \\'1\\'=\\'1'"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_a_value_in_a_query_stays_a_value(value: str, literal: str) -> None:
    assert quoted(value) == literal


# ------------------------------------------------------------------------------------------------ the simulated org


@pytest.fixture
async def reader(vendors: Vendors, org: dict[str, str]) -> AsyncIterator[Salesforce]:
    http = Http()
    made = Salesforce.model_validate(
        {
            "name": "salesforce-acme",
            "base_url": vendors.salesforce,
            "pubsub": vendors.pubsub,
            "client_id": vendors.client_id,
            "client_secret": vendors.client_secret,
            "tls": False,
        }
    )
    made.bind(http)
    yield made
    await http.close()


def write(vendors: Vendors, object: str, **fields: Any) -> str:
    made: str = vendors.steer_salesforce("writes", writes=[{"object": object, "fields": fields}])["ids"][0]
    return made


@pytest.fixture(scope="module")
def org(vendors: Vendors) -> dict[str, str]:
    """An org with one won opportunity, an accepted milestone and a released billing event."""
    client = write(vendors, "Account", Name="Nova Health plc", CurrencyIsoCode="GBP")
    skipped = ("Id", "AccountId", "SystemModstamp", "IsDeleted")
    sold = {name: str(value) for name, value in opportunity().items() if name not in skipped and value is not None}
    won = write(vendors, "Opportunity", **sold | {"AccountId": client})
    write(vendors, "OpportunityLineItem", OpportunityId=won, Role__c="Consultant", UnitPrice="150.00", Quantity="10")
    reached = {"Project_Code__c": "PRJ-1001", "CurrencyIsoCode": "GBP", "pse__Milestone_Amount__c": "4000.00"}
    accepted = {"pse__Status__c": "Approved", "pse__Actual_Date__c": "2026-10-15"}
    stone = write(vendors, "pse__Milestone__c", Name="Design", **reached, **accepted)
    month = {"Project_Code__c": "PRJ-1001", "pse__Date__c": "2026-10-31", "pse__Status__c": "Released"}
    billing = write(vendors, "pse__Billing_Event__c", Name="October 2026", **month)
    return {"account": client, "opportunity": won, "milestone": stone, "billing": billing}


def refusing(status: int) -> Respond:
    return lambda request: httpx.Response(status, json=[])


class TestContract(PolledContract, ThinContract):
    """Salesforce keeps what every polled source and every thin source promises."""

    @pytest.fixture
    def let_in(self) -> Callable[[Respond], Respond]:
        def signing_in(respond: Respond) -> Respond:
            return lambda request: Org()(request) if request.url.path.endswith("/token") else respond(request)

        return signing_in

    async def test_trouble_after_signing_in_kills_no_record(
        self, source: Salesforce, thin: Raw, let_in: Callable[[Respond], Respond]
    ) -> None:
        for status in (401, 403, 429, 500, 503):
            source.bind(Answering(let_in(refusing(status))))
            with pytest.raises(Transient):
                await source.hydrate(thin)


async def test_every_change_becomes_canonical_events(reader: Salesforce, org: dict[str, str]) -> None:
    raws = [raw for page in await taken(reader, None, 3) for raw in page.raws]
    assert {org[name] for name in ("opportunity", "milestone", "billing")} <= {raw.key for raw in raws}
    assert {raw.headers["fabric-sf-topic"] for raw in raws} == set(TOPICS)
    fulls = [await reader.hydrate(raw) for raw in raws]
    events = [event for full in fulls for event in reader.translate(full)]
    assert {event.type for event in events} == set(reader.emits)
    engagement = next(event.data for event in events if isinstance(event.data, EngagementContracted))
    assert engagement.client_id == org["account"]
    assert engagement.contract_value.amount == Decimal("125000.50")


async def test_a_gap_event_leads_to_reading_too(reader: Salesforce, vendors: Vendors, org: dict[str, str]) -> None:
    cursor = (await taken(reader, None, 3))[-1].cursor
    vendors.steer_salesforce("gaps", object="pse__Milestone__c", id=org["milestone"], kind="UPDATE")
    (raw,) = [raw for page in await taken(reader, cursor, 1) for raw in page.raws][:1]
    assert [event.type for event in reader.translate(await reader.hydrate(raw))] == ["milestone.MilestoneAccepted"]


async def test_a_keep_alive_moves_the_cursor(reader: Salesforce) -> None:
    """An idle stream still says where it stands: after a quiet week the stored position is not a lost one."""
    page: Page
    async with asyncio.timeout(10):
        async for page in reader.read(None):
            positions = json.loads(page.cursor)
            if not page.raws or len(positions) == len(TOPICS):
                break
    assert all(base64.b64decode(place) for place in positions.values())


async def test_a_position_that_is_no_longer_kept_is_an_expired_cursor(reader: Salesforce) -> None:
    gone = json.dumps({TOPICS[0]: base64.b64encode(b"long-gone").decode()})
    with pytest.raises(Invalid) as refusal:
        await taken(reader, gone, 1_000_000)
    assert refusal.value.code == "cursor-expired"


async def test_expired_tokens_are_renewed_while_reading_and_hydrating(reader: Salesforce, vendors: Vendors) -> None:
    (raw, *_) = [raw for page in await taken(reader, None, 3) for raw in page.raws]
    vendors.steer_salesforce("tokens/expire")
    reader._schemas.clear()
    assert await taken(reader, None, 1)
    reader._schemas.clear()
    vendors.steer_salesforce("tokens/expire")
    assert await reader.hydrate(raw)


async def test_a_token_that_expires_while_reading_is_renewed_by_the_next_read(
    reader: Salesforce, vendors: Vendors
) -> None:
    """The server ends a stream whose token expired when it hears of us next: here, when we ask for more."""

    async def read_while_tokens_expire() -> None:
        async with asyncio.timeout(10):
            async for _ in reader.read(None):
                vendors.steer_salesforce("tokens/expire")

    with pytest.raises(Transient):
        await read_while_tokens_expire()
    assert await taken(reader, None, 1)


async def test_a_used_up_allocation_kills_no_record(reader: Salesforce, vendors: Vendors) -> None:
    (raw, *_) = [raw for page in await taken(reader, None, 3) for raw in page.raws]
    vendors.steer_salesforce("faults", throttle=1)
    with pytest.raises(Transient, match="REQUEST_LIMIT_EXCEEDED"):
        await reader.hydrate(raw)


async def test_an_org_that_is_not_there_is_tried_again(settings: dict[str, Any], vendors: Vendors) -> None:
    there = {"base_url": vendors.salesforce, "client_id": vendors.client_id, "client_secret": vendors.client_secret}
    away = Salesforce.model_validate(settings | there).bind(Http())
    with pytest.raises(Transient):
        await taken(away, None, 1)
    with pytest.raises(Transient):
        await away.hydrate(replace(event([OPPORTUNITY]), headers={"fabric-sf-schema-id": "unknown"}))


async def test_a_schema_that_salesforce_does_not_have(reader: Salesforce) -> None:
    with pytest.raises(Invalid) as refusal:
        await reader.hydrate(replace(event([OPPORTUNITY]), headers={"fabric-sf-schema-id": "unknown"}))
    assert refusal.value.code == "schema-unknown"


def test_a_wrong_client_secret_is_told_without_it(settings: dict[str, Any], vendors: Vendors) -> None:
    wrong = Salesforce.model_validate(settings | {"base_url": vendors.salesforce, "client_secret": "not-the-secret"})

    async def read() -> None:
        wrong.bind(Http())
        await taken(wrong, None, 1)

    with pytest.raises(Transient) as trouble:
        asyncio.run(read())
    assert "not-the-secret" not in str(trouble.value)
