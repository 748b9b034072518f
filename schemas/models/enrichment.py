"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from schemas.base import Record, Scaled, Text


class BillingRequestedEnrichment(Record):
    """What the target needs besides the request to make the invoice."""

    SUBJECT: ClassVar[str] = "psf.enrichment.BillingRequestedEnrichment"

    target: Text
    """Target system instance to which this copy of the event is routed."""
    legal_entity: Text
    """Code of the legal entity that invoices."""
    client_id: Text
    """Client who is invoiced."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of the invoice, ISO 4217 alphabetic code."""
    tax_code: Text
    """Tax treatment of the invoice in the legal entity."""
    purchase_order: Text
    """The client's purchase order, printed on the invoice; "" when none. (confidential)"""
    project_reference: Text
    """Identity of the project in the target."""
    client_reference: Text
    """Identity of the client in the target; "" when it is found by its id."""


class InvoicePostedEnrichment(Record):
    """What the CRM needs to show the invoice where it belongs."""

    SUBJECT: ClassVar[str] = "psf.enrichment.InvoicePostedEnrichment"

    target: Text
    """Target system instance to which this copy of the event is routed."""
    engagement_id: Text
    """Engagement that the invoice belongs to."""


class ProjectRequestedEnrichment(Record):
    """What a target needs besides the request to make client and project."""

    SUBJECT: ClassVar[str] = "psf.enrichment.ProjectRequestedEnrichment"

    target: Text
    """Target system instance to which this copy of the event is routed."""
    client_name: Text
    """Legal name of the client. (personal)"""
    client_number: Text
    """Number of the client in the CRM that people use; "" when none."""
    street: Text
    """Billing address: street and number; "" when none. (personal)"""
    city: Text
    """Billing address: city or town; "" when none. (personal)"""
    postal_code: Text
    """Billing address: postal or ZIP code; "" when none. (personal)"""
    region: Text
    """Billing address: state, province or county; "" when none."""
    country_code: Text
    """Billing address: ISO 3166-1 alpha-2 code; "" when none."""


class TimeApprovedEnrichment(Record):
    """Price and place of the time, from the project as it is known."""

    SUBJECT: ClassVar[str] = "psf.enrichment.TimeApprovedEnrichment"

    target: Text
    """Target system instance to which this copy of the event is routed."""
    legal_entity: Text
    """Code of the legal entity of the project."""
    client_id: Text
    """Client of the project."""
    billing_model: Text
    """Billing model of the project, symbol of the engagement's list."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of the project, ISO 4217 alphabetic code."""
    hourly_rate: Annotated[Decimal, Scaled(20, 6)]
    """Price of one hour of the role in `currency`, before tax. (confidential, unit currency/h)"""
    billable: bool
    """Whether time of the role is invoiced."""
    project_reference: Text
    """Identity of the project in the target."""


class TimeRemovedEnrichment(Record):
    """Where the entry goes."""

    SUBJECT: ClassVar[str] = "psf.enrichment.TimeRemovedEnrichment"

    target: Text
    """Target system instance to which this copy of the event is routed."""
