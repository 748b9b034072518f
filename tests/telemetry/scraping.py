"""Reads what a process says at `/metrics`, as Prometheus would."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from psfabric.telemetry import Telemetry

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]
"""Value of each series, by name and labels."""


def parsed(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(telemetry: Telemetry) -> Samples:
    telemetry.refresh()
    return parsed(telemetry.exposition().decode())


def fetched(url: str) -> Samples:
    return parsed(httpx.get(url, timeout=10).raise_for_status().text)


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """Of the one series with these labels among others; None when there is none."""
    wanted = set(labels.items())
    found = [v for (series, having), v in samples.items() if series == name and wanted <= having]
    assert len(found) <= 1, f"{name}{labels} stands for {len(found)} series"
    return found[0] if found else None
