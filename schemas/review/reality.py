"""What a proposed schema does to records that are there: findings of the review, made elsewhere.

Reading topics is nothing for this package; whoever read them says here how many records would strand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.review.finding import BREAK, Code, Severity

CODES: dict[str, Code] = {
    "records-strand": Code((BREAK,), "records that are kept in a topic could not be read any more"),
    "dead-letters-strand": Code((BREAK,), "dead letters that wait could not be read any more, so no replay helps"),
}

SAMPLES = 5
"""Records that a finding names."""


@dataclass(frozen=True)
class Sample:
    """A record by where it lies, and why it would strand; never a value of it."""

    place: str
    cause: str


@dataclass(frozen=True)
class Strand:
    """Records of one schema in one place (`where`: a topic, or the component of dead letters) that would strand."""

    code: str
    where: str
    count: int
    tried: int
    whole: bool
    """Whether all were tried, or a sample."""
    samples: tuple[Sample, ...]

    @property
    def severity(self) -> Severity:
        return BREAK

    @property
    def path(self) -> str:
        return self.where

    @property
    def message(self) -> str:
        what = "records" if self.code == "records-strand" else "unresolved dead letters"
        of = f"all {self.tried}" if self.whole else f"a sample of {self.tried}"
        causes = "; ".join(dict.fromkeys(each.cause for each in self.samples))
        places = ", ".join(each.place for each in self.samples)
        return (
            f"{self.count} {what} of {self.where} ({of} tried) could not be read with the new schema: {causes}. "
            f"For example {places}."
        )

    def as_dict(self) -> dict[str, str | bool]:
        """As `schema diff --output json` gives it, beside other findings."""
        rest = {"code": self.code, "severity": self.severity.value, "path": self.path, "message": self.message}
        return {**rest, "accepted": False}


@dataclass(frozen=True)
class Changed:
    """A schema file that a branch changes: its JSON now and at the merge base (None: it is new)."""

    path: Path
    value: Any
    base: Any


@dataclass(frozen=True)
class Looked:
    """What was found of each changed file, and sentences that say what was tried, or why not."""

    strands: Mapping[Path, Sequence[Strand]]
    told: tuple[str, ...]


Look = Callable[[Path, Sequence[Changed]], Looked]
"""Tries changed files (paths relative to a top) on records."""


def nothing(top: Path, changed: Sequence[Changed]) -> Looked:
    return Looked({}, ())
