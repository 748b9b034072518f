"""The simulated Salesforce over REST, driven by an independent client where one fits."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from sandbox.control import Control
from sandbox.salesforce.objects import checked, record_id
from tests.sandbox.conftest import SECRETS, Running, sign_in

_numbers = count(9_000)


class _PlainHttp(HTTPAdapter):
    """simple_salesforce insists on https; the sandbox speaks plain HTTP on the loopback address."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def client(running: Running) -> Salesforce:
    session = requests.Session()
    session.mount("https://127.0.0.1", _PlainHttp())
    token = sign_in(running)
    return Salesforce(
        session_id=token["access_token"], instance_url=token["instance_url"], session=session, version="62.0"
    )


def opportunity(client: Any, **more: Any) -> str:
    fields = {"Name": f"Deal {next(_numbers)}", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    return str(client.Opportunity.create(fields | more)["id"])


def test_the_independent_client_creates_reads_updates_and_deletes(client: Any) -> None:
    id = opportunity(client, Amount=125000.55)
    client.Opportunity.update(id, {"StageName": "Closed Won"})
    record = client.Opportunity.get(id)
    assert (record["StageName"], record["Amount"], record["CloseDate"]) == ("Closed Won", 125000.55, "2026-12-31")
    assert record["attributes"] == {"type": "Opportunity", "url": f"/services/data/v62.0/sobjects/Opportunity/{id}"}
    client.Opportunity.delete(id)
    with pytest.raises(SalesforceResourceNotFound):
        client.Opportunity.get(id)


def test_the_independent_client_queries(client: Any) -> None:
    name = f"O'Brien \\ {next(_numbers)}"
    id = opportunity(client, Name=name)
    text = format_soql("SELECT Id, Name FROM Opportunity WHERE Name = {} AND IsDeleted = false", name)
    found = client.query(text)
    assert (found["totalSize"], found["done"]) == (1, True)
    assert [(row["Id"], row["Name"]) for row in found["records"]] == [(id, name)]


def test_a_long_result_is_paged(client: Any, control: Control) -> None:
    ids = [record_id("00k", 700_000 + n) for n in range(2001)]
    parent = record_id("006", 700_000)
    control.write(
        {"object": "OpportunityLineItem", "id": id, "fields": {"OpportunityId": parent, "Quantity": 1}} for id in ids
    )
    found = client.query_all(f"SELECT Id FROM OpportunityLineItem WHERE OpportunityId = '{parent}'")
    assert (found["totalSize"], len(found["records"])) == (2001, 2001)


def test_an_invoice_is_upserted_by_its_external_id(client: Any) -> None:
    key = f"External_Id__c/UK01:invoice:{next(_numbers)}"
    assert client.PSF_Invoice__c.upsert(key, {"Number__c": "1", "Total__c": 120.40}) == 201
    assert client.PSF_Invoice__c.upsert(key, {"Number__c": "2"}) == 200
    record = client.PSF_Invoice__c.get_by_custom_id(*key.split("/"))
    assert (record["Number__c"], record["Total__c"]) == ("2", 120.40)


def test_two_records_of_one_external_id_are_a_choice(client: Any) -> None:
    value = f"twice-{next(_numbers)}"
    for _ in range(2):
        client.PSF_Invoice__c.create({"External_Id__c": value})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.PSF_Invoice__c.upsert(f"External_Id__c/{value}", {"Number__c": "1"})


def test_an_upsert_tells_created_or_not_in_its_body(org: httpx.Client) -> None:
    path = f"/sobjects/PSF_Invoice__c/External_Id__c/told-{next(_numbers)}"
    absent = org.patch(path, json={}, params={"updateOnly": "true"})
    made, changed = (org.patch(path, json={"Net__c": 10}) for _ in range(2))
    assert absent.status_code == 404
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert (changed.status_code, changed.json()["created"], changed.json()["id"]) == (200, False, made.json()["id"])


def test_a_collection_answers_200_with_a_result_for_each_row(org: httpx.Client) -> None:
    values = [f"row-{next(_numbers)}" for _ in range(2)]
    rows = [
        {"attributes": {"type": "PSF_Invoice__c"}, "External_Id__c": values[0], "Number__c": "1"},
        {"attributes": {"type": "PSF_Invoice__c"}, "External_Id__c": values[1], "Nonsense__c": "1"},
    ]
    path = "/composite/sobjects/PSF_Invoice__c/External_Id__c"
    answer = org.patch(path, json={"allOrNone": False, "records": rows})
    assert answer.status_code == 200
    assert [row["success"] for row in answer.json()] == [True, False]
    assert answer.json()[1]["errors"][0]["statusCode"] == "INVALID_FIELD"
    rows[0]["Number__c"] = "2"
    together = org.patch(path, json={"allOrNone": True, "records": rows}).json()
    assert together[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert org.get(f"/sobjects/PSF_Invoice__c/External_Id__c/{values[0]}").json()["Number__c"] == "1"
    assert org.patch(path, json={"records": rows * 101}).status_code == 400


def test_the_time_of_a_change_is_kept_in_whole_seconds(control: Control, org: httpx.Client) -> None:
    id = record_id("006", next(_numbers))
    fields = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    control.write([{"object": "Opportunity", "id": id, "fields": fields, "at": "2026-09-21T10:00:00.900+01:00"}])
    assert org.get(f"/sobjects/Opportunity/{id}").json()["SystemModstamp"] == "2026-09-21T09:00:00.000+0000"
    control.write([{"object": "Opportunity", "id": id, "fields": {"Amount": "1.10"}, "at": "2026-09-22T09:00:00Z"}])
    record = org.get(f"/sobjects/Opportunity/{id[:15]}", params={"fields": "Amount,SystemModstamp"}).json()
    assert (record["SystemModstamp"], record["Amount"]) == ("2026-09-22T09:00:00.000+0000", 1.1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT Id Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity LIMIT 1.5", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'it's'", "MALFORMED_QUERY"),
        (r"SELECT Id FROM Opportunity WHERE Name = '\x'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name LIKE 'a%'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'a' OR Name = 'b'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity LIMIT 1; DROP", "MALFORMED_QUERY"),
        ('SELECT Id FROM Opportunity WHERE Name = "a"', "MALFORMED_QUERY"),
        ("SELECT Nonsense FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Account.Name FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = '2026-12-31'", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE Amount = '12'", "INVALID_FIELD"),
        ("SELECT Id FROM Nonsense", "INVALID_TYPE"),
    ],
)
def test_a_wrong_query_is_refused(org: httpx.Client, text: str, code: str) -> None:
    answer = org.get("/query", params={"q": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_queries_compare_order_and_limit(client: Any) -> None:
    code = f"PRJ-{next(_numbers)}"
    for amount, close in ((30, "2026-10-01"), (10, "2026-10-02"), (20, "2026-10-03")):
        opportunity(client, Amount=amount, CloseDate=close, PSA_Project_Code__c=code)
    where = f"FROM Opportunity WHERE PSA_Project_Code__c = '{code.lower()}'"

    def amounts(tail: str) -> list[float]:
        return [row["Amount"] for row in client.query(f"SELECT Amount {where} {tail}")["records"]]

    assert amounts("ORDER BY Amount") == [10, 20, 30]
    assert amounts("ORDER BY CloseDate DESC LIMIT 2") == [20, 10]
    assert amounts("AND CloseDate >= 2026-10-02 AND Amount < 15.5") == [10]
    assert amounts("AND Amount IN (30, 20) ORDER BY Amount") == [20, 30]
    assert amounts("AND Amount != null AND SystemModstamp < 2026-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Name": "Deal"}, "REQUIRED_FIELD_MISSING"),
        ({"Nonsense": 1}, "INVALID_FIELD"),
        ({"SystemModstamp": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Amount": "many"}, "JSON_PARSER_ERROR"),
        ({"CloseDate": "soon"}, "JSON_PARSER_ERROR"),
        ({"StageName": True}, "JSON_PARSER_ERROR"),
        ({"Name": "x" * 256}, "STRING_TOO_LONG"),
    ],
)
def test_a_wrong_record_is_refused(org: httpx.Client, fields: dict[str, Any], code: str) -> None:
    answer = org.post("/sobjects/Opportunity", json=fields)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b'{"Amount": NaN}', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(org: httpx.Client, body: bytes) -> None:
    answer = org.post("/sobjects/Opportunity", content=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize("path", ["/sobjects/Opportunity/006000000000000AAA", "/sobjects/Nonsense/006000000000000AAA"])
def test_what_is_not_there_is_not_found(org: httpx.Client, path: str) -> None:
    answer = org.get(path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_expired_token_is_said(client: Any, control: Control) -> None:
    control.expire_tokens()
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        client.query("SELECT Id FROM Account")


def test_the_request_limit_is_a_403_without_retry_after(org: httpx.Client, control: Control) -> None:
    control.salesforce_faults(throttle=1)
    refused = org.get("/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "retry-after" not in refused.headers
    used, _, most = org.get("/limits").headers["sforce-limit-info"].removeprefix("api-usage=").partition("/")
    assert 0 < int(used) < int(most)
    control.limit_calls(int(used))
    assert org.get("/limits").status_code == 403
    control.limit_calls(int(most))
    assert org.get("/limits").json()["DailyApiRequests"]["Max"] == int(most)


def test_the_independent_client_understands_the_errors(client: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.query("SELECT Id FROM")
    content: Any = refused.value.content
    assert content[0]["errorCode"] == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, "invalid_client"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_sign_in_is_refused(running: Running, form: dict[str, str], error: str) -> None:
    answer = httpx.post(f"{running.salesforce}/services/oauth2/token", data=form, verify=False)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_client_credentials_may_come_as_basic_authentication(running: Running) -> None:
    auth = (SECRETS["PSF_SALESFORCE_CLIENT_ID"], SECRETS["PSF_SALESFORCE_CLIENT_SECRET"])
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{running.salesforce}/services/oauth2/token", data=form, auth=auth, verify=False)
    assert answer.json()["token_type"] == "Bearer"


def test_record_ids_have_salesforce_s_check_characters() -> None:
    assert checked("0014H00002LbR7Q") == "0014H00002LbR7QQAV"
    assert len({record_id("006", n) for n in range(200)}) == 200
    assert Decimal(len(record_id("a0M", 1))) == 18
