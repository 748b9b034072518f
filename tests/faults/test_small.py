"""The part of the proof that every `make test` affords: a few deaths, one control, over the real parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crashing import Campaign, crash, explore
from tests.faults.fabric import Fabric, Parts, Setting
from tests.faults.processes import Nursery
from tests.faults.report import Report

DEATHS = 8


@pytest.fixture(scope="module")
def pointed() -> Iterator[Nursery]:
    made = Nursery(points=True)
    yield made
    made.close()


@pytest.mark.timeout(240)
def test_the_whole_road_outlives_deaths_at_a_sample_of_its_points(
    parts: Parts, pointed: Nursery, report: Report, tmp_path: Path
) -> None:
    """The sample is drawn from the seed that is printed, another one each time."""
    campaign = Campaign()
    with Fabric(parts, pointed, tmp_path, report.seed, Setting(sinks=("upsert", "none"))) as fabric:
        explore(fabric, campaign, 0.5, dealing=False)
        sample = fabric.rng.sample(sorted(campaign.reached), DEATHS)
        crash(fabric, campaign, sample)
        fabric.settle(90, quiet=0.2)
        verdict = fabric.verdict()
        assert verdict.clean, f"{sample} {verdict}\n{fabric.logs()}"
    report.points = {"reached": len(campaign.reached), "died at": ", ".join(sorted(campaign.died))}


def test_an_exception_that_is_acknowledged_is_seen_as_a_loss(parts: Parts, pointed: Nursery, tmp_path: Path) -> None:
    setting = Setting(thin=False, plant="acknowledge_on_exception")
    with Fabric(parts, pointed, tmp_path, 1, setting) as fabric:
        fabric.patience = 20.0
        fabric.say(5)
        bad = {**fabric.sayings.say(key=f"{fabric.run}-bug", new=True, posted=False), "bug": "yes"}
        fabric.store([fabric.raw(bad)])
        fabric.recovered()
        fabric.patience = 0.5
        fabric.settle(quiet=0)
        assert fabric.verdict().lost == 1
