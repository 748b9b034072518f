"""A run of records of one partition, and who takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from psfabric.engine.work import TopicPartition
from psfabric.event import Record


class Batch(Protocol):
    """Consecutive records of one partition that were sent together, as they came: unpacked as they are taken.

    `first` and `next`: from where, and up to where, it reaches. Compaction may have removed any of them, or all.
    """

    @property
    def first(self) -> int: ...
    @property
    def next(self) -> int: ...

    def take(self, most: int) -> Sequence[Record]:
        """The next records, fewer than `most` at the end only; `first` is behind them then. Raises Unavailable for
        what cannot be unpacked."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition in offset order; offsets may have gaps (compaction, transaction markers).

    `next` is one past the last. `after` is where the chunk before it ended, None for the first one since the
    consumer was positioned: with it the taker notices when a chunk on the way was dropped.
    """

    tp: TopicPartition
    next: int
    after: int | None
    batches: Sequence[Batch]


class Reading(Protocol):
    """What the component may ask of the consumer that reads for it. All called in the main loop."""

    def commit_soon(self) -> None:
        """The window is used up by what is done but not committed."""

    def pause(self, tp: TopicPartition) -> None: ...
    def resume(self, tp: TopicPartition) -> None: ...


class Taker(Protocol):
    """What the consumer needs of the component it reads for. All called in the main loop."""

    topics: tuple[str, ...]

    def read_by(self, reading: Reading) -> None:
        """Called once, before anything else."""

    def assigned(self, partitions: Iterable[int]) -> None:
        """These partitions are ours now: load what belongs to them."""

    async def hand_over(self) -> None:
        """Begin nothing more and wait, for a bounded time, until what was begun is durable."""

    def revoked(self, partitions: Iterable[int]) -> None:
        """Forget these partitions; called after the last commit."""

    def take(self, chunk: Chunk, acknowledge: Callable[[], object]) -> None:
        """`acknowledge` is called once everything in the chunk is durable, or was handed back."""

    def passed(self, tp: TopicPartition, after: int | None, to: int) -> None:
        """Reading stands at `to`, and after the chunk that ended at `after` (None: none yet) there was no record."""

    def committable(self) -> Mapping[TopicPartition, int]:
        """Per topic-partition the offset below which everything is durable."""

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The broker accepted these offsets."""

    def fail(self, error: BaseException) -> None:
        """Something broke that nobody here can mend: the process has to end without acknowledging anything more."""
