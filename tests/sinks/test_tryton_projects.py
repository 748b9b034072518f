"""A requested project in a real Tryton."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from psfabric.outcomes import Delivered, Duplicate, Rejected
from sandbox.tryton_admin import TrytonAdmin
from tests.conftest import TrytonServer
from tests.sinks.tryton_world import Crash, CrashingHttp, World, sink


async def test_a_project_becomes_a_client_a_project_and_a_task_for_each_role(
    tryton: TrytonServer, admin: TrytonAdmin
) -> None:
    world, uk = World(), sink(tryton)
    (made,) = await uk.deliver([world.requested()])
    assert isinstance(made, Delivered)
    fields = ["name", "party.external_id", "project_invoice_method", "comment", "children.name", "children.list_price"]
    (project,) = admin.rows("project.work", [["id", "=", int(made.reference)]], fields)
    assert project["party."]["external_id"] == f"client:{world.client}"
    assert project["project_invoice_method"] == "timesheet"
    assert "cost centre: CC-100" in project["comment"]
    prices = {task["name"]: task["list_price"] for task in project["children."]}
    assert prices == {"Consultant": Decimal("150"), "Partner": Decimal("400")}
    assert made.facts["project_reference"] == made.reference
    assert set(json.loads(made.facts["tasks"])) == {"Consultant", "Partner"}


async def test_a_repeat_changes_nothing_and_says_the_same(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    world, uk = World(), sink(tryton)
    first, second = [(await uk.deliver([world.requested()]))[0] for _ in range(2)]
    assert isinstance(first, Delivered)
    assert isinstance(second, Duplicate)
    assert (first.reference, first.facts) == (second.reference, second.facts)
    found = await uk.find(world.requested())
    assert found is not None
    assert (found.reference, found.facts) == (first.reference, first.facts)
    assert len(world.ours(admin, "project.work")) == 3


async def test_two_companies_share_the_client(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    british = World("UK01")
    american = World("US01", id=british.id)
    await sink(tryton, "UK01").deliver([british.requested()])
    await sink(tryton, "US01").deliver([american.requested()])
    assert len(world_parties := british.ours(admin, "party.party")) == 1, world_parties
    assert len(british.ours(admin, "project.work")) == 6


async def test_a_fixed_fee_project_is_billed_by_hand_and_its_hours_cost_nothing(
    tryton: TrytonServer, admin: TrytonAdmin
) -> None:
    world = World(model="FIXED_FEE_MILESTONE")
    (made,) = await sink(tryton).deliver([world.requested()])
    assert isinstance(made, Delivered)
    fields = ["project_invoice_method", "children.list_price"]
    (project,) = admin.rows("project.work", [["id", "=", int(made.reference)]], fields)
    assert project["project_invoice_method"] == "manual"
    assert {task["list_price"] for task in project["children."]} == {Decimal(0)}


async def test_a_higher_version_brings_name_prices_and_roles_up_to_date(
    tryton: TrytonServer, admin: TrytonAdmin
) -> None:
    world, uk = World(), sink(tryton)
    (made,) = await uk.deliver([world.requested()])
    world.rates = {"Consultant": "165.50", "Architect": "300.00"}
    (changed,) = await uk.deliver([world.requested(project_name="Roll-out, phase two")])
    assert isinstance(changed, Delivered)
    assert not isinstance(changed, Duplicate)
    assert isinstance(made, Delivered)
    assert changed.reference == made.reference
    fields = ["name", "children.name", "children.list_price"]
    (project,) = admin.rows("project.work", [["id", "=", int(made.reference)]], fields)
    assert project["name"] == "Roll-out, phase two"
    prices = {task["name"]: task["list_price"] for task in project["children."]}
    assert prices == {"Consultant": Decimal("165.50"), "Partner": Decimal("400"), "Architect": Decimal("300")}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"legal_entity": "US01"}, "legal-entity-unknown"),
        ({"legal_entity": ""}, "legal-entity-unknown"),
        ({"tax_code": "US-NONE"}, "tax-unknown"),
        ({"tax_code": ""}, "tax-unknown"),
        ({"currency": "USD", "rates": []}, "currency-mismatch"),
        ({"currency": "USD"}, "currency-mismatch"),
    ],
)
async def test_a_project_that_does_not_fit_the_company_is_refused_and_leaves_nothing(
    tryton: TrytonServer, admin: TrytonAdmin, changes: dict[str, object], code: str
) -> None:
    world = World()
    (answer,) = await sink(tryton).deliver([world.requested(**changes)])
    assert isinstance(answer, Rejected)
    assert answer.code == code
    assert not world.ours(admin, "project.work")
    assert not world.ours(admin, "party.party")


async def test_a_company_that_tryton_does_not_have_is_refused(tryton: TrytonServer) -> None:
    world = World()
    (answer,) = await sink(tryton, "FR01").deliver([world.requested(legal_entity="FR01")])
    assert isinstance(answer, Rejected)
    assert answer.code == "legal-entity-unknown"


async def test_a_rate_finer_than_tryton_keeps_is_refused(tryton: TrytonServer) -> None:
    world = World(rates={"Consultant": "150.00005"})
    (answer,) = await sink(tryton).deliver([world.requested()])
    assert isinstance(answer, Rejected)
    assert answer.code == "field-invalid"


async def test_a_crash_after_any_change_leaves_one_project(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    for step in range(1, 40):
        world = World()
        try:
            await sink(tryton, http=CrashingHttp(step)).deliver([world.requested()])
        except Crash:
            (answer,) = await sink(tryton).deliver([world.requested()])
            assert isinstance(answer, Delivered), f"after call {step}: {answer}"
            assert len(world.ours(admin, "party.party")) == 1, f"after call {step}"
            assert len(world.ours(admin, "project.work")) == 3, f"after call {step}"
        else:
            assert step > 2, "the crashes did not reach the calls that write"
            return
    pytest.fail("a project needs more calls than this test tries")
