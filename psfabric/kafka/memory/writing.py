"""Writers of the in-memory broker: a producer whose acknowledgements the test decides, and a transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from psfabric.engine.work import TopicPartition, Write
from psfabric.kafka.memory.log import Fate, Log, Unit
from psfabric.kafka.producer import Done, TooLarge, WriteFailed


class _Broker(Protocol):
    away: bool
    by_hand: bool

    def place(self, write: Write) -> TopicPartition: ...
    def log(self, tp: TopicPartition) -> Log: ...
    def append(self, write: Write, tp: TopicPartition, unit: Unit | None = None) -> None: ...


@dataclass(slots=True, eq=False)
class _Writes:
    """A group of writes and whoever is to be told once."""

    done: Done
    left: int
    failure: Exception | None = None
    too_large: list[Write] = field(default_factory=list)

    def refused(self, error: WriteFailed) -> None:
        if isinstance(error, TooLarge):
            self.too_large += error.writes
        else:
            self.failure = self.failure or error

    def tell(self) -> None:
        self.done(self.failure or (TooLarge(self.too_large) if self.too_large else None))


class MemoryProducer:
    """Its first five methods as the real one; the rest is what a test decides by hand."""

    def __init__(self, broker: _Broker) -> None:
        self._broker = broker
        self._queues: dict[TopicPartition, deque[tuple[Write, _Writes]]] = {}
        self._landed: list[_Writes] = []

    def write(self, writes: Sequence[Write], done: Done) -> None:
        if not writes:
            done(None)
            return
        group = _Writes(done, len(writes))
        for write in writes:
            self._queues.setdefault(self._broker.place(write), deque()).append((write, group))
        if not self._broker.by_hand:
            self.flush()

    def hear(self, *, again: bool = True) -> None:
        if not self._broker.by_hand:
            self.flush()

    def write_and_wait(self, writes: Sequence[Write], timeout: float = 30.0) -> None:
        told: list[Exception | None] = []
        self.write(writes, told.append)
        self.flush()
        failure = (
            told[0] if told else WriteFailed(f"{len(writes)} records were not acknowledged within {timeout:.0f} s")
        )
        if failure is not None:
            raise failure

    def flush(self, timeout: float = 30.0) -> bool:
        """Everything lands and is acknowledged, and what the told ones write then; False while the broker is away."""
        while not self._broker.away and (self._queues or self._landed):
            for tp in self.under_way():
                self.land(tp)
            while self._landed:
                self.acknowledge()
        return not self._queues

    def close(self, timeout: float = 10.0) -> None:
        self.flush()

    def under_way(self) -> list[TopicPartition]:
        """Partitions that a write is on its way to."""
        return list(self._queues)

    def land(self, tp: TopicPartition) -> None:
        """The oldest write under way to `tp` reaches the log, or is refused."""
        if self._broker.away:
            return
        write, group = self._queues[tp].popleft()
        if not self._queues[tp]:
            del self._queues[tp]
        try:
            self._broker.append(write, tp)
        except WriteFailed as error:
            group.refused(error)
        group.left -= 1
        if not group.left:
            self._landed.append(group)

    @property
    def unheard(self) -> int:
        """How many groups have landed whose writer was not told yet."""
        return len(self._landed)

    def acknowledge(self, which: int = 0) -> None:
        """Tell the writer of a group that has landed."""
        self._landed.pop(which).tell()

    def lose(self, which: int = 0) -> None:
        """Its acknowledgement does not come: the writer is told that it failed, and it is there all the same."""
        self._landed.pop(which).done(WriteFailed("a record was not acknowledged in time"))

    def forget(self) -> None:
        """The process dies: what has not landed never will, and nobody is told."""
        self._queues.clear()
        self._landed.clear()


class MemoryTransaction:
    """Writes that readers see all together when it is committed, or never. Raises WriteFailed once it is fenced."""

    def __init__(self, broker: _Broker) -> None:
        self._broker, self._unit = broker, Unit()
        self._touched: dict[TopicPartition, None] = {}

    def write(self, writes: Sequence[Write]) -> None:
        self._check()
        for write in writes:
            tp = self._broker.place(write)
            self._broker.append(write, tp, self._unit)
            self._touched[tp] = None

    def commit(self) -> None:
        self._check()
        self._end(Fate.COMMITTED)

    def abort(self) -> None:
        self._check()
        self._end(Fate.ABORTED)

    def fence(self) -> None:
        """Another of the same id began, or its time ran out."""
        if self._unit.fate is Fate.OPEN:
            self._end(Fate.ABORTED)

    def _check(self) -> None:
        if self._unit.fate is not Fate.OPEN or self._broker.away:
            raise WriteFailed("the transaction is over: fenced, timed out or ended")

    def _end(self, fate: Fate) -> None:
        self._unit.fate = fate
        for tp in self._touched:
            self._broker.log(tp).append(None, self._unit)
