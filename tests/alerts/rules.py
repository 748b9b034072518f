"""The rules of deploy/alerts as Prometheus would evaluate them: expressions, `for`, and who fires."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.alerts.evaluating import Labels, Samples, evaluate
from tests.alerts.promql import Expr, NotUnderstood, duration, parse

FILE = Path(__file__).resolve().parents[2] / "deploy" / "alerts" / "psfabric.rules.yml"


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    text: str
    expr: Expr
    hold: float
    severity: str
    summary: str


def rules(file: Path = FILE) -> list[Rule]:
    """Raises NotUnderstood for an expression that is not in the evaluator's part of the language."""
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    return [_rule(each) for group in groups for each in group["rules"]]


def _rule(body: dict[str, object]) -> Rule:
    strange = body.keys() - {"alert", "expr", "for", "labels", "annotations"}
    labels, annotations = body["labels"], body["annotations"]
    if strange or not isinstance(labels, dict) or not isinstance(annotations, dict):
        raise NotUnderstood(f"{body['alert']} says {', '.join(sorted(strange))}")
    text = str(body["expr"])
    held = duration(str(body.get("for", "0s")))
    return Rule(str(body["alert"]), text, parse(text), held, labels["severity"], annotations["summary"])


@dataclass(slots=True)
class Watch:
    """Evaluates all rules at each instant it is told of; remembers since when each has been pending."""

    samples: Samples
    rules: list[Rule] = field(default_factory=rules)
    pending: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def firing(self, at: float) -> dict[str, list[dict[str, str]]]:
        """Labels of each alert that fires, by its name."""
        found: dict[str, list[dict[str, str]]] = {}
        active: dict[tuple[str, Labels], float] = {}
        for rule in self.rules:
            result = evaluate(rule.expr, self.samples, at)
            for labels in result if isinstance(result, dict) else ():
                since = active[rule.name, labels] = self.pending.get((rule.name, labels), at)
                if at - since >= rule.hold:
                    found.setdefault(rule.name, []).append(dict(labels))
        self.pending = active
        return found
