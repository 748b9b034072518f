"""The dead-letter limit: a bad deploy must not bury a whole topic (arroyo's dead-letter policies are the model)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from psfabric.engine.policy import Limit


@dataclass(slots=True)
class LimitWindow:
    """What became of the last records of a component: True for a dead letter, or one that waits behind it."""

    limit: Limit
    last: deque[bool] = field(default_factory=deque)
    bad: int = 0
    in_row: int = 0

    def tripped_by_one_more(self) -> str:
        """Why burying one more record would be too much; "" while it would not."""
        if self.in_row + 1 >= self.limit.in_row:
            return f"{self.limit.in_row} records in a row became dead letters"
        full = len(self.last) + 1 >= self.limit.last
        leaving = 1 if len(self.last) >= self.limit.last and self.last[0] else 0
        bad = self.bad - leaving + 1
        if full and bad >= self.limit.ratio * self.limit.last:
            return f"{bad} of the last {self.limit.last} records became dead letters"
        return ""

    def count(self, bad: bool) -> None:
        self.last.append(bad)
        self.bad += bad
        self.in_row = self.in_row + 1 if bad else 0
        if len(self.last) > self.limit.last:
            self.bad -= self.last.popleft()

    def good(self, count: int) -> None:
        """`count` records that were neither buried nor barred."""
        if not count:
            return
        self.in_row = 0
        self.last.extend([False] * min(count, self.limit.last))
        while len(self.last) > self.limit.last:
            self.bad -= self.last.popleft()

    def clear(self) -> None:
        """An operator has looked: what was counted before says nothing about what comes."""
        self.last.clear()
        self.bad = self.in_row = 0
