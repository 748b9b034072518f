"""Crash points: a process that dies at any await between poll and commit loses nothing and posts nothing twice."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import points
from tests.faults.crashing import Campaign, crash, explore
from tests.faults.fabric import Setting
from tests.faults.ground import Ground
from tests.faults.processes import ROOT, Nursery
from tests.faults.report import Report

SETTING = Setting(sinks=("upsert", "unique", "none"))
SOURCE = """
class Member:
    async def turn(self):
        records = await self.poll(1)
        if records:
            self._producer.write(await self.made(records), None)
        async for page in self.pages():
            pass
        return records

def plain(engine):
    return [engine.settle(w) for w in engine.works]
"""


def test_every_await_and_every_durable_call_is_a_point() -> None:
    _, names = points.named(SOURCE, "m")
    assert {*names} == {
        "m.Member.turn#1:before", "m.Member.turn#1:after",
        "m.Member.turn#2:before", "m.Member.turn#2:after",
        "m.Member.turn#3:before", "m.Member.turn#3:after",
        "m.Member.turn#4:after",
        "m.plain#1:before", "m.plain#1:after",
    }  # fmt: skip


def test_what_is_rewritten_does_what_it_did() -> None:
    hits: list[str] = []
    space: dict[str, Any] = {points.HIT: hits.append}
    exec(compile(points.named("def f(engine):\n    return engine.settle(2) + 1\n", "m")[0], "m", "exec"), space)

    class Engine:
        def settle(self, number: int) -> int:
            hits.append("settled")
            return number

    assert space["f"](Engine()) == 3
    assert hits == ["m.f#1:before", "settled", "m.f#1:after"]


def test_the_product_has_points_in_every_room_between_poll_and_commit() -> None:
    listed = points.listed(ROOT)
    assert len(listed) == len(set(listed)) > 150
    rooms = "hosts.aio", "hosts.pure", "hosts.polling", "stages.delivering", "http", "kafka.group", "kafka.messages"
    for room in rooms:
        assert any(name.startswith(f"psfabric.{room}.") for name in listed), room


@pytest.fixture(scope="module")
def pointed() -> Iterator[Nursery]:
    made = Nursery(points=True)
    yield made
    made.close()


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_dying_at_each_point_loses_nothing_and_posts_nothing_twice(
    ground: Ground, pointed: Nursery, report: Report, tmp_path: Path
) -> None:
    campaign = Campaign()
    times = {"small": 1, "quick": 2, "long": 20}[ground.tier.name]
    here = dataclasses.replace(ground, nursery=pointed, verdicts=[])
    with here.fabric(SETTING) as fabric:
        explore(fabric, campaign, 4.0)
        chosen = sorted(campaign.reached) * times
        random.Random(ground.seed).shuffle(chosen)
        crash(fabric, campaign, chosen)
        fabric.settle(180)
    report.points |= {
        "listed": len(points.listed(ROOT)),
        "reached": len(campaign.reached),
        "reached_while_dealing": sorted(campaign.dealing),
        "died_at": len(campaign.died),
        "deaths": sum(campaign.died.values()),
        "missed": len(campaign.missed),
        "never_reached": campaign.never,
    }
    print(here.verdicts[-1])
    assert here.verdicts[-1].clean, f"{here.verdicts[-1]}\n{here.logs}"
    assert len(campaign.died) >= 0.8 * len(campaign.reached)
