"""Cases for the evaluator: invented series, the rules' own expressions and others beside them, from a seed.

`python -m tests.alerts.cases` prints them as JSON for a program that asks Prometheus' own engine (a dozen lines of Go
around `promql.NewEngine`); its answers are kept in `prometheus_says.json`.
"""

from __future__ import annotations

import json
import random
from typing import Any

from tests.alerts.evaluating import Samples, Series
from tests.alerts.promql import NAME

SEED = 7
STEP = 15.0
SCRAPES = 60
START = 1_790_000_000.0

OTHERS = (
    "psf_lag",
    "psf_lag > 50",
    "psf_lag >= 50 and psf_lag < 100",
    'psf_lag{component=~"a|b",partition!="0"}',
    "sum by (component) (psf_lag)",
    "max by (component) (psf_lag) - min by (component) (psf_lag)",
    "count by () (psf_lag)",
    "sum(psf_lag) / 2",
    "-1 + 2 * psf_lag",
    "10 - 2 - 3 + 0 * psf_lag",
    "10 < psf_lag",
    "delta(psf_lag[1m])",
    "delta(psf_lag[10m])",
    "rate(psf_dead_letters_total[5m])",
    "increase(psf_dead_letters_total[1m])",
    "increase(psf_dead_letters_total[10m])",
    "max_over_time(psf_lag[2m])",
    "min_over_time(psf_lag[2m]) == 0",
    "psf_lag or psf_paused",
    "psf_lag unless on (component) psf_paused == 1",
    "psf_paused and on (component) psf_lag > 10",
    "psf_lag > psf_other",
    "psf_lag - psf_other",
    'absent(psf_lag{component="nobody"})',
    "absent(psf_lag)",
    "psf_lag > 0 or psf_other > 0 and psf_paused == 1",
    "sum by (component) (psf_lag) > 10 and sum by (component) (delta(psf_lag[10m])) > 0 "
    "unless on (component) psf_paused == 1",
)


def samples(seed: int = SEED) -> Samples:
    rng = random.Random(seed)
    found = Samples()
    for component in "abc":
        for partition in "01":
            where = {"component": component, "partition": partition}
            _fill(found.of(_labels("psf_lag", **where)), _wandering(rng))
            _fill(found.of(_labels("psf_other", **where)), _wandering(rng))
            _fill(found.of(_labels("psf_dead_letters_total", **where)), _counting(rng))
        _fill(found.of(_labels("psf_paused", component=component)), _switching(rng))
    return found


def _fill(series: Series, made: Series) -> None:
    series.times, series.values = made.times, made.values


def queries(seed: int = SEED) -> list[tuple[str, float]]:
    rng = random.Random(f"queries {seed}")
    return [(text, round(START + rng.uniform(0, STEP * SCRAPES + 400), 3)) for text in OTHERS for _ in range(12)]


def _labels(name: str, **labels: str) -> frozenset[tuple[str, str]]:
    return frozenset({NAME: name, **labels}.items())


def _times(rng: random.Random) -> list[float]:
    """Scrapes a little out of step; some fail, and some series begin late or end early."""
    first, last = rng.choice((0, 0, 20)), rng.choice((SCRAPES, SCRAPES, 40))
    at = [START + n * STEP + rng.choice((0.0, 0.0, 0.25)) for n in range(first, last)]
    return [t for t in at if rng.random() > 0.1]


def _series(rng: random.Random, values: Any) -> Series:
    made = Series()
    for at in _times(rng):
        made.add(at, next(values))
    if rng.random() < 0.3:  # marked as gone for a while
        lost = rng.randrange(len(made.values))
        made.values[lost : lost + 3] = [None] * len(made.values[lost : lost + 3])
    return made


def _wandering(rng: random.Random) -> Series:
    def values() -> Any:
        level = 0
        while True:
            level = max(0, level + rng.choice((-20, -5, 0, 0, 5, 25)))
            yield float(level)

    return _series(rng, values())


def _counting(rng: random.Random) -> Series:
    def values() -> Any:
        count = rng.choice((0, 0, 7))
        while True:
            count = 0 if rng.random() < 0.05 else count + rng.choice((0, 0, 1, 4))
            yield float(count)

    return _series(rng, values())


def _switching(rng: random.Random) -> Series:
    def values() -> Any:
        while True:
            yield float(rng.random() < 0.5)

    return _series(rng, values())


def as_json() -> str:
    series = [
        {
            "labels": dict(labels),
            "points": [[t, v] for t, v in zip(each.times, each.values, strict=True) if v is not None],
            "stale": [t for t, v in zip(each.times, each.values, strict=True) if v is None],
        }
        for labels, each in samples().series.items()
    ]
    return json.dumps({"series": series, "queries": [{"expr": text, "at": at} for text, at in queries()]})


if __name__ == "__main__":
    print(as_json())
