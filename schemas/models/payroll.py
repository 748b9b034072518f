"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Record, Text
from schemas.models.common import SystemReference


class PayrollRunKind(StrEnum):
    """What a payroll run is: the regular one of its period, or one that corrects an earlier one. UNKNOWN:
    another one.
    """

    UNKNOWN = "UNKNOWN"
    REGULAR = "REGULAR"
    CORRECTION = "CORRECTION"


class PayElementKind(StrEnum):
    """What time of a pay element is: worked in regular time, worked as overtime, or absent. UNKNOWN: something
    that this release does not know.
    """

    UNKNOWN = "UNKNOWN"
    WORKED = "WORKED"
    OVERTIME = "OVERTIME"
    ABSENCE = "ABSENCE"


class PayElement(Record):
    """Time of one person under one element of pay."""

    SUBJECT: ClassVar[str] = "psf.payroll.PayElement"

    code: Text
    """Code of the pay element in payroll, e.g. `OT150`; for an absence never its medical reason. (personal)"""
    kind: Annotated[PayElementKind, Field(strict=False)]
    """What the time is. (personal)"""
    seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Time under it in the period. (personal, unit s)"""
    cost_centre: Text
    """Cost centre that is charged with it; "" when the person's is."""
    work_country_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """ISO 3166-1 alpha-2 code of where it was worked; "" when at the usual place, or absent. (personal)"""
    work_subdivision_code: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2}-[A-Z0-9]{1,3})?$")]
    """ISO 3166-2 code of the state or province of it; "" when at the usual place, or absent. (personal)"""


class PayrollExported(Model):
    """The time of one person in one period was given to payroll. It carries no name and no pay, only time. A
    later export of the same run is the same aggregate with a higher version and replaces it. Aggregate and key:
    the person in the run.
    """

    EVENT: ClassVar[str] = "payroll.PayrollExported"
    CE_TYPE: ClassVar[str] = "psf.payroll.PayrollExported.v1"
    TOPIC: ClassVar[str] = "psf.payroll"
    SUBJECT: ClassVar[str] = "psf.payroll.PayrollExported"

    resource_id: Text
    """Id of the person who is paid; the name is only in the resource record. (personal)"""
    run_reference: Text
    """Payroll run, e.g. `UK01-2026-06`."""
    run_kind: Annotated[PayrollRunKind, Field(strict=False)]
    """What the run is."""
    corrects_run: Text
    """Run that it corrects; "" when none."""
    period_start: date
    """First local date of the pay period in `zone`."""
    period_end: date
    """Last local date of the pay period in `zone`; it belongs to it."""
    zone: Text
    """IANA zone in which both dates are meant."""
    cut_off_at: Annotated[datetime, Instant()]
    """Time approved up to this instant is in it; what is approved later goes into a correction."""
    worked_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Regular time worked: the sum of its pay elements of kind WORKED. (personal, unit s)"""
    overtime_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Overtime: the sum of its pay elements of kind OVERTIME. (personal, unit s)"""
    absence_seconds: Annotated[int, Field(ge=0, le=9223372036854775807)]
    """Absence, paid or not: the sum of its pay elements of kind ABSENCE. (personal, unit s)"""
    pay_elements: Annotated[tuple[PayElement, ...], Field(strict=False)]
    """The time by element of pay, ordered by code. (personal)"""
    exported_to: SystemReference
    """Where payroll has it: the system, and the identity and number of the batch."""
    exported_at: Annotated[datetime, Instant()]
    """Instant at which payroll took it, as payroll says it."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
