"""Every `.change` folder: two versions of a schema, and what the review must say about them and nothing else.

A contributor adds a folder with `old.avsc`, `new.avsc` and `expected.toml`; nothing is registered anywhere.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from schemas import review
from schemas.review import CODES, Diff, Level, Severity, Version
from tests.conftest import Tell

FOLDER = Path(__file__).resolve().parents[1] / "changes"
CHANGES = sorted(FOLDER.glob("*.change"))
HARMLESS = [path for path in CHANGES if path.name.startswith("ok-")]


def expected(path: Path) -> dict[str, Any]:
    return tomllib.loads((path / "expected.toml").read_text(encoding="utf-8"))


def reviewed(path: Path) -> Diff:
    old, new = path / "old.avsc", path / "new.avsc"
    history = [Version("old.avsc", review.read(old, not_in=[new]).type)]
    level = Level(expected(path).get("compatibility", "FULL"))
    return review.diff(history, Version("new.avsc", review.read(new, not_in=[old]).type), level)


@pytest.mark.parametrize("path", CHANGES, ids=lambda path: path.stem)
def test_a_change_is_found_to_be_what_it_is(path: Path) -> None:
    found, wanted = reviewed(path), expected(path)
    assert {(each.code, each.severity.value, each.path) for each in found.findings} == {
        (each["code"], each["severity"], each["path"]) for each in wanted.get("finding", [])
    }
    assert {direction.value: fine for direction, fine in found.compatible.items()} == wanted["compatible"]
    assert wanted["why"].strip()


@pytest.mark.parametrize("path", HARMLESS, ids=lambda path: path.stem)
def test_a_harmless_change_does_not_fail_a_review(path: Path) -> None:
    assert not reviewed(path).failed


def test_there_are_as_many_harmless_changes_as_were_asked_for(tell: Tell) -> None:
    tell(f"examples of changes: {len(CHANGES)}, of them {len(HARMLESS)} harmless")
    assert len(HARMLESS) >= 40
    assert len(CHANGES) - len(HARMLESS) >= 40


def test_every_code_and_each_of_its_severities_has_an_example() -> None:
    shown = {(each.code, each.severity) for path in CHANGES for each in reviewed(path).findings}
    assert {(code, severity) for code, entry in CODES.items() for severity in entry.severities} - shown == set()


def test_a_message_says_what_could_go_wrong_in_a_sentence() -> None:
    for path in CHANGES:
        for each in reviewed(path).findings:
            assert each.message.rstrip('"').endswith((".", "?")), each
            assert each.severity is Severity.NOTE or len(each.message.split()) > 12, each
            assert "  " not in each.message, each


def test_a_change_compared_with_itself_is_no_change() -> None:
    for path in CHANGES:
        for name in ("old.avsc", "new.avsc"):
            parsed = review.read(path / name, not_in=list(path.glob("*.avsc"))).type
            found = review.diff([Version("a", parsed)], Version("b", parsed))
            assert not found.failed, path
            assert all(found.compatible.values()), path
