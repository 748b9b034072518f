"""One topic-partition on its way into an engine: what was read and may not enter yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from psfabric.engine import WINDOW
from psfabric.engine.lane import Log
from psfabric.event import Record
from psfabric.hosts.faust_chunks.chunk import Chunk

QUEUED = 2 * WINDOW
"""Records of one partition kept waiting outside the window; beyond, reading pauses until half are left."""


@dataclass(slots=True)
class Inlet:
    """Records outside the window, chunks not yet acknowledged."""

    records: deque[Record] = field(default_factory=deque)
    chunks: deque[tuple[int, Callable[[], object]]] = field(default_factory=deque)
    taken: int | None = None
    """One past the last record taken over."""
    committed: int | None = None
    paused: bool = False

    def follows(self, chunk: Chunk) -> bool:
        """False when a chunk before this one was dropped on its way."""
        return chunk.after is None or (self.taken is not None and chunk.after <= self.taken)

    def take(self, chunk: Chunk, acknowledge: Callable[[], object]) -> None:
        self.records.extend(chunk.records)
        self.chunks.append((chunk.next, acknowledge))
        self.taken = max(chunk.next, self.taken or 0)

    def next(self, log: Log, most: int) -> list[Record]:
        """The records that enter now: as far as the window above the committed offset reaches."""
        limit, records = self._limit(log), self.records
        count = min(most, len(records))
        if records[count - 1].offset >= limit:
            count = sum(1 for _ in takewhile(lambda record: record.offset < limit, records))
        take = records.popleft
        return [take() for _ in range(count)]

    def _limit(self, log: Log) -> int:
        """The first offset that may not enter now."""
        if log.first is None or log.position == self.committed:  # nothing has arrived yet, or all of it is committed
            return self.records[0].offset + WINDOW
        return (self.committed if self.committed is not None else log.first or 0) + WINDOW

    def crowded(self) -> bool:
        """True once, when reading has to pause."""
        if self.paused or len(self.records) < QUEUED:
            return False
        self.paused = True
        return True

    def roomy(self) -> bool:
        """True once, when reading may go on after a pause."""
        if not self.paused or len(self.records) >= QUEUED // 2:
            return False
        self.paused = False
        return True

    def acknowledge(self, done: int) -> None:
        """Everything below `done` is durable."""
        while self.chunks and self.chunks[0][0] <= done:
            self.chunks.popleft()[1]()
