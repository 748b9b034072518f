"""Choosing dead letters: the filters that `dlq list`, `dlq stats` and `replay plan` share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from replay.deadletters import DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """All given filters must fit. `since` and `until` (aware) bound the last failure: since <= t < until."""

    component: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    def described(self) -> dict[str, str | int | list[str]]:
        """The filters that were given, as JSON can hold them."""
        found: dict[str, str | int | list[str]] = {}
        for name, value in asdict(self).items():
            if value:
                found[name] = value.isoformat() if isinstance(value, datetime) else _plain(value)
        return found

    def fits(self, letter: DeadLetter) -> bool:
        return (
            (not self.component or letter.component in self.component)
            and (not self.code or letter.code in self.code)
            and (not self.type or letter.type in self.type)
            and (not self.key or key_text(letter.key) in self.key or letter.aggregate_id in self.key)
            and (self.since is None or failed_at(letter) >= self.since)
            and (self.until is None or failed_at(letter) < self.until)
        )


def select(letters: Iterable[DeadLetter], selection: Selection) -> list[DeadLetter]:
    """Those that fit, in the order given; at most `selection.limit`."""
    found = [letter for letter in letters if selection.fits(letter)]
    return found if selection.limit is None else found[: selection.limit]


def failed_at(letter: DeadLetter) -> datetime:
    """When it last failed; when the header is no instant, when the broker stored it."""
    try:
        at = datetime.fromisoformat(letter.last_failed_at)
    except ValueError:
        return datetime.fromtimestamp(letter.buried_ms / 1000, UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def key_text(key: bytes | None) -> str:
    """A Kafka key for people and files; bytes that are not UTF-8 are escaped."""
    return "" if key is None else key.decode(errors="backslashreplace")


def _plain(value: object) -> int | list[str]:
    if isinstance(value, tuple):
        return [str(each) for each in value]
    if isinstance(value, int):
        return value
    raise TypeError(f"a filter cannot be {value!r}")
