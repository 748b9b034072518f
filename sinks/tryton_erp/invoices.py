"""Billing in Tryton: a request becomes one posted invoice, resumable after a crash between any two calls.

Time and materials: Tryton makes a draft of the unbilled time; we name it (external id, date) and post it. Until it has
its name it is nobody's: such a draft of ours is deleted, which frees its time, and made again, so that a stale limit,
a second draft of two calls that overlapped, or a late correction never reaches a client.
Milestone: one plain invoice, created with its name in one call.

The invoice's description is the project id (the only link that a milestone's invoice has to its project).
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from psfabric.adapters import Document
from psfabric.errors import Held, Invalid, Parent, Transient
from psfabric.outcomes import Delivered, Duplicate
from schemas.models import EnrichedBillingRequested
from sinks.tryton_erp.books import Books, Names, price
from sinks.tryton_erp.posting import POSTED, post, read_back
from sinks.tryton_erp.rpc import Exists, NotInThisState, Values

Request = EnrichedBillingRequested


def invoice_id(names: Names, billing_id: str) -> str:
    """External id of the invoice. The last part is the document version; nothing is credited and billed again yet."""
    return names.id("billing", billing_id, "1")


def _milestone(data: Request) -> bool:
    return str(getattr(data.kind, "value", data.kind)) == "MILESTONE"


def document(names: Names, data: Request) -> Document:
    """What is to be billed. Raises Invalid."""
    given = data.enrichment
    body: Values = {
        "external_id": invoice_id(names, data.aggregate_id),
        "project": names.id("project", data.project_id),
        "invoice_date": data.invoice_date.isoformat(),
        "currency": given.currency,
        "tax_code": given.tax_code,
        "reference": given.purchase_order,
    }
    if not _milestone(data):
        return Document("billing", data.aggregate_id, {**body, "up_to": data.bill_up_to.isoformat()})
    if data.amount is None:
        raise Invalid("field-missing", "a milestone is billed with an amount")
    amount = data.amount
    if amount.currency != given.currency:
        raise Invalid("currency-mismatch", f"the milestone is in {amount.currency}, the project in {given.currency}")
    fee = {"amount": price(amount.amount), "description": data.description}
    return Document("billing", data.aggregate_id, {**body, **fee})


async def deliver(books: Books, data: Request) -> Delivered:
    """Find or make the invoice, post it, and read back what Tryton made of it."""
    document(books, data)
    if data.enrichment.legal_entity != books.legal_entity:
        raise Invalid("legal-entity-unknown", f"this is {books.legal_entity}, not {data.enrichment.legal_entity}")
    await books.check_currency(data.enrichment.currency)
    invoice = await _named(books, data)
    if invoice is not None and invoice["state"] in POSTED:
        return _as_asked(data, await read_back(books, invoice["id"], Duplicate))
    try:
        id = invoice["id"] if invoice else await _draft(books, data)
        await post(books, data, id)
    except NotInThisState:
        if await find(books, data) is None:
            raise
        raise Transient("the invoice was posted by another call in between") from None
    return await read_back(books, id, Delivered)


def _as_asked(data: Request, made: Delivered) -> Delivered:
    """The invoice there is. Raises Invalid when it has another fee: a posted invoice is credited, never corrected."""
    if data.amount is not None and Decimal(json.loads(made.facts["lines"])[0]["unit_price"]) != data.amount.amount:
        raise Invalid("erp-refused", f"the milestone was invoiced with another amount: {made.number}")
    return made


async def find(books: Books, data: Request) -> Delivered | None:
    """The posted invoice of a billing request."""
    invoice = await _named(books, data)
    if invoice is None or invoice["state"] not in POSTED:
        return None
    return await read_back(books, invoice["id"], Delivered)


async def _named(books: Books, data: Request) -> Values | None:
    external_id = invoice_id(books, data.aggregate_id)
    return (await books.by_external_id("account.invoice", [external_id], ["state"])).get(external_id)


async def _draft(books: Books, data: Request) -> int:
    external_id = books.id("project", data.project_id)
    fields = ["party", "name"]
    project = (await books.by_external_id("project.work", [external_id], fields)).get(external_id)
    if project is None:
        raise Held(Parent("project", data.project_id), f"project {data.project_id} is not in Tryton yet")
    tax = await books.tax(data.enrichment.tax_code)
    return await (_plain_draft if _milestone(data) else _time_draft)(books, data, project, tax)


# ------------------------------------------------------------------------------------------ time and materials


async def _taken(books: Books, data: Request, project: Values) -> bool:
    """Whether the time was taken meanwhile: by our own call that timed out here and went on there."""
    if await _named(books, data) is not None:
        return True
    domain = [
        ["work.origin.parent.id", "=", project["id"], "project.work"],
        ["invoice_line.invoice.state", "in", ["draft", "validated"]],
    ]
    return bool(await books.rows("timesheet.line", domain, ["id"], limit=1))


async def _time_draft(books: Books, data: Request, project: Values, tax: int) -> int:
    await _delete_nameless(books, project)
    await books.call("project.work", "write", [project["id"]], {"project_invoice_timesheet_up_to": data.bill_up_to})
    lines = await _unbilled(books, project, data.bill_up_to)
    try:
        if not lines:
            raise Invalid("nothing-to-bill", f"no unbilled time up to {data.bill_up_to}")
        # Two overlapping calls would each make a full draft of the same time; the guard lets only one of them through.
        guard = {f"timesheet.line,{line['id']}": line["_timestamp"] for line in lines}
        await books.call("project.work", "invoice", [project["id"]], timestamps=guard)
    except Invalid:  # Tryton's is NotInThisState: the button is gone when no time is left
        if not await _taken(books, data, project):
            raise
        raise Transient("the time is on an invoice that another call is making or has made") from None
    drafts = await _drafts(books, lines)
    if len(drafts) != 1:
        raise Transient("the draft of the unbilled time was changed in between")
    invoice = drafts[0]
    await _set_tax(books, invoice, tax)
    await books.call("account.invoice", "write", [invoice["id"]], _names(books, data))
    return int(invoice["id"])


def _names(books: Books, data: Request) -> Values:
    return {
        "external_id": invoice_id(books, data.aggregate_id),
        "invoice_date": data.invoice_date,
        "reference": data.enrichment.purchase_order or None,
        "description": data.project_id,
    }


async def _unbilled(books: Books, project: Values, up_to: date) -> list[Values]:
    """Lines with time and a price that no invoice has; the rest of a project is never billed."""
    domain = [
        ["work.origin.parent.id", "=", project["id"], "project.work"],
        ["work.origin.list_price", ">", 0, "project.work"],
        ["invoice_line", "=", None],
        ["date", "<=", up_to],
    ]
    rows = await books.rows("timesheet.line", domain, ["duration", "_timestamp"])
    return [row for row in rows if row["duration"]]


async def _drafts(books: Books, lines: list[Values]) -> list[Values]:
    """The invoices that have taken these lines."""
    domain = [["id", "in", [line["id"] for line in lines]]]
    rows = await books.rows("timesheet.line", domain, ["invoice_line.invoice"])
    ids = {row["invoice_line."]["invoice"] for row in rows if row.get("invoice_line.")}
    return await books.rows("account.invoice", [["id", "in", sorted(ids)]], ["lines", "state"])


async def _delete_nameless(books: Books, project: Values) -> None:
    """Drafts of this project's time that we made and did not get to name. A person's draft is left alone.

    They are those that hold its time, and those that lost it to a second call: Tryton describes both by its name.
    """
    taken = [
        ["work.origin.parent.id", "=", project["id"], "project.work"],
        ["invoice_line.invoice.state", "=", "draft"],
    ]
    lines = await books.rows("timesheet.line", taken, ["invoice_line.invoice"])
    holders = sorted({line["invoice_line."]["invoice"] for line in lines})
    domain = [
        ["company", "=", (await books.company()).id],
        ["party", "=", project["party"]],
        ["OR", ["id", "in", holders], ["description", "=", project["name"]]],
        ["state", "=", "draft"],
        ["external_id", "=", None],
        ["create_uid", "=", books.session.user_id],
    ]
    drafts = await _of_no_other(books, project, await books.rows("account.invoice", domain, ["id"]))
    if drafts:
        await books.call("account.invoice", "delete", drafts)


async def _of_no_other(books: Books, project: Values, found: list[Values]) -> list[int]:
    """Their ids, without those that hold time of another project of the same client and name."""
    drafts = [row["id"] for row in found]
    domain = [["invoice_line.invoice", "in", drafts], ["work.origin.parent.id", "!=", project["id"], "project.work"]]
    rows = await books.rows("timesheet.line", domain, ["invoice_line.invoice"])
    others = {row["invoice_line."]["invoice"] for row in rows}
    return [id for id in drafts if id not in others]


async def _set_tax(books: Books, invoice: Values, tax: int) -> None:
    """Tryton took the product's default taxes; the request's own tax code decides."""
    for line in await books.rows("account.invoice.line", [["id", "in", invoice["lines"]]], ["taxes"]):
        if list(line["taxes"]) != [tax]:
            change = [["remove", list(line["taxes"])], ["add", [tax]]]
            await books.call("account.invoice.line", "write", [line["id"]], {"taxes": change})


# ------------------------------------------------------------------------------------------ milestone


async def _plain_draft(books: Books, data: Request, project: Values, tax: int) -> int:
    values = {**await _invoice_of(books, project), **_names(books, data)}
    values["lines"] = [["create", [await _line(books, data, tax)]]]
    try:
        return int((await books.call("account.invoice", "create", [values]))[0])
    except Exists:  # an earlier try whose answer was lost
        raise Transient("the invoice was made in between") from None


async def _invoice_of(books: Books, project: Values) -> Values:
    company = await books.company()
    mine = ["company", "=", company.id]
    party = await books.rows("party.party", [["id", "=", project["party"]]], ["addresses"])
    if not party[0]["addresses"]:
        raise Invalid("erp-refused", "the client has no address in Tryton")
    receivable = [mine, ["type.receivable", "=", True], ["closed", "!=", True]]
    terms = await books.call("account.configuration", "read", [1], ["default_customer_payment_term"])
    return {
        "company": company.id,
        "type": "out",
        "party": project["party"],
        "invoice_address": party[0]["addresses"][0],
        "account": await books.one("account.account", receivable, "erp-refused", "no receivable account"),
        "currency": company.currency_id,
        "journal": await books.one("account.journal", [["type", "=", "revenue"]], "erp-refused", "no revenue journal"),
        "payment_term": terms[0]["default_customer_payment_term"],
    }


async def _line(books: Books, data: Request, tax: int) -> Values:
    assert data.amount is not None  # document() has refused the rest
    company = (await books.company()).id
    revenue = [["company", "=", company], ["type.revenue", "=", True], ["closed", "!=", True]]
    product = await books.product(books.fee_product)
    unit = (await books.rows("product.product", [["id", "=", product]], ["default_uom"]))[0]["default_uom"]
    return {
        "type": "line",
        "company": company,
        "product": product,
        "unit": unit,
        "quantity": 1,
        "unit_price": price(data.amount.amount),
        "account": await books.one("account.account", revenue, "erp-refused", "no revenue account"),
        "description": data.description or data.milestone_id,
        "taxes": [["add", [tax]]],
    }
