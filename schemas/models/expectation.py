"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Instant, Model, Text
from schemas.models.common import Money, Severity


class ExpectationMissed(Model):
    """Something that should have happened by a time has not: approved time without posting, a billing request
    without invoice, a source that fell silent. Aggregate: the expectation of one object, `<expectation>:<object
    id>`; key: the object.
    """

    EVENT: ClassVar[str] = "expectation.ExpectationMissed"
    CE_TYPE: ClassVar[str] = "psf.expectation.ExpectationMissed.v1"
    TOPIC: ClassVar[str] = "psf.expectation"
    SUBJECT: ClassVar[str] = "psf.expectation.ExpectationMissed"

    expectation: Text
    """Name of the expectation, e.g. `approved-time-is-posted`."""
    expectation_version: Text
    """Version of its definition, e.g. `2`."""
    object_type: Text
    """Kind of the object that it is about, e.g. `time`; `source` for a system as a whole."""
    object_id: Text
    """Id of the object."""
    expected_type: Text
    """Type of the event that should be there, e.g. `psf.time.TimePosted.v1`; "" when no single event is
    awaited.
    """
    expected: Text
    """What should be so, in a sentence."""
    since: Annotated[datetime, Instant()]
    """Instant from which the time allowed runs, of the event that began it."""
    due_at: Annotated[datetime, Instant()]
    """Instant by which it should have been so."""
    seen_type: Text
    """Type of the latest event about the object that is there; "" when there is none."""
    seen_event_id: Text
    """Id of that event; "" when there is none."""
    seen: Text
    """What is so instead, in a sentence, e.g. held for a closed period. (confidential)"""
    component: Text
    """Component where it stands still, e.g. `tryton-uk`; "" when not known."""
    code: Text
    """Stable code of what keeps it, listed in codes.toml; "" when not known."""
    period: Text
    """Accounting period that it belongs to, e.g. `2026-06`; "" when none."""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Worked time at stake; 0 when none. (personal, unit s)"""
    amount: Money | None = None
    """Money at stake, before tax; null when none or not known. (confidential)"""
    severity: Annotated[Severity, Field(strict=False)]
    """How soon somebody must act."""
    owner: Text
    """Team that is to act, a key of the owners in topics.toml."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
