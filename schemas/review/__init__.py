"""The review of schema changes: what Avro's rules forbid, and what they let through and should not.

    read(Path("new.avsc"))                       a schema file, checked, with what other files define
    diff([Version("v1", old)], Version(…))       findings of one change: resolution rules and meaning
    failures(level, history, new)                the resolution rules alone, over a list of versions
    CODES                                        every code that a finding may have

Works on any Avro files, in or out of this repository. Imports nothing of ours but this package.
docs/schema-review.md says what each code means and why it was decided so.
"""

from __future__ import annotations

from schemas.review.diff import Diff, diff
from schemas.review.files import BadSchema, read
from schemas.review.finding import CODES, Finding, Severity
from schemas.review.levels import Direction, Level, Version, failures
from schemas.review.parse import parse

__all__ = [
    "CODES",
    "BadSchema",
    "Diff",
    "Direction",
    "Finding",
    "Level",
    "Severity",
    "Version",
    "diff",
    "failures",
    "parse",
    "read",
]
