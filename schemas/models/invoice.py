"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Scaled, Text
from schemas.models.common import Money, SystemReference


class InvoiceLine(Record):
    """One line of an invoice as posted."""

    SUBJECT: ClassVar[str] = "psf.invoice.InvoiceLine"

    description: Text
    """Text of the line. (confidential)"""
    role: Text
    """Role that the line bills; "" when it bills no time."""
    quantity: Annotated[Decimal, Scaled(20, 4)]
    """Hours billed, or 1 for a fee. (confidential, unit h)"""
    unit_price: Money
    """Price of one unit, before tax. (confidential)"""
    amount: Money
    """Amount of the line, before tax, rounded to the minor unit. (confidential)"""
    tax_code: Text
    """Tax treatment of the line; "" when none."""


class InvoicePosted(Model):
    """An invoice was made, numbered and posted in the ERP. Aggregate: the invoice, which has the id of its
    billing request; key: the project.
    """

    EVENT: ClassVar[str] = "invoice.InvoicePosted"
    CE_TYPE: ClassVar[str] = "psf.invoice.InvoicePosted.v1"
    TOPIC: ClassVar[str] = "psf.invoice"
    SUBJECT: ClassVar[str] = "psf.invoice.InvoicePosted"

    billing_id: Text
    """Billing request that the invoice answers."""
    number: Text
    """Legal number of the invoice. (confidential)"""
    invoice_date: date
    """Local date that the invoice bears."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of every amount of the invoice, ISO 4217 alphabetic code."""
    net: Money
    """Sum of the lines, before tax. (confidential)"""
    tax: Money
    """Tax of the invoice. (confidential)"""
    gross: Money
    """What the client owes: net and tax. (confidential)"""
    lines: Annotated[tuple[InvoiceLine, ...], Field(strict=False)]
    """Lines in the order of the document. (confidential)"""
    posting: SystemReference
    """Where the invoice lives in the ERP."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
