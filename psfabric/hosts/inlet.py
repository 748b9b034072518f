"""One topic-partition on its way into an engine: what was read and may not enter yet, unpacked no sooner."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from psfabric.engine import WINDOW
from psfabric.engine.lane import Log
from psfabric.event import Record
from psfabric.hosts.faust_chunks.chunk import Batch, Chunk

QUEUED = 2 * WINDOW
"""Records of one partition kept waiting outside the window; beyond, reading pauses until half are left."""


@dataclass(slots=True)
class Inlet:
    """Records outside the window, chunks not yet acknowledged.

    `records` are those at hand: unpacked, and next to enter. `packed` counts the offsets of the batches behind them.
    """

    batches: deque[Batch] = field(default_factory=deque)
    packed: int = 0
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
        self.batches.extend(chunk.batches)
        self.packed += sum(batch.next - batch.first for batch in chunk.batches)
        self.chunks.append((chunk.next, acknowledge))
        self.taken = max(chunk.next, self.taken or 0)

    def next(self, log: Log, most: int) -> list[Record]:
        """The records that enter now: as far as the window above the committed offset reaches."""
        self._unpack(most)
        if not self.records:
            return []
        limit, records = self._limit(log), self.records
        count = min(most, len(records))
        if records[count - 1].offset >= limit:
            count = sum(1 for _ in takewhile(lambda record: record.offset < limit, records))
        take = records.popleft
        return [take() for _ in range(count)]

    def _unpack(self, most: int) -> None:
        """Have so many at hand, or all there are."""
        while self.batches and (missing := most - len(self.records)) > 0:
            batch = self.batches[0]
            before = batch.first
            self.records.extend(batch.take(missing))
            self.packed -= batch.first - before
            if batch.first >= batch.next:
                self.batches.popleft()

    @property
    def first(self) -> int | None:
        """Where what waits begins; None: nothing waits."""
        if self.records:
            return self.records[0].offset
        return self.batches[0].first if self.batches else None

    def _limit(self, log: Log) -> int:
        """The first offset that may not enter now."""
        if log.first is None or log.position == self.committed:  # nothing has arrived yet, or all of it is committed
            return self.records[0].offset + WINDOW
        return (self.committed if self.committed is not None else log.first or 0) + WINDOW

    def crowded(self) -> bool:
        """True once, when reading has to pause."""
        if self.paused or self._waiting < QUEUED:
            return False
        self.paused = True
        return True

    def roomy(self) -> bool:
        """True once, when reading may go on after a pause."""
        if not self.paused or self._waiting >= QUEUED // 2:
            return False
        self.paused = False
        return True

    @property
    def _waiting(self) -> int:
        return self.packed + len(self.records)

    def acknowledge(self, done: int) -> None:
        """Everything below `done` is durable."""
        while self.chunks and self.chunks[0][0] <= done:
            self.chunks.popleft()[1]()
