"""What a record is worth: seconds of time and money, by legal entity, client, currency and accounting period, as far as
it says so. The period (YYYY-MM) is the calendar month of the day the record is about: of work, invoice or acceptance.

An estimate for people who decide: seconds -> hours to 4 places, half-up -> × the price of an hour, not rounded to the
minor unit, because only the target does that (DESIGN section 3). Money is before tax.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from psfabric.codec import Codec
from psfabric.errors import Invalid
from psfabric.event import Record
from psfabric.money import hours
from schemas import Model, models

NOTHING = Decimal(0)
_DAYS = ("work_date", "invoice_date", "accepted_on")
"""Fields that hold the day a record is about; no event has two of them."""


@dataclass(frozen=True, slots=True)
class Worth:
    """`currency` is "" where no amount is known yet."""

    legal_entity: str
    client_id: str
    currency: str
    seconds: int = 0
    money: Decimal = NOTHING
    records: int = 1
    period: str = ""

    @property
    def hours(self) -> Decimal:
        return hours(self.seconds)


def worth(codec: Codec, record: Record) -> Worth | None:
    """None when the record is not an event (as received from a source) or its bytes cannot be read.

    Raises Transient when the schema registry gives no answer.
    """
    if record.value is None or record.header("ce_type") is None:
        return None
    try:
        return of_event(codec.data(record.value))
    except Invalid:
        return None


def of_event(data: Model) -> Worth:
    return replace(_priced(data), period=_period(data))


def _priced(data: Model) -> Worth:
    entity, client = data.legal_entity, data.client_id
    match data:
        case models.EnrichedTimeApproved():
            added = data.enrichment
            money = hours(data.worked_seconds) * added.hourly_rate if added.billable else NOTHING
            return Worth(added.legal_entity, added.client_id, added.currency, data.worked_seconds, money)
        case models.TimePosted():
            rate = data.posting.rate
            money = hours(data.worked_seconds) * rate.amount if data.posting.billable else NOTHING
            return Worth(entity, client, rate.currency, data.worked_seconds, money)
        case models.TimeSubmitted() | models.TimeApproved() | models.TimeRejected():
            return Worth(entity, client, "", data.worked_seconds)
        case models.EnrichedBillingRequested():
            added_to = data.enrichment
            money = data.amount.amount if data.amount is not None else NOTHING
            return Worth(added_to.legal_entity, added_to.client_id, added_to.currency, money=money)
        case models.BillingRequested() | models.MilestoneAccepted() if data.amount is not None:
            return Worth(entity, client, data.amount.currency, money=data.amount.amount)
        case models.InvoicePosted() | models.EnrichedInvoicePosted():
            return Worth(entity, client, data.net.currency, money=data.net.amount)
        case _:
            return Worth(entity, client, "")


def _period(data: Model) -> str:
    day = next((day for name in _DAYS if isinstance(day := getattr(data, name, None), date)), None)
    return "" if day is None else f"{day:%Y-%m}"


def total(values: Iterable[Worth]) -> list[Worth]:
    """Summed by legal entity, client, currency and period, sorted by these."""
    sums: dict[tuple[str, str, str, str], Worth] = {}
    for each in values:
        group = (each.legal_entity, each.client_id, each.currency, each.period)
        known = sums.get(group)
        sums[group] = each if known is None else _sum(known, each)
    return [sums[group] for group in sorted(sums)]


def _sum(one: Worth, other: Worth) -> Worth:
    return replace(
        one,
        seconds=one.seconds + other.seconds,
        money=one.money + other.money,
        records=one.records + other.records,
    )
