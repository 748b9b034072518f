"""docs/schema-review.md lists the codes of the review as they are, with their severities and words."""

from __future__ import annotations

import re

from psfabric.registry.drift import KINDS
from schemas.review import CODES, check, lint, reality, ruled, topics
from tests.docs.pages import ROOT
from tests.schemas.review.test_changes import CHANGES, expected

PAGE = (ROOT / "docs/schema-review.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \| ((?:break|hazard|note)(?:, [a-z]+)*) \| (.+) \|$", re.MULTILINE)


def test_the_table_of_codes_is_that_of_the_code() -> None:
    every = CODES | lint.CODES | check.CODES | topics.CODES | ruled.CODES | reality.CODES
    listed = [(code, severities, meaning) for code, severities, meaning in ROW.findall(PAGE)]
    assert listed == [
        (code, ", ".join(each.value for each in entry.severities), entry.meaning) for code, entry in every.items()
    ]


def test_the_examples_are_counted_as_they_are() -> None:
    graver = [any(each["severity"] != "note" for each in expected(path).get("finding", [])) for path in CHANGES]
    counted = [int(number) for number in re.findall(r"^\| harm.*?\| (\d+) \|", PAGE, re.MULTILINE)]
    assert counted == [sum(graver), len(graver) - sum(graver)]


def test_the_table_of_differences_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| .+ \|$", PAGE.partition("## Registration")[2], re.MULTILINE)
    assert dict(rows[: len(KINDS)]) == KINDS
