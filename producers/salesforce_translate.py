"""What Salesforce records mean in the canonical contract: pure, one function for each object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psfabric import upstream
from psfabric.errors import Invalid
from psfabric.event import Event, Raw, sequence
from psfabric.upstream import at, text
from schemas.models import BillingRequested, ClientOnboarded, EngagementContracted, MilestoneAccepted

TIME_AND_MATERIALS = "TIME_AND_MATERIALS"
BILLING_MODELS = {"Time and Materials": TIME_AND_MATERIALS, "Fixed Fee Milestone": "FIXED_FEE_MILESTONE"}

NEEDED = (
    "Name",
    "AccountId",
    "CloseDate",
    "CurrencyIsoCode",
    "Legal_Entity__c",
    "Billing_Model__c",
    "Tax_Code__c",
)
"""Fields of a won opportunity without which there is no contract (besides the project code and the price list)."""

Fields = dict[str, Any]


def translated(source: str, full: Raw) -> list[Event]:
    """All events of a full record. Raises Invalid when any record in it cannot be translated."""
    state = upstream.state_of(full)
    commit = at(state, "notice", "commitNumber")
    reading = Reading(source, full, commit if isinstance(commit, int) else 0)
    return [event for found in state.get("records") or [] for event in reading.events(found)]


class Reading:
    """One full record of one source; `commit` breaks ties between changes of the same second."""

    def __init__(self, source: str, full: Raw, commit: int) -> None:
        self._source, self._full, self._commit = source, full, commit
        self._meanings: dict[str, Callable[[Fields], Iterator[Event]]] = {
            "Opportunity": self._opportunity,
            "pse__Milestone__c": self._milestone,
            "pse__Billing_Event__c": self._billing_event,
        }

    def events(self, found: Fields) -> Iterator[Event]:
        meaning = self._meanings.get(text(found, "object"))
        record = at(found, "record")
        if meaning is None or not isinstance(record, dict) or at(record, "IsDeleted") is True:
            return iter(())
        return meaning(found)

    def _opportunity(self, found: Fields) -> Iterator[Event]:
        """Won: the account is a client, the opportunity an engagement. Every other stage is the CRM's own business."""
        record = found["record"]
        if text(record, "StageName") != "Closed Won":
            return
        account, lines = at(found, "account"), at(found, "lines") or []
        _complete(record, account, lines)
        yield self._client(account)
        yield self._engagement(record, lines)

    def _client(self, account: Fields) -> Event:
        address = {
            "street": text(account, "BillingStreet"),
            "city": text(account, "BillingCity"),
            "postal_code": text(account, "BillingPostalCode"),
            "region": text(account, "BillingState"),
            "country_code": text(account, "BillingCountryCode"),
        }
        return self._event(
            ClientOnboarded,
            text(account, "Id"),
            upstream.instant(account, "SystemModstamp"),
            tie_break=0,  # the account is not what the commit number is about
            client_id=text(account, "Id"),
            name=text(account, "Name"),
            client_number=text(account, "AccountNumber"),
            address=address,
            default_currency=text(account, "CurrencyIsoCode"),
        )

    def _engagement(self, record: Fields, lines: list[Fields]) -> Event:
        currency, model = text(record, "CurrencyIsoCode"), _billing_model(record)
        return self._event(
            EngagementContracted,
            text(record, "Id"),
            max(upstream.instant(part, "SystemModstamp") for part in (record, *lines)),
            legal_entity=text(record, "Legal_Entity__c"),
            client_id=text(record, "AccountId"),
            project_id=text(record, "PSA_Project_Code__c"),
            engagement_name=text(record, "Name"),
            billing_model=model,
            currency=currency,
            cost_centre=text(record, "Cost_Center__c"),
            tax_code=text(record, "Tax_Code__c"),
            revenue_rule=text(record, "Rev_Rec_Rule__c"),
            purchase_order=text(record, "Purchase_Order__c"),
            contracted_on=upstream.day(record, "CloseDate"),
            contract_value={"amount": _amount(record, "Amount"), "currency": currency},
            rates=_rates(lines, currency, by_time=model == TIME_AND_MATERIALS),
        )

    def _milestone(self, found: Fields) -> Iterator[Event]:
        record = found["record"]
        if text(record, "pse__Status__c") != "Approved":
            return
        currency = _needed(record, "CurrencyIsoCode")
        yield self._event(
            MilestoneAccepted,
            _needed(record, "Id"),
            upstream.instant(record, "SystemModstamp"),
            project_id=_project_code(record),
            milestone_name=_needed(record, "Name"),
            amount={"amount": _amount(record, "pse__Milestone_Amount__c"), "currency": currency},
            accepted_on=upstream.day(record, "pse__Actual_Date__c"),
        )

    def _billing_event(self, found: Fields) -> Iterator[Event]:
        """Released in the PSA at the end of a month: bill the open time of the project up to that date."""
        record = found["record"]
        if text(record, "pse__Status__c") != "Released":
            return
        project, up_to = _project_code(record), upstream.day(record, "pse__Date__c")
        yield self._event(
            BillingRequested,
            _needed(record, "Id"),
            upstream.instant(record, "SystemModstamp"),
            partition_key=project,
            project_id=project,
            kind=TIME_AND_MATERIALS,
            bill_up_to=up_to,
            invoice_date=up_to,
            milestone_id="",
            amount=None,
            description=_needed(record, "Name"),
        )

    def _event(self, model: Any, id: str, at: datetime, *, tie_break: int | None = None, **facts: Any) -> Event:
        version = sequence(at, self._commit if tie_break is None else tie_break)
        identity = {"source": self._source, "native_id": id, "aggregate_id": id, "time": at.astimezone(UTC)}
        return upstream.canonical(model, self._full, **identity, sequence=version, **facts)


def _complete(record: Fields, account: Any, lines: list[Fields]) -> None:
    """Raises Invalid naming everything that is missing, so that a person completes it in one go."""
    missing = [name for name in NEEDED if not text(record, name)]
    missing += [] if at(record, "Amount") is not None else ["Amount"]
    missing += [f"Account.{name}" for name in ("Name", "CurrencyIsoCode") if not text(account, name)]
    if not lines:
        missing.append("OpportunityLineItems")
    missing += [
        f"OpportunityLineItem.{n}" for n in ("Role__c", "UnitPrice") if any(at(i, n) in (None, "") for i in lines)
    ]
    coded = bool(text(record, "PSA_Project_Code__c"))
    if missing:
        missing += [] if coded else ["PSA_Project_Code__c"]
        raise Invalid("engagement-incomplete", f"missing: {', '.join(missing)}")
    if not coded:
        raise Invalid("project-code-missing", "PSA_Project_Code__c of the opportunity is empty")


def _billing_model(record: Fields) -> str:
    found = text(record, "Billing_Model__c")
    if found not in BILLING_MODELS:
        raise Invalid("field-invalid", f"Billing_Model__c is none of {', '.join(BILLING_MODELS)}")
    return BILLING_MODELS[found]


def _rates(lines: list[Fields], currency: str, *, by_time: bool) -> list[Fields]:
    """The price list. Time under a fixed fee, or at no price, is recorded and never invoiced by the hour."""
    prices: dict[str, Decimal] = {}
    for line in lines:
        role, price = _needed(line, "Role__c"), _amount(line, "UnitPrice")
        if price < 0:
            raise Invalid("field-invalid", f"UnitPrice of role {role} is negative")
        if prices.setdefault(role, price) != price:
            raise Invalid("field-invalid", f"role {role} has two different prices")
    return [
        {"role": role, "hourly_rate": {"amount": price, "currency": currency}, "billable": by_time and price > 0}
        for role, price in prices.items()
    ]


def _project_code(record: Fields) -> str:
    code = text(record, "Project_Code__c")
    if not code:
        raise Invalid("project-code-missing", f"Project_Code__c of {text(record, 'Name')} is empty")
    return code


def _amount(record: Fields, name: str) -> Decimal:
    found = at(record, name)
    if found is None:
        raise Invalid("field-missing", f"{name} is missing")
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        raise Invalid("field-invalid", f"{name} is not a number")
    return Decimal(found)


def _needed(record: Fields, name: str) -> str:
    found = text(record, name)
    if not found:
        raise Invalid("field-missing", f"{name} is missing")
    return found
