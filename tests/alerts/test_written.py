"""What is written about metrics names real ones: rules, dashboard, and the page for whoever is on call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from psfabric.telemetry.metrics import series
from tests.alerts.promql import NAME, Aggregation, Binary, Call, Expr, Number, Selector, parse
from tests.alerts.rules import FILE, Rule, rules

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy" / "dashboards" / "psfabric.json"
TARGET = {"job", "instance"}
KNOWN = {**{name: set(labels) | TARGET for name, labels in series().items()}, "up": TARGET}
RULES = rules()


def selectors(expr: Expr) -> Iterator[Selector]:
    match expr:
        case Selector():
            yield expr
        case Call() | Aggregation():
            yield from selectors(expr.argument)
        case Binary():
            yield from selectors(expr.left)
            yield from selectors(expr.right)
        case Number():
            pass


def groupings(expr: Expr) -> Iterator[tuple[str, ...]]:
    match expr:
        case Aggregation():
            yield expr.by
            yield from groupings(expr.argument)
        case Call():
            yield from groupings(expr.argument)
        case Binary():
            yield expr.on or ()
            yield from groupings(expr.left)
            yield from groupings(expr.right)


def strangers(expr: Expr) -> list[str]:
    """What an expression asks for that no process ever says."""
    found = []
    labels: set[str] = set()
    for selector in selectors(expr):
        names = [(sign, wanted) for label, sign, wanted in selector.matchers if label == NAME]
        (sign, wanted), *_ = names
        meant = [name for name in KNOWN if (re.fullmatch(wanted, name) if sign == "=~" else name == wanted)]
        labels |= set().union(*(KNOWN[name] for name in meant)) | {NAME}
        found += [] if meant else [wanted]
        found += [label for label, _, _ in selector.matchers if label not in labels]
    return found + [label for by in groupings(expr) for label in by if label not in labels]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_asks_for_what_processes_say_and_shows_labels_that_it_has(rule: Rule) -> None:
    assert strangers(rule.expr) == []
    shown = set(re.findall(r"\$labels\.(\w+)", rule.summary))
    kept = set(next(iter(groupings(rule.expr)), ())) or set().union(*(KNOWN[_name(s)] for s in selectors(rule.expr)))
    assert shown <= kept, "a label that aggregation has taken away shows as nothing"
    assert rule.severity in ("page", "ticket")


def _name(selector: Selector) -> str:
    return next(wanted for label, _, wanted in selector.matchers if label == NAME)


def test_a_planted_stranger_is_found() -> None:
    assert strangers(parse("sum by (pod) (psf_lagg{partition='0'})".replace("'", '"'))) == [
        "psf_lagg",
        "partition",
        "pod",
    ]
    assert strangers(parse('psf_lag{code="1"}')) == ["code"]


def test_names_of_alerts_are_one_each_and_each_has_a_line_for_whoever_is_on_call() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.split("## Alerts", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| (Psf\w+) \|", section, re.MULTILINE) == names


def test_the_fault_behind_every_alert_is_planted_somewhere() -> None:
    planted = "".join((Path(__file__).parent / f"test_{name}.py").read_text() for name in ("components", "parts"))
    assert [rule.name for rule in RULES if f'"{rule.name}"' not in planted] == []


def test_the_file_says_nothing_that_is_not_looked_at() -> None:
    assert FILE.read_text().count("- alert:") == len(RULES)


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


@pytest.mark.parametrize("panel", [p for p in panels() if p["type"] != "row"], ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_processes_say(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert strangers(parse(target["expr"])) == []


def test_panels_do_not_lie_on_each_other() -> None:
    places = [
        (x, y)
        for panel in panels()
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in panels()}) == len(panels())
