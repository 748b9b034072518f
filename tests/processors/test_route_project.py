from __future__ import annotations

import pytest

from processors.route_project import RouteProject
from psfabric.adapters import Route
from psfabric.errors import Invalid
from psfabric.reference import Memory
from schemas.models import EnrichedProjectRequested
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

KNOWN = Memory(example("client.ClientOnboarded"))
REQUEST = example("project.ProjectRequested")


class TestRouteProject(ProcessorContract):
    processor = RouteProject(name="route-project", routes={"UK01": "tryton-uk", "US01": "tryton-us"})
    cases = (Case("uk", REQUEST, KNOWN), Case("us", example("project.ProjectRequested", legal_entity="US01"), KNOWN))

    def test_the_erp_of_the_legal_entity_gets_it_with_the_client(self) -> None:
        (route,) = self.processor.process(REQUEST, KNOWN)
        assert isinstance(route, Route)
        assert route.target == "tryton-uk"
        assert route.event.id == REQUEST.id
        data = route.event.data
        assert isinstance(data, EnrichedProjectRequested)
        extra = data.enrichment
        assert (extra.target, extra.client_name, extra.client_number) == (
            "tryton-uk",
            "Brindlewood Instruments Ltd",
            "C-20417",
        )
        assert (extra.street, extra.city, extra.country_code) == ("4 Tannery Row\nUnit 9", "Leeds", "GB")

    def test_a_legal_entity_without_a_target_is_refused(self) -> None:
        with pytest.raises(Invalid, match="'DE01'.*UK01, US01") as caught:  # noqa: RUF043
            list(self.processor.process(example("project.ProjectRequested", legal_entity="DE01"), KNOWN))
        assert caught.value.code == "no-route"

    def test_comparing_with_engagements_can_be_turned_off(self) -> None:
        assert self.processor.comparing() == ("engagement",)
        off = RouteProject(name="route-project", routes={"UK01": "tryton-uk"}, engagements=False)
        assert off.comparing() == ()
