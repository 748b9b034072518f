"""What an applier of a plan does next, decided from what is known; `sending` carries it out. Pure.

A plan is sent in an order of its own: first a canary of a few records, each the first of its key that is left, then all
others as they stand in the plan. Behind the canary nothing goes until all of it was answered. The share of answers that
say "failed again" is watched the whole time, and stops the replay when it passes the limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

BATCH = 500
"""Records in one transaction at most."""

ENOUGH = 20
"""Answers that make a share; of fewer, one that failed says nothing. A canary is judged by all of its own."""

LOOK = 1.0
"""Seconds after which an applier looks for orders and answers, whatever else it waits for."""

SHORTEST = 0.001
"""Seconds; what is shorter is rounding."""

FAILED, UNANSWERED = "failed", "unanswered"


class Sortable(Protocol):
    """What of an entry decides its place: records of one key in one partition go in the order of the plan."""

    @property
    def component(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def to_partition(self) -> int | None: ...
    @property
    def key(self) -> str: ...
    @property
    def code(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What an operator allows. `rate`: records a second, 0 as fast as acknowledged. `canary`: records. `canary_wait`:
    seconds for their answers. `max_failed`: share (0 to 1) of the answers that may say "failed again"."""

    rate: float = 0.0
    canary: int = 5
    canary_wait: float = 60.0
    max_failed: float = 0.2


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the records that somebody answers for: how many there are, were answered, and failed again."""

    expected: int = 0
    answered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """How far the replay is. `gate`: how many are sent before the answers of the canary are waited for; `canary` is
    their tally, `since` that of all records from the first of them on. `waited`: seconds since the last of them was
    sent, without pauses."""

    sent: int
    total: int
    gate: int
    canary: Tally
    since: Tally
    waited: float = 0.0
    paused: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    count: int


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing, stay alive, look for the order to go on."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Never send the rest."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Send nothing more until an operator says so. `cause`: FAILED or UNANSWERED."""

    cause: str
    tally: Tally


Step = Send | Wait | Pause | Cancel | Stop


@dataclass(frozen=True, slots=True)
class Allowance:
    """A token bucket: `tokens` records may be sent at `at` (monotonic seconds). It holds two portions, so that what a
    slow broker held up is made good, and the wait for a canary's answers is not followed by a flood."""

    rate: float
    tokens: float
    at: float

    @property
    def portion(self) -> int:
        """Records that are sent at once: about a twentieth of a second's worth, so that live records of the same
        component never stand behind a burst."""
        return BATCH if self.rate <= 0 else max(1, min(BATCH, round(self.rate / 20)))

    def by(self, now: float) -> Allowance:
        grown = self.tokens + max(0.0, now - self.at) * self.rate
        return replace(self, tokens=min(grown, max(1.0, self.rate / 10)), at=now)

    def less(self, count: int) -> Allowance:
        return self if self.rate <= 0 else replace(self, tokens=self.tokens - count)

    def until(self, count: int) -> float:
        """Seconds until so many may be sent."""
        return 0.0 if self.rate <= 0 else max(0.0, (count - self.tokens) / self.rate)


def decide(view: View, terms: Terms, allowance: Allowance) -> Step:
    """The next step of a replay that is neither done nor stopped."""
    if view.cancelled:
        return Cancel()
    if view.paused:
        return Pause()
    stop = _stop(view, terms)
    if stop is not None:
        return stop
    if view.sent >= view.gate and view.canary.answered < view.canary.expected:
        return Wait(LOOK)
    end = view.gate if view.sent < view.gate else view.total
    count = min(end - view.sent, allowance.portion)
    wait = allowance.until(count)
    return Send(count) if wait <= 0 else Wait(min(LOOK, max(SHORTEST, wait)))


def _stop(view: View, terms: Terms) -> Stop | None:
    canary, since = view.canary, view.since
    if canary.failed > terms.max_failed * canary.expected:  # whatever the others of it will say
        return Stop(FAILED, canary)
    if since.answered >= ENOUGH and since.failed > terms.max_failed * since.answered:
        return Stop(FAILED, since)
    waiting = view.sent >= view.gate and canary.answered < canary.expected
    return Stop(UNANSWERED, canary) if waiting and view.waited >= terms.canary_wait else None


def canary(entries: Sequence[Sortable], size: int) -> tuple[int, ...]:
    """Which entries go first, by their index: of as many keys as there are, spread over components and codes.

    No entry is among them without all earlier ones of its key, so that each key goes in the order of its source.
    """
    ranks, places = Counter[tuple[str, int | None, str]](), Counter[tuple[int, str, str]]()
    order: list[tuple[int, int, int]] = []
    for index, entry in enumerate(entries):
        key = (entry.to, entry.to_partition, entry.key)
        rank = ranks[key]
        group = (rank, entry.component, entry.code)
        order.append((rank, places[group], index))
        ranks[key] += 1
        places[group] += 1
    return tuple(sorted(index for *_, index in sorted(order)[:size]))


def sequence(total: int, first: Iterable[int]) -> list[int]:
    """The indices of all entries in the order in which they are sent."""
    ahead = list(first)
    known = set(ahead)
    return [*ahead, *(index for index in range(total) if index not in known)]
