from __future__ import annotations

from processors.route_invoice import RouteInvoice
from psfabric.adapters import Route
from psfabric.reference import Memory
from schemas.models import EnrichedInvoicePosted
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

INVOICE = example("invoice.InvoicePosted")
PROJECT = example("project.ProjectCreated")


class TestRouteInvoice(ProcessorContract):
    processor = RouteInvoice(name="route-invoice")
    cases = (Case("posted", INVOICE, Memory(PROJECT)),)

    def test_an_invoice_goes_back_to_the_opportunity_it_came_from(self) -> None:
        (route,) = self.processor.process(INVOICE, Memory(PROJECT))
        assert isinstance(route, Route)
        assert route.target == "salesforce-status"
        data = route.event.data
        assert isinstance(data, EnrichedInvoicePosted)
        assert (data.enrichment.target, data.enrichment.engagement_id) == ("salesforce-status", "0065g00000XyZaBAAV")

    def test_the_target_is_a_setting(self) -> None:
        (route,) = RouteInvoice(name="route-invoice", target="crm-emea").process(INVOICE, Memory(PROJECT))
        assert route.target == "crm-emea"
