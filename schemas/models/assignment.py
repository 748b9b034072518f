"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Model, Record, Scaled, Text


class BookingStatus(StrEnum):
    """How firm an assignment is: held for a deal that is not closed, or booked. UNKNOWN: another state; it
    takes capacity as if it were held.
    """

    UNKNOWN = "UNKNOWN"
    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"


class AllocationBasis(StrEnum):
    """How the work of an assignment is planned: as time over the whole period, or as a share of the person's
    calendar. UNKNOWN: in another way.
    """

    UNKNOWN = "UNKNOWN"
    TIME = "TIME"
    SHARE = "SHARE"


class AssignmentChanged(Model):
    """Period, amount, role or terms of an assignment changed. Aggregate: the assignment; key: the resource, so
    that what claims one person is read in order.
    """

    EVENT: ClassVar[str] = "assignment.AssignmentChanged"
    CE_TYPE: ClassVar[str] = "psf.assignment.AssignmentChanged.v1"
    TOPIC: ClassVar[str] = "psf.assignment"
    SUBJECT: ClassVar[str] = "psf.assignment.AssignmentChanged"

    resource_id: Text
    """Id of the person who is assigned; never another one for the same assignment. (personal)"""
    role: Text
    """Role in which the person works on the project; its price comes from the project's price list."""
    task: Text
    """Task or phase of the project that it is limited to; "" for all of the project."""
    start_date: date
    """First local date of the assignment in `zone`."""
    end_date: date
    """Last local date of the assignment in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    booking: Annotated[BookingStatus, Field(strict=False)]
    """How firm it is."""
    allocation_basis: Annotated[AllocationBasis, Field(strict=False)]
    """Which of the two following fields was agreed; the other one is 0."""
    planned_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Work planned over the whole assignment; 0 when it is planned as a share. (unit s)"""
    planned_share: Annotated[Decimal, Scaled(9, 6)]
    """Planned share of the person's working calendar: 0.500000 is half of each working day; 0 when it is
    planned as time. (personal, unit 1)
    """
    billable: bool
    """Whether work under it is meant to be invoiced."""
    rate_reference: Text
    """Price agreed for it, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when the role's price in the
    project's price list applies. (confidential)
    """
    lending_entity: Text
    """Code of the legal entity that employs the person, when it lends them to the project's; "" when they are
    the same.
    """
    transfer_rate_reference: Text
    """Intercompany price at which the lending entity charges the work, e.g. `RC-IC-UK01/C3`; "" when nothing is
    lent. (confidential)
    """
    purchase_order: Text
    """Our purchase order to the supplier of a subcontractor; "" for a worker. (confidential)"""
    staffed_by_id: Text
    """Id of the person who answers for the staffing; "" when none. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class AssignmentEndCause(StrEnum):
    """Why an assignment ended: the work is done, it was cancelled, somebody else took it over, or the person
    left. UNKNOWN: another cause, or none is given.
    """

    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REPLACED = "REPLACED"
    OFFBOARDED = "OFFBOARDED"


class AssignmentEnded(Model):
    """Nothing more may be worked under an assignment after `ended_on`; as planned, or early. Aggregate: the
    assignment; key: the resource, so that what claims one person is read in order.
    """

    EVENT: ClassVar[str] = "assignment.AssignmentEnded"
    CE_TYPE: ClassVar[str] = "psf.assignment.AssignmentEnded.v1"
    TOPIC: ClassVar[str] = "psf.assignment"
    SUBJECT: ClassVar[str] = "psf.assignment.AssignmentEnded"

    resource_id: Text
    """Id of the person who is assigned; never another one for the same assignment. (personal)"""
    role: Text
    """Role in which the person works on the project; its price comes from the project's price list."""
    task: Text
    """Task or phase of the project that it is limited to; "" for all of the project."""
    start_date: date
    """First local date of the assignment in `zone`."""
    end_date: date
    """Last local date of the assignment in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    booking: Annotated[BookingStatus, Field(strict=False)]
    """How firm it is."""
    allocation_basis: Annotated[AllocationBasis, Field(strict=False)]
    """Which of the two following fields was agreed; the other one is 0."""
    planned_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Work planned over the whole assignment; 0 when it is planned as a share. (unit s)"""
    planned_share: Annotated[Decimal, Scaled(9, 6)]
    """Planned share of the person's working calendar: 0.500000 is half of each working day; 0 when it is
    planned as time. (personal, unit 1)
    """
    billable: bool
    """Whether work under it is meant to be invoiced."""
    rate_reference: Text
    """Price agreed for it, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when the role's price in the
    project's price list applies. (confidential)
    """
    lending_entity: Text
    """Code of the legal entity that employs the person, when it lends them to the project's; "" when they are
    the same.
    """
    transfer_rate_reference: Text
    """Intercompany price at which the lending entity charges the work, e.g. `RC-IC-UK01/C3`; "" when nothing is
    lent. (confidential)
    """
    purchase_order: Text
    """Our purchase order to the supplier of a subcontractor; "" for a worker. (confidential)"""
    staffed_by_id: Text
    """Id of the person who answers for the staffing; "" when none. (personal)"""
    ended_on: date
    """Last local date in `zone` on which was or may be worked; the day before `start_date` when it never began."""
    end_cause: Annotated[AssignmentEndCause, Field(strict=False)]
    """Why it ended."""
    replaced_by_id: Text
    """Assignment that takes its place; "" when none."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ResourceAssigned(Model):
    """A person shall work on a project. Aggregate: the assignment; key: the resource, so that what claims one
    person is read in order.
    """

    EVENT: ClassVar[str] = "assignment.ResourceAssigned"
    CE_TYPE: ClassVar[str] = "psf.assignment.ResourceAssigned.v1"
    TOPIC: ClassVar[str] = "psf.assignment"
    SUBJECT: ClassVar[str] = "psf.assignment.ResourceAssigned"

    resource_id: Text
    """Id of the person who is assigned; never another one for the same assignment. (personal)"""
    role: Text
    """Role in which the person works on the project; its price comes from the project's price list."""
    task: Text
    """Task or phase of the project that it is limited to; "" for all of the project."""
    start_date: date
    """First local date of the assignment in `zone`."""
    end_date: date
    """Last local date of the assignment in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    booking: Annotated[BookingStatus, Field(strict=False)]
    """How firm it is."""
    allocation_basis: Annotated[AllocationBasis, Field(strict=False)]
    """Which of the two following fields was agreed; the other one is 0."""
    planned_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Work planned over the whole assignment; 0 when it is planned as a share. (unit s)"""
    planned_share: Annotated[Decimal, Scaled(9, 6)]
    """Planned share of the person's working calendar: 0.500000 is half of each working day; 0 when it is
    planned as time. (personal, unit 1)
    """
    billable: bool
    """Whether work under it is meant to be invoiced."""
    rate_reference: Text
    """Price agreed for it, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when the role's price in the
    project's price list applies. (confidential)
    """
    lending_entity: Text
    """Code of the legal entity that employs the person, when it lends them to the project's; "" when they are
    the same.
    """
    transfer_rate_reference: Text
    """Intercompany price at which the lending entity charges the work, e.g. `RC-IC-UK01/C3`; "" when nothing is
    lent. (confidential)
    """
    purchase_order: Text
    """Our purchase order to the supplier of a subcontractor; "" for a worker. (confidential)"""
    staffed_by_id: Text
    """Id of the person who answers for the staffing; "" when none. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ConflictKind(StrEnum):
    """What is wrong with the staffing of a person: more work planned than there is time, work planned in an
    absence, or outside of the employment. UNKNOWN: something else.
    """

    UNKNOWN = "UNKNOWN"
    OVER_ALLOCATED = "OVER_ALLOCATED"
    ABSENT = "ABSENT"
    OUTSIDE_EMPLOYMENT = "OUTSIDE_EMPLOYMENT"


class ConflictingAssignment(Record):
    """One assignment of a staffing conflict, and what it claims in that period."""

    SUBJECT: ClassVar[str] = "psf.assignment.ConflictingAssignment"

    assignment_id: Text
    """The assignment."""
    project_id: Text
    """Its project."""
    booking: Annotated[BookingStatus, Field(strict=False)]
    """How firm it is: a tentative one gives way first."""
    planned_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Work that it plans in the period of the conflict. (unit s)"""


class StaffingConflictDetected(Model):
    """Assignments claim more of a person than there is. Found again with other figures, or with nothing over
    any more, it is the same aggregate with a higher version. Aggregate: the conflict, one for each person, kind
    and first day; key: the resource.
    """

    EVENT: ClassVar[str] = "assignment.StaffingConflictDetected"
    CE_TYPE: ClassVar[str] = "psf.assignment.StaffingConflictDetected.v1"
    TOPIC: ClassVar[str] = "psf.assignment"
    SUBJECT: ClassVar[str] = "psf.assignment.StaffingConflictDetected"

    resource_id: Text
    """Id of the person who is claimed too much. (personal)"""
    kind: Annotated[ConflictKind, Field(strict=False)]
    """What is wrong. (personal)"""
    period_start: date
    """First local date of the conflict in `zone`."""
    period_end: date
    """Last local date of the conflict in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    capacity_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time that the person has in the period by calendar, contract and absences. (personal, unit s)"""
    planned_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Work that the assignments plan in the period together. (unit s)"""
    over_allocated_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Planned work above capacity; 0 once the conflict is resolved. (personal, unit s)"""
    assignments: Annotated[tuple[ConflictingAssignment, ...], Field(strict=False)]
    """What claims the person in the period, ordered by assignment id."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
