"""Invoices in a real Tryton: what is billed, once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from psfabric.errors import Parent, Period
from psfabric.http import Http, Response
from psfabric.outcomes import Delivered, Duplicate, Held, Outcome, Rejected, Retry
from sandbox.tryton_admin import TrytonAdmin
from sinks.tryton import Tryton
from tests.conftest import TrytonServer
from tests.sinks.tryton_world import Crash, CrashingHttp, World, closed, sink


@pytest.fixture
def uk(tryton: TrytonServer) -> Tryton:
    return sink(tryton)


@pytest.fixture
async def world(uk: Tryton, admin: TrytonAdmin) -> World:
    return await World().begin(uk, admin)


def posted(answer: Outcome) -> Delivered:
    assert isinstance(answer, Delivered), answer
    return answer


def code(answer: Outcome) -> str:
    assert isinstance(answer, Rejected), answer
    return answer.code


async def test_the_open_time_of_a_project_becomes_a_posted_invoice(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    worked = [world.worked("1", 600), world.worked("2", 3001), world.worked("3", 7200, role="Partner")]
    answers = await uk.deliver([*worked, world.month_end()])
    made = posted(answers[-1])
    assert not isinstance(made, Duplicate)
    assert made.number == made.facts["number"]
    assert made.number.startswith("UK01-2026-10-")
    money = {name: made.facts[name] for name in ("currency", "net", "tax", "gross")}
    assert money == {"currency": "GBP", "net": "950.04", "tax": "190.01", "gross": "1140.05"}
    lines = {line.pop("role"): line for line in json.loads(made.facts["lines"])}
    assert lines == {
        "Consultant": {
            "description": "Consultant",
            "quantity": "1.0003",
            "unit_price": "150.0000",
            "amount": "150.04",
            "tax_code": "GB-VAT-20",
        },
        "Partner": {
            "description": "Partner",
            "quantity": "2.0000",
            "unit_price": "400.0000",
            "amount": "800.00",
            "tax_code": "GB-VAT-20",
        },
    }
    (invoice,) = world.invoices(admin)
    assert (invoice["state"], str(invoice["id"])) == ("posted", made.reference)


async def test_a_repeat_and_a_read_back_say_the_same(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    await uk.deliver([world.worked("1", 600)])
    event = world.month_end()
    (first,), (second,), found = await uk.deliver([event]), await uk.deliver([event]), await uk.find(event)
    assert isinstance(second, Duplicate)
    assert found is not None
    one = posted(first)
    for other in (second, found):
        assert (other.reference, other.facts, other.number) == (one.reference, one.facts, one.number)
    assert len(world.invoices(admin)) == 1


async def test_only_the_time_up_to_the_date_is_billed_and_the_rest_next_time(uk: Tryton, world: World) -> None:
    in_october, in_november = world.worked("1", 3600), world.worked("2", 1800, work_date=date(2026, 11, 2))
    answers = await uk.deliver([in_october, in_november, world.month_end()])
    assert posted(answers[-1]).facts["net"] == "150.00"
    (answer,) = await uk.deliver([world.month_end("november", date(2026, 11, 30))])
    assert posted(answer).facts["net"] == "75.00"


async def test_nothing_open_is_refused_and_leaves_nothing(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    assert code((await uk.deliver([world.month_end()]))[0]) == "nothing-to-bill"
    late = world.worked("1", 3600, work_date=date(2026, 11, 2))
    answers = await uk.deliver([late, world.month_end("again")])
    assert code(answers[-1]) == "nothing-to-bill"
    assert not world.invoices(admin)
    assert await uk.find(world.month_end()) is None


async def test_a_milestone_is_one_invoice_with_the_tax_of_its_legal_entity(
    tryton: TrytonServer, admin: TrytonAdmin
) -> None:
    expected = {"UK01": ("1000.00", "6000.00", "GBP"), "US01": ("0", "5000.00", "USD")}
    for company, (tax, gross, currency) in expected.items():
        target = sink(tryton, company)
        world = await World(company, "FIXED_FEE_MILESTONE").begin(target, admin)
        event = world.accepted("5000.00")
        (first,), (second,) = await target.deliver([event]), await target.deliver([event])
        made = posted(first)
        assert isinstance(second, Duplicate)
        assert second.facts == made.facts
        assert (Decimal(made.facts["tax"]), made.facts["gross"]) == (Decimal(tax), gross)
        assert (made.facts["net"], made.facts["currency"]) == ("5000.00", currency)
        (line,) = json.loads(made.facts["lines"])
        assert (line["description"], line["role"], line["quantity"]) == ("Design accepted", "", "1.0000")
        assert len(world.invoices(admin)) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tax_code": "DE-VAT-19"}, "tax-unknown"),
        ({"amount": {"amount": Decimal("100.00001"), "currency": "GBP"}}, "field-invalid"),
        ({"amount": {"amount": Decimal("100"), "currency": "EUR"}}, "currency-mismatch"),
        ({"amount": None}, "field-missing"),
    ],
)
async def test_a_request_that_cannot_be_billed_is_refused(
    uk: Tryton, world: World, admin: TrytonAdmin, changes: dict[str, Any], expected: str
) -> None:
    assert code((await uk.deliver([world.accepted("1", **changes)]))[0]) == expected
    assert not world.invoices(admin)


async def test_another_amount_for_an_invoiced_milestone_is_refused(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    made = posted((await uk.deliver([world.accepted("500.00")]))[0])
    (answer,) = await uk.deliver([world.accepted("600.00")])
    assert code(answer) == "erp-refused"
    assert isinstance(answer, Rejected)
    assert made.number in answer.why
    assert [invoice["untaxed_amount"] for invoice in world.invoices(admin)] == [Decimal("500.00")]


async def test_a_client_without_an_address_is_refused(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (party,) = admin.rows("party.party", [["external_id", "=", f"client:{world.client}"]], ["addresses"])
    admin.call("model.party.address.delete", party["addresses"], {})
    assert code((await uk.deliver([world.accepted("500.00")]))[0]) == "erp-refused"


async def test_billing_waits_for_its_project(uk: Tryton) -> None:
    world = World()
    answers = [(await uk.deliver([event]))[0] for event in (world.month_end(), world.accepted("5000.00"))]
    assert [answer.until for answer in answers if isinstance(answer, Held)] == [Parent("project", world.project)] * 2


async def test_another_companys_request_is_refused(tryton: TrytonServer) -> None:
    (answer,) = await sink(tryton, "UK01").deliver([World("US01").month_end()])
    assert code(answer) == "legal-entity-unknown"


@pytest.mark.parametrize("kind", ["time", "milestone"])
async def test_a_crash_after_any_change_leaves_one_posted_invoice(
    tryton: TrytonServer, uk: Tryton, world: World, admin: TrytonAdmin, kind: str
) -> None:
    day = date(2026, 6, 30)  # long due: posting has a warning to skip
    for step in range(1, 40):
        name = f"step-{step}"
        await uk.deliver([world.worked(name, 3600, work_date=day)])
        event = world.accepted("150.00", name, day) if kind == "milestone" else world.month_end(name, day)
        try:
            await sink(tryton, http=CrashingHttp(step)).deliver([event])
        except Crash:
            assert posted((await uk.deliver([event]))[0]).facts["net"] == "150.00", f"after call {step}"
        else:
            assert step > (5 if kind == "time" else 3), "the crashes did not reach the last calls"
            break
        made = [(invoice["state"], invoice["untaxed_amount"]) for invoice in world.invoices(admin)]
        assert made == [("posted", Decimal("150.00"))] * step, f"after call {step}"
    else:
        pytest.fail("an invoice needs more calls than this test tries")


async def test_many_at_once_make_one_invoice(tryton: TrytonServer, uk: Tryton, admin: TrytonAdmin) -> None:
    """Never done on purpose, but a request that timed out here may still be at work there when we ask again."""
    world = await World().begin(uk, admin)
    await uk.deliver([world.worked(str(number), 3600) for number in range(5)])
    event = world.month_end()
    answers = await asyncio.gather(*(sink(tryton).deliver([event]) for _ in range(4)))
    assert all(isinstance(answer, (Delivered, Retry)) for (answer,) in answers), answers
    assert posted((await uk.deliver([event]))[0]).facts["net"] == "750.00"
    invoices = world.invoices(admin)
    assert [invoice["state"] for invoice in invoices].count("posted") == 1
    await uk.deliver([world.worked("later", 3600), world.month_end("next", date(2026, 11, 30))])
    totals = [invoice["untaxed_amount"] for invoice in world.invoices(admin) if invoice["state"] == "posted"]
    assert sorted(totals) == [Decimal("150.00"), Decimal("750.00")]


async def test_no_number_is_given_twice_to_invoices_posted_at_once(tryton: TrytonServer, admin: TrytonAdmin) -> None:
    """SQLite locks nothing that is only read, so Tryton's own sequences would do that (see fabric_ext)."""
    worlds = [await World().begin(sink(tryton), admin) for _ in range(4)]
    events = [world.accepted("10.00", day=date(2025, 9, 30)) for world in worlds]
    answers = await asyncio.gather(*(sink(tryton).deliver([event]) for event in events))
    for event, (answer,) in zip(events, answers, strict=True):
        if isinstance(answer, Retry):
            await sink(tryton).deliver([event])
    numbers = [invoice["number"] for world in worlds for invoice in world.invoices(admin)]
    assert len(numbers) == len(set(numbers)) == 4, numbers


async def test_a_persons_draft_is_left_alone(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (project,) = admin.rows("project.work", [["external_id", "=", f"UK01:project:{world.project}"]], ["id"])
    await uk.deliver([world.worked("1", 3600)])
    admin.call("model.project.work.invoice", [project["id"]], {"company": admin.company("UK01")})
    answers = await uk.deliver([world.worked("2", 1800), world.month_end()])
    assert posted(answers[-1]).facts["net"] == "75.00"
    assert sorted(invoice["state"] for invoice in world.invoices(admin)) == ["draft", "posted"]


async def test_a_closed_period_holds_the_invoice_and_its_opening_posts_it(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    day = date(2025, 3, 31)
    await uk.deliver([world.worked("1", 3600, work_date=date(2025, 3, 3))])
    event = world.month_end(day=day)
    with closed(admin, "UK01", "2025-03"):
        answers = [*await uk.deliver([event]), *await uk.deliver([world.accepted("500.00", day=day)])]
        assert [answer.until for answer in answers if isinstance(answer, Held)] == [Period("UK01", "2025-03")] * 2
    assert posted((await uk.deliver([event]))[0]).facts["invoice_date"] == "2025-03-31"
    assert posted((await uk.deliver([world.accepted("500.00", day=day)]))[0]).facts["net"] == "500.00"
    assert len(world.invoices(admin)) == 2


async def test_a_date_without_a_period_is_held(uk: Tryton, world: World) -> None:
    (answer,) = await uk.deliver([world.accepted("500.00", day=date(2031, 1, 31))])
    assert isinstance(answer, Held)
    assert answer.until == Period("UK01", "2031-01")


async def test_an_earlier_date_than_the_last_number_takes_that_date(uk: Tryton, world: World) -> None:
    late = posted((await uk.deliver([world.accepted("10.00", "late", date(2025, 5, 30))]))[0])
    early = posted((await uk.deliver([world.accepted("20.00", "early", date(2025, 5, 2))]))[0])
    next_month = posted((await uk.deliver([world.accepted("30.00", "before", date(2025, 4, 2))]))[0])
    assert (late.facts["invoice_date"], early.facts["invoice_date"]) == ("2025-05-30", "2025-05-30")
    assert next_month.facts["invoice_date"].startswith("2025-04")


@pytest.mark.parametrize("kind", ["time", "milestone"])
async def test_the_requests_own_tax_code_decides(uk: Tryton, world: World, admin: TrytonAdmin, kind: str) -> None:
    company = admin.company("UK01")
    exempt = f"GB-EXEMPT-{world.id}"
    values = {"name": "Exempt", "description": exempt, "type": "none", "company": company}
    admin.call("model.account.tax.create", [values], {"company": company})
    await uk.deliver([world.worked("1", 3600)])
    event = world.accepted("150.00", tax_code=exempt) if kind == "milestone" else world.month_end(tax_code=exempt)
    made = posted((await uk.deliver([event]))[0])
    assert (made.facts["net"], made.facts["gross"]) == ("150.00", "150.00")
    assert json.loads(made.facts["lines"])[0]["tax_code"] == exempt


class SlowHttp(Http):
    """Each call that posts times out here and is done there; meanwhile the draft looks as it was before."""

    async def request(self, method: str, url: str, **given: Any) -> Response:
        if json.loads(given["content"])["method"] == "model.account.invoice.post":
            await super().request(method, url, **given)
        return await super().request(method, url, **given)


async def test_an_invoice_that_was_posted_meanwhile_is_delivered(tryton: TrytonServer, world: World) -> None:
    answers = await sink(tryton, http=SlowHttp()).deliver([world.accepted("10.00", day=date(2025, 8, 29))])
    assert posted(answers[0]).number.startswith("UK01-2025-08-")
