from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from processors.request_billing import RequestBilling
from psfabric.errors import Invalid
from psfabric.reference import Memory
from schemas.models import BillingKind, BillingRequested, Money
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

MILESTONE = example("milestone.MilestoneAccepted")


class TestRequestBilling(ProcessorContract):
    processor = RequestBilling(name="request-billing")
    cases = (Case("accepted", MILESTONE),)

    def test_a_milestone_becomes_a_request_of_its_own_under_its_project(self) -> None:
        (event,) = self.processor.process(MILESTONE, Memory())
        data = event.data
        assert isinstance(data, BillingRequested)
        assert (data.aggregate_id, data.partition_key) == (f"milestone:{MILESTONE.aggregate_id}", "PRJ-1003")
        assert (data.kind, data.milestone_id) == (BillingKind.MILESTONE, MILESTONE.aggregate_id)
        assert data.amount == Money(amount=Decimal(12000), currency="GBP")
        assert (data.bill_up_to, data.invoice_date) == (date(2026, 6, 18), date(2026, 6, 18))
        assert data.description == "Design accepted"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"project_id": ""}, "field-missing"),
            ({"amount": Money(amount=Decimal(0), currency="GBP")}, "field-invalid"),
            ({"amount": Money(amount=Decimal(-5), currency="GBP")}, "field-invalid"),
        ],
    )
    def test_what_cannot_be_billed_is_refused(self, changes: dict[str, Any], code: str) -> None:
        with pytest.raises(Invalid) as caught:
            list(self.processor.process(example("milestone.MilestoneAccepted", **changes), Memory()))
        assert caught.value.code == code
