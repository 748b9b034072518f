from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from processors.route_billing import RouteBilling
from psfabric.adapters import Route
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.reference import Memory
from schemas.models import BillingModel, EnrichedBillingRequested, Money
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

TIME = example("billing.BillingRequested", "time-and-materials")
MILESTONE = example("billing.BillingRequested", "milestone")
CLIENT = example("client.ClientOnboarded")
FIXED: dict[str, Any] = {"billing_model": BillingModel.FIXED_FEE_MILESTONE}
KNOWN = Memory(
    CLIENT,
    example("project.ProjectCreated"),
    example("project.ProjectCreated", aggregate_id="PRJ-1003", project_id="PRJ-1003", **FIXED),
)


class TestRouteBilling(ProcessorContract):
    processor = RouteBilling(name="route-billing", routes={"UK01": "tryton-uk", "US01": "tryton-us"})
    cases = (Case("month end", TIME, KNOWN), Case("milestone", MILESTONE, KNOWN))

    def routed(self, event: Event) -> EnrichedBillingRequested:
        (route,) = self.processor.process(event, KNOWN)
        assert isinstance(route, Route)
        assert isinstance(route.event.data, EnrichedBillingRequested)
        assert route.target == route.event.data.enrichment.target
        return route.event.data

    def test_the_invoice_gets_the_terms_of_its_project(self) -> None:
        extra = self.routed(TIME).enrichment
        assert (extra.target, extra.legal_entity, extra.client_id) == ("tryton-uk", "UK01", CLIENT.aggregate_id)
        assert (extra.currency, extra.tax_code, extra.purchase_order) == ("GBP", "GB-VAT-20", "PO-77120")
        assert extra.project_reference == "31"

    def test_a_milestone_goes_to_the_erp_of_its_project(self) -> None:
        assert self.routed(MILESTONE).amount == Money(amount=Decimal(12000), currency="GBP")

    @pytest.mark.parametrize(
        ("event", "code"),
        [
            (example("billing.BillingRequested", "milestone", project_id="PRJ-1001"), "billing-model-mismatch"),
            (
                example("billing.BillingRequested", "time-and-materials", project_id="PRJ-1003"),
                "billing-model-mismatch",
            ),
            (example("billing.BillingRequested", "milestone", amount=None), "field-missing"),
            (example("billing.BillingRequested", "milestone", milestone_id=""), "field-missing"),
        ],
    )
    def test_what_does_not_fit_the_contract_is_refused(self, event: Event, code: str) -> None:
        with pytest.raises(Invalid) as caught:
            self.routed(event)
        assert caught.value.code == code

    def test_a_legal_entity_without_a_target_is_refused(self) -> None:
        known = Memory(CLIENT, example("project.ProjectCreated", legal_entity="DE01"))
        with pytest.raises(Invalid) as caught:
            list(self.processor.process(TIME, known))
        assert caught.value.code == "no-route"
