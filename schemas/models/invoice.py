"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Scaled, Text
from schemas.models.common import Money, PaymentTerms, SystemReference, TaxLine, TaxProof


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


class BilledKind(StrEnum):
    """What a part of an invoice line bills: worked time, an expense, a milestone, a period of a retainer, a
    subcontractor's cost, a mark-up or fee, or a correction. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    TIME = "TIME"
    EXPENSE = "EXPENSE"
    MILESTONE = "MILESTONE"
    RETAINER_PERIOD = "RETAINER_PERIOD"
    SUBCONTRACTOR_COST = "SUBCONTRACTOR_COST"
    FEE = "FEE"
    ADJUSTMENT = "ADJUSTMENT"


class LineSource(Record):
    """What one line of an invoice bills: one entry for each object, so that nothing is billed twice and each
    amount can be explained.
    """

    SUBJECT: ClassVar[str] = "psf.invoice.LineSource"

    line_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Line of the invoice, counted from 1 in the order of the document. (unit 1)"""
    kind: Annotated[BilledKind, Field(strict=False)]
    """What the object is."""
    source_id: Text
    """Id of the time entry, expense item, milestone, period or cost."""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time of it that is billed by this line; 0 when it is no time. (unit s)"""
    amount: Money
    """Its part of the line, before tax; the parts of a line sum to it, and the last one takes what rounding
    leaves. (confidential)
    """


class LedgerAmounts(Record):
    """The totals in the currency in which the legal entity keeps its books; the law asks for its tax in it."""

    SUBJECT: ClassVar[str] = "psf.invoice.LedgerAmounts"

    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of the books, ISO 4217 alphabetic code."""
    rate: Annotated[Decimal, Scaled(20, 10)]
    """How much of it one unit of the invoice's currency is. (confidential, unit 1)"""
    rate_date: date
    """Local date of the rate."""
    rate_source: Text
    """Who published the rate, e.g. `ECB`."""
    net: Money
    """Net of the invoice in it. (confidential)"""
    tax: Money
    """Tax of the invoice in it. (confidential)"""
    gross: Money
    """Gross of the invoice in it. (confidential)"""


class CreditReason(StrEnum):
    """Why an invoice was credited: a mistake in it, a dispute settled, a reduction agreed, a debt that will not
    be paid, or a new invoice in its place. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"
    DISPUTE = "DISPUTE"
    REDUCTION = "REDUCTION"
    BAD_DEBT = "BAD_DEBT"
    REPLACED = "REPLACED"


class CreditNote(Record):
    """A document that takes back an invoice, wholly or in part. Amounts are positive."""

    SUBJECT: ClassVar[str] = "psf.invoice.CreditNote"

    credit_note_id: Text
    """Id of the credit note, an invoice of its own."""
    number: Text
    """Legal number of the credit note. (confidential)"""
    credit_date: date
    """Local date that it bears."""
    net: Money
    """What it takes back, before tax. (confidential)"""
    tax: Money
    """Tax that it takes back. (confidential)"""
    gross: Money
    """What the client owes less: net and tax. (confidential)"""
    reason: Annotated[CreditReason, Field(strict=False)]
    """Why it was made."""
    explanation: Text
    """Why, as printed on it; "" when nothing is. (confidential)"""
    replaced_by: Text
    """Invoice that takes the place of what was credited; "" when none does."""
    rebillable: bool
    """True: what was billed may be billed again. False: it is given up."""


class InvoiceCredited(Model):
    """An invoice was credited, wholly or in part. Aggregate: the invoice that is credited, which has the id of
    its billing request; key: the project.
    """

    EVENT: ClassVar[str] = "invoice.InvoiceCredited"
    CE_TYPE: ClassVar[str] = "psf.invoice.InvoiceCredited.v1"
    TOPIC: ClassVar[str] = "psf.invoice"
    SUBJECT: ClassVar[str] = "psf.invoice.InvoiceCredited"

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
    engagement_id: Text = ''
    """Engagement that the invoice belongs to; "" when not told."""
    due_on: date | None = None
    """Local date by which it is to be paid; null when not told."""
    covers_from: date | None = None
    """First local date of the work that it bills; null when not told."""
    covers_to: date | None = None
    """Last local date of the work that it bills; null when not told."""
    purchase_order: Text = ''
    """The client's purchase order that it bears; "" when none. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """Terms by which the due date was found; null when not told. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)] = ()
    """Tax by line and jurisdiction; they sum to the tax. Empty when the ERP tells no more than the tax code of
    each line. (confidential)
    """
    tax_proof: TaxProof | None = None
    """Who determined the tax and on what ground; null when not told. (confidential)"""
    line_sources: Annotated[tuple[LineSource, ...], Field(strict=False)] = ()
    """What each line bills, ordered by line; empty when not told. (confidential)"""
    ledger: LedgerAmounts | None = None
    """Totals in the currency of the books; null when that is the invoice's. (confidential)"""
    credited_invoice_id: Text = ''
    """Invoice that this one credits, as a credit note; "" when it is none."""
    credited_number: Text = ''
    """Legal number of that invoice; "" when it is none. (confidential)"""
    credit_notes: Annotated[tuple[CreditNote, ...], Field(strict=False)]
    """All credit notes on it so far, by date. (confidential)"""
    paid: Money
    """What was paid in all, with discounts allowed and tax withheld. (confidential)"""
    credited: Money
    """What was credited in all, with tax, as a positive amount. (confidential)"""
    open: Money
    """What is still owed: gross, less paid, less credited. What a client pays beyond stays on its account and
    is matched to no invoice. (confidential)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class InvoiceDrafted(Model):
    """An invoice was drawn up and waits for approval or posting; it has no number and nothing is owed.
    Aggregate: the invoice, which has the id of its billing request; key: the project.
    """

    EVENT: ClassVar[str] = "invoice.InvoiceDrafted"
    CE_TYPE: ClassVar[str] = "psf.invoice.InvoiceDrafted.v1"
    TOPIC: ClassVar[str] = "psf.invoice"
    SUBJECT: ClassVar[str] = "psf.invoice.InvoiceDrafted"

    billing_id: Text
    """Billing request that the invoice answers."""
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
    engagement_id: Text = ''
    """Engagement that the invoice belongs to; "" when not told."""
    due_on: date | None = None
    """Local date by which it is to be paid; null when not told."""
    covers_from: date | None = None
    """First local date of the work that it bills; null when not told."""
    covers_to: date | None = None
    """Last local date of the work that it bills; null when not told."""
    purchase_order: Text = ''
    """The client's purchase order that it bears; "" when none. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """Terms by which the due date was found; null when not told. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)] = ()
    """Tax by line and jurisdiction; they sum to the tax. Empty when the ERP tells no more than the tax code of
    each line. (confidential)
    """
    tax_proof: TaxProof | None = None
    """Who determined the tax and on what ground; null when not told. (confidential)"""
    line_sources: Annotated[tuple[LineSource, ...], Field(strict=False)] = ()
    """What each line bills, ordered by line; empty when not told. (confidential)"""
    ledger: LedgerAmounts | None = None
    """Totals in the currency of the books; null when that is the invoice's. (confidential)"""
    credited_invoice_id: Text = ''
    """Invoice that this one credits, as a credit note; "" when it is none."""
    credited_number: Text = ''
    """Legal number of that invoice; "" when it is none. (confidential)"""
    draft: SystemReference | None = None
    """Where the draft lives in the ERP; null when it is only in the billing system."""
    drafted_by: Text
    """User who drew it up, as upstream knows the person; "" when a rule did. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class PaymentMethod(StrEnum):
    """How money came in. SET_OFF: against something we owe, no money moved. UNKNOWN: a symbol of a later
    version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    BANK_TRANSFER = "BANK_TRANSFER"
    DIRECT_DEBIT = "DIRECT_DEBIT"
    CARD = "CARD"
    CHEQUE = "CHEQUE"
    SET_OFF = "SET_OFF"


class Payment(Record):
    """One payment, as far as it was matched to this invoice."""

    SUBJECT: ClassVar[str] = "psf.invoice.Payment"

    payment_id: Text
    """Id of the payment in the ERP."""
    paid_on: date
    """Local date on which the bank booked it."""
    method: Annotated[PaymentMethod, Field(strict=False)]
    """How the money came in."""
    amount: Money
    """What of it settles this invoice, in the invoice's currency; negative when it was returned. (confidential)"""
    discount: Money
    """Cash discount that was taken and allowed with it, in the invoice's currency. (confidential)"""
    withheld: Money
    """Tax that the client withheld and paid to its authority with it, in the invoice's currency. (confidential)"""
    received: Money | None = None
    """What the bank received in its own currency; null when that is the invoice's. (confidential)"""
    bank_reference: Text
    """Reference on the bank statement. (confidential)"""


class InvoicePaid(Model):
    """A payment was matched to an invoice, or taken back from it: in part or in full. Aggregate: the invoice,
    which has the id of its billing request; key: the project.
    """

    EVENT: ClassVar[str] = "invoice.InvoicePaid"
    CE_TYPE: ClassVar[str] = "psf.invoice.InvoicePaid.v1"
    TOPIC: ClassVar[str] = "psf.invoice"
    SUBJECT: ClassVar[str] = "psf.invoice.InvoicePaid"

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
    engagement_id: Text = ''
    """Engagement that the invoice belongs to; "" when not told."""
    due_on: date | None = None
    """Local date by which it is to be paid; null when not told."""
    covers_from: date | None = None
    """First local date of the work that it bills; null when not told."""
    covers_to: date | None = None
    """Last local date of the work that it bills; null when not told."""
    purchase_order: Text = ''
    """The client's purchase order that it bears; "" when none. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """Terms by which the due date was found; null when not told. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)] = ()
    """Tax by line and jurisdiction; they sum to the tax. Empty when the ERP tells no more than the tax code of
    each line. (confidential)
    """
    tax_proof: TaxProof | None = None
    """Who determined the tax and on what ground; null when not told. (confidential)"""
    line_sources: Annotated[tuple[LineSource, ...], Field(strict=False)] = ()
    """What each line bills, ordered by line; empty when not told. (confidential)"""
    ledger: LedgerAmounts | None = None
    """Totals in the currency of the books; null when that is the invoice's. (confidential)"""
    credited_invoice_id: Text = ''
    """Invoice that this one credits, as a credit note; "" when it is none."""
    credited_number: Text = ''
    """Legal number of that invoice; "" when it is none. (confidential)"""
    payments: Annotated[tuple[Payment, ...], Field(strict=False)]
    """All payments so far, by date. (confidential)"""
    paid: Money
    """What was paid in all, with discounts allowed and tax withheld. (confidential)"""
    credited: Money
    """What was credited in all, with tax, as a positive amount. (confidential)"""
    open: Money
    """What is still owed: gross, less paid, less credited. What a client pays beyond stays on its account and
    is matched to no invoice. (confidential)
    """
    settled: bool
    """True: nothing is owed any more, so the ERP has closed it."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


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
    engagement_id: Text = ''
    """Engagement that the invoice belongs to; "" when not told."""
    due_on: date | None = None
    """Local date by which it is to be paid; null when not told."""
    covers_from: date | None = None
    """First local date of the work that it bills; null when not told."""
    covers_to: date | None = None
    """Last local date of the work that it bills; null when not told."""
    purchase_order: Text = ''
    """The client's purchase order that it bears; "" when none. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """Terms by which the due date was found; null when not told. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)] = ()
    """Tax by line and jurisdiction; they sum to the tax. Empty when the ERP tells no more than the tax code of
    each line. (confidential)
    """
    tax_proof: TaxProof | None = None
    """Who determined the tax and on what ground; null when not told. (confidential)"""
    line_sources: Annotated[tuple[LineSource, ...], Field(strict=False)] = ()
    """What each line bills, ordered by line; empty when not told. (confidential)"""
    ledger: LedgerAmounts | None = None
    """Totals in the currency of the books; null when that is the invoice's. (confidential)"""
    credited_invoice_id: Text = ''
    """Invoice that this one credits, as a credit note; "" when it is none."""
    credited_number: Text = ''
    """Legal number of that invoice; "" when it is none. (confidential)"""


class InvoiceRefuser(StrEnum):
    """Who refused: the approver, the ERP, the tax engine or authority, the e-invoicing network, or the client.
    UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    APPROVER = "APPROVER"
    ERP = "ERP"
    TAX = "TAX"
    NETWORK = "NETWORK"
    CLIENT = "CLIENT"


class InvoiceRejected(Model):
    """A drafted invoice will not be posted as it is: somebody refused it, and nothing is owed. Aggregate: the
    invoice, which has the id of its billing request; key: the project.
    """

    EVENT: ClassVar[str] = "invoice.InvoiceRejected"
    CE_TYPE: ClassVar[str] = "psf.invoice.InvoiceRejected.v1"
    TOPIC: ClassVar[str] = "psf.invoice"
    SUBJECT: ClassVar[str] = "psf.invoice.InvoiceRejected"

    billing_id: Text
    """Billing request that the invoice answers."""
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
    engagement_id: Text = ''
    """Engagement that the invoice belongs to; "" when not told."""
    due_on: date | None = None
    """Local date by which it is to be paid; null when not told."""
    covers_from: date | None = None
    """First local date of the work that it bills; null when not told."""
    covers_to: date | None = None
    """Last local date of the work that it bills; null when not told."""
    purchase_order: Text = ''
    """The client's purchase order that it bears; "" when none. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """Terms by which the due date was found; null when not told. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)] = ()
    """Tax by line and jurisdiction; they sum to the tax. Empty when the ERP tells no more than the tax code of
    each line. (confidential)
    """
    tax_proof: TaxProof | None = None
    """Who determined the tax and on what ground; null when not told. (confidential)"""
    line_sources: Annotated[tuple[LineSource, ...], Field(strict=False)] = ()
    """What each line bills, ordered by line; empty when not told. (confidential)"""
    ledger: LedgerAmounts | None = None
    """Totals in the currency of the books; null when that is the invoice's. (confidential)"""
    credited_invoice_id: Text = ''
    """Invoice that this one credits, as a credit note; "" when it is none."""
    credited_number: Text = ''
    """Legal number of that invoice; "" when it is none. (confidential)"""
    draft: SystemReference | None = None
    """Where the draft lives in the ERP; null when it is only in the billing system."""
    drafted_by: Text
    """User who drew it up, as upstream knows the person; "" when a rule did. (personal)"""
    refused_by: Annotated[InvoiceRefuser, Field(strict=False)]
    """Who refused."""
    system: Text
    """System instance that told of it, e.g. `tryton-uk`."""
    rejected_at: Annotated[datetime, Instant()]
    """Instant of the refusal, as the refusing side says."""
    code: Text
    """Stable code of the refusal, listed in codes.toml."""
    reason: Text
    """What is wrong and what to change, for whoever drew it up. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
