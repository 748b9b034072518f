"""Findings that were accepted: files in the repository, one `[[accepted]]` each, so that accepting is reviewed itself.

[[accepted]]
id = "time.TimeApproved_v1/unit-changed/worked_seconds"
reason = "No record was written yet; the topic is new."
approver = "finance systems"
expiry = 2026-12-31
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from schemas import toml
from schemas.review.declared import Words, refusing
from schemas.review.files import BadSchema


class Acceptance(BaseModel):
    """Somebody takes the consequence of one finding, until a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Words
    """Of the finding, as `schema check` shows it."""
    reason: Words
    approver: Words
    expiry: date
    """The last day on which it counts."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    accepted: tuple[Acceptance, ...] = Field(min_length=1)


def read(folder: Path) -> dict[str, Acceptance]:
    """Acceptances of all `.toml` files of a folder, by finding; none where it is not there. Raises `BadSchema`: a file
    that is wrong, a finding accepted twice."""
    found: dict[str, Acceptance] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            with refusing():
                entries = toml.read(path.read_text(encoding="utf-8"), _File, path.name).accepted
        except BadSchema as error:
            mistakes += error.mistakes
            continue
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(f"{path.name}: {error}")
            continue
        for each in entries:
            if each.id in found:
                mistakes.append(f"{path.name}: {each.id} is accepted twice")
            found[each.id] = each
    if mistakes:
        raise BadSchema(*mistakes)
    return found
