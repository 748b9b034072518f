"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Text
from schemas.models.billing import BillingKind
from schemas.models.common import (
    ApprovalStep,
    Billability,
    BillingModel,
    BillingTerms,
    IntercompanyLending,
    Money,
    PaymentTerms,
    ProjectBudget,
    ProjectMilestone,
    RevenueTerms,
    RoleRate,
    SystemReference,
    TaxLine,
    TaxProof,
    TaxSetup,
    WorkingCalendar,
)
from schemas.models.enrichment import (
    BillingRequestedEnrichment,
    InvoicePostedEnrichment,
    ProjectRequestedEnrichment,
    TimeApprovedEnrichment,
    TimeRemovedEnrichment,
)
from schemas.models.invoice import InvoiceLine, LedgerAmounts, LineSource
from schemas.models.time import RemovalCause, WorkKind


class EnrichedBillingRequested(Model):
    """One copy for one target, enriched and routed. An invoice shall be made: for a milestone, or for the open
    time of a project up to a date. Aggregate: the request; key: the project, so that billing one project is
    serial.
    """

    EVENT: ClassVar[str] = "enriched.billing.BillingRequested"
    CE_TYPE: ClassVar[str] = "psf.enriched.billing.BillingRequested.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.enriched.BillingRequested"

    kind: Annotated[BillingKind, Field(strict=False)]
    """What is billed."""
    bill_up_to: date
    """Last local date of work that the invoice covers."""
    invoice_date: date
    """Local date that the invoice shall bear."""
    milestone_id: Text
    """Milestone that is billed; "" for time and materials."""
    amount: Money | None = None
    """Fee to bill, before tax; null for time and materials, whose amount is what is open in the ERP.
    (confidential)
    """
    description: Text
    """Text of the invoice, for the client. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    enrichment: BillingRequestedEnrichment
    """What the fabric added: What the target needs besides the request to make the invoice."""


class EnrichedInvoicePosted(Model):
    """One copy for one target, enriched and routed. An invoice was made, numbered and posted in the ERP.
    Aggregate: the invoice, which has the id of its billing request; key: the project.
    """

    EVENT: ClassVar[str] = "enriched.invoice.InvoicePosted"
    CE_TYPE: ClassVar[str] = "psf.enriched.invoice.InvoicePosted.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.enriched.InvoicePosted"

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
    enrichment: InvoicePostedEnrichment
    """What the fabric added: What the CRM needs to show the invoice where it belongs."""


class EnrichedProjectRequested(Model):
    """One copy for one target, enriched and routed. A contracted engagement needs its project in the ERP;
    client, terms and prices are complete. Aggregate and key: the project.
    """

    EVENT: ClassVar[str] = "enriched.project.ProjectRequested"
    CE_TYPE: ClassVar[str] = "psf.enriched.project.ProjectRequested.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.enriched.ProjectRequested"

    engagement_id: Text
    """Engagement under which the project runs."""
    project_name: Text
    """Title of the project. (confidential)"""
    billing_model: Annotated[BillingModel, Field(strict=False)]
    """How the work is billed."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of rates, fees and invoices, ISO 4217 alphabetic code."""
    cost_centre: Text
    """Cost centre that the work is booked to; "" when none."""
    tax_code: Text
    """Tax treatment of its invoices in the legal entity, e.g. `GB-VAT-20`."""
    revenue_rule: Text
    """Rule by which revenue is recognised; "" when none."""
    purchase_order: Text
    """The client's purchase order, printed on invoices; "" when none. (confidential)"""
    contracted_on: date
    """Local date on which the contract was closed."""
    rates: Annotated[tuple[RoleRate, ...], Field(strict=False)]
    """Price list by role, one entry for each role that may work; order has no meaning. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    starts_on: date | None = None
    """First local date on which the project takes time; null when not told."""
    ends_on: date | None = None
    """Last local date on which the project takes time; null when open or not told."""
    billing_terms: BillingTerms | None = None
    """Billing terms in full; null when upstream tells no more than `billing_model`. (confidential)"""
    revenue_terms: RevenueTerms | None = None
    """How its revenue is recognised; null when upstream tells no more than `revenue_rule`. (confidential)"""
    payment_terms: PaymentTerms | None = None
    """When its invoices are due; null when those of the client hold. (confidential)"""
    purchase_order_limit: Money | None = None
    """Most that may be invoiced under the purchase order, before tax; null when it has no limit or is not told.
    (confidential)
    """
    purchase_order_until: date | None = None
    """Last local date on which the purchase order holds; null when open or not told."""
    tax_setup: TaxSetup | None = None
    """What decides the tax of its invoices besides `tax_code`; null when not told. (confidential)"""
    calendar: WorkingCalendar | None = None
    """Which days are worked; null when not told."""
    budget: ProjectBudget | None = None
    """What the project may take; null when not told. (confidential)"""
    lending: Annotated[tuple[IntercompanyLending, ...], Field(strict=False)] = ()
    """Which other legal entities lend people to the project, one entry each; empty when none does or it is not
    told. (confidential)
    """
    milestones: Annotated[tuple[ProjectMilestone, ...], Field(strict=False)] = ()
    """Milestones of the plan, in its order; empty when there is none or it is not told. (confidential)"""
    enrichment: ProjectRequestedEnrichment
    """What the fabric added: What a target needs besides the request to make client and project."""


class EnrichedTimeApproved(Model):
    """One copy for one target, enriched and routed. Recorded time passed the approval policy and may be posted.
    Aggregate and key: the time entry.
    """

    EVENT: ClassVar[str] = "enriched.time.TimeApproved"
    CE_TYPE: ClassVar[str] = "psf.enriched.time.TimeApproved.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.enriched.TimeApproved"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    approval_policy: Text
    """Policy that approved the entry, with its version, e.g. `standard/1`."""
    approval_rule: Text
    """Rule of that policy that decided."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """
    enrichment: TimeApprovedEnrichment
    """What the fabric added: Price and place of the time, from the project as it is known."""


class EnrichedTimeRemoved(Model):
    """One copy for one target, enriched and routed. The time entry is no longer to be found where this event
    goes: deleted, rejected, or posted elsewhere. Aggregate and key: the time entry.
    """

    EVENT: ClassVar[str] = "enriched.time.TimeRemoved"
    CE_TYPE: ClassVar[str] = "psf.enriched.time.TimeRemoved.v1"
    TOPIC: ClassVar[str] = ""
    SUBJECT: ClassVar[str] = "psf.enriched.TimeRemoved"

    cause: Annotated[RemovalCause, Field(strict=False)]
    """Why the entry goes."""
    removed_at: Annotated[datetime, Instant()]
    """Instant at which the removal took effect upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    enrichment: TimeRemovedEnrichment
    """What the fabric added: Where the entry goes."""
