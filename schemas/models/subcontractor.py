"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Model, Record, Scaled, Text
from schemas.models.common import (
    ApprovalStep,
    CurrencyConversion,
    DocumentReference,
    InputTaxLine,
    Money,
    SystemReference,
)


class SupplierInvoice(Record):
    """The line of a supplier's invoice, or credit note, that a cost comes from."""

    SUBJECT: ClassVar[str] = "psf.subcontractor.SupplierInvoice"

    number: Text
    """Number that the supplier gave it. (confidential)"""
    line: Text
    """Line of it, as the supplier or our purchasing numbers it; "" when it has one only."""
    invoice_date: date
    """Local date that it bears, where the supplier is."""
    due_date: date
    """Local date on which it is to be paid."""
    reverse_charge: bool
    """True: the supplier charges no tax, our legal entity accounts for it; the tax lines then have what we
    account for.
    """
    document: DocumentReference | None = None
    """The document itself; null when it is not kept. (confidential)"""


class SupplierCostBasis(StrEnum):
    """What a cost rests on: time that was worked, or a price agreed for a result. UNKNOWN: something else."""

    UNKNOWN = "UNKNOWN"
    TIME = "TIME"
    FIXED_PRICE = "FIXED_PRICE"


class SubcontractorCostRecorded(Model):
    """Work of a subcontractor became a cost of a project: accrued from time, and later known from the
    supplier's invoice, as the same aggregate with a higher version. Aggregate and key: the cost, that is one
    line of an invoice or credit note, or what is accrued until it comes.
    """

    EVENT: ClassVar[str] = "subcontractor.SubcontractorCostRecorded"
    CE_TYPE: ClassVar[str] = "psf.subcontractor.SubcontractorCostRecorded.v1"
    TOPIC: ClassVar[str] = "psf.subcontractor"
    SUBJECT: ClassVar[str] = "psf.subcontractor.SubcontractorCostRecorded"

    supplier_id: Text
    """Id of the supplier who is paid."""
    resource_id: Text
    """Id of the subcontractor who worked; "" when several did, or the supplier names nobody. (personal)"""
    purchase_order: Text
    """Our purchase order; "" when the work was not ordered by one. (confidential)"""
    purchase_order_line: Text
    """Line of it; "" when it has one only, or there is none."""
    supplier_invoice: SupplierInvoice | None = None
    """Invoice or credit note that it comes from; null while the cost is accrued."""
    period_start: date
    """First local date of the work in `zone`."""
    period_end: date
    """Last local date of the work in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    basis: Annotated[SupplierCostBasis, Field(strict=False)]
    """What the amount rests on."""
    worked_seconds: Annotated[int, Field(ge=-9223372036854775808, le=9223372036854775807)]
    """Time that is charged, to be compared with the time that was approved; 0 for a fixed price, negative on a
    credit note. (personal, unit s)
    """
    time_entry_ids: Annotated[tuple[Text, ...], Field(strict=False)]
    """Approved time that it pays, as far as known, sorted; empty for a fixed price. (personal)"""
    hourly_cost: Money | None = None
    """Agreed price of one hour, before tax; null for a fixed price. (confidential)"""
    net: Money
    """Cost before tax, in the currency of the supplier; negative for a credit note. (confidential)"""
    tax_lines: Annotated[tuple[InputTaxLine, ...], Field(strict=False)]
    """The invoice line by rate of tax; all `net` together are `net`. Empty while the cost is accrued.
    (confidential)
    """
    gross: Money
    """What the supplier is owed: `net` and its tax, or `net` alone under reverse charge. (confidential)"""
    book_amount: CurrencyConversion | None = None
    """Cost in the currency of the books of the legal entity: `net` and the tax that is not reclaimable. Null
    while not converted. (confidential)
    """
    cost_centre: Text
    """Cost centre that is charged; "" when the project's is."""
    billable: bool
    """Whether the client is charged for it as a cost; false when the client is charged for the time instead."""
    mark_up: Annotated[Decimal, Scaled(9, 6)]
    """What is added to the cost when it is charged, as a fraction: 0.150000 is 15 %; 0 when none.
    (confidential, unit 1)
    """
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)]
    """Decisions about the cost so far, in their order; empty while there are none. (personal)"""
    recorded_in: SystemReference
    """Where the accrual or the supplier's invoice lives in the ERP or in purchasing."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
