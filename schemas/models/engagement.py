"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Text
from schemas.models.common import BillingModel, Money, RoleRate


class EngagementContracted(Model):
    """An opportunity was won: the statement of work, its billing terms and its price list. Aggregate and key:
    the engagement.
    """

    EVENT: ClassVar[str] = "engagement.EngagementContracted"
    CE_TYPE: ClassVar[str] = "psf.engagement.EngagementContracted.v1"
    TOPIC: ClassVar[str] = "psf.engagement"
    SUBJECT: ClassVar[str] = "psf.engagement.EngagementContracted"

    engagement_name: Text
    """Title of the engagement as sold. (confidential)"""
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
    contract_value: Money
    """Value of the contract as sold, before tax; an expectation for time and materials. (confidential)"""
    rates: Annotated[tuple[RoleRate, ...], Field(strict=False)]
    """Price list by role, one entry for each role that may work; order has no meaning. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
