"""What the sources say they hold, read from the simulated vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from producers.jira import Jira
from producers.salesforce import Salesforce
from psfabric.adapters import Line
from psfabric.errors import Transient
from psfabric.http import Http
from tests.producers.conftest import Vendors

AUTHOR = "5b10ac8d82e05b22cc7d4ef5"
AT = "2026-03-02T10:00:00Z"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.close()


@pytest.fixture
def jira(vendors: Vendors, http: Http) -> Jira:
    settings = {
        "base_url": vendors.jira,
        "user": vendors.user,
        "token": vendors.token,
        "secret": vendors.webhook_secret,
    }
    return Jira.model_validate({"name": "jira-acme", **settings}).bind(http)


@pytest.fixture
def salesforce(vendors: Vendors, http: Http) -> Salesforce:
    keys = {"client_id": vendors.client_id, "client_secret": vendors.client_secret, "tls": False}
    where = {"name": "salesforce-acme", "base_url": vendors.salesforce, "pubsub": vendors.pubsub}
    return Salesforce.model_validate({**where, **keys}).bind(http)


async def lines(source: Jira | Salesforce, entity: str) -> list[Line]:
    return [line async for line in source.statement(entity)]


# ------------------------------------------------------------------------------------------------ Jira


class Site:
    """Acts on the simulated Jira, quietly: no webhook is sent."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors

    def act(self, *actions: dict[str, Any]) -> list[int]:
        found: list[int] = self._vendors.steer_jira("actions", actions=list(actions))["ids"]
        return found

    def issue(self, **fields: str) -> int:
        given = {"project": "BRI", "project_code": "PRJ-1001", "role": "Consultant", "at": AT, **fields}
        return self.act({"do": "create_issue", **given})[0]

    def log(self, issue: int, seconds: int = 3600, count: int = 1, **more: Any) -> list[int]:
        one = {"do": "log_work", "issue": str(issue), "author": AUTHOR, "started": AT, "seconds": seconds, "at": AT}
        return self.act(*({**one, **more} for _ in range(count)))


@pytest.fixture(scope="module")
def site(vendors: Vendors) -> Site:
    made = Site(vendors)
    made.act({"do": "create_user", "account_id": AUTHOR, "name": "Ada Brown", "zone": "America/New_York"})
    return made


async def of(jira: Jira, ids: list[int]) -> dict[str, Line]:
    wanted = {f"jira-acme:worklog:{id}" for id in ids}
    return {line.aggregate_id: line for line in await lines(jira, "time") if line.aggregate_id in wanted}


async def test_a_worklog_is_a_line_with_the_ids_and_the_day_of_its_event(jira: Jira, site: Site) -> None:
    (id,) = site.log(site.issue(role="Analyst"), 5400, started="2026-03-03T02:30:00Z")
    (line,) = (await of(jira, [id])).values()
    assert line == Line(
        "time",
        f"jira-acme:worklog:{id}",
        project_id="PRJ-1001",
        role="Analyst",
        day=date(2026, 3, 2),  # in New York it was still Monday
        seconds=5400,
    )


async def test_what_was_deleted_is_left_out_and_what_was_moved_is_where_it_is_now(jira: Jira, site: Site) -> None:
    issue = site.issue()
    gone, stays = site.log(issue, 60, count=2)
    site.act({"do": "delete_work", "worklog": gone, "at": "2026-03-02T11:00:00Z"})
    site.act({"do": "edit_work", "worklog": stays, "seconds": 90, "at": "2026-03-02T11:00:00Z"})
    move = {"do": "move_issue", "issue": str(issue), "project": "LYRA", "project_code": "PRJ-2002"}
    site.act({"do": "create_project", "key": "LYRA"}, {**move, "at": "2026-03-02T12:00:00Z"})
    found = await of(jira, [gone, stays])
    assert [(line.seconds, line.project_id) for line in found.values()] == [(90, "PRJ-2002")]


async def test_every_page_is_read_however_many_changed_at_one_instant(jira: Jira, site: Site) -> None:
    issue = site.issue()
    at_once = site.log(issue, count=1100)
    instants = [f"2026-03-05T10:{n // 60:02d}:{n % 60:02d}Z" for n in range(1100)]
    one = {"do": "log_work", "issue": str(issue), "author": AUTHOR, "started": AT, "seconds": 60}
    one_by_one = site.act(*({**one, "at": instant} for instant in instants))
    assert len(await of(jira, at_once + one_by_one)) == 2200


@pytest.mark.parametrize("lacking", ["role", "project_code"])
async def test_a_worklog_that_became_a_dead_letter_is_still_time_that_somebody_worked(
    jira: Jira, site: Site, lacking: str
) -> None:
    """Without it there would be no statement at all, just when one is needed."""
    (id,) = site.log(site.issue(**{lacking: ""}), 120)
    (line,) = (await of(jira, [id])).values()
    assert line.seconds == 120
    assert (line.role, line.project_id) == {"role": ("", "PRJ-1001"), "project_code": ("Consultant", "")}[lacking]


async def test_jira_says_what_else_it_has_no_statement_of(jira: Jira) -> None:
    with pytest.raises(ValueError, match="time"):
        jira.statement("rate")


async def test_a_source_that_is_away_is_transient(vendors: Vendors, http: Http) -> None:
    settings = {"user": vendors.user, "token": vendors.token, "secret": vendors.webhook_secret}
    away = Jira.model_validate({"name": "jira-acme", "base_url": "http://127.0.0.1:9", **settings}).bind(http)
    with pytest.raises(Transient):
        await lines(away, "time")


# ------------------------------------------------------------------------------------------------ Salesforce


class Org:
    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors

    def write(self, object: str, *rows: dict[str, Any]) -> list[str]:
        writes = [{"object": object, "fields": fields} for fields in rows]
        ids: list[str] = self._vendors.steer_salesforce("writes", writes=writes)["ids"]
        return ids

    def delete(self, object: str, id: str) -> None:
        self._vendors.steer_salesforce("writes", writes=[{"object": object, "id": id, "fields": {}, "delete": True}])

    def won(self, code: str, stage: str = "Closed Won") -> str:
        (account,) = self.write("Account", {"Name": f"Client of {code}", "CurrencyIsoCode": "GBP"})
        fields = {
            "Name": code,
            "AccountId": account,
            "StageName": stage,
            "CloseDate": "2026-03-01",
            "CurrencyIsoCode": "GBP",
            "PSA_Project_Code__c": code,
            "Legal_Entity__c": "UK01",
            "Billing_Model__c": "Time and Materials",
        }
        return self.write("Opportunity", fields)[0]


@pytest.fixture(scope="module")
def org(vendors: Vendors) -> Org:
    return Org(vendors)


def price(opportunity: str, role: str, each: str | None) -> dict[str, Any]:
    return {"OpportunityId": opportunity, "Role__c": role, "UnitPrice": each, "Quantity": 1}


def milestone(name: str, **fields: Any) -> dict[str, Any]:
    usual = {
        "Name": name,
        "Project_Code__c": "PRJ-M",
        "pse__Milestone_Amount__c": "1200.50",
        "CurrencyIsoCode": "GBP",
        "pse__Status__c": "Approved",
        "pse__Actual_Date__c": "2026-03-20",
    }
    return {**usual, **fields}


async def test_each_role_of_a_won_opportunity_has_its_price(salesforce: Salesforce, org: Org) -> None:
    won = org.won("PRJ-R1")
    org.write("OpportunityLineItem", price(won, "Consultant", "125.5"), price(won, "Analyst", "0"))
    found = {line.role: line for line in await lines(salesforce, "rate") if line.project_id == "PRJ-R1"}
    assert set(found) == {"Consultant", "Analyst"}
    line = found["Consultant"]
    assert (line.unit_price, line.currency, line.legal_entity) == (Decimal("125.5"), "GBP", "UK01")
    assert line.aggregate_id == won
    assert line.client_id
    assert found["Analyst"].unit_price == 0


async def test_what_is_not_won_deleted_or_has_no_price_has_no_rate(salesforce: Salesforce, org: Org) -> None:
    lost, won, gone = org.won("PRJ-R2", "Closed Lost"), org.won("PRJ-R3"), org.won("PRJ-R4")
    org.write("OpportunityLineItem", price(lost, "Consultant", "1"), price(gone, "Consultant", "1"))
    org.write("OpportunityLineItem", price(won, "Consultant", None))
    org.delete("Opportunity", gone)
    found = {line.project_id for line in await lines(salesforce, "rate")}
    assert not found & {"PRJ-R2", "PRJ-R3", "PRJ-R4"}


async def test_accepted_milestones_are_read_page_by_page(salesforce: Salesforce, org: Org) -> None:
    ids = org.write("pse__Milestone__c", *(milestone(f"M{n}") for n in range(2100)))
    planned, gone, blank = org.write(
        "pse__Milestone__c",
        milestone("planned", pse__Status__c="Planned"),
        milestone("gone"),
        milestone("blank", pse__Milestone_Amount__c=None, pse__Actual_Date__c=None),
    )
    org.delete("pse__Milestone__c", gone)
    found = {line.aggregate_id: line for line in await lines(salesforce, "milestone")}
    assert set(ids) <= set(found)
    assert not {planned, gone} & set(found)
    one = found[ids[0]]
    assert (one.amount, one.currency, one.project_id) == (Decimal("1200.5"), "GBP", "PRJ-M")
    assert one.day == date(2026, 3, 20)
    assert (found[blank].amount, found[blank].day) == (Decimal(0), None)


async def test_salesforce_says_what_else_it_has_no_statement_of(salesforce: Salesforce) -> None:
    with pytest.raises(ValueError, match="rate or milestone"):
        salesforce.statement("time")
