"""What Tryton holds, line by line, for reconciliation. Read in pages by rising id; nothing is computed here."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from psfabric.adapters import Line
from sinks.tryton_erp.books import Books, Names
from sinks.tryton_erp.posting import LINE_FIELDS, POSTED, line_facts
from sinks.tryton_erp.rpc import Values

PAGE = 500


def days(period: str) -> tuple[date, date]:
    """First and last day of a period `YYYY-MM`; "" is all time."""
    if not period:
        return date.min, date.max
    first = date.fromisoformat(f"{period}-01")
    return first, first.replace(day=monthrange(first.year, first.month)[1])


async def _pages(books: Books, model: str, domain: Sequence[Any], fields: Sequence[str]) -> AsyncIterator[list[Values]]:
    last = 0
    while True:
        order = [["id", "ASC"]]
        page = await books.rows(model, [*domain, ["id", ">", last]], fields, limit=PAGE, order=order)
        yield page
        if len(page) < PAGE:
            return
        last = page[-1]["id"]


def aggregate(names: Names, kind: str, external_id: str | None) -> str:
    """The aggregate id of an external id `<legal entity>:<kind>:<aggregate id>:<version>`; "" when not ours."""
    prefix = names.id(kind, "")
    if not external_id or not external_id.startswith(prefix):
        return ""
    return external_id[len(prefix) :].rpartition(":")[0]


async def time(books: Books, period: str) -> AsyncIterator[Line]:
    """Every time line dated in the period. `invoice_id` is set once the invoice is posted; `amount` stays 0, because
    money exists only on invoice lines; `unit_price` is the task's price, `state` the invoice's, "open" without one."""
    company = await books.company()
    first, last = days(period)
    domain = [["company", "=", company.id], ["date", ">=", first], ["date", "<=", last]]
    fields = ["external_id", "date", "duration", "work.origin", "invoice_line.invoice"]
    async for page in _pages(books, "timesheet.line", domain, fields):
        tasks, invoices = await _tasks(books, page), await _invoices(books, page)
        for row in page:
            yield _time_line(books, company.currency, row, tasks, invoices)


def _task(row: Values) -> int:
    return int(row["work."]["origin"].partition(",")[2])


def _time_line(books: Books, currency: str, row: Values, tasks: dict[int, Values], invoices: dict[int, Values]) -> Line:
    task = tasks.get(_task(row), {})
    invoice = invoices.get((row.get("invoice_line.") or {}).get("invoice", 0), {})
    posted = invoice.get("state") in POSTED
    return Line(
        entity="time",
        aggregate_id=aggregate(books, "time", row["external_id"]),
        legal_entity=books.legal_entity,
        currency=currency,
        project_id=_project(books, task),
        role=task.get("name", ""),
        day=row["date"],
        seconds=int(row["duration"].total_seconds()),
        unit_price=task.get("list_price") or Decimal(0),
        invoice_id=aggregate(books, "billing", invoice.get("external_id")) if posted else "",
        number=(invoice.get("number") or "") if posted else "",
        state=invoice.get("state", "open"),
    )


def _project(names: Names, task: Values) -> str:
    external_id = (task.get("parent.") or {}).get("external_id") or ""
    return str(external_id.removeprefix(names.id("project", "")))


async def _tasks(books: Books, page: list[Values]) -> dict[int, Values]:
    return await _by_id(books, "project.work", {_task(row) for row in page}, "name", "list_price", "parent.external_id")


async def _invoices(books: Books, page: list[Values]) -> dict[int, Values]:
    ids = {row["invoice_line."]["invoice"] for row in page if row.get("invoice_line.")}
    return await _by_id(books, "account.invoice", ids, "external_id", "number", "state")


async def _by_id(books: Books, model: str, ids: set[int], *fields: str) -> dict[int, Values]:
    rows = await books.rows(model, [["id", "in", sorted(ids)]], fields) if ids else []
    return {row["id"]: row for row in rows}


async def invoices(books: Books, period: str) -> AsyncIterator[Line]:
    """Every line of the customer invoices dated in the period, drafts too (`state` tells). An invoice that is not ours
    has `aggregate_id` "". `project_id` is the invoice's description, where we write it."""
    company = await books.company()
    first, last = days(period)
    domain = [
        ["invoice.company", "=", company.id],
        ["invoice.type", "=", "out"],
        ["invoice.invoice_date", ">=", first],
        ["invoice.invoice_date", "<=", last],
        ["type", "=", "line"],
    ]
    of_invoice = ("external_id", "number", "state", "invoice_date", "description", "currency.code")
    fields = [*LINE_FIELDS, *(f"invoice.{name}" for name in of_invoice)]
    async for page in _pages(books, "account.invoice.line", domain, fields):
        for row in page:
            yield _invoice_line(books, row)


def _invoice_line(books: Books, row: Values) -> Line:
    invoice = row["invoice."]
    billing_id = aggregate(books, "billing", invoice["external_id"])
    return Line(
        entity="invoice",
        aggregate_id=billing_id,
        legal_entity=books.legal_entity,
        currency=invoice["currency."]["code"],
        project_id=(invoice["description"] or "") if billing_id else "",
        role=line_facts(books, row)["role"],
        day=invoice["invoice_date"],
        quantity=row["quantity"],
        unit_price=row["unit_price"],
        amount=row["amount"],
        invoice_id=billing_id,
        number=invoice["number"] or "",
        state=invoice["state"],
    )
