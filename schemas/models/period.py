"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Instant, Model, Text


class PeriodStatus(StrEnum):
    """What an accounting period takes: everything, only corrections by finance, or nothing any more. UNKNOWN: a
    symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    LOCKED = "LOCKED"


class PeriodClosed(Model):
    """An accounting period takes no more daily postings; finance may open it again. Aggregate and key: the
    period, `<legal entity>:<ledger>:<fiscal year>-<period>`.
    """

    EVENT: ClassVar[str] = "period.PeriodClosed"
    CE_TYPE: ClassVar[str] = "psf.period.PeriodClosed.v1"
    TOPIC: ClassVar[str] = "psf.period"
    SUBJECT: ClassVar[str] = "psf.period.PeriodClosed"

    ledger: Text
    """Ledger of the legal entity, or subledger, e.g. `receivables`; "" for all of them."""
    fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year, the number that the legal entity gives it. (unit 1)"""
    period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the period in its fiscal year, counted from 1; periods for adjustments come after the last.
    (unit 1)
    """
    label: Text
    """What people call it, e.g. `2026-06`."""
    starts_on: date
    """First local date in `zone` that is posted to it."""
    ends_on: date
    """Last local date in `zone` that is posted to it."""
    zone: Text
    """IANA zone in which its dates are meant, that of the legal entity."""
    adjustment: bool
    """True: a period for adjustments at the end of the year, which no daily posting goes to."""
    status: Annotated[PeriodStatus, Field(strict=False)]
    """What it takes now."""
    opened_at: Annotated[datetime, Instant()] | None = None
    """Instant at which it was last opened; null when not told."""
    opened_by: Text
    """User who opened it, as the ERP knows the person; "" when a rule did or it is not told. (personal)"""
    reopened: bool
    """True: it had been closed before."""
    reopening_reason: Text
    """Why it was opened again; "" when it was not. (confidential)"""
    closed_at: Annotated[datetime, Instant()] | None = None
    """Instant at which it was last closed for daily posting; null when not told."""
    closed_by: Text
    """User who closed it, as the ERP knows the person; "" when a rule did or it is not told. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class PeriodLocked(Model):
    """An accounting period is locked for good: its figures are reported, and a correction goes to a later one.
    Aggregate and key: the period, `<legal entity>:<ledger>:<fiscal year>-<period>`.
    """

    EVENT: ClassVar[str] = "period.PeriodLocked"
    CE_TYPE: ClassVar[str] = "psf.period.PeriodLocked.v1"
    TOPIC: ClassVar[str] = "psf.period"
    SUBJECT: ClassVar[str] = "psf.period.PeriodLocked"

    ledger: Text
    """Ledger of the legal entity, or subledger, e.g. `receivables`; "" for all of them."""
    fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year, the number that the legal entity gives it. (unit 1)"""
    period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the period in its fiscal year, counted from 1; periods for adjustments come after the last.
    (unit 1)
    """
    label: Text
    """What people call it, e.g. `2026-06`."""
    starts_on: date
    """First local date in `zone` that is posted to it."""
    ends_on: date
    """Last local date in `zone` that is posted to it."""
    zone: Text
    """IANA zone in which its dates are meant, that of the legal entity."""
    adjustment: bool
    """True: a period for adjustments at the end of the year, which no daily posting goes to."""
    status: Annotated[PeriodStatus, Field(strict=False)]
    """What it takes now."""
    opened_at: Annotated[datetime, Instant()] | None = None
    """Instant at which it was last opened; null when not told."""
    opened_by: Text
    """User who opened it, as the ERP knows the person; "" when a rule did or it is not told. (personal)"""
    reopened: bool
    """True: it had been closed before."""
    reopening_reason: Text
    """Why it was opened again; "" when it was not. (confidential)"""
    closed_at: Annotated[datetime, Instant()] | None = None
    """Instant at which it was last closed for daily posting; null when not told."""
    closed_by: Text
    """User who closed it, as the ERP knows the person; "" when a rule did or it is not told. (personal)"""
    locked_at: Annotated[datetime, Instant()]
    """Instant at which it was locked."""
    locked_by: Text
    """User who locked it, as the ERP knows the person; "" when a rule did. (personal)"""
    close_reference: Text
    """Number of the signed closing, e.g. the closing checklist; "" when none. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class PeriodOpened(Model):
    """An accounting period takes postings, for the first time or again. Aggregate and key: the period, `<legal
    entity>:<ledger>:<fiscal year>-<period>`.
    """

    EVENT: ClassVar[str] = "period.PeriodOpened"
    CE_TYPE: ClassVar[str] = "psf.period.PeriodOpened.v1"
    TOPIC: ClassVar[str] = "psf.period"
    SUBJECT: ClassVar[str] = "psf.period.PeriodOpened"

    ledger: Text
    """Ledger of the legal entity, or subledger, e.g. `receivables`; "" for all of them."""
    fiscal_year: Annotated[int, Field(ge=1900, le=2147483647)]
    """Fiscal year, the number that the legal entity gives it. (unit 1)"""
    period_number: Annotated[int, Field(ge=1, le=2147483647)]
    """Number of the period in its fiscal year, counted from 1; periods for adjustments come after the last.
    (unit 1)
    """
    label: Text
    """What people call it, e.g. `2026-06`."""
    starts_on: date
    """First local date in `zone` that is posted to it."""
    ends_on: date
    """Last local date in `zone` that is posted to it."""
    zone: Text
    """IANA zone in which its dates are meant, that of the legal entity."""
    adjustment: bool
    """True: a period for adjustments at the end of the year, which no daily posting goes to."""
    status: Annotated[PeriodStatus, Field(strict=False)]
    """What it takes now."""
    opened_at: Annotated[datetime, Instant()] | None = None
    """Instant at which it was last opened; null when not told."""
    opened_by: Text
    """User who opened it, as the ERP knows the person; "" when a rule did or it is not told. (personal)"""
    reopened: bool
    """True: it had been closed before."""
    reopening_reason: Text
    """Why it was opened again; "" when it was not. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
