"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Model, Text
from schemas.models.common import Money


class BillingKind(StrEnum):
    """What the invoice bills: worked time up to a date, or one accepted milestone."""

    TIME_AND_MATERIALS = "TIME_AND_MATERIALS"
    MILESTONE = "MILESTONE"


class BillingRequested(Model):
    """An invoice shall be made: for a milestone, or for the open time of a project up to a date. Aggregate: the
    request; key: the project, so that billing one project is serial.
    """

    EVENT: ClassVar[str] = "billing.BillingRequested"
    CE_TYPE: ClassVar[str] = "psf.billing.BillingRequested.v1"
    TOPIC: ClassVar[str] = "psf.billing"
    SUBJECT: ClassVar[str] = "psf.billing.BillingRequested"

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
