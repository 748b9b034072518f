"""One invented client with one project in a shared Tryton: ids are new for each world, so tests never meet."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psfabric.event import Event, new_event, sequence
from psfabric.http import Http, Response
from sandbox.tryton_admin import TrytonAdmin
from schemas.base import Model
from schemas.models import (
    EnrichedBillingRequested,
    EnrichedProjectRequested,
    EnrichedTimeApproved,
    EnrichedTimeRemoved,
)
from sinks.tryton import Tryton
from tests.conftest import TrytonServer

START = datetime(2026, 10, 1, 9, tzinfo=UTC)
TAX = {"UK01": "GB-VAT-20", "US01": "US-NONE"}
CURRENCY = {"UK01": "GBP", "US01": "USD"}


def sink(server: TrytonServer, company: str = "UK01", http: Http | None = None) -> Tryton:
    settings = {"url": server.url, "database": server.database, "user": server.user, "password": server.password}
    made = Tryton.model_validate({"name": f"tryton-{company[:2].lower()}", "company": company, **settings})
    return made.bind(http or Http())


class Crash(Exception):
    """The process dies here."""


class CrashingHttp(Http):
    """Dies just after call number `after` that changes something was answered: it is done, and nobody heard of it.

    Calls that only read are not counted: dying after one is dying after the change before it.
    """

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    async def request(self, method: str, url: str, **given: Any) -> Response:
        response = await super().request(method, url, **given)
        self.left -= not json.loads(given["content"])["method"].endswith(("read", "login"))
        if self.left == 0:
            raise Crash
        return response


class CountingHttp(Http):
    """Counts the calls that reach Tryton."""

    calls = 0

    async def request(self, method: str, url: str, **given: Any) -> Response:
        self.calls += 1
        return await super().request(method, url, **given)


@dataclass
class World:
    """A client, a project and a person of one company, and the events about them."""

    company: str = "UK01"
    model: str = "TIME_AND_MATERIALS"
    rates: Mapping[str, str] = field(default_factory=lambda: {"Consultant": "150.00", "Partner": "400.00"})
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    version: int = 0

    def __post_init__(self) -> None:
        self.client, self.project, self.person = f"C-{self.id}", f"PRJ-{self.id}", f"person-{self.id}"

    @property
    def currency(self) -> str:
        return CURRENCY[self.company]

    def money(self, amount: str) -> dict[str, Any]:
        return {"amount": Decimal(amount), "currency": self.currency}

    def event(self, model: type[Model], aggregate: str, **fields: Any) -> Event:
        """The next version of an aggregate."""
        self.version += 1
        at = START + timedelta(minutes=self.version)
        head = {"client_id": self.client, "project_id": self.project}
        upstream: dict[str, Any] = {
            "native_id": aggregate,
            "aggregate_id": aggregate,
            "sequence": sequence(at),
            "time": at,
        }
        return new_event(model, source="test", **upstream, **{**head, "extensions": {}, **fields})

    def requested(self, **changes: Any) -> Event:
        client = {"client_name": f"Globex {self.id}", "client_number": "1042", "street": "1 Mill Lane", "city": "Leeds"}
        enrichment = {"target": "t", **client, "postal_code": "LS1 4AP", "region": "", "country_code": "GB"}
        rates = [{"role": role, "hourly_rate": self.money(rate), "billable": True} for role, rate in self.rates.items()]
        fields: dict[str, Any] = {
            "legal_entity": self.company,
            "engagement_id": f"OPP-{self.id}",
            "project_name": f"Roll-out {self.id}",
            "billing_model": self.model,
            "currency": self.currency,
            "cost_centre": "CC-100",
            "tax_code": TAX[self.company],
            "revenue_rule": "OVER_TIME",
            "purchase_order": f"PO-{self.id}",
            "contracted_on": date(2026, 9, 14),
            "rates": rates,
            "enrichment": enrichment,
        }
        return self.event(EnrichedProjectRequested, self.project, **{**fields, **changes})

    def worked(self, entry: str, seconds: int, **changes: Any) -> Event:
        role = changes.get("role", "Consultant")
        enrichment = {
            "target": "t",
            "legal_entity": self.company,
            "client_id": self.client,
            "billing_model": self.model,
            "currency": self.currency,
            "hourly_rate": Decimal(self.rates.get(role, "0")),
            "billable": True,
            "project_reference": "",
        }
        fields: dict[str, Any] = {
            "resource_id": self.person,
            "work_date": date(2026, 10, 5),
            "zone": "Europe/London",
            "started_at": START,
            "worked_seconds": seconds,
            "role": role,
            "task": "ACME-1",
            "submitted_at": START,
            "approval_policy": "standing",
            "approval_rule": "within-a-day",
            "enrichment": enrichment,
        }
        return self.event(EnrichedTimeApproved, self.entry(entry), **{**fields, **changes})

    def entry(self, name: str) -> str:
        return f"jira-acme:worklog:{self.id}-{name}"

    def removed(self, entry: str) -> Event:
        fields = {"cause": "DELETED", "removed_at": START, "enrichment": {"target": "t"}}
        return self.event(EnrichedTimeRemoved, self.entry(entry), **fields)

    def month_end(self, name: str = "billing", day: date = date(2026, 10, 31), **changes: Any) -> Event:
        return self._billing(f"{name}-{self.id}", day, {"kind": "TIME_AND_MATERIALS", **changes})

    def accepted(self, fee: str, name: str = "milestone", day: date = date(2026, 10, 20), **changes: Any) -> Event:
        fields = {"kind": "MILESTONE", "amount": self.money(fee), "milestone_id": f"M-{self.id}"}
        return self._billing(f"milestone:{name}-{self.id}", day, {**fields, **changes})

    def _billing(self, id: str, day: date, changes: Mapping[str, Any]) -> Event:
        enrichment = {
            "target": "t",
            "legal_entity": self.company,
            "client_id": self.client,
            "currency": self.currency,
            "tax_code": changes.get("tax_code", TAX[self.company]),
            "purchase_order": "PO-1",
            "project_reference": "",
            "client_reference": "",
        }
        fields: dict[str, Any] = {
            "partition_key": self.project,
            "bill_up_to": day,
            "invoice_date": day,
            "milestone_id": "",
            "amount": None,
            "description": "Design accepted",
            "enrichment": enrichment,
        }
        given = {name: value for name, value in changes.items() if name != "tax_code"}
        return self.event(EnrichedBillingRequested, id, **{**fields, **given})

    def ours(self, admin: TrytonAdmin, model: str) -> list[dict[str, Any]]:
        """Records of this world: their external id contains the world's."""
        return admin.rows(model, [["external_id", "like", f"%{self.id}%"]], ["external_id"])

    def invoices(self, admin: TrytonAdmin) -> list[dict[str, Any]]:
        """Every invoice of this world's client, in any state."""
        fields = ["external_id", "state", "number", "untaxed_amount", "tax_amount", "total_amount", "invoice_date"]
        return admin.rows("account.invoice", [["party.external_id", "=", f"client:{self.client}"]], fields)

    async def begin(self, target: Tryton, admin: TrytonAdmin) -> World:
        """The project is in Tryton and the person on board."""
        admin.onboard(self.company, self.person, f"Person {self.id}")
        await target.deliver([self.requested()])
        return self


@contextmanager
def closed(admin: TrytonAdmin, company: str, month: str) -> Iterator[None]:
    """The accounting period of the month is closed in this block."""
    admin.close_period(company, month)
    try:
        yield
    finally:
        admin.reopen_period(company, month)
