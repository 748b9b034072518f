"""From readings to figures: medians of the rounds, ratios of medians, and the file that they are written to."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import linear_regression, median, quantiles
from typing import Any

from bench.meter import Reading

FILE = Path(__file__).parent / "results" / "latest.json"

RATIOS = {
    "host_full_over_bare": ("host_full", "bare_full"),
    "host_lazy_over_bare": ("host_lazy", "bare_full"),
    "host_lazy_over_lazy_bare": ("host_lazy", "bare_lazy"),
    "host_lazy_over_stock_faust": ("host_lazy", "stock_faust"),
    "host_lazy_over_quix": ("host_lazy", "quix"),
    "sink_over_http_loop": ("sink", "http_loop"),
    "sink_over_aiohttp_loop": ("sink", "aiohttp_loop"),
}
"""Ratios of records per second, by wall clock."""

TARGETS = {
    "host_full_over_bare": 0.85,
    "host_lazy_over_bare": 1.5,
    "host_lazy_over_lazy_bare": 0.8,
    "host_lazy_over_stock_faust": 8.0,
    "host_lazy_over_quix": 1.0,
    "two_workers_cpu_efficiency": 0.9,
    "sink_over_http_loop": 0.9,
}
"""DESIGN: what `make bench` must show."""


@dataclass
class Results:
    """`rounds`: the readings of each peer, one a round. `absent`: why a peer could not be measured."""

    rounds: dict[str, list[Reading]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    def add(self, peer: str, reading: Reading) -> None:
        self.rounds.setdefault(peer, []).append(reading)

    def per_second(self, peer: str) -> float | None:
        return _median(r.per_second for r in self.rounds.get(peer, []))

    def per_cpu_second(self, peer: str) -> float | None:
        return _median(r.per_cpu_second for r in self.rounds.get(peer, []))

    def ratios(self) -> dict[str, float | None]:
        cpu = self.per_cpu_second
        return {
            **{name: _ratio(self.per_second(a), self.per_second(b)) for name, (a, b) in RATIOS.items()},
            "host_lazy_over_kafka_streams_per_cpu": _ratio(cpu("host_lazy"), cpu("kafka_streams")),
            "two_workers_cpu_efficiency": _ratio(cpu("two_workers"), cpu("host_lazy_shared")),
        }

    def per_cpu_ratios(self) -> dict[str, float | None]:
        """The same by CPU-seconds: what a busy machine distorts less."""
        cpu = self.per_cpu_second
        return {f"{name}_per_cpu": _ratio(cpu(a), cpu(b)) for name, (a, b) in RATIOS.items()}

    def as_json(self) -> dict[str, Any]:
        peers = {
            peer: {
                "per_second": self.per_second(peer),
                "per_cpu_second": self.per_cpu_second(peer),
                "rounds": [asdict(r) | {"per_second": r.per_second, "per_cpu_second": r.per_cpu_second} for r in runs],
            }
            for peer, runs in self.rounds.items()
        }
        return {
            **self.ratios(),
            **self.per_cpu_ratios(),
            **self.more,
            "targets": TARGETS,
            "absent": self.absent,
            "peers": peers,
            "machine": machine(),
        }

    def write(self, file: Path = FILE) -> None:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(_rounded(self.as_json()), indent=1) + "\n")

    def table(self) -> str:
        """The ratios beside their targets, then the rates."""
        lines = [f"{'ratio':40} {'measured':>9} {'target':>7} {'per CPU':>9}"]
        by_cpu = self.per_cpu_ratios()
        for name, found in self.ratios().items():
            target = f"{TARGETS[name]:.2f}" if name in TARGETS else ""
            lines.append(f"{name:40} {_text(found):>9} {target:>7} {_text(by_cpu.get(f'{name}_per_cpu')):>9}")
        lines += ["", f"{'peer':40} {'per s':>9} {'':7} {'per CPU-s':>9}"]
        for peer in self.rounds:
            lines.append(f"{peer:40} {self.per_second(peer):9,.0f} {'':7} {self.per_cpu_second(peer):9,.0f}")
        lines += [f"{peer:40} {'absent':>9}  {why}" for peer, why in self.absent.items()]
        return "\n".join([*lines, "", *(f"{name}: {value}" for name, value in _rounded(self.more).items())])


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000, "records": len(seconds)}


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """MB per minute, of (seconds, MB) samples; the first third, while caches fill, is left out."""
    kept = samples[len(samples) // 3 :]
    if len(kept) < 2:
        return 0.0
    return linear_regression([at / 60 for at, _ in kept], [mb for _, mb in kept]).slope


def machine() -> Mapping[str, Any]:
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
