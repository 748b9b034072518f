"""The published cases of other implementations: who can read whom, and what is no schema at all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.review import Level, Version, failures, parse
from schemas.review.json_text import NotJson, loads
from tests.conftest import Tell

SHARED = Path(__file__).resolve().parents[4] / "shared" / "cases"
KINDS = {
    "type-mismatch": "TYPE_MISMATCH",
    "name-mismatch": "NAME_MISMATCH",
    "size-mismatch": "FIXED_SIZE_MISMATCH",
    "symbols-missing": "MISSING_ENUM_SYMBOLS",
    "default-missing": "READER_FIELD_MISSING_DEFAULT_VALUE",
    "branch-missing": "MISSING_UNION_BRANCH",
}
DECIDED = {"avro-compat-0232": "incompatible"}
"""Disputed cases in which we decide against the verdict of their source: docs/schema-review.md, "What is disputed"."""

OTHER_KIND = {
    "avro-compat-0231": "a fixed and a record are of two types, whatever their names",
    "avro-compat-0414": "symbols are not compared where the names already differ",
    "avro-compat-0417": "symbols are not compared where the names already differ",
}
"""Cases whose source gives another or a further reason for the same verdict."""


def cases(folder: str) -> list[dict[str, Any]]:
    path = SHARED / folder / "cases.jsonl"
    if not path.is_file():
        pytest.skip(f"the cases of other implementations are not there: {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(case: dict[str, Any]) -> tuple[str, set[str]]:
    """Our verdict on a case, and its reasons in the words of the cases."""
    if case["mode"] == "READER_WRITER":
        level, history, new = Level.BACKWARD, [case["writer"]], case["reader"]
    else:
        level, history, new = Level(case["mode"]), case["existing_oldest_first"], case["new"]
    versions = [Version(f"version {at}", parse(each).type) for at, each in enumerate(history, 1)]
    found = failures(level, versions, Version("new", parse(new).type))
    return ("incompatible" if found else "compatible"), {KINDS[each.conflict.rule] for each in found}


def test_every_undisputed_case_of_compatibility_is_judged_as_its_source_does(
    tell: Tell,
) -> None:
    undisputed = [case for case in cases("avro_compat") if not case["disputed"]]
    wrong = [case["id"] for case in undisputed if judged(case)[0] != case["expected"]]
    tell(f"avro_compat: {len(undisputed) - len(wrong)} of {len(undisputed)} undisputed cases agree")
    assert wrong == []
    assert len(undisputed) > 100


def test_every_disputed_case_is_judged_as_was_decided(tell: Tell) -> None:
    disputed = [case for case in cases("avro_compat") if case["disputed"]]
    wrong = [case["id"] for case in disputed if judged(case)[0] != DECIDED.get(case["id"], case["expected"])]
    tell(f"avro_compat: {len(disputed) - len(wrong)} of {len(disputed)} disputed cases follow the decision")
    assert wrong == []


def test_a_conflict_has_the_reason_that_the_source_gives() -> None:
    reasoned = [case for case in cases("avro_compat") if case.get("expected_error_kind")]
    other = {case["id"] for case in reasoned if judged(case)[1] != set(case["expected_error_kind"])}
    assert other == OTHER_KIND.keys() & {case["id"] for case in reasoned}


def test_every_place_of_a_conflict_is_told_once() -> None:
    (case,) = [each for each in cases("avro_compat") if each["id"] == "avro-compat-0139"]
    new, old = Version("new", parse(case["reader"]).type), Version("old", parse(case["writer"]).type)
    found = failures(Level.BACKWARD, [old], new)
    assert len({(each.conflict.path, each.conflict.rule) for each in found}) == len(found)
    assert Counter(KINDS[each.conflict.rule] for each in found) == Counter(case["expected_error_kind"])


def test_every_case_of_validity_is_judged_as_its_source_does(tell: Tell) -> None:
    given = cases("avro_schema_validity")
    wrong = [case["id"] for case in given if is_valid(case["schema_json_text"]) != case["valid"]]
    tell(f"avro_schema_validity: {len(given) - len(wrong)} of {len(given)} cases agree")
    assert wrong == []


def is_valid(text: str) -> bool:
    try:
        return not parse(loads(text.encode())).fatal
    except NotJson:
        return False
