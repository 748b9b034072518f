"""Which policy each declared component runs under."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from psfabric import pipelines
from psfabric.assembly import calling_stages, dead_letter_classes, pure_stages
from psfabric.pipelines import VARIABLE, Pipelines
from psfabric.stages import SinkStage, Stage
from tests.hosts.calling import codec

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "pipelines"


@pytest.fixture
def declared(tmp_path: Path) -> Pipelines:
    """The checked-in pipelines, `tryton-us` with more calls open than its adapter allows."""
    text = (FOLDER / "acme.toml").read_text().replace("in_flight = 2", "in_flight = 200", 1)
    (tmp_path / "acme.toml").write_text(text)
    names = set(VARIABLE.findall(text))
    return pipelines.load(tmp_path, {n: "https://x.invalid" if n.endswith("URL") else "x" * 40 for n in names})


def by_name(stages: Any) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages}


async def test_hydrate_and_sinks_call_out_and_everything_else_is_pure(declared: Pipelines) -> None:
    known: Any = None
    calling, pure = by_name(calling_stages(declared, codec())), by_name(pure_stages(declared, codec(), known))
    assert not calling.keys() & pure.keys()
    inputs = declared.inputs()
    assert {name: stage.inputs for name, stage in {**calling, **pure}.items()} == inputs
    assert set(calling) == {n for n in inputs if n.endswith(".hydrate")} | {d.adapter.name for d in declared.sinks}


async def test_a_sink_keeps_order_behind_held_records_and_within_its_adapters_bounds(declared: Pipelines) -> None:
    stages = by_name(calling_stages(declared, codec()))
    sink, adapter = stages["tryton-us"].policy, next(d.adapter for d in declared.sinks if d.adapter.name == "tryton-us")
    assert sink.barrier
    assert sink.concurrency == adapter.capabilities.concurrency
    assert sink.batch == adapter.capabilities.batch
    assert sink.rate == 40.0
    assert sink.safe_repeat == (adapter.capabilities.idempotency in ("upsert", "unique"))
    assert "project" in sink.creatable


async def test_every_request_of_a_sink_waits_for_the_lease_of_its_host(declared: Pipelines) -> None:
    async def gate() -> None: ...

    sinks = [stage for stage in calling_stages(declared, codec()) if isinstance(stage, SinkStage)]
    assert len(sinks) == len(declared.sinks)
    for stage in sinks:
        stage.send_while(gate)
        assert stage.adapter.http.gate is gate


def test_every_code_of_a_dead_letter_has_a_class() -> None:
    classes = dead_letter_classes()
    assert classes["bug"] == "bug"
    assert {"wrong-magic", "avro-truncated", "schema-unknown", "contract-violated", "header-invalid"} <= classes.keys()
