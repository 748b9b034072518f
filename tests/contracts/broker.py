"""What the fabric rests on in Kafka, as one suite: the real broker and the in-memory one both inherit it.

A test that passes on the memory broker is worth something only while this suite says that the two behave alike.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pytest

from psfabric.engine import Write
from psfabric.engine.work import TopicPartition
from psfabric.errors import FabricError, Unavailable
from psfabric.event import Record
from psfabric.kafka import latest
from psfabric.kafka.memory import murmur2
from psfabric.kafka.producer import Done, TooLarge, WriteFailed

OnPartitions = Callable[[list[TopicPartition]], None]

JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""murmur2 of keys, from the Java client's own test (UtilsTest.testMurmur2, Apache Kafka)."""

SMALL = {"max.message.bytes": "20000"}
COMPACT = {"cleanup.policy": "compact"}


class Producer(Protocol):
    def write(self, writes: Sequence[Write], done: Done) -> None: ...
    def write_and_wait(self, writes: Sequence[Write], timeout: float = ...) -> None: ...
    def hear(self, *, again: bool = True) -> None: ...
    def flush(self, timeout: float = ...) -> bool: ...


class Reader(Protocol):
    def subscribe(self, topics: Sequence[str], on_assign: OnPartitions, on_revoke: OnPartitions) -> None: ...
    def poll(self, limit: int, timeout: float) -> list[Record]: ...
    def positions(self) -> dict[TopicPartition, int]: ...
    def standing(self) -> dict[TopicPartition, int]: ...
    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool: ...
    def pause(self, tps: Sequence[TopicPartition]) -> None: ...
    def resume(self, tps: Sequence[TopicPartition]) -> None: ...
    def close(self) -> None: ...


class Follower(Protocol):
    def ends(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]: ...
    def seek(self, positions: Mapping[TopicPartition, int]) -> None: ...
    def poll(self, limit: int, timeout: float) -> list[Record]: ...
    def positions(self) -> dict[TopicPartition, int]: ...
    def close(self) -> None: ...


class Transaction(Protocol):
    def write(self, writes: Sequence[Write]) -> None: ...
    def commit(self) -> None: ...
    def abort(self) -> None: ...


class Broker(Protocol):
    """What a broker under test offers. Whatever it hands out it closes at the end of the test."""

    def topic(self, partitions: int = 1, config: Mapping[str, str] = {}) -> str: ...
    def producer(self) -> Producer: ...
    def reader(self, group: str, instance: str | None = None) -> Reader: ...
    def follower(self) -> Follower: ...
    def transaction(self, transactional_id: str) -> Transaction: ...
    def read(self, topic: str, partition: int = 0, start: int = 0) -> list[Record]: ...
    def committed(self, group: str, tp: TopicPartition) -> int | None: ...

    def expire(self, group: str, reader: Reader) -> None:
        """The session of a member that is alive runs out at the broker."""

    def compact(self, topic: str) -> None:
        """Let compaction do what it may, where the test has a say in it."""


class Member:
    """A reader, and what it was told: `mine` now, `told` in order."""

    def __init__(self, reader: Reader, *topics: str) -> None:
        self.reader = reader
        self.mine: set[TopicPartition] = set()
        self.told: list[str] = []
        self.read: list[Record] = []
        self.at_revoke: Callable[[], None] = lambda: None
        reader.subscribe(topics, self._assigned, self._revoked)

    def _assigned(self, tps: list[TopicPartition]) -> None:
        self.told.append("assigned")
        self.mine |= set(tps)

    def _revoked(self, tps: list[TopicPartition]) -> None:
        self.told.append("revoked")
        self.at_revoke()
        self.mine -= set(tps)

    def values(self, partition: int | None = None) -> list[bytes | None]:
        return [r.value for r in self.read if partition in (None, r.partition)]


def turn(*members: Member, until: Callable[[], object], seconds: float = 25.0) -> None:
    """Each member polls in turn until the condition holds."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, [(m.told, m.mine, m.values()) for m in members]
        for member in members:
            member.read += member.reader.poll(100, 0.05)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def writes(topic: str, *values: bytes | None, key: bytes = b"k", partition: int | None = 0) -> list[Write]:
    return [Write(topic, key, value, (), partition) for value in values]


class BrokerContract:
    """Inherit, and give a fixture `broker`."""

    # ------------------------------------------------------------------------------------------ writing

    def test_a_group_is_acknowledged_once_and_only_when_all_of_it_is_there(self, broker: Broker) -> None:
        name, told, seen = broker.topic(3), list[Exception | None](), list[int]()

        def done(error: Exception | None) -> None:
            told.append(error)
            seen.append(sum(len(broker.read(name, p)) for p in range(3)))

        producer = broker.producer()
        producer.write([Write(name, b"%d" % n, b"%d" % n) for n in range(200)], done)
        assert producer.flush()
        assert (told, seen) == ([None], [200])

    def test_nothing_to_write_is_acknowledged_at_once(self, broker: Broker) -> None:
        told: list[Exception | None] = []
        broker.producer().write([], told.append)
        assert told == [None]

    def test_who_hears_is_told_what_was_acknowledged(self, broker: Broker) -> None:
        name, producer, told = broker.topic(), broker.producer(), list[Exception | None]()
        producer.write(writes(name, b"v"), told.append)
        deadline = time.monotonic() + 20
        while not told and time.monotonic() < deadline:
            producer.hear()
        assert told == [None]

    def test_order_within_a_partition_is_the_order_of_writing(self, broker: Broker) -> None:
        name, producer = broker.topic(), broker.producer()
        for start in range(0, 500, 10):
            producer.write(writes(name, *(b"%d" % n for n in range(start, start + 10))), lambda error: None)
        assert producer.flush()
        found = broker.read(name)
        assert [r.value for r in found] == [b"%d" % n for n in range(500)]
        assert [r.offset for r in found] == list(range(500))

    def test_key_value_and_headers_arrive_as_given(self, broker: Broker) -> None:
        name, producer = broker.topic(), broker.producer()
        headers = (("a", b"1"), ("a", b"2"), ("n", None), ("b", b"\xff"), ("e", b""))
        producer.write_and_wait([Write(name, None, None, headers), Write(name, b"", b""), Write(name, b"\xff", b"v")])
        first, second, third = broker.read(name)
        assert (first.key, first.value, first.headers) == (None, None, headers)
        assert (second.key, second.value, second.headers) == (b"", b"", ())
        assert (third.key, third.value) == (b"\xff", b"v")
        assert all(r.timestamp_ms > 1_700_000_000_000 for r in (first, second, third))

    def test_a_key_goes_to_the_partition_where_the_java_client_puts_it(self, broker: Broker) -> None:
        name, rng = broker.topic(7), random.Random(5)
        others = {rng.randbytes(n): 0 for n in range(40)}
        broker.producer().write_and_wait([Write(name, key, b"") for key in (*JAVA, *others)])
        found = {r.key: r.partition for p in range(7) for r in broker.read(name, p)}
        assert {key: found[key] for key in JAVA} == {key: (n & 0x7FFFFFFF) % 7 for key, n in JAVA.items()}
        assert {key: found[key] for key in others} == {key: (murmur2(key) & 0x7FFFFFFF) % 7 for key in others}

    def test_a_named_partition_is_kept_whatever_the_key(self, broker: Broker) -> None:
        name = broker.topic(3)
        broker.producer().write_and_wait([Write(name, b"same", b"", (), p) for p in (2, 0, 1)])
        assert [len(broker.read(name, p)) for p in range(3)] == [1, 1, 1]

    def test_a_record_too_large_is_reported_and_the_next_ones_are_taken(self, broker: Broker) -> None:
        name, producer = broker.topic(1, SMALL), broker.producer()
        noise = random.Random(0).randbytes(40_000)  # it must not compress
        with pytest.raises(TooLarge, match=name):
            producer.write_and_wait(writes(name, noise))
        producer.write_and_wait(writes(name, b"small"))
        assert [r.value for r in broker.read(name)] == [b"small"]

    def test_headers_count_for_the_size_of_a_record(self, broker: Broker) -> None:
        name, noise = broker.topic(1, SMALL), random.Random(0).randbytes(40_000)
        with pytest.raises(TooLarge, match=name):
            broker.producer().write_and_wait([Write(name, b"k", b"v", (("h", noise),))])

    def test_a_write_too_large_is_told_apart_when_nothing_else_was_wrong(self, broker: Broker) -> None:
        """All others of its group are there, and no other group has failed."""
        name, small = broker.topic(), broker.topic(1, SMALL)
        producer, told = broker.producer(), dict[str, list[Exception | None]]()
        too_large = writes(small, random.Random(0).randbytes(40_000))
        unknown = writes(unique("no-such-topic"), b"v")
        producer.write([*writes(name, b"1"), *too_large], told.setdefault("too large", []).append)
        producer.write([*too_large, *unknown], told.setdefault("both", []).append)
        producer.write(writes(name, b"2"), told.setdefault("good", []).append)
        assert producer.flush()
        assert told["good"] == [None]
        (found,), (both,) = told["too large"], told["both"]
        assert isinstance(found, TooLarge)
        assert found.writes == tuple(too_large)
        assert isinstance(both, WriteFailed)
        assert not isinstance(both, TooLarge)
        assert [r.value for r in broker.read(name)] == [b"1", b"2"]

    def test_a_topic_or_partition_that_does_not_exist_is_reported_and_not_made(self, broker: Broker) -> None:
        name, producer = broker.topic(), broker.producer()
        producer.write_and_wait(writes(name, b"v"))
        with pytest.raises(WriteFailed, match=name):
            producer.write_and_wait(writes(name, b"v", partition=7))
        missing = unique("no-such-topic")
        with pytest.raises(WriteFailed, match=missing):
            producer.write_and_wait(writes(missing, b"v"))
        with pytest.raises(Unavailable, match=missing):
            broker.read(missing)

    def test_a_compacted_topic_takes_no_record_without_a_key(self, broker: Broker) -> None:
        name = broker.topic(1, COMPACT)
        with pytest.raises(WriteFailed, match=name):
            broker.producer().write_and_wait([Write(name, None, b"v")])

    # ------------------------------------------------------------------------------------------ reading

    def test_a_compacted_topic_holds_the_last_of_each_key(self, broker: Broker) -> None:
        name, producer = broker.topic(1, COMPACT), broker.producer()
        for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (b"c", b""), (b"d", b"1")):
            producer.write_and_wait(writes(name, value, key=key))
        broker.compact(name)
        assert {k: r.value for k, r in latest(broker.read(name)).items()} == {b"a": b"2", b"c": b"", b"d": b"1"}
        producer.write_and_wait([*writes(name, b"3", key=b"a"), *writes(name, None, key=b"d")])
        found = latest(broker.read(name))
        assert {k: (r.value, r.offset) for k, r in found.items()} == {b"a": (b"3", 6), b"c": (b"", 4)}

    def test_a_read_begins_where_it_is_told_even_past_the_end(self, broker: Broker) -> None:
        name = broker.topic()
        broker.producer().write_and_wait(writes(name, b"a", b"b", b"c"))
        found = [[r.value for r in broker.read(name, 0, start)] for start in (0, 2, 3)]
        assert found == [[b"a", b"b", b"c"], [b"c"], []]

    def test_what_was_given_up_is_never_read_and_what_is_open_ends_the_read(self, broker: Broker) -> None:
        name, producer = broker.topic(), broker.producer()
        given_up, kept = broker.transaction(unique("t")), broker.transaction(unique("t"))
        given_up.write(writes(name, b"given up"))
        kept.write(writes(name, b"kept"))
        given_up.abort()
        producer.write_and_wait(writes(name, b"behind it"))
        assert broker.read(name) == []
        kept.commit()
        assert [r.value for r in broker.read(name)] == [b"kept", b"behind it"]

    def test_the_end_lies_behind_transaction_markers_and_not_behind_the_last_record(self, broker: Broker) -> None:
        name, follower = broker.topic(), broker.follower()
        tp = TopicPartition(name, 0)
        broker.producer().write_and_wait(writes(name, b"a"))
        for value, keep in ((b"kept", True), (b"given up", False)):
            transaction = broker.transaction(unique("t"))
            transaction.write(writes(name, value))
            if keep:
                transaction.commit()
            else:
                transaction.abort()
        assert follower.ends([name]) == {tp: 5}, "two records, one given up, two markers"
        follower.seek({tp: 0})
        found, deadline = list[Record](), time.monotonic() + 15
        while follower.positions()[tp] < 5:
            assert time.monotonic() < deadline
            found += follower.poll(100, 0.1)
        assert [(r.value, r.offset) for r in found] == [(b"a", 0), (b"kept", 1)]
        assert [r.value for r in broker.read(name)] == [b"a", b"kept"]

    @pytest.mark.parametrize("limit", [1, 2, 500])
    def test_a_follower_hands_on_what_is_there_and_waits_for_no_full_batch(self, broker: Broker, limit: int) -> None:
        name, follower, found = broker.topic(), broker.follower(), list[Record]()
        broker.producer().write_and_wait(writes(name, b"a", b"b", b"c"))
        follower.seek({TopicPartition(name, 0): 0})
        began = time.monotonic()
        while len(found) < 3:
            some = follower.poll(limit, 20.0)
            assert len(some) <= limit
            found += some
        assert time.monotonic() - began < 15.0
        assert [r.value for r in found] == [b"a", b"b", b"c"]

    def test_a_second_writer_of_a_transactional_id_fences_the_first(self, broker: Broker) -> None:
        name, id = broker.topic(), unique("source")
        first = broker.transaction(id)
        first.write(writes(name, b"first"))
        second = broker.transaction(id)
        second.write(writes(name, b"second"))
        second.commit()
        with pytest.raises(FabricError):
            first.commit()
        assert [r.value for r in broker.read(name)] == [b"second"]

    # ------------------------------------------------------------------------------------------ groups

    def test_reading_goes_on_at_the_commit_after_a_crash_and_at_the_beginning_without_one(self, broker: Broker) -> None:
        name, group = broker.topic(), unique("g")
        broker.producer().write_and_wait(writes(name, b"a", b"b", b"c"))
        first = Member(broker.reader(group), name)
        turn(first, until=lambda: len(first.read) == 3)
        first.reader.close()
        second = Member(broker.reader(group), name)
        turn(second, until=lambda: len(second.read) == 3)
        assert second.reader.commit({TopicPartition(name, 0): 2})
        second.reader.close()
        third = Member(broker.reader(group), name)
        turn(third, until=lambda: third.read)
        assert third.values() == [b"c"]
        assert broker.committed(group, TopicPartition(name, 0)) == 2
        assert broker.committed(group, TopicPartition(unique("other"), 0)) is None

    def test_a_member_stands_behind_markers_and_may_commit_what_is_committed_again(self, broker: Broker) -> None:
        name, group = broker.topic(), unique("g")
        tp = TopicPartition(name, 0)
        transaction = broker.transaction(unique("t"))
        transaction.write(writes(name, b"a", b"b"))
        transaction.commit()
        member = Member(broker.reader(group), name)
        turn(member, until=lambda: member.reader.positions().get(tp) == 3)
        assert member.values() == [b"a", b"b"]
        assert member.reader.standing() == {tp: 0}
        assert member.reader.commit({tp: 1})
        assert member.reader.standing() == {tp: 1}
        assert member.reader.commit(member.reader.standing())
        assert broker.committed(group, tp) == 1

    def test_topics_with_as_many_partitions_are_shared_alike_and_handed_over(self, broker: Broker) -> None:
        """The first commits while its partitions are taken; the second goes on exactly there."""
        source, redo, group = broker.topic(3), broker.topic(3), unique("g")
        producer = broker.producer()
        producer.write_and_wait([Write(source, b"k", b"%d" % p, (), p) for p in range(3)])
        first = Member(broker.reader(group), source, redo)
        turn(first, until=lambda: len(first.read) == 3)
        accepted: list[bool] = []
        done = {TopicPartition(source, p): 1 for p in range(3)}
        first.at_revoke = lambda: accepted.append(first.reader.commit(done))
        second = Member(broker.reader(group), source, redo)
        turn(first, second, until=lambda: first.mine and second.mine and len(first.mine | second.mine) == 6)
        assert accepted == [True]
        assert first.told == ["assigned", "revoked", "assigned"]
        owned = [{tp.partition for tp in m.mine if tp.topic == source} for m in (first, second)]
        assert owned == [{tp.partition for tp in m.mine if tp.topic == redo} for m in (first, second)]
        assert sorted(map(len, owned)) == [1, 2]
        producer.write_and_wait([Write(source, b"k", b"%d" % (p + 10), (), p) for p in range(3)])
        turn(first, second, until=lambda: len(first.read) + len(second.read) >= 6)
        assert {*first.values(), *second.values()} == {b"%d" % n for n in (0, 1, 2, 10, 11, 12)}
        assert len(first.read) + len(second.read) == 6, "nothing was read twice"
        first.at_revoke = lambda: None
        second.reader.close()
        turn(first, until=lambda: len(first.mine) == 6)

    def test_a_member_whose_session_ran_out_is_refused_and_another_reads_again(self, broker: Broker) -> None:
        """A zombie: it has read, and goes on as if nothing had happened, until it polls."""
        name, group = broker.topic(), unique("g")
        tp = TopicPartition(name, 0)
        broker.producer().write_and_wait(writes(name, b"a", b"b"))
        zombie = Member(broker.reader(group), name)
        turn(zombie, until=lambda: len(zombie.read) == 2)
        assert zombie.reader.commit({tp: 1})
        broker.expire(group, zombie.reader)
        heir = Member(broker.reader(group), name)
        turn(heir, until=lambda: heir.read)
        assert heir.values() == [b"b"]
        assert not zombie.reader.commit({tp: 2})
        assert broker.committed(group, tp) == 1
        turn(zombie, heir, until=lambda: "revoked" in zombie.told)

    def test_an_instance_that_comes_again_takes_its_place_and_nothing_moves(self, broker: Broker) -> None:
        name, group = broker.topic(2), unique("g")
        former, other = (Member(broker.reader(group, instance), name) for instance in ("one", "two"))
        turn(former, other, until=lambda: former.mine and other.mine and len(former.mine | other.mine) == 2)
        told = list(other.told)
        again = Member(broker.reader(group, "one"), name)
        turn(again, other, until=lambda: again.mine)
        assert again.mine.isdisjoint(other.mine)
        assert other.told == told, "the other one noticed nothing"
        tp = next(iter(again.mine))
        assert not former.reader.commit({tp: 7})
        assert again.reader.commit({tp: 0})
        assert broker.committed(group, tp) == 0

    def test_a_paused_partition_gives_nothing_and_goes_on_where_it_was(self, broker: Broker) -> None:
        name, producer = broker.topic(2), broker.producer()
        producer.write_and_wait([*writes(name, b"a"), *writes(name, b"b", partition=1)])
        member = Member(broker.reader(unique("g")), name)
        turn(member, until=lambda: len(member.read) == 2)
        member.reader.pause([TopicPartition(name, 0)])
        producer.write_and_wait([*writes(name, b"a2", b"a3"), *writes(name, b"b2", partition=1)])
        turn(member, until=lambda: member.values(1) == [b"b", b"b2"])
        assert member.values(0) == [b"a"]
        member.reader.resume([TopicPartition(name, 0)])
        turn(member, until=lambda: len(member.read) == 5)
        assert member.values(0) == [b"a", b"a2", b"a3"]

    def test_a_topic_that_does_not_exist_is_told_to_its_reader(self, broker: Broker) -> None:
        member = Member(broker.reader(unique("g")), unique("no-such-topic"))
        with pytest.raises(Unavailable, match="psfabric topics apply"):
            turn(member, until=lambda: False)
