"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from schemas.base import Record, Scaled, Text


class Head(Record):
    """The head that begins every canonical and enriched record: what routing reads without decoding the rest."""

    SUBJECT: ClassVar[str] = "psf.common.Head"

    event_id: Text
    """Deterministic id of this event (ce_id): BLAKE2b-128 in hex over what caused it, never a random number."""
    aggregate_id: Text
    """Id of the object whose full state this event carries (ce_subject)."""
    partition_key: Text
    """Kafka key: everything that must stay in order shares it (ce_partitionkey)."""
    sequence: Annotated[Text, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z/[0-9]{20}$")]
    """Upstream version, first half of the version: instant in UTC with six decimals, `/`, a tie-break of twenty
    digits (ce_sequence).
    """
    revision: Annotated[Text, StringConstraints(pattern=r"^[0-9]{20}$")]
    """Second half of the version: number of the replay or amendment in twenty digits, all zeros in live traffic
    (ce_revision).
    """
    legal_entity: Text
    """Code of our legal entity that contracts, employs or invoices, e.g. `UK01`; "" while not known
    (ce_legalentity).
    """
    client_id: Text
    """Id of the client; "" when none or not known."""
    project_id: Text
    """Id of the project, the PSA project code; "" when none."""


class Money(Record):
    """An amount in one currency. Rounded to the minor unit only where a document is made."""

    SUBJECT: ClassVar[str] = "psf.common.Money"

    amount: Annotated[Decimal, Scaled(20, 6)]
    """Amount in major units of `currency`; negative for a reduction. (confidential, unit currency)"""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """ISO 4217 alphabetic code."""


class Address(Record):
    """A postal address; a part that upstream does not give is ""."""

    SUBJECT: ClassVar[str] = "psf.common.Address"

    street: Text
    """Street and number, lines separated by a line feed; "" when none. (personal)"""
    city: Text
    """City or town; "" when none. (personal)"""
    postal_code: Text
    """Postal or ZIP code as written; "" when none. (personal)"""
    region: Text
    """State, province or county as upstream names it; "" when none."""
    country_code: Text
    """ISO 3166-1 alpha-2 code; "" when none."""


class BillingModel(StrEnum):
    """How an engagement is billed: by worked time, or a fixed fee for each accepted milestone."""

    TIME_AND_MATERIALS = "TIME_AND_MATERIALS"
    FIXED_FEE_MILESTONE = "FIXED_FEE_MILESTONE"


class RoleRate(Record):
    """What one hour of one role costs the client under this engagement."""

    SUBJECT: ClassVar[str] = "psf.common.RoleRate"

    role: Text
    """Role as the engagement names it; a time entry is priced by the same text."""
    hourly_rate: Money
    """Price of one hour, before tax. (confidential)"""
    billable: bool
    """False: time of this role is recorded and never invoiced."""


class SystemReference(Record):
    """Where an object lives in another system."""

    SUBJECT: ClassVar[str] = "psf.common.SystemReference"

    system: Text
    """Instance name of the system, as in the pipeline file, e.g. `tryton-uk`."""
    reference: Text
    """Identity there, e.g. the record id; stable, not for display."""
    number: Text
    """The number people see there; "" when the system gives none."""
