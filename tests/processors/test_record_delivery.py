from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from processors.record_delivery import RecordDelivery
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.reference import Memory
from schemas.models import InvoicePosted, Money, ProjectCreated, SystemReference, TimePosted
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

PROJECT, TIME, BILLING = (
    example("enriched.project.ProjectRequested"),
    example("enriched.time.TimeApproved"),
    example("enriched.billing.BillingRequested"),
)
REMOVAL, STATUS = example("enriched.time.TimeRemoved", "routed-elsewhere"), example("enriched.invoice.InvoicePosted")
CAUSES = {event.id.encode(): event for event in (PROJECT, TIME, BILLING, REMOVAL, STATUS)}
LINE = {
    "description": "Consultant",
    "role": "Consultant",
    "quantity": "80.0000",
    "unit_price": "125.0000",
    "amount": "10000.00",
    "tax_code": "GB-VAT-20",
}
INVOICE = {
    "number": "INV-2026-0007",
    "invoice_date": "2026-06-30",
    "currency": "GBP",
    "net": "10000.00",
    "tax": "2000.00",
    "gross": "12000.00",
    "lines": json.dumps([LINE]),
}


def decode(framed: bytes) -> Event:
    """Like the codec's: framed bytes have no envelope."""
    event = CAUSES[framed]
    return Event(event.data, event.time, "", event.id)


KNOWN = Memory(decode=decode)


def receipt(about: Event, facts: dict[str, str] | None = None, **changes: Any) -> Event:
    said = {"about_event_id": about.id, "about_type": about.data.CE_TYPE, "cause": about.id.encode()}
    head = {"aggregate_id": about.aggregate_id, "sequence": about.data.sequence, "revision": about.data.revision}
    return example("delivery.Delivered", **{**said, **head, "facts": facts or {}, "reference": "118", **changes})


class TestRecordDelivery(ProcessorContract):
    processor = RecordDelivery(name="record-delivery")
    cases = (
        Case("project", receipt(PROJECT), KNOWN),
        Case("time", receipt(TIME, {"rate": "125.0000"}), KNOWN),
        Case("invoice", receipt(BILLING, INVOICE), KNOWN),
        Case("removal", receipt(REMOVAL), KNOWN),
        Case("status", receipt(STATUS), KNOWN),
    )

    def recorded(self, said: Event) -> Any:
        (event,) = self.processor.process(said, KNOWN)
        return event.data

    def test_a_project_exists_with_the_reference_of_its_erp(self) -> None:
        data = self.recorded(receipt(PROJECT, reference="31", number="P-31"))
        assert isinstance(data, ProjectCreated)
        assert data.references == (SystemReference(system="tryton-uk", reference="31", number="P-31"),)
        assert data.rates == PROJECT.data.rates  # type: ignore[attr-defined]
        assert (data.aggregate_id, data.partition_key) == (PROJECT.aggregate_id, PROJECT.data.partition_key)

    def test_time_is_posted_at_the_rate_that_the_erp_has(self) -> None:
        data = self.recorded(receipt(TIME, {"rate": "124.5000"}, document_version=2))
        assert isinstance(data, TimePosted)
        assert (data.posting.system, data.posting.reference, data.posting.document_version) == ("tryton-uk", "118", 2)
        assert data.posting.rate == Money(amount=Decimal("124.5"), currency="GBP")
        assert data.posting.billable is True
        assert data.worked_seconds == TIME.data.worked_seconds  # type: ignore[attr-defined]
        assert (data.legal_entity, data.client_id) == ("UK01", "0015g00000QwErTAAZ")

    def test_an_invoice_is_what_the_erp_made_of_the_request(self) -> None:
        data = self.recorded(receipt(BILLING, INVOICE, reference="9"))
        assert isinstance(data, InvoicePosted)
        assert (data.billing_id, data.aggregate_id) == (BILLING.aggregate_id, BILLING.aggregate_id)
        assert data.partition_key == BILLING.data.partition_key
        assert (data.number, data.invoice_date, data.currency) == ("INV-2026-0007", date(2026, 6, 30), "GBP")
        assert [m.amount for m in (data.net, data.tax, data.gross)] == [Decimal(10000), Decimal(2000), Decimal(12000)]
        assert (data.lines[0].quantity, data.lines[0].unit_price.amount) == (Decimal(80), Decimal(125))
        assert data.posting == SystemReference(system="tryton-uk", reference="9", number="INV-2026-0007")

    def test_every_receipt_for_one_delivery_says_the_same_event(self) -> None:
        first = receipt(TIME, {"rate": "125.0000"})
        again = first.changed(data=first.data.model_copy(update={"event_id": "0" * 32, "duplicate": True}))
        assert self.recorded(first) == self.recorded(again)

    @pytest.mark.parametrize("cause", [REMOVAL, STATUS], ids=["removal", "status"])
    def test_removals_and_write_backs_have_no_event_and_are_not_decoded(self, cause: Event) -> None:
        assert list(self.processor.process(receipt(cause, cause=b"never read"), Memory())) == []

    @pytest.mark.parametrize("missing", sorted(INVOICE))
    def test_a_fact_that_is_missing_is_named(self, missing: str) -> None:
        facts = {name: value for name, value in INVOICE.items() if name != missing}
        with pytest.raises(Invalid, match=missing) as caught:
            self.recorded(receipt(BILLING, facts))
        assert caught.value.code == "field-missing"

    @pytest.mark.parametrize(
        "facts",
        [
            {"invoice_date": "30/06/2026"},
            {"net": "ten"},
            {"net": "NaN"},
            {"net": "1e999999"},
            {"currency": "pounds"},
            {"lines": "{"},
            {"lines": "{}"},
            {"lines": "[1]"},
            {"lines": "[" * 100_000},
            {"lines": json.dumps([{**LINE, "quantity": 80.5}])},
            {"lines": json.dumps([{**LINE, "quantity": "80.00001"}])},
            {"lines": json.dumps([{**LINE, "amount": "1 000"}])},
        ],
    )
    def test_a_fact_that_makes_no_sense_is_invalid(self, facts: dict[str, str]) -> None:
        with pytest.raises(Invalid) as caught:
            self.recorded(receipt(BILLING, {**INVOICE, **facts}))
        assert caught.value.code == "field-invalid"

    def test_time_without_a_document_cannot_be_posted(self) -> None:
        with pytest.raises(Invalid, match="document_version"):
            self.recorded(receipt(TIME, {"rate": "1"}, document_version=0))
