"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Text
from schemas.models.common import (
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
    TaxSetup,
    WorkingCalendar,
)


class ProjectStatus(StrEnum):
    """Where a project stands: planned, worked on, interrupted, all delivered, or closed for every posting.
    UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    PLANNED = "PLANNED"
    ACTIVE = "ACTIVE"
    ON_HOLD = "ON_HOLD"
    COMPLETED = "COMPLETED"
    CLOSED = "CLOSED"


class ProjectGates(Record):
    """What a project takes at the moment; the ERP and the delivery tool refuse the rest."""

    SUBJECT: ClassVar[str] = "psf.project.ProjectGates"

    time_allowed: bool
    """True: time may be recorded."""
    expenses_allowed: bool
    """True: expenses may be recorded."""
    billing_allowed: bool
    """True: invoices may be made."""


class ProjectClosed(Model):
    """A project is closed for every posting: its costs are in, its invoices made, its revenue settled.
    Aggregate and key: the project.
    """

    EVENT: ClassVar[str] = "project.ProjectClosed"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectClosed.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectClosed"

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
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where the project lives, one entry for each system that has it, ordered by system."""
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
    project_manager_id: Text
    """Resource id of whoever leads the project; "" while nobody does. (personal)"""
    status: Annotated[ProjectStatus, Field(strict=False)]
    """Where the project stands."""
    gates: ProjectGates
    """What the project takes at the moment."""
    closed_on: date
    """Local date from which nothing more is posted."""
    closed_by: Text
    """User who closed it, as upstream knows the person; "" when a rule did. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)] | None = None
    """Time worked on it in all, as upstream states it; null when it does not. (unit s)"""
    cost: Money | None = None
    """What it cost in all, as upstream states it; null when it does not. (confidential)"""
    invoiced: Money | None = None
    """What was invoiced in all, before tax, as upstream states it; null when it does not. (confidential)"""
    written_off: Money | None = None
    """What was worked and will never be billed, before tax; null when not told. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ProjectCreated(Model):
    """The project exists in the ERP of its legal entity and takes time. Aggregate and key: the project."""

    EVENT: ClassVar[str] = "project.ProjectCreated"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectCreated.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectCreated"

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
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where the project lives, one entry for each system that has it, ordered by system."""
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


class ProjectRejected(Model):
    """A requested project will not be made: the ERP, finance or a rule refused it. Aggregate and key: the
    project, with the request as it was.
    """

    EVENT: ClassVar[str] = "project.ProjectRejected"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectRejected.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectRejected"

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
    rejected_by: Text
    """Who refused: the component that speaks for the ERP, e.g. `tryton-uk`, or the user. (personal)"""
    rejected_at: Annotated[datetime, Instant()]
    """Instant at which it was refused, as the refusing side says."""
    code: Text
    """Stable code of the refusal, listed in codes.toml."""
    reason: Text
    """What is wrong and what to change, for whoever sold the engagement. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ProjectRequested(Model):
    """A contracted engagement needs its project in the ERP; client, terms and prices are complete. Aggregate
    and key: the project.
    """

    EVENT: ClassVar[str] = "project.ProjectRequested"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectRequested.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectRequested"

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


class ProjectStatusChanged(Model):
    """A project was started, interrupted, resumed or completed, or takes something that it did not take before.
    Aggregate and key: the project.
    """

    EVENT: ClassVar[str] = "project.ProjectStatusChanged"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectStatusChanged.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectStatusChanged"

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
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where the project lives, one entry for each system that has it, ordered by system."""
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
    project_manager_id: Text
    """Resource id of whoever leads the project; "" while nobody does. (personal)"""
    status: Annotated[ProjectStatus, Field(strict=False)]
    """Where the project stands."""
    gates: ProjectGates
    """What the project takes at the moment."""
    previous_status: Annotated[ProjectStatus, Field(strict=False)]
    """Where it stood before; equal to `status` when only what it takes was changed."""
    changed_at: Annotated[datetime, Instant()]
    """Instant at which it was changed upstream."""
    changed_by: Text
    """User who changed it, as upstream knows the person; "" when a rule did. (personal)"""
    reason: Text
    """Why it was changed; "" when nobody said. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ProjectUpdated(Model):
    """What is known of a project has changed: title, terms, tax set-up, calendar, budget, lending, plan.
    Aggregate and key: the project.
    """

    EVENT: ClassVar[str] = "project.ProjectUpdated"
    CE_TYPE: ClassVar[str] = "psf.project.ProjectUpdated.v1"
    TOPIC: ClassVar[str] = "psf.project"
    SUBJECT: ClassVar[str] = "psf.project.ProjectUpdated"

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
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where the project lives, one entry for each system that has it, ordered by system."""
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
    project_manager_id: Text
    """Resource id of whoever leads the project; "" while nobody does. (personal)"""
    status: Annotated[ProjectStatus, Field(strict=False)]
    """Where the project stands."""
    gates: ProjectGates
    """What the project takes at the moment."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
