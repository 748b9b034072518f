"""The clock of a simulated system. It can be held at an instant, so that a past month is lived through in seconds."""

from __future__ import annotations

from datetime import UTC, datetime


class Clock:
    """The wall clock, unless held."""

    def __init__(self) -> None:
        self._held: datetime | None = None

    def now(self) -> datetime:
        """The instant in UTC at which the system believes to be."""
        return self._held or datetime.now(UTC)

    def hold(self, at: datetime | None) -> None:
        """Stop at `at`; None lets the wall clock run again."""
        self._held = at and at.astimezone(UTC)


def instant(text: str) -> datetime:
    """An aware datetime from ISO 8601 text; raises ValueError when the text names no offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} names no offset; write it like 2026-10-05T09:00:00+01:00")
    return at


def milliseconds(at: datetime) -> int:
    """Epoch milliseconds, exact."""
    seconds = int(at.replace(microsecond=0).timestamp())
    return seconds * 1000 + at.microsecond // 1000
