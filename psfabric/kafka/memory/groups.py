"""Consumer groups of the in-memory broker: generations, range assignment, fenced commits.

As Kafka's classic protocol with the eager `range` assignor: when somebody joins or leaves, each member gives up what it
has (`on_revoke`, in its own poll; it may still commit there), and once all have, each is given its part (`on_assign`,
in its next poll). A member whose session ran out knows nothing of it until it polls; until then it may do harm, but its
commits are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record

OnPartitions = Callable[[list[TopicPartition]], None]


class _Log(Protocol):
    start: int

    def read(self, position: int, limit: int) -> tuple[list[Record], int]: ...


class _Broker(Protocol):
    away: bool

    def partitions(self, topic: str) -> list[int]: ...
    def log(self, tp: TopicPartition) -> _Log: ...


class Group:
    def __init__(self, name: str) -> None:
        self.name = name
        self.generation = 0
        self.committed: dict[TopicPartition, int] = {}
        self.members: dict[str, MemoryReader] = {}
        self._rejoined: set[str] = set()
        self._parts: dict[str, list[TopicPartition]] = {}
        self._count = 0
        self.rebalancing = False

    def enter(self, reader: MemoryReader) -> str:
        """A member's id. A static member that comes again takes the place of its former self, and nothing moves."""
        self._count += 1
        name = f"{self.name}-{self._count:04d}"
        former = next((m for m, r in self.members.items() if r.instance and r.instance == reader.instance), None)
        if former is None:
            self.members[name] = reader
            self._disturb()
            return name
        self.members[former].fenced = True
        self.members[former] = reader
        return former

    def leave(self, member: str) -> None:
        """It left, or its session ran out."""
        if self.members.pop(member, None) is not None:
            self._rejoined.discard(member)
            self._disturb()
            self._complete()

    def rejoin(self, member: str) -> None:
        self._rejoined.add(member)
        self._complete()

    def part_of(self, member: str) -> list[TopicPartition]:
        return self._parts.get(member, [])

    def _disturb(self) -> None:
        """All have to join again, also those that already had for a rebalance still under way."""
        if not self.rebalancing:
            self.rebalancing, self._rejoined = True, set()

    def _complete(self) -> None:
        if not self.rebalancing or self._rejoined != set(self.members):
            return
        self.rebalancing = False
        self.generation += 1
        self._parts = assigned({m: r.topics for m, r in self.members.items()}, self._partitions())

    def _partitions(self) -> dict[str, list[int]]:
        return {t: r.broker.partitions(t) for r in self.members.values() for t in r.topics}


def assigned(
    members: Mapping[str, Sequence[str]], partitions: Mapping[str, Sequence[int]]
) -> dict[str, list[TopicPartition]]:
    """The range assignor: per topic, members in order of their ids share its partitions in runs, the first get more.

    Topics with equal partition counts are co-partitioned.
    """
    parts: dict[str, list[TopicPartition]] = {m: [] for m in members}
    for topic in sorted(partitions):
        readers = sorted(m for m, topics in members.items() if topic in topics)
        numbers = sorted(partitions[topic])
        each, more = divmod(len(numbers), len(readers))
        at = 0
        for index, member in enumerate(readers):
            count = each + (index < more)
            parts[member] += [TopicPartition(topic, p) for p in numbers[at : at + count]]
            at += count
    return parts


class MemoryReader:
    """One member, as `psfabric.kafka.GroupReader`. `fenced`: another instance of the same name took its place."""

    def __init__(self, broker: _Broker, group: Group, instance: str | None) -> None:
        self.broker, self.group, self.instance = broker, group, instance
        self.topics: tuple[str, ...] = ()
        self.fenced = False
        self.member = ""
        self._positions: dict[TopicPartition, int] = {}
        self._begun: set[TopicPartition] = set()
        self._paused: set[TopicPartition] = set()
        self._generation = 0
        self._turn = 0
        self._on_assign: OnPartitions = lambda tps: None
        self._on_revoke: OnPartitions = lambda tps: None

    def subscribe(self, topics: Sequence[str], on_assign: OnPartitions, on_revoke: OnPartitions) -> None:
        self.topics, self._on_assign, self._on_revoke = tuple(topics), on_assign, on_revoke
        self.member = self.group.enter(self)

    def poll(self, limit: int, timeout: float) -> list[Record]:
        """Takes part in a rebalance, or returns up to `limit` records; waits for nothing."""
        if self.fenced:
            raise Unavailable(f"{self.group.name} cannot read: another instance {self.instance} took its place")
        if self.broker.away or not self.member:
            return []
        self._check_topics()
        if self._moving():
            return []
        return self._fetch(limit)

    def positions(self) -> dict[TopicPartition, int]:
        """Where reading stands in each partition that it has begun with."""
        return {tp: at for tp, at in self._positions.items() if tp in self._begun}

    def standing(self) -> dict[TopicPartition, int]:
        """What is committed of one of our partitions (or where it begins): committing it again changes nothing."""
        for tp in self._positions:
            return {tp: self.group.committed.get(tp, self.broker.log(tp).start)}
        return {}

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """False, and nothing is taken, when the broker is away or this is no member (any more)."""
        if not offsets:
            return True
        if self.broker.away or self.group.members.get(self.member) is not self:
            return False
        self.group.committed.update(offsets)
        return True

    def pause(self, tps: Sequence[TopicPartition]) -> None:
        self._paused.update(tps)

    def resume(self, tps: Sequence[TopicPartition]) -> None:
        self._paused.difference_update(tps)

    def close(self) -> None:
        """Leave the group: what it has is revoked first. A static member does not leave."""
        if self.group.members.get(self.member) is self:
            self._give_up()
            if not self.instance:
                self.group.leave(self.member)
        self.member = ""

    def rewind(self) -> None:
        """Read on from what is committed, as the driver under Faust does now and then."""
        for tp in self._positions:
            self._positions[tp] = min(self._positions[tp], self.group.committed.get(tp, 0))

    def expire(self) -> None:
        """Its session runs out at the broker: others are given its part. It hears of that in its next poll."""
        if self.group.members.get(self.member) is self:
            self.group.leave(self.member)

    def _check_topics(self) -> None:
        unknown = [t for t in self.topics if not self.broker.partitions(t)]
        if unknown:
            raise Unavailable(f"{self.group.name} cannot read: {unknown[0]} is unknown; run `psfabric topics apply`")

    def _moving(self) -> bool:
        """Whether this poll went into a rebalance."""
        if self.group.members.get(self.member) is not self:  # the session ran out: begin anew
            self._give_up()
            self.member, self._generation = self.group.enter(self), 0
        if self.group.rebalancing:
            self._give_up()
            self.group.rejoin(self.member)
        if self.group.rebalancing:
            return True
        if self._generation == self.group.generation:
            return False
        self._take()
        return True

    def _take(self) -> None:
        part = self.group.part_of(self.member)
        self._generation = self.group.generation
        self._on_assign(list(part))
        self._positions = {tp: self.group.committed.get(tp, 0) for tp in part}

    def _give_up(self) -> None:
        if self._positions:
            self._on_revoke(list(self._positions))
        self._positions = {}
        self._begun.clear()
        self._paused.clear()

    def _fetch(self, limit: int) -> list[Record]:
        """A batch holds runs of whole partitions, another one first each time."""
        tps = [tp for tp in self._positions if tp not in self._paused]
        self._turn += 1
        found: list[Record] = []
        for index in range(len(tps)):
            tp = tps[(self._turn + index) % len(tps)]
            records, self._positions[tp] = self.broker.log(tp).read(self._positions[tp], limit - len(found))
            found += records
            self._begun.add(tp)
        return found
