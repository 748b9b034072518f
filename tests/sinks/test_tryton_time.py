"""Approved time in a real Tryton: made, corrected, removed, and what stands in the way of each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from psfabric.errors import Parent
from psfabric.outcomes import Delivered, Duplicate, Held, Outcome, Rejected, Retry
from sandbox.tryton_admin import TrytonAdmin
from sinks.tryton import Tryton, waves
from tests.conftest import TrytonServer
from tests.sinks.tryton_world import CountingHttp, Crash, CrashingHttp, World, sink


@pytest.fixture
def uk(tryton: TrytonServer) -> Tryton:
    return sink(tryton)


@pytest.fixture
async def world(uk: Tryton, admin: TrytonAdmin) -> World:
    return await World().begin(uk, admin)


def reference(answer: Outcome) -> str:
    assert isinstance(answer, Delivered), answer
    return answer.reference


def line(admin: TrytonAdmin, world: World, entry: str) -> dict[str, object] | None:
    domain = [["external_id", "=", f"{world.company}:time:{world.entry(entry)}:1"]]
    rows = admin.rows("timesheet.line", domain, ["date", "duration", "employee", "work.origin"])
    return rows[0] if rows else None


async def test_an_entry_becomes_a_line_of_exactly_its_seconds(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (answer,) = await uk.deliver([world.worked("1", 3601, work_date=date(2026, 10, 7))])
    found = line(admin, world, "1")
    assert found is not None
    assert (found["date"], found["duration"]) == (date(2026, 10, 7), timedelta(seconds=3601))
    assert reference(answer) == str(found["id"])
    assert isinstance(answer, Delivered)
    assert answer.facts == {"rate": "150.0000"}


async def test_a_repeat_is_a_duplicate_with_the_same_receipt(uk: Tryton, world: World) -> None:
    event = world.worked("1", 3600)
    first, second = [(await uk.deliver([event]))[0] for _ in range(2)]
    found = await uk.find(event)
    assert isinstance(first, Delivered)
    assert isinstance(second, Duplicate)
    assert found is not None
    assert (first.reference, first.facts) == (second.reference, second.facts) == (found.reference, found.facts)


async def test_a_bad_entry_does_not_hinder_the_others_of_its_batch(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    batch = [world.worked(str(number), 600 * number) for number in range(1, 8)]
    batch.insert(2, world.worked("stranger", 600, resource_id="nobody"))
    batch.insert(4, world.worked("chef", 600, role="Chef"))
    batch.insert(5, world.worked("early", 600, project_id=f"PRJ-later-{world.id}"))
    answers = await uk.deliver(batch)
    assert [answer.code for answer in answers if isinstance(answer, Rejected)] == [
        "resource-unknown",
        "role-unknown",
    ]
    held = [answer for answer in answers if isinstance(answer, Held)]
    assert [answer.until for answer in held] == [Parent("project", f"PRJ-later-{world.id}")]
    assert len([answer for answer in answers if isinstance(answer, Delivered)]) == 7
    assert len(world.ours(admin, "timesheet.line")) == 7


async def test_a_row_that_tryton_refuses_is_found_and_the_rest_is_posted(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    """A person who left in September cannot have worked in October; only Tryton knows that."""
    leaver = admin.onboard("UK01", f"leaver-{world.id}", f"Leaver {world.id}")
    admin.call("model.company.employee.write", [leaver], {"end_date": date(2026, 9, 30)}, {"company": 2})
    batch = [world.worked(str(number), 600) for number in range(6)]
    batch[3] = world.worked("3", 600, resource_id=f"leaver-{world.id}")
    answers = await uk.deliver(batch)
    assert [type(answer) for answer in answers] == [*[Delivered] * 3, Rejected, *[Delivered] * 2]
    refused = answers[3]
    assert isinstance(refused, Rejected)
    assert refused.code == "erp-refused"
    assert world.id not in refused.why, "a refusal must not carry the names that Tryton quotes"
    on_the_last_day = world.worked("6", 600, resource_id=f"leaver-{world.id}", work_date=date(2026, 9, 30))
    assert isinstance((await uk.deliver([on_the_last_day]))[0], Delivered)


async def test_a_task_that_takes_no_time_is_named(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (task,) = admin.rows("project.work", [["external_id", "=", f"UK01:task:{world.project}:Partner"]], ["id"])
    admin.call("model.project.work.write", [task["id"]], {"timesheet_available": False}, {"company": 2})
    (answer,) = await uk.deliver([world.worked("1", 60, role="Partner")])
    assert isinstance(answer, Rejected)
    assert answer.code == "role-unknown"


async def test_a_correction_is_written_to_the_same_line(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (first,) = await uk.deliver([world.worked("1", 3600)])
    corrected = world.worked("1", 5400, role="Partner", work_date=date(2026, 10, 6))
    (second,) = await uk.deliver([corrected])
    assert reference(second) == reference(first)
    assert not isinstance(second, Duplicate)
    assert isinstance(second, Delivered)
    assert second.facts == {"rate": "400.0000"}
    found = line(admin, world, "1")
    assert found is not None
    assert (found["date"], found["duration"]) == (date(2026, 10, 6), timedelta(seconds=5400))
    assert (await uk.find(corrected)) is not None


async def test_two_versions_in_one_batch_end_with_the_second(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    answers = await uk.deliver([world.worked("1", 3600), world.worked("2", 60), world.worked("1", 1800)])
    assert reference(answers[0]) == reference(answers[2])
    found = line(admin, world, "1")
    assert found is not None
    assert found["duration"] == timedelta(seconds=1800)


async def test_a_removal_deletes_the_line_and_a_later_version_makes_it_again(
    uk: Tryton, world: World, admin: TrytonAdmin
) -> None:
    await uk.deliver([world.worked("1", 3600)])
    answers = await uk.deliver([world.removed("1"), world.removed("1")])
    assert [reference(answer) for answer in answers] == ["", ""]
    assert line(admin, world, "1") is None
    assert await uk.find(world.removed("1")) is not None
    await uk.deliver([world.worked("1", 60)])
    assert line(admin, world, "1") is not None
    assert await uk.find(world.removed("1")) is None


async def test_the_removal_of_what_was_never_here_is_delivered(uk: Tryton, world: World) -> None:
    assert await uk.deliver([world.removed("never")]) == [Delivered("")]


async def test_a_billed_line_is_neither_corrected_nor_removed(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    await uk.deliver([world.worked("1", 3600), world.month_end()])
    answers = await uk.deliver([world.worked("1", 60), world.removed("1")])
    assert [answer.code for answer in answers if isinstance(answer, Rejected)] == ["time-already-billed"] * 2
    found = line(admin, world, "1")
    assert found is not None
    assert found["duration"] == timedelta(seconds=3600)
    assert isinstance((await uk.deliver([world.worked("1", 3600)]))[0], Duplicate)


async def test_a_line_on_a_draft_waits_for_what_becomes_of_it(uk: Tryton, world: World, admin: TrytonAdmin) -> None:
    (project,) = admin.rows("project.work", [["external_id", "=", f"UK01:project:{world.project}"]], ["id"])
    await uk.deliver([world.worked("1", 3600)])
    admin.call("model.project.work.invoice", [project["id"]], {"company": admin.company("UK01")})
    answers = await uk.deliver([world.worked("1", 60), world.removed("1")])
    assert [type(answer) for answer in answers] == [Retry, Retry]


@pytest.mark.parametrize("correct", [False, True])
async def test_a_crash_after_any_change_leaves_one_line(
    tryton: TrytonServer, uk: Tryton, world: World, admin: TrytonAdmin, correct: bool
) -> None:
    for step in range(1, 20):
        entry = str(step)
        if correct:
            await uk.deliver([world.worked(entry, 60)])
        event = world.worked(entry, 3600)
        try:
            await sink(tryton, http=CrashingHttp(step)).deliver([event])
        except Crash:
            (answer,) = await uk.deliver([event])
            assert isinstance(answer, Delivered), f"after call {step}: {answer}"
        else:
            assert step > 1, "the crashes did not reach the call that writes"
            break
    rows = admin.time_lines("UK01")
    mine = [row for row in rows if world.id in (row["external_id"] or "")]
    assert {row["duration"] for row in mine} == {timedelta(seconds=3600)}
    assert len(mine) == step


def test_events_go_in_waves_of_different_aggregates_and_each_aggregate_keeps_its_order() -> None:
    world = World()
    first, second, again = world.worked("1", 60), world.worked("2", 60), world.worked("1", 90)
    gone, month = world.removed("2"), world.month_end()
    assert waves([first, second, again, gone, month]) == [{0: first, 1: second, 4: month}, {2: again, 3: gone}]
    assert waves([]) == []


async def test_removals_of_a_batch_are_looked_up_in_one_call(tryton: TrytonServer) -> None:
    world, counting = World(), CountingHttp()
    uk = sink(tryton, http=counting)
    await uk.deliver([world.removed("warm-up")])
    before = counting.calls
    answers = await uk.deliver([world.removed(str(number)) for number in range(50)])
    assert [answer.reference for answer in answers if isinstance(answer, Delivered)] == [""] * 50
    assert counting.calls - before == 1
