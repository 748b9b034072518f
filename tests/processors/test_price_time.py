from __future__ import annotations

from decimal import Decimal

import pytest

from processors.price_time import PriceTime
from psfabric.adapters import Route
from psfabric.errors import Held, Invalid, Parent
from psfabric.event import Event
from psfabric.reference import Memory
from schemas.models import EnrichedTimeApproved, EnrichedTimeRemoved, Money, RemovalCause, RoleRate
from tests.contracts.given import example
from tests.contracts.processors import Case, ProcessorContract

ROUTES = {"UK01": "tryton-uk", "US01": "tryton-us", "US02": "tryton-us", "DE01": "sap-de"}
PROJECT = example("project.ProjectCreated")
KNOWN = Memory(PROJECT)
APPROVED, REJECTED, REMOVED = (
    example("time.TimeApproved"),
    example("time.TimeRejected"),
    example("time.TimeRemoved", "deleted"),
)


class TestPriceTime(ProcessorContract):
    processor = PriceTime(name="price-time", routes=ROUTES)
    cases = (Case("approved", APPROVED, KNOWN), Case("rejected", REJECTED), Case("removed", REMOVED))

    def routed(self, event: Event, known: Memory = KNOWN) -> dict[str, Event]:
        routes = list(self.processor.process(event, known))
        assert all(isinstance(route, Route) for route in routes)
        by_target = {route.target: route.event for route in routes if isinstance(route, Route)}
        assert len(by_target) == len(routes)
        return by_target

    def test_time_goes_priced_to_the_erp_of_its_project(self) -> None:
        data = self.routed(APPROVED)["tryton-uk"].data
        assert isinstance(data, EnrichedTimeApproved)
        assert data.event_id == APPROVED.id
        extra = data.enrichment
        assert (extra.target, extra.legal_entity, extra.client_id) == ("tryton-uk", "UK01", "0015g00000QwErTAAZ")
        assert (extra.hourly_rate, extra.currency, extra.billable) == (Decimal(125), "GBP", True)
        assert (extra.billing_model, extra.project_reference) == ("TIME_AND_MATERIALS", "31")

    def test_every_other_target_is_told_that_it_is_not_theirs(self) -> None:
        routed = self.routed(APPROVED)
        assert set(routed) == {"tryton-uk", "tryton-us", "sap-de"}
        for target in ("tryton-us", "sap-de"):
            data = routed[target].data
            assert isinstance(data, EnrichedTimeRemoved)
            assert (data.cause, data.enrichment.target) == (RemovalCause.ROUTED_ELSEWHERE, target)
            assert (data.aggregate_id, routed[target].version) == (APPROVED.aggregate_id, APPROVED.version)
        assert len({event.id for event in routed.values()}) == 3

    def test_a_moved_entry_ends_at_one_target_in_every_order_of_arrival(self) -> None:
        """Each target keeps the highest version it has seen; after a move only the new one still holds the entry."""
        us = example("project.ProjectCreated", aggregate_id="PRJ-2", project_id="PRJ-2", legal_entity="US01")
        known = Memory(PROJECT, us)
        moved = example("time.TimeApproved", project_id="PRJ-2", sequence="2026-06-04T00:00:00.000000Z/" + "0" * 20)
        for order in ([APPROVED, moved], [moved, APPROVED]):
            held: dict[str, Event] = {}
            for event in order:
                for target, said in self.routed(event, known).items():
                    if target not in held or said.version > held[target].version:
                        held[target] = said
            assert [t for t, e in held.items() if isinstance(e.data, EnrichedTimeApproved)] == ["tryton-us"]

    @pytest.mark.parametrize(
        ("event", "cause"),
        [(REJECTED, RemovalCause.REJECTED), (REMOVED, RemovalCause.DELETED)],
        ids=["rejected", "removed"],
    )
    def test_a_removal_goes_to_every_target_and_needs_no_project(self, event: Event, cause: RemovalCause) -> None:
        routed = self.routed(event, Memory())
        assert set(routed) == {"tryton-uk", "tryton-us", "sap-de"}
        for target, said in routed.items():
            assert isinstance(said.data, EnrichedTimeRemoved)
            assert (said.data.cause, said.data.enrichment.target) == (cause, target)

    def test_time_waits_for_its_project(self) -> None:
        with pytest.raises(Held) as caught:
            self.routed(APPROVED, Memory())
        assert caught.value.until == Parent("project", "PRJ-1001")

    def test_a_role_without_a_rate_is_refused_and_the_known_ones_named(self) -> None:
        with pytest.raises(Invalid, match="'Wizard'.*Consultant, Engagement Manager, Trainee") as caught:  # noqa: RUF043
            self.routed(example("time.TimeApproved", role="Wizard"))
        assert caught.value.code == "role-unknown"

    def test_a_legal_entity_without_a_target_is_refused(self) -> None:
        with pytest.raises(Invalid) as caught:
            self.routed(APPROVED, Memory(example("project.ProjectCreated", legal_entity="FR01")))
        assert caught.value.code == "no-route"

    def test_a_rate_in_another_currency_is_refused(self) -> None:
        rate = RoleRate(role="Consultant", hourly_rate=Money(amount=Decimal(1), currency="USD"), billable=True)
        with pytest.raises(Invalid) as caught:
            self.routed(APPROVED, Memory(example("project.ProjectCreated", rates=(rate,))))
        assert caught.value.code == "currency-mismatch"

    def test_a_project_that_the_target_does_not_have_has_no_reference_there(self) -> None:
        data = self.routed(APPROVED, Memory(example("project.ProjectCreated", references=())))["tryton-uk"].data
        assert isinstance(data, EnrichedTimeApproved)
        assert data.enrichment.project_reference == ""
