"""Tiny pure stages for the tests of the Faust host, and the topics they need."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Iterable, Sequence

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from psfabric.connection import Kafka
from psfabric.engine import Policy, Result, Write
from psfabric.engine.lane import Lane
from psfabric.errors import Parent
from psfabric.event import Record
from psfabric.hosts.faust import FaustHost
from psfabric.kafka import Admin, Producer, read_topic
from psfabric.kafka.config import client_config
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry
from psfabric.stages import Pure
from psfabric.telemetry import Telemetry
from schemas import Topic


class Unpacked:
    """A `Batch` of these records; from `first` to `next_` where compaction has taken others away."""

    def __init__(self, records: Sequence[Record], first: int | None = None, next_: int | None = None) -> None:
        self._records = list(records)
        self.first = records[0].offset if first is None else first
        self.next = records[-1].offset + 1 if next_ is None else next_

    def take(self, most: int) -> Sequence[Record]:
        found, self._records = self._records[:most], self._records[most:]
        self.first = self._records[0].offset if self._records else self.next
        return found


class FakeStage(Pure):
    """Copies each record, key and headers included, to `output`; the value's first word may say otherwise.

    `wait:<id>` is held until the parent ("thing", id) is known (`known`), `bad` is refused, `down` is retried while
    `down` is set, `bug` raises outside of any guard.
    """

    def __init__(self, name: str, inputs: tuple[str, ...], output: str) -> None:
        self.policy = Policy(name, "process", barrier=True)
        self.inputs = inputs
        self.output = output
        self.known: set[Parent] = set()
        self.down = False
        self.bugs = True
        self.large = ""
        self.slow = 0.0
        self.handled: list[str] = []

    def handle(self, record: Record, lane: Lane) -> Result:
        if self.slow:
            time.sleep(self.slow)
        word = (record.value or b"").decode(errors="replace").partition(" ")[0]
        self.handled.append(record.coordinates)
        if word == "bug" and self.bugs:
            raise ZeroDivisionError("planted")
        refused = self._refused(word)
        return Result(refused) if refused is not None else Result(Delivered(""), (self._copy(record),))

    def _refused(self, word: str) -> Outcome | None:
        parent = Parent("thing", word.removeprefix("wait:"))
        if word.startswith("wait:") and parent not in self.known:
            return Held("not there yet", parent)
        if word == "bad":
            return Rejected("contract-violated", "planted")
        return Retry("down") if word == "down" and self.down else None

    def _copy(self, record: Record) -> Write:
        at = (("origin", record.coordinates.encode()),)
        value = record.value or b""
        if self.large and value == self.large.encode():
            value += random.Random(0).randbytes(2_000_000)  # nothing that compresses
        return Write(self.output, record.key, value, (*record.headers, *at), record.partition)

    def state_receipt(self, record: Record, outcome: Outcome) -> Write | None:
        return None

    def has_many(self, parents: Iterable[Parent]) -> set[Parent]:
        return self.known & set(parents)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def create(kafka: Kafka, stages: Iterable[Pure], *others: str, partitions: int = 3) -> None:
    """The topics of the stages, and others."""
    names = {t for s in stages for t in (*s.topics, s.policy.hold_topic, s.policy.dlq_topic)} | set(others)
    limits = {"max.message.bytes": "100000"}
    made = [Topic(name=n, partitions=partitions, config=limits, rule="test", tombstones=True) for n in sorted(names)]
    Admin(kafka).apply(made)


def produce(kafka: Kafka, topic: str, values: Iterable[tuple[str, str]], partition: int | None = None) -> None:
    """Records of (key, value), acknowledged."""
    producer = Producer(kafka, "tests")
    producer.write_and_wait([Write(topic, k.encode(), v.encode(), (), partition) for k, v in values])
    producer.close()


def produce_in_transactions(kafka: Kafka, topic: str) -> None:
    """A committed `1` in each of partitions 0 and 1, and in partition 2 a `2` that is given up."""
    producer = ck.Producer({**client_config(kafka), "transactional.id": unique("tx")})
    producer.init_transactions(10)
    for partition in (0, 1):
        producer.begin_transaction()
        producer.produce(topic, key=b"k", value=b"1", partition=partition)
        producer.commit_transaction(10)
    producer.begin_transaction()
    producer.produce(topic, key=b"k", value=b"2", partition=2)
    producer.flush(10)
    producer.abort_transaction(10)


def values_of(kafka: Kafka, topic: str) -> list[str]:
    return [(r.value or b"").decode() for r in read_topic(kafka, topic)]


def committed(kafka: Kafka, group: str, topic: str, partition: int = 0) -> int:
    """The group's committed offset; 0 when it has none."""
    client = AdminClient(client_config(kafka))
    wanted = [ck.ConsumerGroupTopicPartitions(group, [ck.TopicPartition(topic, partition)])]
    answer = client.list_consumer_group_offsets(wanted)[group].result(10)
    return max(0, int(answer.topic_partitions[0].offset))


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        await asyncio.sleep(0.02)


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """As `until`, for conditions that ask the broker: they run in a thread."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "not within the time allowed"
        await asyncio.sleep(0.1)


class Hosted:
    """`async with Hosted(kafka, stage, ...) as host`: running and ready; stopped at the end unless it failed."""

    def __init__(
        self,
        kafka: Kafka,
        *stages: Pure,
        instance: str | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._producer = Producer(kafka, "host")
        self._stop = asyncio.Event()
        first = stages[0]
        has_many = first.has_many if isinstance(first, FakeStage) else lambda parents: set()
        self.host = FaustHost(kafka, stages, self._producer, has_many=has_many, instance=instance, telemetry=telemetry)

    async def __aenter__(self) -> Hosted:
        self.running = asyncio.create_task(self.host.run(self._stop))
        await until(lambda: self.host.ready() or self.running.done())
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._stop.set()
        try:
            if not self.running.done():
                await self.running
        finally:
            await asyncio.to_thread(self._producer.close)
