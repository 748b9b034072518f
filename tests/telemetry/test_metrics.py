"""The one list of names: complete, in the docs, current by OpenTelemetry's conventions, and enforced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import pytest
from mypy import api
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_ENDPOINT
from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.semconv._incubating.metrics import messaging_metrics, process_metrics

from psfabric import outcomes
from psfabric.engine.work import TopicPartition, Write
from psfabric.telemetry import ComponentState, PartitionState, Telemetry, document, metrics
from psfabric.telemetry.meters import NAMES
from psfabric.telemetry.metrics import METRICS, OUTCOMES, Metric, exposed, series
from tests.telemetry.scraping import scraped

THEIRS = {
    value
    for module in (messaging_metrics, process_metrics)
    for name, value in vars(module).items()
    if name.isupper()
    and isinstance(value, str)
    and "Deprecated" not in str(getattr(module, f"create_{name.lower()}", None).__doc__)
}


def test_every_listed_name_is_defined_and_no_other() -> None:
    assert set(get_args(Metric)) == set(METRICS)


def test_every_outcome_of_the_engine_has_a_name_and_every_name_is_one() -> None:
    assert set(NAMES) == set(get_args(outcomes.Outcome)) - {outcomes.Retry}
    assert set(NAMES.values()) == set(OUTCOMES)


@pytest.mark.parametrize("metric", [m for m in METRICS if not m.startswith("psf.")])
def test_a_name_that_is_not_ours_is_a_current_one_of_the_conventions(metric: Metric) -> None:
    assert metric in THEIRS


def test_labels_of_the_conventions_are_current_ones() -> None:
    known = {v for k, v in vars(messaging_attributes).items() if k.isupper()}
    used = {label for defined in METRICS.values() for label in defined.labels if label.startswith("messaging.")}
    assert used <= known


def test_the_page_is_made_from_the_list() -> None:
    assert document.PAGE.read_text(encoding="utf-8") == document.text(), "python -m psfabric.telemetry.document"
    assert document.main(["--check"]) == 0


def test_a_name_that_is_not_listed_does_not_pass_the_type_checker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list alone is checked: with all that the package imports it would take seconds."""
    (tmp_path / "metrics.py").write_text(Path(metrics.__file__).read_text())
    planted = tmp_path / "planted.py"
    planted.write_text("from metrics import exposed\nexposed('psf.lag')\nexposed('psf.lagg')\n")
    monkeypatch.chdir(tmp_path)
    depth = sys.getrecursionlimit()
    said, _, code = api.run(["--config-file=", f"--cache-dir={tmp_path}", str(planted)])
    sys.setrecursionlimit(depth)  # mypy raises it for good, and other tests rely on it
    assert code == 1
    assert [line.split(":")[1] for line in said.splitlines() if ": error:" in line] == ["3"], said


def everything() -> Telemetry:
    """A process in which every metric has something to say."""
    telemetry = Telemetry("test", env={})
    at = TopicPartition("in", 0)
    state = ComponentState(ready=True, partitions=[PartitionState(at, 5, 5, 4)], tokens=3.0)
    meter = telemetry.component("price-time", lambda: state)
    meter.counted(outcomes.Rejected("wrong-magic", "x"))
    meter.read("in", 1)
    meter.wrote([Write("out", b"k", b"v")])
    meter.acknowledged(0.0)
    telemetry.measured(
        "messaging.process.duration", 0.1, dict.fromkeys(METRICS["messaging.process.duration"].labels, "x")
    )
    telemetry.measured("psf.records.age", 0.1, {"component": "price-time", "since": "event"})
    telemetry.offsets({at: 9}, {})
    telemetry.intake.answered("jira-acme", 202)
    telemetry.intake.acknowledged("jira-acme", 0.0)
    telemetry.source("salesforce-acme").paged(3)
    for flag in ("psf.kafka.reachable", "psf.registry.reachable", "psf.redis.reachable", "psf.reference.complete"):
        telemetry.found(flag, True)
    return telemetry


def test_what_is_shown_is_what_is_listed_with_the_labels_that_are_listed() -> None:
    shown = {
        name: {label for label, _ in labels}
        for name, labels in scraped(everything())
        if not name.endswith("_created") and name != "target_info"
    }
    assert shown == {name: set(labels) for name, labels in series().items()}


def test_the_names_at_the_endpoint_are_known_without_one() -> None:
    assert exposed("psf.dead_letters") == "psf_dead_letters_total"
    assert exposed("process.memory.usage") == "process_memory_usage_bytes"
    assert OTEL_EXPORTER_OTLP_ENDPOINT in document.text()
