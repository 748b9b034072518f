"""The review of one change: two versions of a schema in, findings and the verdict of both directions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.review.files import BadSchema
from schemas.review.finding import BREAK, NOTE, ORDER, Finding
from schemas.review.levels import Direction, Failure, Level, Version, compatible, failures
from schemas.review.meaning import changes

BACKWARD = (
    "what {old} wrote cannot be read with {new}: {why}. Records already in the topic, and dead letters that wait for "
    "replay, would strand."
)
FORWARD = (
    "what {new} writes cannot be read with {old}: {why}. Consumers that have not been upgraded stop at the first such "
    "record, and what they book stops with them."
)


@dataclass(frozen=True)
class Diff:
    """Verdict of the resolution rules, and everything found, the gravest first."""

    compatible: dict[Direction, bool]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether anything graver than a note is left that nobody accepted."""
        return any(each.severity is not NOTE and not each.accepted for each in self.findings)


def diff(history: Sequence[Version], new: Version, level: Level = Level.FULL) -> Diff:
    """Review a new version against its history, the oldest first and at least one.

    The level decides which pairs must resolve; meaning is compared with the last version, whatever the level. Raises
    `BadSchema` for types that refer to each other in a chain of hundreds.
    """
    last = history[-1]
    try:
        found = [*(explained(each) for each in failures(level, history, new)), *changes(last.type, new.type)]
        verdict = compatible(last.type, new.type)
    except RecursionError:
        raise BadSchema(f"{new.name}: its types refer to each other in a chain too long to follow") from None
    once = dict.fromkeys(found)
    return Diff(verdict, tuple(sorted(once, key=lambda each: ORDER.index(each.severity))))


def explained(failure: Failure) -> Finding:
    """A conflict as a finding, with what it means for whom."""
    conflict = failure.conflict
    told = BACKWARD if failure.direction is Direction.BACKWARD else FORWARD
    where = f"`{conflict.path}`" if conflict.path else "the whole"
    message = f"{where}: " + told.format(old=failure.old, new=failure.new, why=conflict.why)
    return Finding(f"{failure.direction}-{conflict.rule}", BREAK, conflict.path, message)
