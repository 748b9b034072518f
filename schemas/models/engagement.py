"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Text
from schemas.models.common import BillingModel, BillingTerms, ChangeOrder, Money, PaymentTerms, RevenueTerms, RoleRate


class EngagementAmended(Model):
    """The contract was changed after it was signed: terms, prices, value or term. Aggregate and key: the
    engagement, with its terms as they are now.
    """

    EVENT: ClassVar[str] = "engagement.EngagementAmended"
    CE_TYPE: ClassVar[str] = "psf.engagement.EngagementAmended.v1"
    TOPIC: ClassVar[str] = "psf.engagement"
    SUBJECT: ClassVar[str] = "psf.engagement.EngagementAmended"

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
    signed_on: date | None = None
    """Local date on which the last party signed; null while it is not signed or not told."""
    starts_on: date | None = None
    """First local date on which work under the contract is allowed; null when not told."""
    ends_on: date | None = None
    """Last local date on which work under the contract is allowed; null when open or not told."""
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
    change_orders: Annotated[tuple[ChangeOrder, ...], Field(strict=False)]
    """All change orders so far, in the order of signing; empty while there is none. The terms beside them are
    those after the last. (confidential)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ClosingReason(StrEnum):
    """Why a contract has ended: all was delivered, one of the parties ended it, its term passed, or another
    contract took its place. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    ENDED_BY_CLIENT = "ENDED_BY_CLIENT"
    ENDED_BY_US = "ENDED_BY_US"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"


class EngagementClosed(Model):
    """The contract has ended: no work under it after its last day, and nothing more is contracted. Aggregate
    and key: the engagement.
    """

    EVENT: ClassVar[str] = "engagement.EngagementClosed"
    CE_TYPE: ClassVar[str] = "psf.engagement.EngagementClosed.v1"
    TOPIC: ClassVar[str] = "psf.engagement"
    SUBJECT: ClassVar[str] = "psf.engagement.EngagementClosed"

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
    signed_on: date | None = None
    """Local date on which the last party signed; null while it is not signed or not told."""
    starts_on: date | None = None
    """First local date on which work under the contract is allowed; null when not told."""
    ends_on: date | None = None
    """Last local date on which work under the contract is allowed; null when open or not told."""
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
    change_orders: Annotated[tuple[ChangeOrder, ...], Field(strict=False)]
    """All change orders so far, in the order of signing; empty while there is none. The terms beside them are
    those after the last. (confidential)
    """
    closed_on: date
    """Last local date on which work under the contract was allowed."""
    reason: Annotated[ClosingReason, Field(strict=False)]
    """Why it has ended."""
    replaced_by: Text
    """Engagement that took its place; "" when none did."""
    invoiced: Money | None = None
    """What was invoiced in all, before tax, as upstream states it; null when it does not. (confidential)"""
    unbilled: Money | None = None
    """What was worked and will not be billed any more, before tax; null when not told. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


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
    signed_on: date | None = None
    """Local date on which the last party signed; null while it is not signed or not told."""
    starts_on: date | None = None
    """First local date on which work under the contract is allowed; null when not told."""
    ends_on: date | None = None
    """Last local date on which work under the contract is allowed; null when open or not told."""
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
