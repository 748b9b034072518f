"""Writes that are all there or none of them, from the one holder of an id."""

from __future__ import annotations

import random
import time
import uuid

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Unavailable
from psfabric.kafka import Fenced, Indefinite, TooLarge, Transactions, WriteFailed, read_settled, read_topic
from tests.kafka.topics import Transaction, put, topic
from tests.psfabric.reference.server import free_port


def held(kafka: Kafka, id: str | None = None) -> Transactions:
    made = Transactions(kafka, id or f"test.{uuid.uuid4().hex[:8]}")
    made.begin()
    return made


def values(kafka: Kafka, name: str) -> list[bytes | None]:
    return [record.value for record in read_topic(kafka, name)]


def test_what_is_written_is_there_with_key_headers_and_partition(kafka: Kafka) -> None:
    name, headers = topic(kafka, 3), (("a", b"1"), ("a", None))
    held(kafka).write([Write(name, b"k", b"v", headers, 2), Write(name, None, None, (), 0)])
    first, second = sorted(read_topic(kafka, name), key=lambda record: -record.partition)
    assert (first.partition, first.key, first.value, first.headers) == (2, b"k", b"v", headers)
    assert (second.partition, second.key, second.value) == (0, None, None)


def test_a_record_too_large_takes_the_others_with_it_and_the_next_transaction_goes_through(kafka: Kafka) -> None:
    name, small = topic(kafka), topic(kafka, 1, **{"max.message.bytes": "100000"})
    holder = held(kafka)
    for size in (200_000, 5_000_000):
        large = Write(small, b"k", random.Random(0).randbytes(size))
        with pytest.raises(TooLarge, match=small) as caught:
            holder.write([Write(name, b"k", b"never"), large, Write(name, b"k", b"never")])
        assert caught.value.writes == (large,)
    with pytest.raises(WriteFailed, match=name):
        holder.write([Write(name, b"k", b"never"), Write(name, b"k", b"no such partition", (), 9)])
    holder.write([Write(name, b"k", b"after")])
    assert values(kafka, name) == [b"after"]


def test_the_one_who_begins_later_fences_the_other_and_ends_what_it_left_open(kafka: Kafka) -> None:
    name, id = topic(kafka), f"test.{uuid.uuid4().hex[:8]}"
    older = held(kafka, id)
    older.write([Write(name, b"k", b"1")])
    left_open = Transaction(kafka, name, "open")  # its id is the topic's name
    held(kafka, name)
    newer = held(kafka, id)
    with pytest.raises(Fenced, match=id):
        older.write([Write(name, b"k", b"late")])
    with pytest.raises(Indefinite, match="has not begun"):
        older.write([Write(name, b"k", b"later")])
    newer.write([Write(name, b"k", b"2")])
    assert values(kafka, name) == [b"1", b"2"]
    del left_open


def test_a_broker_that_is_away_grants_nothing(kafka: Kafka) -> None:
    nowhere = Kafka(f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match=nowhere.bootstrap):
        Transactions(nowhere, "x", answer_within=0.5).begin()


def test_a_settled_read_waits_for_a_transaction_that_hides_what_was_committed_behind_it(kafka: Kafka) -> None:
    name = topic(kafka)
    put(kafka, name, "before")
    other = Transaction(kafka, name, "hiding")
    held(kafka).write([Write(name, b"k", b"mine")])
    assert values(kafka, name) == [b"before"], "so a plain read would miss it"
    with pytest.raises(Unavailable, match="within 1 s"):
        read_settled(kafka, name, within=1.0)
    began = time.monotonic()
    other.abort()
    assert [record.value for record in read_settled(kafka, name)] == [b"before", b"mine"]
    assert time.monotonic() - began < 10


def test_a_settled_read_of_a_topic_that_is_not_there_says_what_to_do(kafka: Kafka) -> None:
    with pytest.raises(Unavailable, match="topics apply"):
        read_settled(kafka, "no-such-topic")
