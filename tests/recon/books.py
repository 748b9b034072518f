"""Books in which both sides agree, made from what was worked; a test then plants one lie."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from psfabric.adapters import Line
from psfabric.money import hours, minor_units
from recon import Books

DAY = date(2026, 3, 31)


def amount(legal_entity: str, seconds: int, rate: Decimal, currency: str) -> Decimal:
    """Hours to four places, times the rate, to the minor unit, each half up."""
    return (hours(seconds) * rate).quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


@dataclass(frozen=True)
class Contract:
    project: str
    legal_entity: str
    client: str
    currency: str
    roles: dict[str, Decimal]


UK = Contract("PRJ-1", "UK01", "001A", "GBP", {"Consultant": Decimal("150"), "Analyst": Decimal("99.99")})
US = Contract("PRJ-2", "US01", "001B", "USD", {"Consultant": Decimal("210.5")})
FIXED = Contract("PRJ-3", "UK01", "001C", "GBP", {"Consultant": Decimal(0)})


@dataclass(frozen=True)
class Worked:
    """One time entry; `invoice` is the invoice that billed it, "" while open."""

    entry: str
    contract: Contract
    role: str
    seconds: int
    invoice: str = ""
    day: date = DAY


@dataclass
class World:
    """What happened. `books()` is how both sides would tell it if nothing went wrong."""

    worked: list[Worked] = field(default_factory=list)
    milestones: list[tuple[str, Contract, Decimal]] = field(default_factory=list)
    contracts: tuple[Contract, ...] = (UK, US, FIXED)

    def books(self, **changes: Any) -> Books:
        made = {
            "time": [source(w) for w in self.worked],
            "rates": [rate(c, role) for c in self.contracts for role in c.roles],
            "milestones": [accepted(*m) for m in self.milestones],
            "posted": [posted(w) for w in self.worked],
            "invoiced": [*self.invoices(), *(fee(*m) for m in self.milestones)],
        }
        return Books(**{**made, **changes})

    def invoices(self) -> list[Line]:
        """One line for each invoice, project and role, of the seconds it bills; nothing where an hour is free."""
        sums: dict[tuple[str, str, str], int] = defaultdict(int)
        of: dict[str, Contract] = {w.contract.project: w.contract for w in self.worked}
        for w in self.worked:
            if w.invoice and w.contract.roles[w.role]:
                sums[(w.invoice, w.contract.project, w.role)] += w.seconds
        return [invoice_line(of[p], i, role, seconds) for (i, p, role), seconds in sums.items()]


def source(w: Worked) -> Line:
    return Line("time", w.entry, project_id=w.contract.project, role=w.role, day=w.day, seconds=w.seconds)


def posted(w: Worked) -> Line:
    home: dict[str, Any] = {"legal_entity": w.contract.legal_entity, "currency": w.contract.currency}
    return replace(source(w), invoice_id=w.invoice, **home)


def rate(c: Contract, role: str) -> Line:
    where: dict[str, Any] = {"legal_entity": c.legal_entity, "currency": c.currency, "project_id": c.project}
    return Line("rate", "006-" + c.project, client_id=c.client, role=role, unit_price=c.roles[role], **where)


def invoice_line(c: Contract, invoice: str, role: str, seconds: int) -> Line:
    worth = amount(c.legal_entity, seconds, c.roles[role], c.currency)
    where: dict[str, Any] = {"legal_entity": c.legal_entity, "currency": c.currency, "project_id": c.project}
    return Line("invoice", invoice, role=role, amount=worth, number="N-" + invoice, state="posted", day=DAY, **where)


def accepted(id: str, c: Contract, worth: Decimal) -> Line:
    return Line("milestone", id, currency=c.currency, project_id=c.project, amount=worth, day=DAY)


def fee(id: str, c: Contract, worth: Decimal) -> Line:
    where: dict[str, Any] = {"legal_entity": c.legal_entity, "currency": c.currency, "project_id": c.project}
    return Line("invoice", f"milestone:{id}", amount=worth, number="N-" + id, state="posted", day=DAY, **where)
