"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Text
from schemas.models.common import SystemReference


class TaxRegistration(Record):
    """A registration of our legal entity for a tax."""

    SUBJECT: ClassVar[str] = "psf.legalentity.TaxRegistration"

    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country of the registration, ISO 3166-1 alpha-2 code."""
    region: Text
    """State or province, where the tax is its own; "" when it is the country's."""
    scheme: Text
    """What it is a registration for, as the country calls it, e.g. `VAT`."""
    registration_number: Text
    """Number as registered and printed on invoices, without blanks."""
    valid_from: date
    """First local date on which it holds."""
    valid_until: date | None = None
    """Last local date on which it holds; null while no end is known."""


class LegalEntityUpdated(Model):
    """One of our companies, as it is now: who it is in law, its books, its taxes, and the systems that keep
    them. Aggregate and key: the code of the legal entity.
    """

    EVENT: ClassVar[str] = "legalentity.LegalEntityUpdated"
    CE_TYPE: ClassVar[str] = "psf.legalentity.LegalEntityUpdated.v1"
    TOPIC: ClassVar[str] = "psf.legalentity"
    SUBJECT: ClassVar[str] = "psf.legalentity.LegalEntityUpdated"

    company_name: Text
    """Registered name of the company."""
    company_number: Text
    """Number in the register of companies; "" when the country has none."""
    registered_office: Text
    """Registered address, lines separated by a line feed."""
    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country of its seat, ISO 3166-1 alpha-2 code."""
    zone: Text
    """IANA zone in which its dates, periods and cut-offs are meant, e.g. `Europe/London`."""
    functional_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency in which its books are kept, ISO 4217 alphabetic code."""
    group_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency in which the group consolidates, ISO 4217 alphabetic code."""
    parent_entity: Text
    """Code of the legal entity that holds it; "" for the top of the group."""
    intercompany_code: Text
    """Code by which the other legal entities post with it; "" when none do. (confidential)"""
    fiscal_year_start_month: Annotated[int, Field(ge=1, le=2147483647)]
    """Month of the calendar in which its fiscal year begins, the number 1 to 12. (unit 1)"""
    ledger: Text
    """Its leading ledger, e.g. `IFRS`; "" when there is one."""
    tax_registrations: Annotated[tuple[TaxRegistration, ...], Field(strict=False)]
    """Registrations for taxes, ordered by country, region and scheme."""
    electronic_address: Text
    """Address in an e-invoicing network with its scheme, e.g. `9932:GB999999973`; "" when none."""
    active_from: date
    """First local date on which it may contract and post."""
    active_until: date | None = None
    """Last local date on which it may post; null while it is active."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where it lives, one entry for each system that has it, ordered by system."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
