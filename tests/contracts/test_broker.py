"""The broker contract, on the local Kafka and on the in-memory broker; and what only the latter has."""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.work import TopicPartition
from psfabric.event import Record
from psfabric.kafka import Admin, GroupReader, Producer
from psfabric.kafka import reader as room
from psfabric.kafka.follow import Follower
from psfabric.kafka.memory import (
    MAX_BYTES,
    MemoryBroker,
    MemoryFollower,
    MemoryProducer,
    MemoryReader,
    MemoryTransaction,
)
from psfabric.kafka.producer import WriteFailed, quiet_logger
from psfabric.kafka.reader import read
from schemas import Topic
from tests.contracts.broker import Broker, BrokerContract, Member, Reader, turn, writes


class Closing:
    """Closes what it handed out, the last first."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], object]] = []

    def closing(self, close: Callable[[], object]) -> None:
        self._closers.append(close)

    def close(self) -> None:
        for close in reversed(self._closers):
            close()


# ------------------------------------------------------------------------------------------------ the real one


class RealTransaction:
    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        config = {"bootstrap.servers": bootstrap, "transactional.id": transactional_id}
        self._producer = ck.Producer({**config, "transaction.timeout.ms": 60_000}, logger=quiet_logger("test"))
        self._producer.init_transactions(20)
        self._producer.begin_transaction()

    def write(self, writes: Sequence[Write]) -> None:
        for w in writes:
            self._producer.produce(w.topic, w.value, w.key, partition=w.partition or 0)
        self._producer.flush(20)

    def commit(self) -> None:
        try:
            self._producer.commit_transaction(20)
        except ck.KafkaException as error:
            raise WriteFailed(error.args[0].str()) from None

    def abort(self) -> None:
        self._producer.abort_transaction(20)


class RealBroker(Closing):
    def __init__(self, kafka: Kafka) -> None:
        super().__init__()
        self._kafka = kafka
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap})

    def topic(self, partitions: int = 1, config: Mapping[str, str] = {}) -> str:
        name = f"test.{uuid.uuid4().hex[:10]}"
        Admin(self._kafka).apply(
            [Topic(name=name, partitions=partitions, config=dict(config), rule="test", tombstones=True)]
        )
        return name

    def producer(self) -> Producer:
        producer = Producer(self._kafka, "tests", topic_within=0.5)
        self.closing(producer.close)
        return producer

    def reader(self, group: str, instance: str | None = None) -> GroupReader:
        reader = GroupReader(self._kafka, group, instance=instance, session_ms=6000)
        self.closing(reader.close)
        return reader

    def follower(self) -> Follower:
        follower = Follower(self._kafka)
        self.closing(follower.close)
        return follower

    def transaction(self, transactional_id: str) -> RealTransaction:
        return RealTransaction(self._kafka.bootstrap, transactional_id)

    def read(self, topic: str, partition: int = 0, start: int = 0) -> list[Record]:
        return list(read(self._kafka, [(topic, partition)], {(topic, partition): start}))

    def committed(self, group: str, tp: TopicPartition) -> int | None:
        wanted = [ck.ConsumerGroupTopicPartitions(group, [ck.TopicPartition(tp.topic, tp.partition)])]
        (answer,) = self._admin.list_consumer_group_offsets(wanted)[group].result(10).topic_partitions
        return None if answer.offset < 0 else int(answer.offset)

    def expire(self, group: str, reader: Reader) -> None:
        """To the coordinator a member that leaves is one whose session ran out; so somebody else says goodbye."""
        described = self._admin.describe_consumer_groups([group])[group].result(10)
        (member,) = described.members
        host, _, port = self._kafka.bootstrap.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(_leave_group(group, member.member_id))
            assert connection.recv(4), "the broker closed the connection"

    def compact(self, topic: str) -> None:
        """The log cleaner comes when it likes; what is read as latest must be the same before and after."""


def _leave_group(group: str, member: str) -> bytes:
    """A LeaveGroup request, version 0 (Kafka protocol guide)."""

    def text(value: str) -> bytes:
        return struct.pack(">h", len(value)) + value.encode()

    body = struct.pack(">hhi", 13, 0, 1) + text("tests") + text(group) + text(member)
    return struct.pack(">i", len(body)) + body


class TestKafka(BrokerContract):
    @pytest.fixture
    def broker(self, kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
        monkeypatch.setattr(room, "SHOWN_WITHIN", 0.2)
        broker = RealBroker(kafka)
        yield broker
        broker.close()


# ------------------------------------------------------------------------------------------------ in memory


class InMemory:
    """The memory broker as one under test."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def topic(self, partitions: int = 1, config: Mapping[str, str] = {}) -> str:
        name = f"test.{uuid.uuid4().hex[:10]}"
        compacted = config.get("cleanup.policy") == "compact"
        max_bytes = int(config.get("max.message.bytes", MAX_BYTES))
        self.broker.create(name, partitions, max_bytes=max_bytes, compacted=compacted)
        return name

    def producer(self) -> MemoryProducer:
        return self.broker.producer()

    def reader(self, group: str, instance: str | None = None) -> MemoryReader:
        return self.broker.reader(group, instance=instance)

    def follower(self) -> MemoryFollower:
        return self.broker.follower()

    def transaction(self, transactional_id: str) -> MemoryTransaction:
        return self.broker.transaction(transactional_id)

    def read(self, topic: str, partition: int = 0, start: int = 0) -> list[Record]:
        return self.broker.read([(topic, partition)], {(topic, partition): start})

    def committed(self, group: str, tp: TopicPartition) -> int | None:
        return self.broker.group(group).committed.get(tp)

    def expire(self, group: str, reader: Reader) -> None:
        assert isinstance(reader, MemoryReader)
        reader.expire()

    def compact(self, topic: str) -> None:
        self.broker.compact(topic)


class TestMemory(BrokerContract):
    @pytest.fixture
    def broker(self) -> Broker:
        return InMemory()


def by_hand() -> tuple[MemoryBroker, MemoryProducer, list[Exception | None]]:
    broker = MemoryBroker(by_hand=True)
    broker.create("t", 2)
    return broker, broker.producer(), []


def there(broker: MemoryBroker) -> list[bytes | None]:
    return [r.value for r in broker.read_topic("t")]


def test_by_hand_a_write_lands_and_is_heard_of_when_the_test_says_so() -> None:
    broker, producer, told = by_hand()
    producer.write([*writes("t", b"a"), *writes("t", b"b", partition=1)], told.append)
    assert there(broker) == []
    producer.land(TopicPartition("t", 1))
    assert (there(broker), producer.unheard, told) == ([b"b"], 0, [])
    producer.land(TopicPartition("t", 0))
    assert (there(broker), producer.unheard, told) == ([b"a", b"b"], 1, [])
    producer.acknowledge()
    assert told == [None]


def test_a_lost_acknowledgement_is_a_failure_of_what_is_there() -> None:
    broker, producer, told = by_hand()
    producer.write(writes("t", b"a"), told.append)
    producer.land(TopicPartition("t", 0))
    producer.lose()
    assert isinstance(told[0], WriteFailed)
    assert there(broker) == [b"a"]


def test_a_process_that_dies_leaves_what_has_landed() -> None:
    broker, producer, told = by_hand()
    producer.write(writes("t", b"a", b"b"), told.append)
    producer.land(TopicPartition("t", 0))
    producer.forget()
    assert producer.flush()
    assert (there(broker), told) == ([b"a"], [])


def test_a_refusing_topic_fails_the_write_and_a_broker_that_is_away_keeps_it() -> None:
    broker = MemoryBroker()
    broker.create("t")
    broker.refusing.add("t")
    with pytest.raises(WriteFailed):
        broker.producer().write_and_wait(writes("t", b"a"))
    broker.refusing.clear()
    broker.away, told = True, list[Exception | None]()
    producer = broker.producer()
    producer.write(writes("t", b"b"), told.append)
    assert not producer.flush()
    assert told == []
    broker.away = False
    assert producer.flush()
    assert (there(broker), told) == ([b"b"], [None])


def test_while_the_broker_is_away_nothing_is_read_and_no_commit_is_taken() -> None:
    broker = MemoryBroker()
    broker.create("t")
    broker.producer().write_and_wait(writes("t", b"a"))
    member = Member(broker.reader("g"), "t")
    turn(member, until=lambda: member.read)
    broker.away = True
    assert not member.reader.commit({TopicPartition("t", 0): 1})
    assert member.reader.poll(10, 0) == []
    broker.away = False
    assert member.reader.commit({TopicPartition("t", 0): 1})


def test_retention_and_compaction_leave_gaps_that_nobody_stumbles_over() -> None:
    broker = MemoryBroker()
    broker.create("t", compacted=True)
    for key, value in ((b"a", b"1"), (b"a", b"2"), (b"b", b"3"), (b"b", None), (b"c", b"4")):
        broker.producer().write_and_wait(writes("t", value, key=key))
    broker.compact("t")
    member = Member(broker.reader("g"), "t")
    turn(member, until=lambda: len(member.read) == 2)
    assert [(r.offset, r.value) for r in member.read] == [(1, b"2"), (4, b"4")]
    broker.log(TopicPartition("t", 0)).retain(4)
    assert [r.offset for r in broker.read_topic("t")] == [4]
    assert broker.ends(["t"]) == {TopicPartition("t", 0): 5}
