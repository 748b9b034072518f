"""Turns receipts of targets into what the business calls them: project created, time posted, invoice posted.

A receipt carries the event that was delivered (`cause`) and the facts that the target decided; together they are the
new state. The new event's id rests on the *cause's* id, so every receipt for one delivery (a duplicate after a crash,
a replay) says the same event again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from pydantic import ValidationError

from psfabric.adapters import Fields, Known, Processor, Types
from psfabric.errors import Invalid
from psfabric.event import Event
from schemas import event_of
from schemas.models import (
    Delivered,
    EnrichedBillingRequested,
    EnrichedProjectRequested,
    EnrichedTimeApproved,
    InvoicePosted,
    ProjectCreated,
    TimePosted,
)

RECORDED = (EnrichedProjectRequested.EVENT, EnrichedTimeApproved.EVENT, EnrichedBillingRequested.EVENT)
"""What has a business event of its own once delivered; removals and status write-backs have none."""


class RecordDelivery(Processor):
    """No settings. Receipts of anything but projects, time and billing are left alone."""

    accepts: ClassVar[Types] = (Delivered.EVENT,)
    emits: ClassVar[Types] = (ProjectCreated.EVENT, TimePosted.EVENT, InvoicePosted.EVENT)
    reads: ClassVar[Fields] = {
        Delivered.EVENT: ("about_type", "cause", "document_version", "facts", "number", "reference", "target"),
        EnrichedTimeApproved.EVENT: (
            "enrichment.billable",
            "enrichment.client_id",
            "enrichment.currency",
            "enrichment.legal_entity",
        ),
        EnrichedBillingRequested.EVENT: ("enrichment.client_id", "enrichment.legal_entity"),
    }
    hands_on: ClassVar[Fields] = {
        EnrichedProjectRequested.EVENT: (ProjectCreated.EVENT,),
        EnrichedTimeApproved.EVENT: (TimePosted.EVENT,),
    }

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        """One event, or none. Raises Invalid(field-missing, field-invalid) when the target's facts do not tell all."""
        receipt = event.data
        if not isinstance(receipt, Delivered):
            raise TypeError(f"{self.name} was given {event.type}")
        if event_of(receipt.about_type) not in RECORDED:
            return
        # The envelope (time, correlation, trace) is the receipt's; the framed cause is only the state.
        cause = event.changed(data=known.decode(receipt.cause).data)
        try:
            yield from self._recorded(cause, receipt)
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
            raise Invalid("field-invalid", f"receipt of {receipt.target} for {cause.id}: {wrong}") from None

    def _recorded(self, cause: Event, receipt: Delivered) -> Iterator[Event]:
        match cause.data:
            case EnrichedProjectRequested():
                yield cause.derive(ProjectCreated, component=self.name, references=(_place(receipt),))
            case EnrichedTimeApproved():
                yield cause.derive(TimePosted, component=self.name, **_time(cause.data, receipt))
            case EnrichedBillingRequested():
                yield cause.derive(InvoicePosted, component=self.name, carry=False, **_invoice(cause.data, receipt))


def _place(receipt: Delivered) -> dict[str, str]:
    return {"system": receipt.target, "reference": receipt.reference, "number": receipt.number}


def _time(entry: EnrichedTimeApproved, receipt: Delivered) -> dict[str, Any]:
    extra = entry.enrichment
    currency = receipt.facts.get("currency", extra.currency)
    posting = {
        "system": receipt.target,
        "reference": receipt.reference,
        "document_version": receipt.document_version,
        "rate": _money(receipt.facts, "rate", currency),
        "billable": extra.billable,
    }
    return {"legal_entity": extra.legal_entity, "client_id": extra.client_id, "posting": posting}


def _invoice(request: EnrichedBillingRequested, receipt: Delivered) -> dict[str, Any]:
    facts, extra = receipt.facts, request.enrichment
    currency = _fact(facts, "currency")
    return {
        "legal_entity": extra.legal_entity,
        "client_id": extra.client_id,
        "billing_id": request.aggregate_id,
        "number": _fact(facts, "number"),
        "invoice_date": _date(facts, "invoice_date"),
        "currency": currency,
        **{name: _money(facts, name, currency) for name in ("net", "tax", "gross")},
        "lines": tuple(_line(line, currency) for line in _lines(facts)),
        "posting": {**_place(receipt), "number": _fact(facts, "number")},
    }


def _line(line: Mapping[str, str], currency: str) -> dict[str, Any]:
    return {
        "description": _fact(line, "description"),
        "role": _fact(line, "role"),
        "quantity": _decimal(line, "quantity"),
        "unit_price": _money(line, "unit_price", currency),
        "amount": _money(line, "amount", currency),
        "tax_code": _fact(line, "tax_code"),
    }


def _lines(facts: Mapping[str, str]) -> list[dict[str, str]]:
    try:
        lines = json.loads(_fact(facts, "lines"))
    except (ValueError, RecursionError):
        raise Invalid("field-invalid", "fact lines is not JSON") from None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise Invalid("field-invalid", "fact lines is not a list of objects")
    return lines


def _fact(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    if value is None:
        raise Invalid("field-missing", f"the receipt does not tell {name}")
    if not isinstance(value, str):
        raise Invalid("field-invalid", f"fact {name} is not text")
    return value


def _decimal(facts: Mapping[str, Any], name: str) -> Decimal:
    try:
        return Decimal(_fact(facts, name))
    except InvalidOperation:
        raise Invalid("field-invalid", f"fact {name} is not a decimal") from None


def _money(facts: Mapping[str, Any], name: str, currency: str) -> dict[str, Any]:
    return {"amount": _decimal(facts, name), "currency": currency}


def _date(facts: Mapping[str, str], name: str) -> date:
    text = _fact(facts, name)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("field-invalid", f"fact {name} is not a date") from None
