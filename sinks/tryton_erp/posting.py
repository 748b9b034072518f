"""Posting a named draft, and what Tryton made of it.

Numbering: inside one sequence (here: one month) Tryton wants numbers to rise with the date. When a later date of the
month has been numbered already, the invoice takes the latest numbered date of that month, never an earlier one and
never one of another period; `invoice_date` among the facts is the date it got.
"""

from __future__ import annotations

import logging
from calendar import monthrange
from typing import Any

from psfabric.errors import Held, Invalid, Period, Transient
from psfabric.outcomes import Delivered
from schemas.models import EnrichedBillingRequested
from sinks.tryton_erp.books import Books, compact
from sinks.tryton_erp.rpc import NotInThisState, OutOfOrder, PeriodShut, Values, Warned

Request = EnrichedBillingRequested

EXPECTED_WARNINGS = ("invoice_date_future", "invoice_payment_term", "invoice_taxes")
"""Dated ahead; due already (billed long after the work); another tax than the product's, determined upstream."""

POSTED = ("posted", "paid", "cancelled")
"""States in which an invoice has its number; a cancelled one was credited."""

ATTEMPTS = 8
"""Warnings and date changes that one post may need; more is not Tryton's doing any more."""

_log = logging.getLogger(__name__)


async def post(books: Books, data: Request, id: int) -> None:
    """Post a named draft, past the warnings that are expected; one that was posted meanwhile is left as it is."""
    for _ in range(ATTEMPTS):
        try:
            await books.call("account.invoice", "post", [id])
        except Warned as warned:
            await _skip(books, warned)
        except OutOfOrder:
            await _take_latest_date(books, data, id)
        except PeriodShut as shut:
            month = f"{data.invoice_date:%Y-%m}"
            raise Held(Period(books.legal_entity, month), shut.said) from None
        except NotInThisState:
            if not await _posted(books, id):
                raise
            return  # by our own call that timed out here and went on there
        else:
            return
    raise Transient("the invoice could not be posted: Tryton asks again and again")


async def _posted(books: Books, id: int) -> bool:
    rows = await books.rows("account.invoice", [["id", "=", id]], ["state"])
    return bool(rows) and rows[0]["state"] in POSTED


async def _skip(books: Books, warned: Warned) -> None:
    kind = warned.name.rpartition(".")[2]
    if kind not in EXPECTED_WARNINGS:
        raise warned
    _log.info("warning skipped: %s", kind)
    await books.call("res.user.warning", "skip", warned.name, False)


async def _take_latest_date(books: Books, data: Request, id: int) -> None:
    day = data.invoice_date
    domain: list[Any] = [
        ["company", "=", (await books.company()).id],
        ["type", "=", "out"],
        ["number", "!=", None],
        ["invoice_date", ">", day],
        ["invoice_date", "<=", day.replace(day=monthrange(day.year, day.month)[1])],
    ]
    latest = await books.rows("account.invoice", domain, ["invoice_date"], limit=1, order=[["invoice_date", "DESC"]])
    if not latest:
        raise Invalid("erp-refused", f"no date of {day:%Y-%m} can be numbered any more")
    await books.call("account.invoice", "write", [id], {"invoice_date": latest[0]["invoice_date"]})


async def read_back(books: Books, id: int, kind: type[Delivered]) -> Delivered:
    fields = ["number", "invoice_date", "untaxed_amount", "tax_amount", "total_amount", "currency.code"]
    invoice = (await books.rows("account.invoice", [["id", "=", id]], fields))[0]
    lines = await books.rows("account.invoice.line", [["invoice", "=", id], ["type", "=", "line"]], LINE_FIELDS)
    facts = {
        "number": invoice["number"],
        "invoice_date": invoice["invoice_date"].isoformat(),
        "currency": invoice["currency."]["code"],
        "net": str(invoice["untaxed_amount"]),
        "tax": str(invoice["tax_amount"]),
        "gross": str(invoice["total_amount"]),
        "lines": compact([line_facts(books, line) for line in sorted(lines, key=lambda line: int(line["id"]))]),
    }
    return kind(str(id), facts, number=invoice["number"])


LINE_FIELDS = ("description", "quantity", "unit_price", "amount", "product.code", "taxes.description")


def line_facts(books: Books, line: Values) -> dict[str, str]:
    """One line as text; a line of the hour product is described by its role (the task's name)."""
    description = line["description"] or ""
    product = (line.get("product.") or {}).get("code", "")
    return {
        "description": description,
        "role": description if product == books.hour_product else "",
        "quantity": f"{line['quantity']:.4f}",
        "unit_price": str(line["unit_price"]),
        "amount": str(line["amount"]),
        "tax_code": ",".join(tax["description"] for tax in line["taxes."]),
    }
