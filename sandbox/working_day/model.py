"""What a working day is made of. All plain frozen data; money as Decimal, instants aware, dates local."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.working_day.expected import Truth


@dataclass(frozen=True)
class Person:
    """`account_id` is the Jira account; `known` says whether the ERP has this person when the day begins.

    `legal_entities` are those whose projects the person works for, the employer first.
    """

    account_id: str
    name: str
    zone: str
    legal_entities: tuple[str, ...]
    known: bool = True


@dataclass(frozen=True)
class Client:
    """`id` is the Salesforce Account."""

    id: str
    name: str
    number: str
    street: str
    city: str
    postal_code: str
    region: str
    country_code: str
    currency: str


@dataclass(frozen=True)
class Rate:
    """What an hour of a role costs the client; 0 in a fixed-fee project. `id` is the OpportunityLineItem."""

    id: str
    role: str
    hourly: Decimal


@dataclass(frozen=True)
class Contract:
    """An opportunity and the project it becomes. `late` = won only after the first work was logged."""

    id: str
    project_code: str
    name: str
    client: str
    legal_entity: str
    currency: str
    billing_model: str
    tax_code: str
    cost_center: str
    revenue_rule: str
    purchase_order: str
    amount: Decimal
    rates: tuple[Rate, ...]
    jira_project: str
    won_at: datetime
    late: bool

    @property
    def fixed_fee(self) -> bool:
        return self.billing_model == "Fixed Fee Milestone"

    def rate(self, role: str) -> Decimal:
        """The hourly rate of a role. Raises KeyError for a role that was not sold."""
        return {rate.role: rate.hourly for rate in self.rates}[role]


@dataclass(frozen=True)
class Milestone:
    """`approved_at` None = still planned when the month ends."""

    id: str
    name: str
    project_code: str
    amount: Decimal
    currency: str
    approved_at: datetime | None

    @property
    def accepted_on(self) -> date | None:
        return self.approved_at and self.approved_at.date()


@dataclass(frozen=True)
class BillingEvent:
    """Month end of one time-and-materials project: bill all work up to and including `bill_up_to`."""

    id: str
    name: str
    project_code: str
    bill_up_to: date
    released_at: datetime


@dataclass(frozen=True)
class Emit:
    """How an action is told: posts (0 = never), and the label under which the notice is held back first."""

    times: int = 1
    hold: str = ""
    flow: str = "Primary"


@dataclass(frozen=True)
class Action:
    """Something a person does in Jira; `fields` as sandbox.jira.control takes them."""

    do: str
    at: datetime
    fields: Mapping[str, Any]
    emit: Emit = Emit()

    def wire(self) -> dict[str, Any]:
        """For Control.act."""
        emit = {"times": self.emit.times, "hold": self.emit.hold, "flow": self.emit.flow}
        return {"do": self.do, "at": self.at.isoformat(), "emit": emit, **self.fields}


@dataclass(frozen=True)
class Write:
    """A record of Salesforce made or changed."""

    sobject: str
    id: str
    fields: Mapping[str, Any]
    at: datetime

    def wire(self) -> dict[str, Any]:
        """For Control.write."""
        return {"object": self.sobject, "id": self.id, "fields": dict(self.fields), "at": self.at.isoformat()}


@dataclass(frozen=True)
class RawHook:
    """A body that Jira would never send; `signature` is "valid", "forged" or "none"."""

    body: str
    signature: str


@dataclass(frozen=True)
class Batch:
    """A stretch of the work: first the actions in order, then raw hooks, then writes, then releases of held notices."""

    name: str
    actions: tuple[Action, ...] = ()
    raws: tuple[RawHook, ...] = ()
    writes: tuple[Write, ...] = ()
    releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkingDay:
    """All of one seed. `features` names what is special about which worklogs."""

    seed: int
    people: tuple[Person, ...]
    clients: tuple[Client, ...]
    contracts: tuple[Contract, ...]
    milestones: tuple[Milestone, ...]
    billing_events: tuple[BillingEvent, ...]
    setup: tuple[Action, ...]
    opening: tuple[Write, ...]
    work: tuple[Batch, ...]
    features: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def unknown(self) -> Person:
        """The one person whom the ERP does not know at first."""
        return next(person for person in self.people if not person.known)

    def contract(self, project_code: str) -> Contract:
        return next(contract for contract in self.contracts if contract.project_code == project_code)

    def actions(self) -> Iterator[Action]:
        """All that is done in Jira during the work, in order."""
        return (action for batch in self.work for action in batch.actions)

    def expected(self) -> Mapping[int, Truth]:
        """Per worklog id what Jira holds when all phases are over. Computed from the actions alone."""
        from sandbox.working_day.expected import expected

        return expected(self)
