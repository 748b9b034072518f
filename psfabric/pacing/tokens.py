"""The tokens of one process: fetched ahead, usable for a while, given back when nobody used them. Knows no lock."""

from __future__ import annotations

import math
from dataclasses import dataclass

from psfabric.pacing.told import LEASE


@dataclass(slots=True)
class Tokens:
    """`capacity`: how many Redis has at most. Instants are those of the caller's one clock."""

    capacity: float
    count: int = 0
    until: float = 0.0
    level: int = 1
    """How many to have at hand: twice as many each time that they were used up, as few as are used. So one that calls
    seldom takes little from the others."""
    lacking: bool = False
    few: bool = False
    """The last time fewer were granted than asked for: asking again at once is of no use."""

    def take(self, at: float) -> bool:
        if self.count > 0 and at < self.until:
            self.count -= 1
            return True
        self.lacking = True
        return False

    def usable(self, at: float) -> int:
        return self.count if at < self.until else 0

    def given_back(self, at: float) -> int:
        """Those that were held too long; they are not ours any more."""
        if self.count == 0 or at < self.until:
            return 0
        back, self.count = self.count, 0
        if not self.lacking:
            self.level = max(1, self.level - back)
        return back

    def asked(self, busy: bool) -> int:
        """How many to ask for now; clears what was lacking."""
        lacking, self.lacking = self.lacking, False
        if lacking:
            self.level = min(2 * self.level, math.ceil(self.capacity))
        return max(0, self.level - self.count) if lacking or busy else 0

    def granted(self, asked: int, granted: int, sent_at: float) -> None:
        """Redis gave `granted` of `asked`, asked for at `sent_at`. Those left over keep their earlier end for all."""
        if granted and self.count == 0:
            self.until = sent_at + LEASE
        self.count += granted
        self.few = granted < asked
        if self.few:
            self.level = max(1, granted)
