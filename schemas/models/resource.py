"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Text
from schemas.models.common import Money, SystemReference


class ResourceKind(StrEnum):
    """By what a resource is paid: a worker by payroll, a subcontractor by the invoices of a supplier. UNKNOWN:
    another way; nothing may be posted for it.
    """

    UNKNOWN = "UNKNOWN"
    WORKER = "WORKER"
    SUBCONTRACTOR = "SUBCONTRACTOR"


class EmploymentType(StrEnum):
    """The contract of a person: permanent, for a fixed term, apprentice or trainee, hired from an agency, or a
    freelance contract for work. UNKNOWN: another one, or not given.
    """

    UNKNOWN = "UNKNOWN"
    PERMANENT = "PERMANENT"
    FIXED_TERM = "FIXED_TERM"
    TRAINEE = "TRAINEE"
    AGENCY = "AGENCY"
    FREELANCE = "FREELANCE"


class CostRate(Record):
    """What one hour of a person costs from a date on."""

    SUBJECT: ClassVar[str] = "psf.resource.CostRate"

    valid_from: date
    """First local date of work to which it applies. (personal)"""
    hourly_cost: Money
    """Standard cost of one hour, in the currency of the books of the legal entity; for a subcontractor the
    agreed price of the supplier, before tax. (personal)
    """


class ResourceOffboarded(Model):
    """A person leaves: time after `last_day` is refused, time before it may still be entered and posted.
    Aggregate and key: the resource.
    """

    EVENT: ClassVar[str] = "resource.ResourceOffboarded"
    CE_TYPE: ClassVar[str] = "psf.resource.ResourceOffboarded.v1"
    TOPIC: ClassVar[str] = "psf.resource"
    SUBJECT: ClassVar[str] = "psf.resource.ResourceOffboarded"

    kind: Annotated[ResourceKind, Field(strict=False)]
    """Worker or subcontractor."""
    name: Text
    """Full name as the person is called at work. (personal)"""
    email: Text
    """E-mail address at work; "" when none. (personal)"""
    worker_number: Text
    """Personnel number in HR, or the number by which the supplier names the person; "" when none. (personal)"""
    employment_type: Annotated[EmploymentType, Field(strict=False)]
    """Contract under which the person works. (personal)"""
    cost_centre: Text
    """Cost centre that the person belongs to and unbooked time is charged to; "" when none."""
    role: Text
    """Role in which the person is usually staffed; an assignment may say another."""
    grade: Text
    """Grade or level, e.g. `C3`; "" when none. (personal)"""
    cost_rates: Annotated[tuple[CostRate, ...], Field(strict=False)]
    """Standard cost by date, ordered by `valid_from`: the last one not after the date of work applies. Empty
    when not known. (personal)
    """
    started_on: date
    """First local date of employment, or of the contract with the supplier. (personal)"""
    home_zone: Text
    """IANA zone of the place of work; dates of this record are meant in it."""
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of the usual place of work, for tax and payroll; "" when not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    working_calendar: Text
    """Calendar of working days and public holidays, e.g. `UK-ENG`; "" when none."""
    weekly_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Contracted time of work of one week; 0 when none is agreed. (personal, unit s)"""
    manager_id: Text
    """Id of the person who approves time and leave; "" when none. (personal)"""
    supplier_id: Text
    """Id of the supplier who invoices the work of a subcontractor; "" for a worker."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """The person's identity in other systems, e.g. the account in the delivery tool, ordered by system.
    (personal)
    """
    last_day: date
    """Last local date of employment or of the contract; a date in the future while notice is served. (personal)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ResourceOnboarded(Model):
    """A person can be staffed and may record time from `started_on` on: hired, or contracted through a
    supplier. Aggregate and key: the resource.
    """

    EVENT: ClassVar[str] = "resource.ResourceOnboarded"
    CE_TYPE: ClassVar[str] = "psf.resource.ResourceOnboarded.v1"
    TOPIC: ClassVar[str] = "psf.resource"
    SUBJECT: ClassVar[str] = "psf.resource.ResourceOnboarded"

    kind: Annotated[ResourceKind, Field(strict=False)]
    """Worker or subcontractor."""
    name: Text
    """Full name as the person is called at work. (personal)"""
    email: Text
    """E-mail address at work; "" when none. (personal)"""
    worker_number: Text
    """Personnel number in HR, or the number by which the supplier names the person; "" when none. (personal)"""
    employment_type: Annotated[EmploymentType, Field(strict=False)]
    """Contract under which the person works. (personal)"""
    cost_centre: Text
    """Cost centre that the person belongs to and unbooked time is charged to; "" when none."""
    role: Text
    """Role in which the person is usually staffed; an assignment may say another."""
    grade: Text
    """Grade or level, e.g. `C3`; "" when none. (personal)"""
    cost_rates: Annotated[tuple[CostRate, ...], Field(strict=False)]
    """Standard cost by date, ordered by `valid_from`: the last one not after the date of work applies. Empty
    when not known. (personal)
    """
    started_on: date
    """First local date of employment, or of the contract with the supplier. (personal)"""
    home_zone: Text
    """IANA zone of the place of work; dates of this record are meant in it."""
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of the usual place of work, for tax and payroll; "" when not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    working_calendar: Text
    """Calendar of working days and public holidays, e.g. `UK-ENG`; "" when none."""
    weekly_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Contracted time of work of one week; 0 when none is agreed. (personal, unit s)"""
    manager_id: Text
    """Id of the person who approves time and leave; "" when none. (personal)"""
    supplier_id: Text
    """Id of the supplier who invoices the work of a subcontractor; "" for a worker."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """The person's identity in other systems, e.g. the account in the delivery tool, ordered by system.
    (personal)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """


class ResourceUpdated(Model):
    """Something about a person changed: cost, role, cost centre, manager, contract. Aggregate and key: the
    resource.
    """

    EVENT: ClassVar[str] = "resource.ResourceUpdated"
    CE_TYPE: ClassVar[str] = "psf.resource.ResourceUpdated.v1"
    TOPIC: ClassVar[str] = "psf.resource"
    SUBJECT: ClassVar[str] = "psf.resource.ResourceUpdated"

    kind: Annotated[ResourceKind, Field(strict=False)]
    """Worker or subcontractor."""
    name: Text
    """Full name as the person is called at work. (personal)"""
    email: Text
    """E-mail address at work; "" when none. (personal)"""
    worker_number: Text
    """Personnel number in HR, or the number by which the supplier names the person; "" when none. (personal)"""
    employment_type: Annotated[EmploymentType, Field(strict=False)]
    """Contract under which the person works. (personal)"""
    cost_centre: Text
    """Cost centre that the person belongs to and unbooked time is charged to; "" when none."""
    role: Text
    """Role in which the person is usually staffed; an assignment may say another."""
    grade: Text
    """Grade or level, e.g. `C3`; "" when none. (personal)"""
    cost_rates: Annotated[tuple[CostRate, ...], Field(strict=False)]
    """Standard cost by date, ordered by `valid_from`: the last one not after the date of work applies. Empty
    when not known. (personal)
    """
    started_on: date
    """First local date of employment, or of the contract with the supplier. (personal)"""
    home_zone: Text
    """IANA zone of the place of work; dates of this record are meant in it."""
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of the usual place of work, for tax and payroll; "" when not known. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it, e.g. `US-NY`; "" when it does not matter or is not known.
    (personal)
    """
    working_calendar: Text
    """Calendar of working days and public holidays, e.g. `UK-ENG`; "" when none."""
    weekly_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Contracted time of work of one week; 0 when none is agreed. (personal, unit s)"""
    manager_id: Text
    """Id of the person who approves time and leave; "" when none. (personal)"""
    supplier_id: Text
    """Id of the supplier who invoices the work of a subcontractor; "" for a worker."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """The person's identity in other systems, e.g. the account in the delivery tool, ordered by system.
    (personal)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
