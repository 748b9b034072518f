"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Instant, Model, Scaled, Text


class ExchangeRateKind(StrEnum):
    """What the rate is for: the rate of the day, the mean of a period, the end of a period, the plan, the tax
    return, or a contract. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    SPOT = "SPOT"
    AVERAGE = "AVERAGE"
    CLOSING = "CLOSING"
    BUDGET = "BUDGET"
    TAX = "TAX"
    CONTRACT = "CONTRACT"


class ExchangeRateUpdated(Model):
    """How much of one currency another is worth, for one date and one use. A correction is the same rate with a
    higher version. Aggregate and key: `<kind>:<base>/<quote>:<date>:<source>`.
    """

    EVENT: ClassVar[str] = "exchangerate.ExchangeRateUpdated"
    CE_TYPE: ClassVar[str] = "psf.exchangerate.ExchangeRateUpdated.v1"
    TOPIC: ClassVar[str] = "psf.exchangerate"
    SUBJECT: ClassVar[str] = "psf.exchangerate.ExchangeRateUpdated"

    base_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of which one unit is priced, ISO 4217 alphabetic code."""
    quote_currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency in which it is priced, ISO 4217 alphabetic code."""
    rate: Annotated[Decimal, Scaled(20, 10)]
    """Units of the quote currency for one unit of the base currency, above zero, as published: never inverted
    or rounded. (confidential, unit 1)
    """
    kind: Annotated[ExchangeRateKind, Field(strict=False)]
    """What the rate is for."""
    rate_date: date
    """Local date in `zone` that it is for: of the day, or the last of the period."""
    zone: Text
    """IANA zone of whoever published it, e.g. `Europe/Berlin`."""
    valid_until: date | None = None
    """Last local date on which it is used where no newer one is there; null when it is for its date alone."""
    source: Text
    """Who published it, e.g. `ECB`, `HMRC`, or `treasury` for our own."""
    published_at: Annotated[datetime, Instant()]
    """Instant of publication, as the source says."""
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
