"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Instant, Model, Record, Text
from schemas.models.common import Money


class ReconciledSide(Record):
    """What one system holds of the compared objects."""

    SUBJECT: ClassVar[str] = "psf.reconciliation.ReconciledSide"

    system: Text
    """Instance name of the system, as in the pipeline file, e.g. `tryton-uk`."""
    role: Text
    """Which side it is: `source`, `target`, or the stage between, e.g. `approved`."""
    read_at: Annotated[datetime, Instant()]
    """Instant as of which it was read, as the system says."""
    objects: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Number of objects that it holds. (unit 1)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Sum of their worked time; 0 when they have none. (unit s)"""
    amounts: Annotated[tuple[Money, ...], Field(strict=False)]
    """Sums of their amounts, before tax, one for each currency, ordered by currency. (confidential)"""


class ReconciliationDifference(Record):
    """One object on which the sides do not agree."""

    SUBJECT: ClassVar[str] = "psf.reconciliation.ReconciliationDifference"

    object_id: Text
    """Id of the object."""
    found_in: Text
    """Instance name of the system that holds more of it; "" when both hold it alike but for its version."""
    missing_in: Text
    """Instance name of the system that holds less of it; "" when none does."""
    worked_seconds: Annotated[int, Field(ge=-9223372036854775808, le=9223372036854775807)]
    """Worked time by which they differ, the first side less the second; may be negative. (personal, unit s)"""
    amount: Money | None = None
    """Money by which they differ, before tax, the first side less the second; null when none or not known.
    (confidential)
    """
    code: Text
    """Stable code of what explains it, listed in codes.toml, e.g. `period-closed`; "" when nothing does."""
    evidence: Text
    """What proves the explanation, e.g. a dead letter's or a hold's id; "" when none."""
    explanation: Text
    """Why they differ, in a sentence; "" when nobody knows. (confidential)"""


class ReconciliationResult(StrEnum):
    """How a reconciliation ended: all equal, every difference explained, differences that nobody can explain,
    or a side that could not be read whole. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    BALANCED = "BALANCED"
    EXPLAINED = "EXPLAINED"
    DIFFERENT = "DIFFERENT"
    INCOMPLETE = "INCOMPLETE"


class ReconciliationCompleted(Model):
    """Two or more systems were compared for a period: what each holds, and every difference with its
    explanation. Aggregate and key: the reconciliation, `<name>:<legal entity>:<period>`; a later run has a
    higher version.
    """

    EVENT: ClassVar[str] = "reconciliation.ReconciliationCompleted"
    CE_TYPE: ClassVar[str] = "psf.reconciliation.ReconciliationCompleted.v1"
    TOPIC: ClassVar[str] = "psf.reconciliation"
    SUBJECT: ClassVar[str] = "psf.reconciliation.ReconciliationCompleted"

    reconciliation: Text
    """Name of what is compared, e.g. `approved-time-to-billing`."""
    definition_version: Text
    """Version of the comparison, e.g. `1`."""
    object_type: Text
    """Kind of the compared objects, e.g. `time`."""
    period: Text
    """Accounting period, e.g. `2026-06`; "" when only the dates bound it."""
    from_date: date
    """First local date in `zone` of what is compared."""
    to_date: date
    """Last local date in `zone` of what is compared."""
    zone: Text
    """IANA zone in which the dates are meant."""
    sides: Annotated[tuple[ReconciledSide, ...], Field(strict=False)]
    """What each side holds, in the order of the road. (confidential)"""
    matched: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Number of objects on which all sides agree. (unit 1)"""
    difference_count: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Number of objects on which they do not. (unit 1)"""
    unexplained_count: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Number of those that nothing explains. (unit 1)"""
    differences: Annotated[tuple[ReconciliationDifference, ...], Field(strict=False)]
    """Differences, the largest first; as many as fit when there are more than the count says. (personal)"""
    differences_cut: bool
    """True: not all differences are listed here."""
    result: Annotated[ReconciliationResult, Field(strict=False)]
    """How it ended."""
    run_by: Text
    """User who ran it; "" when a schedule did. (personal)"""
    completed_at: Annotated[datetime, Instant()]
    """Instant at which the last side had been read."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
