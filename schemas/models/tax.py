"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Text
from schemas.models.common import Money, TaxLine, TaxProof


class TaxedDocument(StrEnum):
    """What the tax was determined for: a quotation that nobody reports, an invoice, or a credit note. UNKNOWN:
    a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    ESTIMATE = "ESTIMATE"
    INVOICE = "INVOICE"
    CREDIT_NOTE = "CREDIT_NOTE"


class TaxPlace(Record):
    """A place that decides which jurisdictions tax the supply. Streets stay in the client record."""

    SUBJECT: ClassVar[str] = "psf.tax.TaxPlace"

    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2 code."""
    region: Text
    """State or province, as the engine names it, e.g. `TX`; "" when the country has one tax."""
    locality: Text
    """Code of the smallest jurisdiction that the engine told apart, e.g. a geocode; "" when none."""


class TaxDetermined(Model):
    """The tax of a document was determined: jurisdictions, rates and amounts, and the proof. Aggregate: the
    determination, which has the id of the document's billing request; key: the project.
    """

    EVENT: ClassVar[str] = "tax.TaxDetermined"
    CE_TYPE: ClassVar[str] = "psf.tax.TaxDetermined.v1"
    TOPIC: ClassVar[str] = "psf.tax"
    SUBJECT: ClassVar[str] = "psf.tax.TaxDetermined"

    billing_id: Text
    """Billing request whose document is taxed."""
    document: Annotated[TaxedDocument, Field(strict=False)]
    """What the tax was determined for."""
    committed: bool
    """True: the engine keeps it for the tax return. False: it was only asked."""
    tax_date: date
    """Local date at the place of supply whose rates apply."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of every amount, ISO 4217 alphabetic code."""
    origin: TaxPlace
    """Where the service is supplied from."""
    destination: TaxPlace
    """Where it counts as supplied."""
    our_registration: Text
    """Our registration number that the document bears; "" when none."""
    client_registration_country: Annotated[Text, StringConstraints(pattern=r"^([A-Z]{2})?$")]
    """Country of the client's registration that the treatment rests on, ISO 3166-1 alpha-2 code; the number is
    in the client record. "" when none.
    """
    reverse_charge: bool
    """True: the client owes the tax, and the document says so."""
    exempt_until: date | None = None
    """Last local date on which the exemption certificate of the proof holds; null when open or there is none."""
    net: Money
    """Amount of the document, before tax. (confidential)"""
    tax: Money
    """Tax charged, the sum of the tax lines. (confidential)"""
    gross: Money
    """What the client owes: net and tax. (confidential)"""
    tax_lines: Annotated[tuple[TaxLine, ...], Field(strict=False)]
    """Tax by line and jurisdiction, ordered by line, then from the country down. (confidential)"""
    proof: TaxProof
    """Who determined it and on what ground. (confidential)"""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
