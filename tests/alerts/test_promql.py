"""The evaluator: what Prometheus' own engine says of the same series and expressions, and nothing it was not taught."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.alerts import cases
from tests.alerts.evaluating import Samples, evaluate
from tests.alerts.promql import NAME, Binary, NotUnderstood, Number, parse
from tests.alerts.rules import FILE, Watch, rules

SAID = json.loads((Path(__file__).parent / "prometheus_says.json").read_text())
SAMPLES = cases.samples()
ASKED = cases.queries()


def ours(text: str, at: float) -> dict[frozenset[tuple[str, str]], float]:
    found = evaluate(parse(text), SAMPLES, at)
    return found if isinstance(found, dict) else {frozenset(): found}


def test_there_are_answers_to_all_cases_and_most_say_something() -> None:
    assert len(SAID) == len(ASKED)
    assert sum(1 for answer in SAID if answer["vector"]) > len(SAID) / 2


@pytest.mark.parametrize("expression", cases.OTHERS)
def test_prometheus_says_the_same(expression: str) -> None:
    for (text, at), answer in zip(ASKED, SAID, strict=True):
        if text == expression:
            theirs = {frozenset(each["labels"].items()): each["value"] for each in answer["vector"]}
            assert ours(text, at) == pytest.approx(theirs), f"at {at}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "psf_lag[5m]",
        "psf_lag offset 5m",
        "psf_lag @ 0",
        "histogram_quantile(0.9, psf_lag)",
        "quantile by (x) (psf_lag)",
        "psf_lag > bool 1",
        "rate(psf_lag)",
        "rate(psf_lag[5m:1m])",
        "psf_lag * on (component) psf_other",
        "psf_lag * ignoring (component) psf_other",
        "sum without (component) (psf_lag)",
        "psf_lag{component}",
        "(psf_lag",
        "1 > 2",
        "psf_lag and 1",
        "absent(1)",
    ],
)
def test_what_is_not_understood_is_refused_never_guessed(text: str) -> None:
    with pytest.raises(NotUnderstood):
        evaluate(parse(text), SAMPLES, cases.START + 600)


def test_operators_bind_as_in_the_language() -> None:
    assert evaluate(parse("1 + 2 * 3 - 4 / 2"), Samples(), 0) == 5
    found = parse("a or b and c > 1 + 2")
    assert isinstance(found, Binary)
    assert found.sign == "or"
    assert isinstance(found.right, Binary)
    assert found.right.sign == "and"
    assert parse("-3") == Number(-3)


def test_a_target_that_does_not_answer_is_down_and_its_series_are_gone() -> None:
    samples, target = Samples(), {"job": "psfabric", "instance": "a"}
    samples.scrape(0, target, {("x", frozenset()): 1.0})
    samples.scrape(15, target, None)
    assert evaluate(parse("x"), samples, 14) != {}
    assert evaluate(parse("x"), samples, 15) == {}
    up = frozenset({NAME: "up", **target}.items())
    assert evaluate(parse("up == 0"), samples, 15) == {up: 0.0}


def test_an_alert_waits_for_as_long_as_it_says_and_begins_anew_when_it_was_well_in_between() -> None:
    rule = next(each for each in rules() if each.name == "PsfBreakerOpen")
    samples, target = Samples(), {"job": "psfabric", "instance": "a"}
    watch = Watch(samples, [rule])

    def firing(at: float, value: float) -> bool:
        samples.scrape(at, target, {("psf_breaker_open", frozenset({("component", "c")})): value})
        return bool(watch.firing(at))

    assert [firing(at, 1) for at in (0, 60, 119, 120)] == [False, False, False, True]
    assert [firing(130, 0), firing(140, 1), firing(200, 1), firing(260, 1)] == [False, False, False, True]


def test_the_rules_are_what_promtool_takes_for_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here; the evaluator's own answers were compared with Prometheus'")
    subprocess.run([promtool, "check", "rules", str(FILE)], check=True)
