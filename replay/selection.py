"""Choosing dead letters: the filters that `dlq list`, `dlq stats`, `dlq export` and `replay plan` share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from replay.deadletters import DeadLetter
from replay.states import State


@dataclass(frozen=True, slots=True)
class Selection:
    """All given filters must fit, each with one of its values.

    `key`: Kafka key or aggregate id, whole. `id`: a business id as `names` takes it. `client`, `entity` (legal entity)
    and `period` (YYYY-MM) are what the content says, so they need it decoded. `since` and `until` (aware) bound the
    last failure: since <= t < until. Without `state` it is the newest dead letter of each subject, in any state.
    """

    component: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    period: tuple[str, ...] = ()
    incident: tuple[str, ...] = ()
    state: tuple[State, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None

    @property
    def by_content(self) -> bool:
        """Whether values have to be decoded to know what fits."""
        return bool(self.client or self.entity or self.period)

    def described(self) -> dict[str, str | int | list[str]]:
        """The filters that were given, as JSON can hold them."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _plain(value) for name, value in found.items() if value}


EVERYTHING = Selection()


def names(asked: str, aggregate_id: str, topic: str, key: str) -> bool:
    """Whether a business id stands for a record: it is the aggregate id, or its end after `:` or `/` (the native id of
    a worklog, an opportunity). A record as received from a source has only its key."""
    if aggregate_id:
        return _ends_in(asked, aggregate_id)
    return bool(key) and (_ends_in(asked, key) or key == _tail_of(asked, topic.partition(".")[2]))


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


def _ends_in(asked: str, id: str) -> bool:
    return id == asked or id.endswith((f":{asked}", f"/{asked}"))


def _tail_of(asked: str, source: str) -> str:
    """`10066` of `jira-acme:worklog:10066` for a record that came from jira-acme."""
    return asked.rpartition(":")[2] if asked.startswith(f"{source}:") else ""


def _plain(value: object) -> str | int | list[str]:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [str(each) for each in value]
    if isinstance(value, int):
        return value
    raise TypeError(f"a filter cannot be {value!r}")
