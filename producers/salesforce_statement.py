"""What Salesforce holds now, read from Salesforce itself: prices of won opportunities, and accepted milestones."""

from __future__ import annotations

from collections.abc import AsyncIterator
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
    """One line for each role of each won opportunity."""
    won = {text(row, "Id"): row for row in await rest.query(WON)}
    for price in await rest.query(PRICES):
        contract = won.get(text(price, "OpportunityId"))
        if contract is not None:
            yield _rate(contract, price)


async def milestones(rest: Rest) -> AsyncIterator[Line]:
    """One line for each accepted milestone."""
    for row in await rest.query(ACCEPTED):
        yield Line(
            entity="milestone",
            aggregate_id=text(row, "Id"),
            currency=text(row, "CurrencyIsoCode"),
            project_id=text(row, "Project_Code__c"),
            day=day(row, "pse__Actual_Date__c"),
            amount=_decimal(row, "pse__Milestone_Amount__c"),
        )


def _rate(contract: Fields, price: Fields) -> Line:
    return Line(
        entity="rate",
        aggregate_id=text(contract, "Id"),
        legal_entity=text(contract, "Legal_Entity__c"),
        currency=text(contract, "CurrencyIsoCode"),
        client_id=text(contract, "AccountId"),
        project_id=text(contract, "PSA_Project_Code__c"),
        role=text(price, "Role__c"),
        unit_price=_decimal(price, "UnitPrice"),
    )


def _decimal(row: Fields, name: str) -> Decimal:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Invalid("upstream-invalid", f"{name} is not a number")
    return Decimal(value)
