"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Text
from schemas.models.common import ApprovalStep, Billability, Money, PostingReversal


class WorkKind(StrEnum):
    """What sort of time it is, for payroll and for contracts that price it otherwise: regular, overtime,
    travel, or standby. UNKNOWN: the source does not say.
    """

    UNKNOWN = "UNKNOWN"
    REGULAR = "REGULAR"
    OVERTIME = "OVERTIME"
    TRAVEL = "TRAVEL"
    STANDBY = "STANDBY"


class TimeApproved(Model):
    """Recorded time passed the approval policy and may be posted. Aggregate and key: the time entry."""

    EVENT: ClassVar[str] = "time.TimeApproved"
    CE_TYPE: ClassVar[str] = "psf.time.TimeApproved.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimeApproved"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    approval_policy: Text
    """Policy that approved the entry, with its version, e.g. `standard/1`."""
    approval_rule: Text
    """Rule of that policy that decided."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """


class TimePosting(Record):
    """What the ERP holds for a posted time entry."""

    SUBJECT: ClassVar[str] = "psf.time.TimePosting"

    system: Text
    """Instance name of the ERP, e.g. `tryton-uk`."""
    reference: Text
    """Identity of the posted line there."""
    document_version: Annotated[int, Field(ge=1, le=2147483647)]
    """Version of the posting: 1, and one more for each reversal and re-post. (unit 1)"""
    rate: Money
    """Price of one hour at which the time was posted. (confidential)"""
    billable: bool
    """Whether the posted time will be invoiced."""


class TimePosted(Model):
    """Approved time is in the ERP. Aggregate and key: the time entry."""

    EVENT: ClassVar[str] = "time.TimePosted"
    CE_TYPE: ClassVar[str] = "psf.time.TimePosted.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimePosted"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    approval_policy: Text
    """Policy that approved the entry, with its version, e.g. `standard/1`."""
    approval_rule: Text
    """Rule of that policy that decided."""
    posting: TimePosting
    """What the ERP holds. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """


class TimeRejected(Model):
    """Recorded time was refused by the approval policy and must not be posted. Aggregate and key: the time
    entry.
    """

    EVENT: ClassVar[str] = "time.TimeRejected"
    CE_TYPE: ClassVar[str] = "psf.time.TimeRejected.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimeRejected"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    code: Text
    """Stable code of the refusal, listed in codes.toml."""
    reason: Text
    """What is wrong and what to change, for the person who recorded it. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """


class RemovalCause(StrEnum):
    """Why a time entry goes: deleted upstream, refused by the approval policy, or routed to another target."""

    DELETED = "DELETED"
    REJECTED = "REJECTED"
    ROUTED_ELSEWHERE = "ROUTED_ELSEWHERE"


class TimeRemoved(Model):
    """The time entry is no longer to be found where this event goes: deleted, rejected, or posted elsewhere.
    Aggregate and key: the time entry.
    """

    EVENT: ClassVar[str] = "time.TimeRemoved"
    CE_TYPE: ClassVar[str] = "psf.time.TimeRemoved.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimeRemoved"

    cause: Annotated[RemovalCause, Field(strict=False)]
    """Why the entry goes."""
    removed_at: Annotated[datetime, Instant()]
    """Instant at which the removal took effect upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class TimeReversed(Model):
    """A posting of time was reversed in the ERP; when the time was corrected, another posting takes its place.
    Aggregate and key: the time entry.
    """

    EVENT: ClassVar[str] = "time.TimeReversed"
    CE_TYPE: ClassVar[str] = "psf.time.TimeReversed.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimeReversed"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    approval_policy: Text
    """Policy that approved the entry, with its version, e.g. `standard/1`."""
    approval_rule: Text
    """Rule of that policy that decided."""
    posting: TimePosting
    """What the ERP holds. (confidential)"""
    reversal: PostingReversal
    """What the ERP holds for the reversal of that posting. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """


class TimeSubmitted(Model):
    """A person recorded or changed time. A correction is the same aggregate with a higher version. Aggregate:
    the time entry; key: the time entry.
    """

    EVENT: ClassVar[str] = "time.TimeSubmitted"
    CE_TYPE: ClassVar[str] = "psf.time.TimeSubmitted.v1"
    TOPIC: ClassVar[str] = "psf.time"
    SUBJECT: ClassVar[str] = "psf.time.TimeSubmitted"

    resource_id: Text
    """Id of the person who worked; the name is only in the resource record. (personal)"""
    work_date: date
    """Local date of the work in `zone`. (personal)"""
    zone: Text
    """IANA zone in which `work_date` is meant, or the fixed offset that upstream gives, e.g. `+01:00`."""
    started_at: Annotated[datetime, Instant()]
    """Instant at which the work began, as entered. (personal)"""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time worked. Whole seconds end to end; hours exist only on a document line. (personal, unit s)"""
    role: Text
    """Role in which the person worked; its price comes from the project's price list."""
    task: Text
    """Key of the issue or task worked on, e.g. `ACME-12`."""
    submitted_at: Annotated[datetime, Instant()]
    """Instant at which this version was entered upstream."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
    assignment_id: Text = ''
    """Assignment under which the person worked; "" when none or not known."""
    work_kind: Annotated[WorkKind, Field(strict=False)] = WorkKind.UNKNOWN
    """What sort of time it is; UNKNOWN while not known."""
    billability: Annotated[Billability, Field(strict=False)] = Billability.UNKNOWN
    """Whether the time is meant to be invoiced, as entered; UNKNOWN while not known. What is invoiced is
    decided by the project's price list.
    """
    rate_reference: Text = ''
    """Price that was agreed for the entry, e.g. a line of a rate card `RC-UK-2026/Consultant`; "" when none or
    not known: the role's price applies. (confidential)
    """
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ''
    """ISO 3166-1 alpha-2 code of where the work was done, for tax; "" while not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")] = ''
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    narrative: Text = ''
    """What was done, in the words of the person, for the invoice; "" when none or not known. (personal)"""
    approvals: Annotated[tuple[ApprovalStep, ...], Field(strict=False)] = ()
    """Decisions about the entry so far, in their order, by people and policies; empty while there are none or
    none are known. (personal)
    """
