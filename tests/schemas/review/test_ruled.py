"""Rules and examples in the check of a branch: what does not fit, what is gone, what contradicts, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import pytest

from schemas import contract
from schemas.review import ruled
from schemas.review.checked import Checked
from tests.cli.conftest import run
from tests.schemas.review.test_check import Check, Repository, check, found, repository
from tests.schemas.rules.examples import passing

__all__ = ["check", "repository", "run"]

RULE = """
[[rule]]
code = "time-zone-known"
events = ["time.TimeApproved"]
message = "The zone of the work date is no time zone."
listed = { path = "zone", in = "zone" }
broken_by = { "zone" = "Europe/Atlantis" }
"""
SCHEMA = contract.avro_text("time.TimeApproved")
RIGHT = passing("time.TimeApproved")[0]
WHERE = Path("schemas")


def files(rules: str | bytes | None = RULE, schema: str = SCHEMA, **examples: Any) -> dict[PurePath, bytes]:
    """A tree with one schema, one rule file and examples by case and verdict: `complete_pass = {...}`."""
    made = {PurePath("avro/time.TimeApproved_v1.avsc"): schema.encode()}
    if rules is not None:
        made[PurePath("rules/time.toml")] = rules if isinstance(rules, bytes) else rules.encode()
    for name, example in examples.items():
        case, _, verdict = name.replace("_", "-").rpartition("-")
        text = example if isinstance(example, str) else json.dumps(example)
        made[PurePath(f"examples/time.TimeApproved.{case}.{verdict}.json")] = text.encode()
    return made


def told(before: dict[PurePath, bytes], now: dict[PurePath, bytes]) -> list[tuple[str, str, str]]:
    return [(each.file.name, each.code, each.path) for each in ruled.findings(WHERE, before, now)]


def only(before: dict[PurePath, bytes], now: dict[PurePath, bytes]) -> Checked:
    (one,) = ruled.findings(WHERE, before, now)
    return one


HARMLESS = [
    (files(), files()),
    (files(), files(RULE.replace("no time zone", "none at all"))),
    (files(complete_pass=RIGHT), files(complete_pass=RIGHT | {"task": "ACME-1"})),
    (files(), files(complete_pass=RIGHT)),
    (files(), files(time_zone_known_fail=RIGHT | {"zone": "Nowhere/Land"})),
    (files(), files(work_date_not_a_date_fail=RIGHT | {"work_date": "June"})),
    (files(complete_pass=RIGHT | {"zone": "Nowhere/Land"}), files(complete_pass=RIGHT | {"zone": "No/Where"})),
    (files(), files(complete_pass="no JSON")),
    (files("[[rule]"), files("[[rule]", complete_pass=RIGHT)),
]


@pytest.mark.parametrize("case", range(len(HARMLESS)))
def test_what_breaks_nothing_new_is_silent(case: int) -> None:
    assert told(*HARMLESS[case]) == []


HARMFUL = [
    (files(), files(RULE.replace('"zone", in', '"zoen", in')), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(RULE.replace("listed", "lsited")), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(RULE.replace("TimeApproved", "TimeAproved")), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(RULE, SCHEMA.replace('"zone"', '"work_zone"')), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(RULE + RULE), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(RULE, "{"), ("time.toml", "rule-invalid", "time-zone-known")),
    (files(), files(None), ("time.toml", "rule-removed", "time-zone-known")),
    (files(), files(RULE.replace('in = "zone"', 'in = "iso-4217"')), ("time.toml", "rule-re-meant", "time-zone-known")),
    (files(None), files(), ("time.toml", "rule-added", "time-zone-known")),
    (
        files(),
        files(complete_pass=RIGHT | {"zone": "Nowhere/Land"}),
        ("time.TimeApproved.complete.pass.json", "example-breaks-rule", "time-zone-known"),
    ),
    (
        files(None, complete_pass=RIGHT | {"zone": "Nowhere/Land"}),
        files(complete_pass=RIGHT | {"zone": "Nowhere/Land"}),
        ("time.toml", "rule-added", "time-zone-known"),
    ),
    (
        files(),
        files(time_zone_known_fail=RIGHT),
        ("time.TimeApproved.time-zone-known.fail.json", "example-keeps-rule", "time-zone-known"),
    ),
]


ACROSS = """
[names.assignment]
by = "assignment_id"
kept_as = ["assignment.ResourceAssigned"]

[[rule]]
code = "time-inside-its-assignment"
events = ["time.TimeApproved"]
message = "The work lies outside the period for which the person is assigned."
inside = { path = "work_date", first = "@assignment.start_date", last = "@assignment.end_date" }
broken_by = { "work_date" = "2026-05-31" }
"""
NAMING = next(each for each in passing("time.TimeApproved") if each["assignment_id"])
NAMED = next(each for each in passing("assignment.ResourceAssigned") if each["aggregate_id"] == NAMING["assignment_id"])


def with_assignment(
    rules: str = ACROSS, schema: str = "", assignment: Any = None, **examples: Any
) -> dict[PurePath, bytes]:
    schema = schema or contract.avro_text("assignment.ResourceAssigned")
    return files(rules, **examples) | {
        PurePath("avro/assignment.ResourceAssigned_v1.avsc"): schema.encode(),
        PurePath("examples/assignment.ResourceAssigned.one.pass.json"): json.dumps(assignment or NAMED).encode(),
    }


ACROSS_HARMFUL = [
    (
        with_assignment(),
        with_assignment(schema=contract.avro_text("assignment.ResourceAssigned").replace('"end_date"', '"last_date"')),
        ("time.toml", "rule-invalid", "time-inside-its-assignment"),
    ),
    (
        with_assignment(),
        with_assignment(complete_pass=NAMING | {"work_date": "2026-05-31"}),
        ("time.TimeApproved.complete.pass.json", "example-breaks-rule", "time-inside-its-assignment"),
    ),
    (
        with_assignment(complete_pass=NAMING),
        with_assignment(complete_pass=NAMING, assignment=NAMED | {"start_date": "2026-06-05"}),
        ("time.TimeApproved.complete.pass.json", "example-breaks-rule", "time-inside-its-assignment"),
    ),
    (
        with_assignment(),
        with_assignment(ACROSS.replace('by = "assignment_id"', 'by = "task"')),
        ("time.toml", "rule-re-meant", "time-inside-its-assignment"),
    ),
    (files(), with_assignment(RULE + ACROSS), ("time.toml", "rule-added", "time-inside-its-assignment")),
]


@pytest.mark.parametrize("case", range(len(ACROSS_HARMFUL)))
def test_rules_with_what_an_event_names_are_tried_on_examples_that_name_each_other(case: int) -> None:
    assert told(*ACROSS_HARMFUL[case][:2]) == [ACROSS_HARMFUL[case][2]]


def test_an_example_that_breaks_a_rule_with_what_it_names_may_be_named_after_it() -> None:
    wrong = NAMING | {"work_date": "2026-05-31"}
    assert told(with_assignment(), with_assignment(time_inside_its_assignment_fail=wrong)) == []
    assert told(with_assignment(), with_assignment(complete_pass=NAMING | {"assignment_id": "of-nobody"})) == []


@pytest.mark.parametrize("case", range(len(HARMFUL)))
def test_what_breaks_something_is_found(case: int) -> None:
    before, now, expected = HARMFUL[case]
    assert expected in told(before, now)


def test_every_code_is_shown() -> None:
    assert {code for _, _, (_, code, _) in HARMFUL} == set(ruled.CODES)


def test_a_renamed_code_is_one_that_is_gone_and_one_that_is_new() -> None:
    now = files(RULE.replace("time-zone-known", "time-zone-right"))
    assert [code for _, code, _ in told(files(), now)] == ["rule-removed", "rule-added"]


def test_a_rule_that_does_not_fit_is_told_with_the_place_and_the_nearest_name() -> None:
    one = only(files(), files(RULE.replace('"zone", in', '"zoen", in')))
    assert one.message == (
        "time.toml: time-zone-known on time.TimeApproved: there is no field zoen; did you mean zone?."
    )


def test_what_was_wrong_before_is_not_told_again() -> None:
    wrong = files(RULE.replace('"zone", in', '"zoen", in'))
    assert told(wrong, wrong | files(None, complete_pass=RIGHT)) == []


def test_a_rule_file_that_is_no_utf_8_is_told() -> None:
    assert only(files(), files(b"\xff")).code == "rule-invalid"


def test_the_check_of_a_branch_tells_of_rules_and_examples(check: Check, repository: Repository) -> None:
    for folder in ("rules", "examples"):
        (repository.top / "schemas" / folder).mkdir()
    (repository.top / "schemas/rules/time.toml").write_text(RULE)
    broken = json.dumps(RIGHT | {"zone": "Nowhere/Land"})
    (repository.top / "schemas/examples/time.TimeApproved.complete.pass.json").write_text(broken)
    ran = check()
    assert ran.code == 1
    assert found(ran) == [
        ("hazard", "time.TimeApproved.complete.pass/example-breaks-rule/time-zone-known"),
        ("note", "time/rule-added/time-zone-known"),
    ]
    assert ran.json["changed"] == ["schemas/rules/time.toml"]


def test_the_rules_and_examples_of_this_repository_agree() -> None:
    tree = ruled.here(contract.AVRO.parent)
    assert {each.code for each in ruled.findings(WHERE, {}, tree)} == {"rule-added"}
