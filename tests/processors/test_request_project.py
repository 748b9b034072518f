from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from processors.request_project import RequestProject
from psfabric.errors import Invalid
from psfabric.reference import Memory
from schemas.models import BillingModel, Money, ProjectRequested, RoleRate
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

KNOWN = Memory(example("client.ClientOnboarded"))
ENGAGEMENT = example("engagement.EngagementContracted")


def rate(role: str = "Consultant", amount: str = "125", currency: str = "GBP", billable: bool = True) -> RoleRate:
    return RoleRate(role=role, hourly_rate=Money(amount=Decimal(amount), currency=currency), billable=billable)


class TestRequestProject(ProcessorContract):
    processor = RequestProject(name="request-project")
    cases = (
        Case("time and materials", ENGAGEMENT, KNOWN),
        Case(
            "fixed fee",
            example(
                "engagement.EngagementContracted",
                billing_model=BillingModel.FIXED_FEE_MILESTONE,
                rates=(rate(amount="0"),),
            ),
            KNOWN,
        ),
    )

    def test_the_project_takes_over_the_terms(self) -> None:
        (asked,) = self.processor.process(ENGAGEMENT, KNOWN)
        data = asked.data
        assert isinstance(data, ProjectRequested)
        assert (data.aggregate_id, data.partition_key, data.project_id) == ("PRJ-1001",) * 3
        assert data.engagement_id == ENGAGEMENT.aggregate_id
        assert data.project_name == "Plant data platform, phase 1"
        assert data.rates == ENGAGEMENT.data.rates  # type: ignore[attr-defined]
        assert data.legal_entity == "UK01"

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"rates": ()}, "no role has a rate"),
            ({"rates": (rate(amount="-1"),)}, "negative"),
            ({"rates": (rate(), rate())}, "2 rates"),
            ({"rates": (rate(""),)}, "no role"),
            ({"rates": (rate(), rate("Trainee", currency="USD"))}, "priced in USD"),
            ({"contract_value": Money(amount=Decimal(1), currency="EUR")}, "contract value is in EUR"),
            ({"contract_value": Money(amount=Decimal(-1), currency="GBP")}, "contract value is negative"),
            ({"rates": (rate(amount="0"),)}, "no billable role"),
            ({"rates": (rate(billable=False),)}, "no billable role"),
            ({"client_id": ""}, "client_id is empty"),
            ({"project_id": " "}, "project_id is empty"),
            ({"legal_entity": ""}, "legal_entity is empty"),
            ({"tax_code": ""}, "tax_code is empty"),
        ],
    )
    def test_terms_that_could_not_be_billed_are_refused(self, changes: dict[str, Any], why: str) -> None:
        engagement = example("engagement.EngagementContracted", **changes)
        with pytest.raises(Invalid, match=why) as caught:
            list(self.processor.process(engagement, KNOWN))
        assert caught.value.code == "engagement-incomplete"

    def test_everything_that_is_wrong_is_named_at_once(self) -> None:
        engagement = example("engagement.EngagementContracted", tax_code="", rates=(rate(amount="-1"),))
        with pytest.raises(Invalid, match=r"tax_code is empty.*negative"):
            list(self.processor.process(engagement, KNOWN))

    def test_a_bad_engagement_does_not_wait_for_its_client(self) -> None:
        with pytest.raises(Invalid):
            list(self.processor.process(example("engagement.EngagementContracted", rates=()), Memory()))
