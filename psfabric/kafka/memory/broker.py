"""Topics, and what is read and written there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psfabric.engine.work import TopicPartition, Write
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka.memory.groups import Group, MemoryReader
from psfabric.kafka.memory.log import Log, Unit
from psfabric.kafka.memory.murmur import partition_of
from psfabric.kafka.memory.writing import MemoryProducer, MemoryTransaction
from psfabric.kafka.producer import TooLarge, WriteFailed

MAX_BYTES = 1_048_588
"""Bytes a record may have where a topic says nothing (`max.message.bytes` of Kafka)."""

OVERHEAD = 70
"""Bytes that a batch of one record takes besides key, value and headers; about."""


@dataclass(slots=True)
class _Topic:
    logs: list[Log]
    max_bytes: int
    compacted: bool
    turn: int = 0


class MemoryBroker:
    """`away`: nobody reaches it. `refusing`: topics that take no writes. `now_ms`: what it stamps records with.

    With `by_hand` writes wait until they are let `land` and `acknowledge`d; without, both happen at once.
    """

    def __init__(self, *, by_hand: bool = False) -> None:
        self.by_hand = by_hand
        self.away = False
        self.refusing: set[str] = set()
        self.now_ms = 1_767_225_600_000
        self._topics: dict[str, _Topic] = {}
        self._groups: dict[str, Group] = {}
        self._transactions: dict[str, MemoryTransaction] = {}

    # ------------------------------------------------------------------------------------------ topics

    def create(self, topic: str, partitions: int = 1, *, max_bytes: int = MAX_BYTES, compacted: bool = False) -> None:
        """A compacted topic takes no record without a key; it is compacted when the test says so."""
        self._topics[topic] = _Topic([Log() for _ in range(partitions)], max_bytes, compacted)

    def delete(self, topic: str) -> None:
        del self._topics[topic]

    def partitions(self, topic: str) -> list[int]:
        """None of an unknown topic."""
        return list(range(len(self._topics[topic].logs))) if topic in self._topics else []

    def log(self, tp: TopicPartition) -> Log:
        """Raises Unavailable when there is no such partition."""
        if tp.partition not in self.partitions(tp.topic):
            raise Unavailable(f"{tp.topic} does not exist; run `psfabric topics apply`")
        return self._topics[tp.topic].logs[tp.partition]

    def ends(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        """The end offset of every partition of the topics."""
        return {TopicPartition(t, p): self.log(TopicPartition(t, p)).end for t in topics for p in self.partitions(t)}

    def compact(self, topic: str) -> None:
        for log in self._topics[topic].logs:
            log.compact()

    # ------------------------------------------------------------------------------------------ writing

    def producer(self) -> MemoryProducer:
        return MemoryProducer(self)

    def transaction(self, transactional_id: str) -> MemoryTransaction:
        """Begin one. An earlier one of the same id is fenced: what it had open is given up."""
        earlier = self._transactions.get(transactional_id)
        if earlier is not None:
            earlier.fence()
        begun = self._transactions[transactional_id] = MemoryTransaction(self)
        return begun

    def place(self, write: Write) -> TopicPartition:
        """The partition a write goes to: the one it names, else murmur2 of its key; without a key each in turn."""
        topic = self._topics.get(write.topic)
        if write.partition is not None or topic is None:
            return TopicPartition(write.topic, write.partition or 0)
        if write.key is not None:
            return TopicPartition(write.topic, partition_of(write.key, len(topic.logs)))
        topic.turn += 1
        return TopicPartition(write.topic, topic.turn % len(topic.logs))

    def append(self, write: Write, tp: TopicPartition, unit: Unit | None = None) -> None:
        """Raises WriteFailed, or TooLarge, for what the broker does not take."""
        if tp.partition not in self.partitions(tp.topic) or tp.topic in self.refusing:
            raise WriteFailed(f"{tp.topic} did not acknowledge a record: unknown or refusing")
        topic = self._topics[tp.topic]
        if size_of(write) > topic.max_bytes:
            raise TooLarge([write])
        if topic.compacted and write.key is None:
            raise WriteFailed(f"{tp.topic} did not acknowledge a record: it is compacted, and the record has no key")
        log = self.log(tp)
        log.append(Record(*tp, log.end, write.key, write.value, tuple(write.headers), self.now_ms), unit)

    # ------------------------------------------------------------------------------------------ reading

    def read(self, tps: Iterable[tuple[str, int]], starts: Mapping[tuple[str, int], int] | None = None) -> list[Record]:
        """Every committed record of the partitions, as `psfabric.kafka.reader.read` gives them."""
        if self.away:
            raise Unavailable("Kafka does not answer")
        begin = starts or {}
        return [r for tp in tps for r in self.log(TopicPartition(*tp)).read(begin.get(tp, 0), 1 << 62)[0]]

    def read_topic(self, topic: str) -> list[Record]:
        return self.read([(topic, p) for p in self.partitions(topic)])

    def follower(self) -> MemoryFollower:
        return MemoryFollower(self)

    def reader(self, group: str, *, instance: str | None = None) -> MemoryReader:
        return MemoryReader(self, self.group(group), instance)

    def group(self, name: str) -> Group:
        return self._groups.setdefault(name, Group(name))


class MemoryFollower:
    """As `psfabric.kafka.follow.Follower`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}

    def cluster_id(self) -> str:
        return "memory"

    def ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        return self._broker.ends(topics)

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self._positions = dict(positions)

    def poll(self, limit: int, timeout: float) -> list[Record]:
        found: list[Record] = []
        for tp, position in self._positions.items():
            records, self._positions[tp] = self._broker.log(tp).read(position, limit - len(found))
            found += records
        return found

    def positions(self) -> dict[TopicPartition, int]:
        return dict(self._positions)

    def close(self) -> None:
        pass


def size_of(write: Write) -> int:
    headers = sum(len(name) + len(value or b"") + 2 for name, value in write.headers)
    return OVERHEAD + len(write.key or b"") + len(write.value or b"") + headers
