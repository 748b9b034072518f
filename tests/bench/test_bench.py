"""The measurements: a tiny run of the programs under measurement, and how readings become figures."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from bench.__main__ import SIZES, Bench, main
from bench.meter import Reading
from bench.results import Results, percentiles, slope
from bench.work import CLIENTS, OUTPUTS, TABLE, bare, records
from psfabric.event import Record


def reading(count: int, seconds: float, cpu: float = 1.0) -> Reading:
    return Reading(count, seconds, cpu, 50.0)


def test_the_lazy_and_the_full_way_do_the_same_work() -> None:
    given = [Record("psf.bench", 0, n, key, value, headers) for n, (_, key, value, headers) in enumerate(records(200))]
    lazy, full = bare(lazy=True), bare(lazy=False)
    made = [lazy(record) for record in given]
    assert made == [full(record) for record in given]
    assert {topic for topic, *_ in made} == set(OUTPUTS)
    assert 250 < sum(len(record.value or b"") for record in given) / len(given) < 350
    assert len(TABLE) == CLIENTS
    assert TABLE["001000096"].cost_share == Decimal("0.0097")


def test_ratios_are_those_of_medians() -> None:
    found = Results()
    for seconds in (1.0, 2.0, 100.0):
        found.add("bare_full", reading(1000, seconds))
        found.add("host_lazy", reading(1000, seconds / 2))
    assert found.ratios()["host_lazy_over_bare"] == 2.0
    assert found.ratios()["host_lazy_over_quix"] is None, "a peer that was not measured has no ratio"


def test_two_workers_are_compared_by_their_cpu_seconds() -> None:
    found = Results()
    found.add("host_lazy_shared", reading(1000, 9.0, 1.0))
    found.add("two_workers", reading(1000, 1.0, 1.25))
    assert found.ratios()["two_workers_cpu_efficiency"] == 0.8


def test_a_foreign_peer_that_fails_is_absent_and_costs_no_other_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object, **named: object) -> Reading:
        raise RuntimeError("quix ended with 1: no module of that name")

    monkeypatch.setattr("bench.__main__.quix_python", lambda: "python")
    monkeypatch.setattr("bench.__main__.measured", fails)
    bench = Bench("", SIZES["tiny"], lambda text: None)
    bench._one("quix", 0, lambda: bench._quix("in", 10))
    assert bench.results.absent == {"quix": "quix ended with 1: no module of that name"}


def test_a_slope_leaves_out_the_beginning() -> None:
    assert slope([(0, 10), (30, 90), (60, 100), (90, 101), (120, 102), (150, 103)]) == pytest.approx(2.0)
    assert slope([(0, 1)]) == 0.0


def test_percentiles_are_in_milliseconds() -> None:
    assert percentiles([n / 1000 for n in range(1, 1001)])["p50_ms"] == pytest.approx(500.5)


def test_what_is_measured_is_written_with_its_rounds(kafka_bootstrap: str, tmp_path: Path) -> None:
    file = tmp_path / "results" / "latest.json"
    only = "bare_full,host_full,host_lazy,sink"
    assert main(["--size", "tiny", "--only", only, "--bootstrap", kafka_bootstrap, "--results", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["host_full_over_bare"] > 0
    assert found["host_lazy_over_quix"] is None
    for peer, count in {"bare_full": 3000, "host_full": 3000, "host_lazy": 3000, "sink": 100}.items():
        (one,) = found["peers"][peer]["rounds"]
        assert one["records"] >= count
        assert one["per_second"] > 0
