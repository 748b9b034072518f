"""What Tryton says it holds, for reconciliation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from psfabric.adapters import Line
from sandbox.tryton_admin import TrytonAdmin
from sinks.tryton import Tryton
from sinks.tryton_erp import readback
from tests.conftest import TrytonServer
from tests.sinks.tryton_world import World, sink


async def read(target: Tryton, world: World, entity: str, period: str) -> list[Line]:
    return [line async for line in target.statement(entity, period) if line.project_id == world.project]


async def test_time_is_read_back_with_its_project_role_seconds_and_invoice(
    tryton: TrytonServer, admin: TrytonAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "PAGE", 2)
    uk = sink(tryton)
    world = await World().begin(uk, admin)
    day = date(2027, 1, 5)  # a month that no other test works in: all of it is read, two lines at a time
    worked = [world.worked("1", 3601, work_date=day), world.worked("2", 60, role="Partner", work_date=day)]
    worked += [world.worked("3", 90, work_date=day), world.worked("4", 1800, work_date=date(2027, 2, 1))]
    answers = await uk.deliver([*worked, world.month_end(day=date(2027, 1, 31))])
    number = answers[-1].number  # type: ignore[union-attr]
    lines = await read(uk, world, "time", "2027-01")
    assert [(line.aggregate_id, line.role, line.seconds, line.day) for line in lines] == [
        (world.entry("1"), "Consultant", 3601, day),
        (world.entry("2"), "Partner", 60, day),
        (world.entry("3"), "Consultant", 90, day),
    ]
    assert {(line.invoice_id, line.number, line.state) for line in lines} == {(f"billing-{world.id}", number, "posted")}
    assert {(line.legal_entity, line.currency) for line in lines} == {("UK01", "GBP")}
    (february,) = await read(uk, world, "time", "2027-02")
    assert (february.invoice_id, february.number, february.state) == ("", "", "open")
    monkeypatch.undo()
    assert len(await read(uk, world, "time", "")) == 4


async def test_time_on_a_draft_is_not_billed(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    uk = sink(tryton)
    world = await World().begin(uk, admin)
    await uk.deliver([world.worked("1", 3600)])
    (project,) = admin.rows("project.work", [["external_id", "=", f"UK01:project:{world.project}"]], ["id"])
    admin.call("model.project.work.invoice", [project["id"]], {"company": admin.company("UK01")})
    (draft,) = world.invoices(admin)
    values = {"external_id": f"UK01:billing:waits-{world.id}:1"}
    admin.call("model.account.invoice.write", [draft["id"]], values, {"company": admin.company("UK01")})
    (line,) = await read(uk, world, "time", "2026-10")
    assert (line.invoice_id, line.state) == ("", "draft")


async def test_invoices_are_read_back_line_by_line(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    uk = sink(tryton)
    world = await World().begin(uk, admin)
    worked = [world.worked("1", 3600), world.worked("2", 1800, role="Partner")]
    await uk.deliver([*worked, world.month_end(), world.accepted("500.00")])
    lines = await read(uk, world, "invoice", "2026-10")
    assert sorted((line.aggregate_id, line.role, line.quantity, line.unit_price, line.amount) for line in lines) == [
        (f"billing-{world.id}", "Consultant", Decimal("1"), Decimal("150"), Decimal("150.00")),
        (f"billing-{world.id}", "Partner", Decimal("0.5"), Decimal("400"), Decimal("200.00")),
        (f"milestone:milestone-{world.id}", "", Decimal("1"), Decimal("500"), Decimal("500.00")),
    ]
    assert {(line.currency, line.state, line.entity) for line in lines} == {("GBP", "posted", "invoice")}
    assert not await read(uk, world, "invoice", "2026-09")


async def test_a_company_reads_only_its_own(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    uk, us = sink(tryton, "UK01"), sink(tryton, "US01")
    world = await World("UK01").begin(uk, admin)
    await uk.deliver([world.worked("1", 3600), world.accepted("500.00")])
    for entity in ("time", "invoice"):
        seen = [line async for line in us.statement(entity, "2026-10")]
        assert world.id not in repr(seen)
        assert not any(line.number.startswith("UK01") for line in seen)
        assert {line.legal_entity for line in seen} <= {"US01"}


def test_another_statement_is_refused_by_name(tryton: TrytonServer) -> None:
    with pytest.raises(ValueError, match="time or invoice"):
        sink(tryton).statement("expense", "2026-10")
