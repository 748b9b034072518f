"""The Salesforce side of a working day: clients, opportunities, milestones, month end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.salesforce.objects import record_id
from sandbox.working_day.firm import CLIENTS, COMMON_ROLE, CURRENCY, FIXED_FEE, PROJECTS, TAX, TIME_AND_MATERIALS
from sandbox.working_day.model import BillingEvent, Client, Contract, Milestone, Rate, Write

MONTH_END = date(2026, 10, 31)
_OPENING = datetime(2026, 9, 21, 9, tzinfo=UTC)
_EARLY = (datetime(2026, 9, 29, 10, 30, tzinfo=UTC), datetime(2026, 9, 30, 15, 5, tzinfo=UTC))
LATE = (datetime(2026, 10, 2, 19, 40, tzinfo=UTC), datetime(2026, 10, 9, 19, 15, tzinfo=UTC))
"""When the two late opportunities are won: on the first and the second Friday evening of the month."""


def contracts(rng: random.Random) -> tuple[Contract, ...]:
    """Four; which two are won late, and all prices, depend on the seed."""
    order = rng.sample(range(len(PROJECTS)), len(PROJECTS))
    won = dict(zip(order, (*_EARLY, *LATE), strict=True))
    return tuple(_contract(rng, number, won[number]) for number in range(len(PROJECTS)))


def _contract(rng: random.Random, number: int, won_at: datetime) -> Contract:
    code, name, client, entity, model, role, key = PROJECTS[number]
    return Contract(
        id=record_id("006", number + 1),
        project_code=code,
        name=name,
        client=CLIENTS[client].id,
        legal_entity=entity,
        currency=CURRENCY[entity],
        billing_model=model,
        tax_code=TAX[entity],
        cost_center=f"CC-{entity[:2]}-{rng.choice(('ADV', 'OPS', 'TEC'))}",
        revenue_rule="AS-BILLED" if model == TIME_AND_MATERIALS else "ON-MILESTONE",
        purchase_order=f"PO-{rng.randrange(10_000, 99_999)}",
        amount=Decimal(rng.randrange(60, 300) * 1000),
        rates=tuple(_rate(rng, model, 2 * number + place + 1, name) for place, name in enumerate((COMMON_ROLE, role))),
        jira_project=key,
        won_at=won_at,
        late=won_at in LATE,
    )


def _rate(rng: random.Random, model: str, number: int, role: str) -> Rate:
    cents = 0 if model == FIXED_FEE else rng.randrange(9_000, 26_000, 5)
    return Rate(record_id("00k", number), role, Decimal(cents) / 100)


def milestones(rng: random.Random, sold: tuple[Contract, ...]) -> tuple[Milestone, ...]:
    """Three for each fixed-fee project: two approved within the month, one still planned."""
    made: list[Milestone] = []
    for contract in (contract for contract in sold if contract.fixed_fee):
        days = (rng.randrange(14, 20), rng.randrange(27, 31), None)
        for name, day in zip(("Design accepted", "Build accepted", "Go-live"), days, strict=True):
            approved = day and datetime(2026, 10, day, 16, rng.randrange(60), tzinfo=UTC)
            amount = Decimal(rng.randrange(800_000, 4_000_000)) / 100
            id = record_id("a0M", len(made) + 1)
            made.append(Milestone(id, name, contract.project_code, amount, contract.currency, approved or None))
    return tuple(made)


def billing_events(sold: tuple[Contract, ...]) -> tuple[BillingEvent, ...]:
    """One for each time-and-materials project, released on the fifth of the next month."""
    released = datetime(2026, 11, 5, 9, tzinfo=UTC)
    hourly = [contract for contract in sold if not contract.fixed_fee]
    return tuple(
        BillingEvent(
            record_id("a0B", n + 1),
            f"BE-{contract.project_code}",
            contract.project_code,
            MONTH_END,
            released + n * _MINUTE,
        )
        for n, contract in enumerate(hourly)
    )


_MINUTE = timedelta(minutes=1)


def opening(sold: tuple[Contract, ...], planned: tuple[Milestone, ...]) -> tuple[Write, ...]:
    """Everything made while still negotiating; then the early opportunities are won."""
    made = [
        *map(_account, CLIENTS),
        *(write for contract in sold for write in _negotiated(contract)),
        *(_planned(milestone) for milestone in planned),
    ]
    spaced = [replace(write, at=_OPENING + place * _MINUTE) for place, write in enumerate(made)]
    early = sorted((contract for contract in sold if not contract.late), key=lambda contract: contract.won_at)
    return (*spaced, *map(win, early))


def win(contract: Contract) -> Write:
    """The opportunity reaches Closed Won."""
    fields = {"StageName": "Closed Won", "CloseDate": contract.won_at.date().isoformat()}
    return Write("Opportunity", contract.id, fields, contract.won_at)


def approve(milestone: Milestone) -> Iterator[Write]:
    """Nothing for one that is still planned."""
    if milestone.approved_at and milestone.accepted_on:
        fields = {"pse__Status__c": "Approved", "pse__Actual_Date__c": milestone.accepted_on.isoformat()}
        yield Write("pse__Milestone__c", milestone.id, fields, milestone.approved_at)


def release(event: BillingEvent) -> tuple[Write, Write]:
    """Drafted an hour before, then released."""
    fields = {
        "Name": event.name,
        "Project_Code__c": event.project_code,
        "pse__Date__c": event.bill_up_to.isoformat(),
        "pse__Status__c": "Draft",
    }
    draft = Write("pse__Billing_Event__c", event.id, fields, event.released_at - timedelta(hours=1))
    return draft, Write("pse__Billing_Event__c", event.id, {"pse__Status__c": "Released"}, event.released_at)


def _account(client: Client) -> Write:
    fields = {
        "Name": client.name,
        "AccountNumber": client.number,
        "BillingStreet": client.street,
        "BillingCity": client.city,
        "BillingPostalCode": client.postal_code,
        "BillingState": client.region,
        "BillingCountryCode": client.country_code,
        "CurrencyIsoCode": client.currency,
    }
    return Write("Account", client.id, fields, _OPENING)


def _negotiated(contract: Contract) -> Iterator[Write]:
    fields = {
        "Name": contract.name,
        "AccountId": contract.client,
        "StageName": "Negotiation/Review",
        "CloseDate": "2026-12-31",
        "Amount": str(contract.amount),
        "CurrencyIsoCode": contract.currency,
        "PSA_Project_Code__c": contract.project_code,
        "Legal_Entity__c": contract.legal_entity,
        "Billing_Model__c": contract.billing_model,
        "Cost_Center__c": contract.cost_center,
        "Tax_Code__c": contract.tax_code,
        "Purchase_Order__c": contract.purchase_order,
        "Rev_Rec_Rule__c": contract.revenue_rule,
    }
    yield Write("Opportunity", contract.id, fields, _OPENING)
    for rate in contract.rates:
        item = {"OpportunityId": contract.id, "Role__c": rate.role, "UnitPrice": str(rate.hourly), "Quantity": 1}
        yield Write("OpportunityLineItem", rate.id, item, _OPENING)


def _planned(milestone: Milestone) -> Write:
    fields = {
        "Name": milestone.name,
        "Project_Code__c": milestone.project_code,
        "pse__Milestone_Amount__c": str(milestone.amount),
        "CurrencyIsoCode": milestone.currency,
        "pse__Status__c": "Planned",
    }
    return Write("pse__Milestone__c", milestone.id, fields, _OPENING)
