"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from schemas.base import Model, Record, Text
from schemas.models.common import Money


class RateCardKind(StrEnum):
    """What its rates are for: what clients pay, what the work costs us, or what one of our legal entities
    charges another. UNKNOWN: a symbol of a later version, or not told.
    """

    UNKNOWN = "UNKNOWN"
    BILLING = "BILLING"
    COST = "COST"
    INTERCOMPANY = "INTERCOMPANY"


class CardRate(Record):
    """The rate of one role in a span of time."""

    SUBJECT: ClassVar[str] = "psf.ratecard.CardRate"

    role: Text
    """Role as engagements and time entries name it."""
    grade: Text
    """Grade or seniority that it is for; "" for all."""
    location: Text
    """Where the work is done, ISO 3166-1 or 3166-2 code; "" for everywhere."""
    hourly_rate: Money
    """Rate of one hour, before tax, in the currency of the card. (confidential)"""
    billable: bool
    """False: time of this role is recorded and never invoiced."""
    valid_from: date
    """First local date of work that it holds for."""
    valid_until: date | None = None
    """Last local date of work that it holds for; null while no end is known."""


class RateCardUpdated(Model):
    """A rate card, as it is now, with its rates past and to come. A contract that took its prices from it keeps
    its own. Aggregate and key: the rate card.
    """

    EVENT: ClassVar[str] = "ratecard.RateCardUpdated"
    CE_TYPE: ClassVar[str] = "psf.ratecard.RateCardUpdated.v1"
    TOPIC: ClassVar[str] = "psf.ratecard"
    SUBJECT: ClassVar[str] = "psf.ratecard.RateCardUpdated"

    card_title: Text
    """What it is called, e.g. `UK standard 2026`. (confidential)"""
    kind: Annotated[RateCardKind, Field(strict=False)]
    """What its rates are for."""
    card_version: Text
    """Version as its owner numbers it; "" when nobody does."""
    currency: Annotated[Text, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """Currency of every rate, ISO 4217 alphabetic code."""
    lending_entity: Text
    """Legal entity that charges, for an intercompany card; "" otherwise."""
    valid_from: date
    """First local date of work that the card is used for."""
    valid_until: date | None = None
    """Last local date of work that the card is used for; null while no end is known."""
    approved_on: date | None = None
    """Local date of its approval; null while it is a proposal."""
    rates: Annotated[tuple[CardRate, ...], Field(strict=False)]
    """Rates, ordered by role, grade, location and time; spans of one role, grade and location do not overlap.
    (confidential)
    """
    extensions: dict[Text, Text] = Field(default_factory=dict)
    """Data of one client or tool that has no field of its own; each key begins with a registered prefix, e.g.
    `jira.`. (confidential)
    """
