"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Scaled, Text
from schemas.models.common import SystemReference, TaxTreatment


class TaxKind(StrEnum):
    """Which tax it is: value added, goods and services, sales, or withheld from payments. UNKNOWN: a symbol of
    a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    VAT = "VAT"
    GST = "GST"
    SALES = "SALES"
    WITHHOLDING = "WITHHOLDING"


class TaxRate(Record):
    """The rate of a tax code in a span of time; a change of the law adds an entry and alters none."""

    SUBJECT: ClassVar[str] = "psf.taxcode.TaxRate"

    rate: Annotated[Decimal, Scaled(9, 6)]
    """Rate as a fraction of the taxable amount: 0.200000 is one fifth. (confidential, unit 1)"""
    valid_from: date
    """First local date on which it holds, by the date of supply."""
    valid_until: date | None = None
    """Last local date on which it holds; null while no end is known."""


class TaxCodeUpdated(Model):
    """A tax code of a legal entity, as it is now, with its rates past and to come. Aggregate and key: `<legal
    entity>:<tax code>`.
    """

    EVENT: ClassVar[str] = "taxcode.TaxCodeUpdated"
    CE_TYPE: ClassVar[str] = "psf.taxcode.TaxCodeUpdated.v1"
    TOPIC: ClassVar[str] = "psf.taxcode"
    SUBJECT: ClassVar[str] = "psf.taxcode.TaxCodeUpdated"

    tax_code: Text
    """The code that events and document lines refer to, e.g. `GB-VAT-20`."""
    description: Text
    """What it is for, as the finance team words it."""
    tax: Annotated[TaxKind, Field(strict=False)]
    """Which tax it is."""
    treatment: Annotated[TaxTreatment, Field(strict=False)]
    """How a supply under it is treated."""
    country_code: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Country whose tax it is, ISO 3166-1 alpha-2 code."""
    region: Text
    """State or province whose tax it is; "" when it is the country's."""
    category_code: Text
    """Category on electronic invoices, UNCL 5305 code, e.g. `S` or `AE`; "" when none fits."""
    rates: Annotated[tuple[TaxRate, ...], Field(strict=False)]
    """Rates in the order of time, without overlap; empty when an engine finds the rate for each document.
    (confidential)
    """
    output_account: Text
    """Account of tax on what we invoice; "" when it takes none."""
    input_account: Text
    """Account of tax on what we buy; "" when it takes none."""
    recoverable: Annotated[Decimal, Scaled(9, 6)]
    """Part of the tax on what we buy that comes back, as a fraction: 1 when all does. (confidential, unit 1)"""
    return_box: Text
    """Box of the tax return that the taxable amount goes to; "" when none."""
    printed_text: Text
    """Sentence that the law wants on the invoice, e.g. for reverse charge; "" when none."""
    active: bool
    """True: it may be used on new documents."""
    references: Annotated[tuple[SystemReference, ...], Field(strict=False)]
    """Where it lives, one entry for each system that has it, ordered by system."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
