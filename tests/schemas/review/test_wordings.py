"""Docs worded otherwise: those that say the same raise nothing, those that do not are told apart (wordings.toml)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from schemas import review
from schemas.review import Finding, Severity, Version, parse
from tests.conftest import Tell

FILE = Path(__file__).resolve().parents[1] / "changes" / "wordings.toml"
PAIRS = tomllib.loads(FILE.read_text(encoding="utf-8"))


def said(old: str, new: str) -> list[Finding]:
    """What is graver than a note about a field whose doc changed so."""

    def version(doc: str) -> Version:
        schema = {"type": "record", "name": "R", "fields": [{"name": "thing", "type": "string", "doc": doc}]}
        return Version("v", parse(schema).type)

    found = review.diff([version(old)], version(new)).findings
    return [each for each in found if each.severity is not Severity.NOTE]


@pytest.mark.parametrize(("old", "new"), PAIRS["same"])
def test_what_says_the_same_raises_nothing(old: str, new: str) -> None:
    assert said(old, new) == []
    assert said(new, old) == []


@pytest.mark.parametrize(("old", "new", "code"), PAIRS["moved"])
def test_what_says_another_thing_is_told_apart(old: str, new: str, code: str) -> None:
    assert code in [each.code for each in said(old, new)]
    assert [each.code for each in said(new, old)]


def test_a_doc_that_does_not_change_raises_nothing() -> None:
    for doc in {text for pair in PAIRS["same"] + [each[:2] for each in PAIRS["moved"]] for text in pair}:
        assert said(doc, doc) == []


def test_there_are_enough_to_count_false_alarms(tell: Tell) -> None:
    tell(f"wordings: {len(PAIRS['same'])} that say the same, {len(PAIRS['moved'])} that do not")
    assert len(PAIRS["same"]) >= 75
    assert len(PAIRS["moved"]) >= 70
