"""An event is compared with what it names where a processor declares so: it waits, it is refused, or it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest

from processors.approve_time import ApproveTime
from processors.price_time import PriceTime
from processors.route_billing import RouteBilling
from processors.route_project import RouteProject
from psfabric.adapters import Entities, Known, Processor, Types
from psfabric.engine import Policy, Result
from psfabric.engine.lane import Lane
from psfabric.errors import Parent, Transient
from psfabric.event import Event, Record
from psfabric.outcomes import Delivered, Held, Rejected, Retry
from psfabric.reference import Memory
from psfabric.stages import ProcessStage
from schemas import Model
from schemas.models import TimeApproved, TimeRejected
from tests.contracts.given import example
from tests.hosts.calling import codec

CODEC = codec()
ENTRY = example("time.TimeSubmitted", "travel-in-another-country")
ASSIGNED = example("assignment.ResourceAssigned", "three-days-a-week")
ENDED = example("assignment.AssignmentEnded", "replaced-early")
LATE = datetime(2026, 7, 11, 9, 0, tzinfo=UTC)
APPROVE = ApproveTime(name="approve-time")


def handled(processor: Processor, event: Event, known: Known) -> Result:
    key, value, headers = CODEC.encode(event)
    stage = ProcessStage(Policy(processor.name, "process"), CODEC, processor, known)
    return stage.handle(Record(stage.inputs[0], 2, 0, key, value, headers), Lane(2))


def verdict(event: Event, known: Known, processor: Processor = APPROVE) -> Model:
    result = handled(processor, event, known)
    assert isinstance(result.outcome, Delivered), result.outcome
    (write,) = result.writes
    return CODEC.data(write.value or b"")


def entry(**changes: Any) -> Event:
    return ENTRY.changed(data=ENTRY.data.model_copy(update=changes))


def test_time_inside_its_assignment_is_approved() -> None:
    assert isinstance(verdict(ENTRY, Memory(ASSIGNED)), TimeApproved)
    assert isinstance(verdict(ENTRY, Memory(ENDED)), TimeApproved)


@pytest.mark.parametrize(
    ("kept", "changes", "code"),
    [
        (ASSIGNED, {"project_id": "PRJ-2004"}, "another project"),
        (ASSIGNED, {"resource_id": "5b10ac8d82e05b22cc7d4e02"}, "another person"),
        (ENDED, {"work_date": date(2026, 7, 11), "started_at": LATE, "submitted_at": LATE}, "ended early"),
    ],
)
def test_time_that_does_not_agree_with_its_assignment_is_rejected_and_says_why(
    kept: Event, changes: dict[str, Any], code: str
) -> None:
    rejected = verdict(entry(**changes), Memory(kept))
    assert isinstance(rejected, TimeRejected)
    assert rejected.code == "assignment-mismatch"
    assert code in rejected.reason


def test_time_outside_its_assignment_is_rejected_with_the_period() -> None:
    early = ASSIGNED.changed(data=ASSIGNED.data.model_copy(update={"start_date": date(2026, 6, 5)}))
    rejected = verdict(ENTRY, Memory(early))
    assert isinstance(rejected, TimeRejected)
    assert "At work_date: (protected) is outside 2026-06-05 to 2026-08-28." in rejected.reason


def test_an_entry_waits_until_its_assignment_is_known() -> None:
    outcome = handled(APPROVE, ENTRY, Memory()).outcome
    assert isinstance(outcome, Held)
    assert outcome.until == Parent("assignment", "psa-acme:assignment:4711")


def test_an_entry_without_assignment_is_not_looked_up() -> None:
    assert isinstance(verdict(entry(assignment_id=""), Memory()), TimeApproved)


def test_nothing_is_compared_where_it_is_turned_off() -> None:
    off = ApproveTime(name="approve-time", assignments=False)
    assert isinstance(verdict(ENTRY, Memory(), off), TimeApproved)


class Away(Memory):
    def find(self, entity: str, id: str) -> Model | None:
        raise Transient("the store is away")


def test_a_store_that_is_away_is_waited_for() -> None:
    assert isinstance(handled(APPROVE, ENTRY, Away()).outcome, Retry)


def test_a_fee_in_another_currency_than_its_project_is_a_dead_letter_naming_the_rule() -> None:
    route = RouteBilling(name="route-billing", routes={"UK01": "tryton-uk"})
    known = Memory(example("client.ClientOnboarded"), example("project.ProjectCreated", "fixed-fee-in-two-systems"))
    fee = example("billing.BillingRequested", "milestone")
    assert isinstance(handled(route, fee, known).outcome, Delivered)
    data: Any = fee.data
    dollars = data.model_copy(update={"amount": data.amount.model_copy(update={"currency": "USD"})})
    outcome = handled(route, fee.changed(data=dollars), known).outcome
    assert isinstance(outcome, Rejected)
    assert outcome.code == "rule-violated"
    assert "billing-in-the-currency-of-its-project" in outcome.why


def test_a_project_in_another_currency_than_was_contracted_is_a_dead_letter() -> None:
    route = RouteProject(name="route-project", routes={"UK01": "tryton-uk"})
    known = Memory(example("client.ClientOnboarded"), example("engagement.EngagementContracted"))
    request = example("project.ProjectRequested")
    assert isinstance(handled(route, request, known).outcome, Delivered)
    francs = request.changed(data=request.data.model_copy(update={"currency": "CHF"}))
    outcome = handled(route, francs, known).outcome
    assert isinstance(outcome, Rejected)
    assert "project-in-the-currency-of-its-engagement" in outcome.why
    waiting = handled(route, request, Memory(example("client.ClientOnboarded"))).outcome
    assert isinstance(waiting, Held)
    assert waiting.until == Parent("engagement", "0065g00000XyZaBAAV")


class Passing(Processor):
    """Reads nothing, and compares with what no rule of its event names."""

    accepts: ClassVar[Types] = ("time.TimeRemoved",)
    emits: ClassVar[Types] = ("time.TimeRemoved",)
    compares: ClassVar[Entities] = ("assignment",)

    def process(self, event: Event, known: Known) -> Iterable[Event]:
        assert event._data is None
        yield event


def test_an_event_whose_rules_name_nothing_is_not_read_for_it() -> None:
    removed = example("time.TimeRemoved", "deleted")
    assert isinstance(handled(Passing(name="passing"), removed, Away()).outcome, Delivered)


def test_price_time_compares_nothing() -> None:
    assert PriceTime(name="price-time", routes={}).comparing() == ()
