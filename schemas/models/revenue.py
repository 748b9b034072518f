"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Scaled, Text
from schemas.models.common import Money, RevenueMethod, SystemReference


class Progress(Record):
    """How far an over-time obligation was satisfied at the end of the period."""

    SUBJECT: ClassVar[str] = "psf.revenue.Progress"

    fraction: Annotated[Decimal, Scaled(9, 8)]
    """Satisfied part of the obligation as a fraction, from 0 to 1, at most eight places. (confidential, unit 1)"""
    cost_to_date: Money | None = None
    """Cost incurred until then; null when progress is not measured by cost. (confidential)"""
    cost_in_all: Money | None = None
    """Cost incurred until then and still estimated; null when progress is not measured by cost. (confidential)"""
    seconds_to_date: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time until then; 0 when progress is not measured by effort. (unit s)"""
    seconds_in_all: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time until then and still estimated; 0 when progress is not measured by effort. (unit s)"""


class BasisKind(StrEnum):
    """What progress was measured by. UNKNOWN: a symbol of a later version, or not told."""

    UNKNOWN = "UNKNOWN"
    TIME = "TIME"
    EXPENSE = "EXPENSE"
    MILESTONE = "MILESTONE"
    INVOICE = "INVOICE"
    COST = "COST"
    PASSAGE_OF_TIME = "PASSAGE_OF_TIME"


class RevenueBasis(Record):
    """One object that the amount of the period rests on: the proof, down to the entry."""

    SUBJECT: ClassVar[str] = "psf.revenue.RevenueBasis"

    kind: Annotated[BasisKind, Field(strict=False)]
    """What the object is."""
    source_id: Text
    """Id of the time entry, expense, milestone, invoice or cost."""
    worked_seconds: Annotated[int, Field(ge=-9223372036854775808, le=9223372036854775807)]
    """Worked time of it that counts in the period; 0 when it is no time. (unit s)"""
    amount: Money
    """What it adds to the revenue of the period, before tax; negative for a reduction. (confidential)"""


class RevenueRecognized(Model):
    """Revenue of one performance obligation in one accounting period. Aggregate and key: the revenue event,
    `<obligation id>/<ledger>/<fiscal year>-<period>`.
    """

    EVENT: ClassVar[str] = "revenue.RevenueRecognized"
    CE_TYPE: ClassVar[str] = "psf.revenue.RevenueRecognized.v1"
    TOPIC: ClassVar[str] = "psf.revenue"
    SUBJECT: ClassVar[str] = "psf.revenue.RevenueRecognized"

    engagement_id: Text
    """Engagement whose revenue it is."""
    obligation_id: Text
    """Performance obligation whose revenue it is."""
    method: Annotated[RevenueMethod, Field(strict=False)]
    """How its revenue is recognised."""
    rule: Text
    """Rule that computed it, with its version, e.g. `cost-to-cost/3`."""
    ledger: Text
    """Ledger of the legal entity that it is for, e.g. `IFRS`; "" when there is one."""
    fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year of the period, the number that the legal entity gives it. (unit 1)"""
    period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the period in its fiscal year, counted from 1. (unit 1)"""
    period_start: date
    """First local date of the period."""
    period_end: date
    """Last local date of the period."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of every amount, that of the contract, ISO 4217 alphabetic code."""
    amount: Money
    """Revenue of the period, before tax; negative when an estimate was corrected downwards. (confidential)"""
    cumulative: Money
    """Revenue of the obligation until the end of the period, this amount with it. (confidential)"""
    allocated_price: Money
    """Part of the transaction price that is the obligation's, as of the end of the period. (confidential)"""
    billed: Money
    """What was invoiced for the obligation until the end of the period, before tax. (confidential)"""
    deferred: Money
    """Contract liability at the end of the period: invoiced and not yet revenue; 0 or more. (confidential)"""
    unbilled: Money
    """Contract asset at the end of the period: revenue and not yet invoiced; 0 or more. (confidential)"""
    progress: Progress | None = None
    """How far the obligation was satisfied; null when it is satisfied at a point in time. (confidential)"""
    basis: Annotated[tuple[RevenueBasis, ...], Field(strict=False)]
    """What the amount of the period rests on; empty when the passage of time alone does. (confidential)"""
    computed_at: Annotated[datetime, Instant()]
    """Instant as of which the figures were taken."""
    journal: SystemReference | None = None
    """Journal entry in the ERP; null while it is not posted. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ReversalReason(StrEnum):
    """Why revenue was taken back: a mistake, a changed contract, a changed estimate, an accrual that turns
    round in the next period, or a contract that fell away. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"
    CONTRACT_MODIFIED = "CONTRACT_MODIFIED"
    ESTIMATE_CHANGED = "ESTIMATE_CHANGED"
    ACCRUAL_TURNED = "ACCRUAL_TURNED"
    CONTRACT_ENDED = "CONTRACT_ENDED"


class RevenueReversed(Model):
    """Recognised revenue was taken back as a whole; what holds instead is recognised anew. Aggregate and key:
    the revenue event, with its figures as they were recognised.
    """

    EVENT: ClassVar[str] = "revenue.RevenueReversed"
    CE_TYPE: ClassVar[str] = "psf.revenue.RevenueReversed.v1"
    TOPIC: ClassVar[str] = "psf.revenue"
    SUBJECT: ClassVar[str] = "psf.revenue.RevenueReversed"

    engagement_id: Text
    """Engagement whose revenue it is."""
    obligation_id: Text
    """Performance obligation whose revenue it is."""
    method: Annotated[RevenueMethod, Field(strict=False)]
    """How its revenue is recognised."""
    rule: Text
    """Rule that computed it, with its version, e.g. `cost-to-cost/3`."""
    ledger: Text
    """Ledger of the legal entity that it is for, e.g. `IFRS`; "" when there is one."""
    fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year of the period, the number that the legal entity gives it. (unit 1)"""
    period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the period in its fiscal year, counted from 1. (unit 1)"""
    period_start: date
    """First local date of the period."""
    period_end: date
    """Last local date of the period."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of every amount, that of the contract, ISO 4217 alphabetic code."""
    amount: Money
    """Revenue of the period, before tax; negative when an estimate was corrected downwards. (confidential)"""
    cumulative: Money
    """Revenue of the obligation until the end of the period, this amount with it. (confidential)"""
    allocated_price: Money
    """Part of the transaction price that is the obligation's, as of the end of the period. (confidential)"""
    billed: Money
    """What was invoiced for the obligation until the end of the period, before tax. (confidential)"""
    deferred: Money
    """Contract liability at the end of the period: invoiced and not yet revenue; 0 or more. (confidential)"""
    unbilled: Money
    """Contract asset at the end of the period: revenue and not yet invoiced; 0 or more. (confidential)"""
    progress: Progress | None = None
    """How far the obligation was satisfied; null when it is satisfied at a point in time. (confidential)"""
    basis: Annotated[tuple[RevenueBasis, ...], Field(strict=False)]
    """What the amount of the period rests on; empty when the passage of time alone does. (confidential)"""
    computed_at: Annotated[datetime, Instant()]
    """Instant as of which the figures were taken."""
    journal: SystemReference | None = None
    """Journal entry in the ERP; null while it is not posted. (confidential)"""
    reversed: Money
    """What was taken back: the amount, with the opposite sign. (confidential)"""
    reversal_fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year of the period in which it was taken back. (unit 1)"""
    reversal_period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of that period, counted from 1; another one when its own is closed. (unit 1)"""
    reversed_on: date
    """Local date of the reversing entry."""
    reason: Annotated[ReversalReason, Field(strict=False)]
    """Why it was taken back."""
    explanation: Text
    """Why, in a sentence for the auditor; "" when the reason says all. (confidential)"""
    replaced_by: Text
    """Revenue event that holds instead; "" when none does."""
    reversal_journal: SystemReference | None = None
    """Reversing entry in the ERP; null while it is not posted. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
