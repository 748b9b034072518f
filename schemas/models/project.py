"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Text
from schemas.models.common import BillingModel, RoleRate, SystemReference


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
