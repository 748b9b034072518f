"""Evaluates PromQL over samples in memory: what Prometheus says of the cases in `prometheus_says.json`, this says too.

`Samples` are kept as Prometheus keeps scrapes, the series `up` and marks of what is gone included.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tests.alerts.promql import (
    ARITHMETIC,
    COMPARE,
    MATCH,
    NAME,
    Aggregation,
    Binary,
    Call,
    Expr,
    NotUnderstood,
    Number,
    Selector,
)

LOOKBACK = 300.0
"""Seconds after its last sample during which a series still counts."""

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]


@dataclass(slots=True)
class Series:
    """Samples in order of time; `None` for a scrape in which the series was gone (Prometheus' stale marker)."""

    times: list[float] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)

    def add(self, at: float, value: float | None) -> None:
        self.times.append(at)
        self.values.append(value)

    def instant(self, at: float) -> float | None:
        last = bisect_right(self.times, at) - 1
        return self.values[last] if last >= 0 and at - self.times[last] < LOOKBACK else None

    def range(self, at: float, seconds: float) -> list[tuple[float, float]]:
        """Samples after `at - seconds` up to `at`."""
        first, end = bisect_right(self.times, at - seconds), bisect_right(self.times, at)
        pairs = zip(self.times[first:end], self.values[first:end], strict=True)
        return [(t, v) for t, v in pairs if v is not None]


@dataclass(slots=True)
class Samples:
    """All that was scraped, by labels (the name among them). `names` finds the series of a name at once."""

    series: dict[Labels, Series] = field(default_factory=dict)
    names: dict[str, dict[Labels, Series]] = field(default_factory=dict)

    def scrape(self, at: float, target: Mapping[str, str], found: Mapping[tuple[str, Labels], float] | None) -> None:
        """Keep one scrape of a target; None: it did not answer. `up` is added, and what is gone is marked stale."""
        having = frozenset(target.items())
        fresh = {} if found is None else {having | labels | {(NAME, name)}: v for (name, labels), v in found.items()}
        fresh[having | {(NAME, "up")}] = float(found is not None)
        for labels, series in self.series.items():
            if having <= labels and labels not in fresh and series.values[-1] is not None:
                series.add(at, None)
        for labels, value in fresh.items():
            self.of(labels).add(at, value)

    def of(self, labels: Labels) -> Series:
        """The series of these labels, a new one if there was none."""
        if labels not in self.series:
            made = self.series[labels] = Series()
            self.names.setdefault(dict(labels).get(NAME, ""), {})[labels] = made
        return self.series[labels]

    def named(self, matchers: Iterable[tuple[str, str, str]]) -> Mapping[Labels, Series]:
        """Those that can be meant by a selector: of its name, where it has one."""
        wanted = next((value for label, sign, value in matchers if (label, sign) == (NAME, "=")), None)
        return self.series if wanted is None else self.names.get(wanted, {})


def _delta(found: list[tuple[float, float]], at: float, seconds: float, *, counter: bool) -> float | None:
    """`delta`, or `increase` of a counter that may have begun anew; carried on to the edges of the range, as
    Prometheus does: by half an interval at most where a sample is far from its edge, and never below zero."""
    if len(found) < 2:
        return None
    (first, begin), (last, end) = found[0], found[-1]
    rise = end - begin
    if counter:
        rise += sum(a for (_, a), (_, b) in pairwise(found) if b < a)
    span, spacing = last - first, (last - first) / (len(found) - 1)
    before, after = first - (at - seconds), at - last
    before = spacing / 2 if before >= spacing * 1.1 else before
    if counter and rise > 0 and begin >= 0:
        before = min(before, span * begin / rise)
    after = spacing / 2 if after >= spacing * 1.1 else after
    return rise * (span + before + after) / span


_OVER_RANGE: Final[Mapping[str, Callable[[list[tuple[float, float]], float, float], float | None]]] = {
    "delta": lambda found, at, seconds: _delta(found, at, seconds, counter=False),
    "increase": lambda found, at, seconds: _delta(found, at, seconds, counter=True),
    "rate": lambda found, at, seconds: _rate(_delta(found, at, seconds, counter=True), seconds),
    "max_over_time": lambda found, at, seconds: max((v for _, v in found), default=None),
    "min_over_time": lambda found, at, seconds: min((v for _, v in found), default=None),
}
_AGGREGATE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum, "max": max, "min": min, "count": len,
}  # fmt: skip


def _rate(rise: float | None, seconds: float) -> float | None:
    return None if rise is None else rise / seconds


def evaluate(expr: Expr, samples: Samples, at: float) -> Vector | float:
    """A vector by labels (without the name once anything was computed), or a number."""
    match expr:
        case Number():
            return expr.value
        case Selector():
            return _instant(expr, samples, at)
        case Call(name="absent"):
            return {} if _vector(expr.argument, samples, at) else {_told(expr.argument): 1.0}
        case Call():
            return _over_range(expr, samples, at)
        case Aggregation():
            return _aggregated(expr, _vector(expr.argument, samples, at))
        case Binary():
            return _combined(expr, evaluate(expr.left, samples, at), evaluate(expr.right, samples, at))


def _vector(expr: Expr, samples: Samples, at: float) -> Vector:
    found = evaluate(expr, samples, at)
    if isinstance(found, float):
        raise NotUnderstood("a number where a vector should be")
    return found


def _matching(selector: Selector, samples: Samples) -> Iterable[tuple[Labels, Series]]:
    for labels, series in samples.named(selector.matchers).items():
        having = dict(labels)
        if all(MATCH[sign](having.get(name, ""), wanted) for name, sign, wanted in selector.matchers):
            yield labels, series


def _instant(selector: Selector, samples: Samples, at: float) -> Vector:
    if selector.seconds is not None:
        raise NotUnderstood("a range outside of a function")
    found = {labels: series.instant(at) for labels, series in _matching(selector, samples)}
    return {labels: value for labels, value in found.items() if value is not None}


def _over_range(call: Call, samples: Samples, at: float) -> Vector:
    function, selector = _OVER_RANGE[call.name], call.argument
    if not isinstance(selector, Selector) or selector.seconds is None:
        raise NotUnderstood(f"{call.name} of something that is no range")
    found: Vector = {}
    for labels, series in _matching(selector, samples):
        value = function(series.range(at, selector.seconds), at, selector.seconds)
        if value is not None:
            found[_unnamed(labels)] = value
    return found


def _aggregated(expr: Aggregation, vector: Vector) -> Vector:
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(frozenset(pair for pair in labels if pair[0] in expr.by), []).append(value)
    return {labels: float(_AGGREGATE[expr.name](values)) for labels, values in groups.items()}


def _combined(expr: Binary, left: Vector | float, right: Vector | float) -> Vector | float:
    if expr.sign in ("and", "or", "unless"):
        return _set(expr, left, right)
    if isinstance(left, float) and isinstance(right, float):
        if expr.sign in COMPARE:
            raise NotUnderstood("a comparison of two numbers")
        return ARITHMETIC[expr.sign](left, right)
    pairs = _pairs(expr, left, right)
    if expr.sign in COMPARE:  # a filter: the left side stays as it is, name and all
        kept = {labels: (a, b) for labels, a, b in pairs if COMPARE[expr.sign](a, b)}
        return {labels: b if isinstance(left, float) else a for labels, (a, b) in kept.items()}
    return {_unnamed(labels): ARITHMETIC[expr.sign](a, b) for labels, a, b in pairs}


def _pairs(expr: Binary, left: Vector | float, right: Vector | float) -> list[tuple[Labels, float, float]]:
    """One to one; the labels are those of the left (of the vector, where the other is a number)."""
    if isinstance(left, float):
        assert isinstance(right, dict)
        return [(labels, left, value) for labels, value in right.items()]
    if isinstance(right, float):
        return [(labels, value, right) for labels, value in left.items()]
    if expr.on is not None:
        raise NotUnderstood("`on` with anything but and, or, unless")
    partners = {_unnamed(labels): value for labels, value in right.items()}
    both = [(labels, value) for labels, value in left.items() if _unnamed(labels) in partners]
    return [(labels, value, partners[_unnamed(labels)]) for labels, value in both]


def _set(expr: Binary, left: Vector | float, right: Vector | float) -> Vector:
    if isinstance(left, float) or isinstance(right, float):
        raise NotUnderstood(f"`{expr.sign}` with a number")
    there = {_key(labels, expr.on) for labels in (left if expr.sign == "or" else right)}
    if expr.sign == "or":
        return left | {labels: value for labels, value in right.items() if _key(labels, expr.on) not in there}
    return {labels: value for labels, value in left.items() if (_key(labels, expr.on) in there) == (expr.sign == "and")}


def _key(labels: Labels, on: tuple[str, ...] | None) -> Labels:
    return _unnamed(labels) if on is None else frozenset(pair for pair in labels if pair[0] in on)


def _unnamed(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != NAME)


def _told(expr: Expr) -> Labels:
    """What `absent` knows of a series that is not there: what was asked for with `=`."""
    matchers = expr.matchers if isinstance(expr, Selector) else ()
    return frozenset((name, wanted) for name, sign, wanted in matchers if sign == "=" and name != NAME)
