"""A finding of the check of a branch, and the report of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.review.accepted import Acceptance
from schemas.review.finding import NOTE, Severity
from schemas.review.reach import Hit


@dataclass(frozen=True)
class Checked:
    """A finding of the check: in which file, under which id it may be accepted, and by whom it was."""

    file: Path
    """Relative to the top of the repository."""
    code: str
    severity: Severity
    path: str
    message: str
    accepted: Acceptance | None = None
    reaches: tuple[Hit, ...] = ()
    """Consumers that read what has changed."""
    events: tuple[str, ...] = ()
    """Of a finding about a topic: the events in it."""

    @property
    def id(self) -> str:
        return "/".join(filter(None, (self.file.stem, self.code, self.path)))

    def as_dict(self) -> dict[str, Any]:
        """As `--output json` gives it; these keys are a promise."""
        return {
            "id": self.id,
            "file": self.file.as_posix(),
            "code": self.code,
            "severity": self.severity.value,
            "path": self.path,
            "message": self.message,
            "accepted": self.accepted is not None,
            "consumers": [each.as_dict() for each in self.reaches],
        }


@dataclass(frozen=True)
class Report:
    """What a branch changes: the files, and what was found in them, the gravest first."""

    base: str
    """The merge base that was compared with."""
    top: Path
    changed: tuple[Path, ...]
    compared: int
    """Versions of the main line that were compared with."""
    findings: tuple[Checked, ...]
    tried: tuple[str, ...] = ()
    """Sentences that say on which records the change was tried, or why not."""

    @property
    def failed(self) -> bool:
        """Whether anything graver than a note is left that nobody accepted."""
        return any(each.severity is not NOTE and not each.accepted for each in self.findings)
