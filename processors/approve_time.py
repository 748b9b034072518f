"""Approves or rejects submitted time by a stated policy; no person is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import ClassVar

from pydantic import Field

from psfabric.adapters import Entities, Fields, Known, Processor, Types
from psfabric.event import Event
from psfabric.zones import local_date
from schemas.models import TimeApproved, TimeRejected, TimeSubmitted
from schemas.rules import Violation


class ApproveTime(Processor):
    """An entry passes when its length and its date are plausible, and when it agrees with the assignment that it names.
    Give `policy` a new name with new limits: the name is all that a reader of an old approval has."""

    accepts: ClassVar[Types] = (TimeSubmitted.EVENT,)
    emits: ClassVar[Types] = (TimeApproved.EVENT, TimeRejected.EVENT)
    reads: ClassVar[Fields] = {TimeSubmitted.EVENT: ("submitted_at", "work_date", "worked_seconds", "zone")}
    hands_on: ClassVar[Fields] = {TimeSubmitted.EVENT: (TimeApproved.EVENT, TimeRejected.EVENT)}
    compares: ClassVar[Entities] = ("assignment",)

    policy: str = Field(default="auto-v1", description="Name and version of the policy, written into each approval.")
    min_seconds: int = Field(default=1, ge=0, description="Least time of one entry, in seconds.")
    max_seconds: int = Field(default=16 * 3600, ge=1, description="Most time of one entry, in seconds.")
    days_ahead: int = Field(
        default=1, ge=0, le=366, description="How many days the work may lie after the local date of its submission."
    )

    assignments: bool = Field(
        default=True,
        description="Whether an entry that names an assignment waits until it is known, and is rejected when it does "
        "not agree with it. Without a system that publishes assignments, turn it off.",
    )

    def comparing(self) -> Entities:
        return self.compares if self.assignments else ()

    def refuse(self, event: Event, broken: Sequence[Violation]) -> Iterable[Event]:
        """One TimeRejected(assignment-mismatch), which says what does not agree: whoever recorded it can mend it."""
        why = " ".join(each.message for each in broken)
        yield event.derive(TimeRejected, component=self.name, code="assignment-mismatch", reason=why)

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        """One TimeApproved or one TimeRejected(time-out-of-bounds). Raises Invalid(field-invalid) for the zone."""
        entry = event.data
        if not isinstance(entry, TimeSubmitted):
            raise TypeError(f"{self.name} was given {event.type}")
        wrong = self._objection(entry)
        if wrong:
            yield event.derive(TimeRejected, component=self.name, code="time-out-of-bounds", reason=wrong)
        else:
            yield event.derive(TimeApproved, component=self.name, approval_policy=self.policy, approval_rule=self.rule)

    @property
    def rule(self) -> str:
        """The policy in words."""
        return (
            f"{self.min_seconds} s to {self.max_seconds} s per entry; "
            f"work at most {self.days_ahead} d after the local date of submission"
        )

    def _objection(self, entry: TimeSubmitted) -> str:
        if not self.min_seconds <= entry.worked_seconds <= self.max_seconds:
            return f"{entry.worked_seconds} s of work is outside {self.min_seconds} s to {self.max_seconds} s"
        latest = _later(local_date(entry.submitted_at, entry.zone), self.days_ahead)
        if entry.work_date > latest:
            return f"work on {entry.work_date} lies after {latest}, the last date allowed at submission"
        return ""


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max
