"""The sending lease: a worker sends, and writes what only an owner may write, while it is surely the owner.

It counts from the sending of the last commit that the broker took: at that instant we were a member of the group's
present generation, and nobody else is given our partitions before the session has timed out. So a request that leaves
before `session - timeout - MARGIN` has ended, one way or the other, before anybody else begins (DESIGN 5.5).

Past it nobody is told to give up: requests and writes wait, the next accepted commit renews the lease, a refused one
means that the partitions are gone and what waited is dropped. (docs/adr/0010-the-lease-waits.md)
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from psfabric.engine import Write
from psfabric.kafka import Producer

MARGIN = 2.0
"""Seconds for what lies between a check and the bytes leaving, and for clocks that run apart."""

RENEW = 1.0
"""Seconds between two commits that renew the lease."""


def session_of(timeout: float, least: float = 10.0) -> float:
    """Seconds of the group session that leave room to send when one request may take `timeout` seconds."""
    return max(least, timeout + MARGIN + 5 * RENEW)


class Lease:
    """`session`, `timeout` in seconds. Used in the event loop only."""

    def __init__(self, session: float, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        if session - timeout - MARGIN <= RENEW:
            raise ValueError(f"a session of {session} s leaves no time to send requests of up to {timeout} s")
        self._sending, self._writing = session - timeout - MARGIN, session - MARGIN
        self._clock = clock
        self._renewed_at = float("-inf")
        self._changed = asyncio.Event()

    @property
    def sends(self) -> bool:
        """A request that leaves now ends while we are the owner."""
        return self._clock() < self._renewed_at + self._sending

    @property
    def writes(self) -> bool:
        """A record produced now is written while we are the owner."""
        return self._clock() < self._renewed_at + self._writing

    @property
    def age(self) -> float:
        """Seconds since the last accepted commit was sent."""
        return self._clock() - self._renewed_at

    @property
    def due(self) -> bool:
        """Whether a commit should renew it now."""
        return self.age >= RENEW

    def renewed(self, sent_at: float) -> None:
        """The broker took a commit that was sent at `sent_at` (monotonic seconds)."""
        self._renewed_at = max(self._renewed_at, sent_at)
        self._changed.set()

    def lost(self) -> None:
        """Partitions were taken away: nothing may leave until a commit of the new generation was taken."""
        self._renewed_at = float("-inf")

    async def to_send(self) -> None:
        """Return while a request may leave."""
        while not self.sends:
            self._changed.clear()
            await self._changed.wait()


class Awake:
    """Notices that this process was stopped, or its loop stood still, for longer than its session may last.

    For a host whose records are written at once after they are handled: what it handled before it slept belongs to
    another owner by now.
    """

    def __init__(self, session: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._at = clock()

    def tick(self) -> None:
        """To be called at least once a second."""
        if not self.slept:
            self._at = self._clock()

    @property
    def slept(self) -> bool:
        """Once true it stays so: whoever slept has to begin anew."""
        return self._clock() - self._at > self._session


class LeasedWriter:
    """Produces while the lease holds; what comes later waits for it, in order, or is dropped with the partitions.

    A worker that slept through its session would else write an older state over what the new owner wrote since.
    """

    def __init__(self, producer: Producer, lease: Lease) -> None:
        self._producer, self._lease = producer, lease
        self._waiting: deque[tuple[Sequence[Write], Callable[[Exception | None], None]]] = deque()

    def write(self, writes: Sequence[Write], done: Callable[[Exception | None], None]) -> None:
        self._waiting.append((writes, done))
        self.go_on()

    def go_on(self) -> None:
        """The lease may have been renewed."""
        while self._waiting and self._lease.writes:
            self._producer.write(*self._waiting.popleft())

    def drop(self) -> None:
        """The partitions are gone, and with them whoever waits for these."""
        self._waiting.clear()
