"""What Salesforce holds now, read from Salesforce itself: prices of won opportunities, and accepted milestones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

from producers.salesforce_rest import Rest, quoted
from psfabric.adapters import Line
from psfabric.errors import Invalid
from psfabric.upstream import day, text

Fields = dict[str, Any]

WON = (
    "SELECT Id, AccountId, CurrencyIsoCode, PSA_Project_Code__c, Legal_Entity__c FROM Opportunity "
    f"WHERE StageName = {quoted('Closed Won')} ORDER BY Id"
)
PRICES = "SELECT Id, OpportunityId, Role__c, UnitPrice FROM OpportunityLineItem ORDER BY Id"
ACCEPTED = (
    "SELECT Id, Project_Code__c, pse__Milestone_Amount__c, CurrencyIsoCode, pse__Actual_Date__c FROM pse__Milestone__c "
    f"WHERE pse__Status__c = {quoted('Approved')} ORDER BY Id"
)


async def rates(rest: Rest) -> AsyncIterator[Line]:
    """One line for each role of each won opportunity; a role without a price has none."""
    won = {text(row, "Id"): row for row in await rest.query(WON)}
    for price in await rest.query(PRICES):
        contract = won.get(text(price, "OpportunityId"))
        unit_price = _decimal(price, "UnitPrice")
        if contract is not None and unit_price is not None:
            yield _rate(contract, text(price, "Role__c"), unit_price)


async def milestones(rest: Rest) -> AsyncIterator[Line]:
    """One line for each accepted milestone; one without an amount is worth nothing, and its dead letter says so."""
    for row in await rest.query(ACCEPTED):
        yield Line(
            entity="milestone",
            aggregate_id=text(row, "Id"),
            currency=text(row, "CurrencyIsoCode"),
            project_id=text(row, "Project_Code__c"),
            day=_day(row, "pse__Actual_Date__c"),
            amount=_decimal(row, "pse__Milestone_Amount__c") or Decimal(0),
        )


def _rate(contract: Fields, role: str, unit_price: Decimal) -> Line:
    return Line(
        entity="rate",
        aggregate_id=text(contract, "Id"),
        legal_entity=text(contract, "Legal_Entity__c"),
        currency=text(contract, "CurrencyIsoCode"),
        client_id=text(contract, "AccountId"),
        project_id=text(contract, "PSA_Project_Code__c"),
        role=role,
        unit_price=unit_price,
    )


def _decimal(row: Fields, name: str) -> Decimal | None:
    value = row.get(name)
    return None if isinstance(value, bool) or not isinstance(value, int | Decimal) else Decimal(value)


def _day(row: Fields, name: str) -> date | None:
    try:
        return day(row, name)
    except Invalid:
        return None
