"""The reader of a group: what it waits for, and what it never hands on."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import confluent_kafka as ck
import pytest

from psfabric.connection import Kafka
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import GroupReader
from tests.kafka.topics import put, topic


class Joined(GroupReader):
    """Has its partitions when it is made, and knows how often they were dealt."""

    def __init__(self, kafka: Kafka, name: str) -> None:
        super().__init__(kafka, f"test.{uuid.uuid4().hex[:8]}")
        self.assignments = 0
        self.subscribe([name], lambda tps: self._count(), lambda tps: None)
        deadline = time.monotonic() + 30
        while not self.assignments and time.monotonic() < deadline:
            self.poll(1, 0.1)

    def _count_dealt(self) -> None:
        self._dealt += 1

    def _count(self) -> None:
        self.assignments += 1

    def next(self, limit: int, timeout: float) -> list[Record]:
        """What the next poll brings that brings any: the end of a partition is an event of its own."""
        while not (found := self.poll(limit, timeout)):
            pass
        return found

    def all(self, count: int) -> list[Record]:
        found: list[Record] = []
        deadline = time.monotonic() + 30
        while len(found) < count and time.monotonic() < deadline:
            found += self.poll(500, 0.1)
        return found


def test_one_record_is_handed_on_when_it_comes_and_not_when_the_wait_is_over(kafka: Kafka) -> None:
    name = topic(kafka)
    reader = Joined(kafka, name)
    put(kafka, name, "first")
    reader.all(1)
    put(kafka, name, "second")
    began = time.monotonic()
    assert [record.value for record in reader.next(500, 10.0)] == [b"second"]
    assert time.monotonic() - began < 5.0
    reader.close()


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_no_more_than_asked_for_are_handed_on_and_each_once(kafka: Kafka, limit: int) -> None:
    name = topic(kafka)
    reader = Joined(kafka, name)
    put(kafka, name, *(f"{n}" for n in range(700)))
    found: list[Record] = []
    deadline = time.monotonic() + 60
    while len(found) < 700 and time.monotonic() < deadline:
        some = reader.poll(limit, 1.0)
        assert len(some) <= limit
        found += some
    assert [record.offset for record in found] == list(range(700))
    reader.close()


class DealingAnew:
    """The client, which deals the partitions anew after the first record was taken and before the next are."""

    def __init__(self, real: ck.Consumer, deal: Callable[[], None]) -> None:
        self._real, self._deal, self.dealt = real, deal, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def consume(self, limit: int, timeout: float) -> list[ck.Message]:
        if not self.dealt:
            self.dealt = True
            self._deal()
        return self._real.consume(limit, timeout)


class Refusing(DealingAnew):
    """The client, which first tells of a topic that is not there."""

    def poll(self, timeout: float) -> Any:
        return self._real.poll(timeout) if self.dealt else Missing()


class Missing:
    def error(self) -> ck.KafkaError:
        return ck.KafkaError(ck.KafkaError.UNKNOWN_TOPIC_OR_PART)


def test_a_record_taken_before_its_partition_was_dealt_anew_is_read_again_in_its_place(kafka: Kafka) -> None:
    """Nothing was committed, so the partition is read from its begin: the record in hand must not come before it."""
    name = topic(kafka)
    reader = Joined(kafka, name)
    put(kafka, name, *(f"{n}" for n in range(20)))
    assert [record.offset for record in reader.next(1, 10.0)] == [0]
    before, real = reader.assignments, reader._consumer

    def deal() -> None:
        reader.rejoin()
        deadline = time.monotonic() + 30
        while reader.assignments == before and time.monotonic() < deadline:
            taken = real.poll(0.1)
            if taken is not None and taken.error() is None:
                real.seek(ck.TopicPartition(name, 0, taken.offset() or 0))

    reader._consumer = DealingAnew(real, deal)  # type: ignore[assignment]
    found = reader.all(20)
    assert reader.assignments > before
    assert [record.offset for record in found][:20] == list(range(20))
    reader.close()


def test_an_error_that_is_told_once_is_not_lost_when_partitions_are_dealt_anew(kafka: Kafka) -> None:
    reader = Joined(kafka, topic(kafka))
    real = reader._consumer
    reader._consumer = Refusing(real, reader._count_dealt)  # type: ignore[assignment]
    with pytest.raises(Unavailable, match="topics apply"):
        reader.poll(500, 1.0)
    reader._consumer = real
    reader.close()
