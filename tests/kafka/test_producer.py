"""The producer tells each group of writes once whether all of it is durable."""

from __future__ import annotations

import random
import threading
import time

import pytest

import schemas
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.intake.door import BODY_LIMIT
from psfabric.kafka import Producer, TooLarge, WriteFailed, read_topic
from tests.contracts.broker import JAVA
from tests.kafka.topics import producing, topic
from tests.psfabric.reference.server import free_port
from tests.waiting import eventually


class Told:
    """Collects what the producer says about groups of writes."""

    def __init__(self) -> None:
        self.answers: list[Exception | None] = []
        self.event = threading.Event()

    def __call__(self, error: Exception | None) -> None:
        self.answers.append(error)
        self.event.set()

    def wait(self) -> list[Exception | None]:
        assert self.event.wait(20)
        return self.answers


def values(kafka: Kafka, name: str) -> list[bytes | None]:
    return [r.value for r in read_topic(kafka, name)]


def test_a_group_is_acknowledged_once_and_only_when_all_of_it_is_durable(kafka: Kafka) -> None:
    name, told = topic(kafka, 3), Told()
    with producing(kafka) as producer:
        producer.write([Write(name, b"%d" % n, b"%d" % n) for n in range(500)], told)
        assert told.wait() == [None]
        assert len(values(kafka, name)) == 500
    assert told.answers == [None]


def test_who_writes_much_may_hear_in_his_own_thread_what_was_acknowledged(kafka: Kafka) -> None:
    """And when he does not any more, the producer's thread tells as before."""
    name, here, threads = topic(kafka), threading.get_ident(), list[int]()
    with producing(kafka) as producer:

        def heard_until(enough: int, deadline: float) -> None:
            while len(threads) < enough:
                assert time.monotonic() < deadline
                producer.hear()

        for count in range(1, 51):
            producer.write([Write(name, b"k", b"v")], lambda error: threads.append(threading.get_ident()))
            heard_until(count, time.monotonic() + 20)
        told = Told()
        producer.write([Write(name, b"k", b"v")], told)
        assert told.wait() == [None]
    assert threads.count(here) > 25, "the thread that computes hears nothing itself"


def test_who_is_about_to_wait_is_told_by_the_producer(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then nobody else listens, however long it takes."""
    monkeypatch.setattr("psfabric.kafka.producer.ELSEWHERE", 60.0)
    name, told = topic(kafka), Told()
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, b"k", b"v")])
        keeps_out, wait = threading.Event(), producer._stopping.wait

        def waiting(seconds: float) -> bool:
            keeps_out.set()
            return wait(seconds)

        monkeypatch.setattr(producer._stopping, "wait", waiting)
        producer.hear()
        assert keeps_out.wait(20)  # until then the producer's thread may be listening still
        producer.write([Write(name, b"k", b"v")], told)
        eventually(lambda: len(values(kafka, name)) == 2)
        assert not told.event.wait(0.1)
        producer.hear(again=False)
        assert told.wait() == [None]
        later = Told()
        producer.write([Write(name, b"k", b"v")], later)
        assert later.wait() == [None]


def test_nothing_to_write_is_acknowledged_at_once(kafka: Kafka) -> None:
    told = Told()
    with producing(kafka) as producer:
        producer.write([], told)
        assert told.answers == [None]


def test_order_within_a_partition_is_the_order_of_writing(kafka: Kafka) -> None:
    name = topic(kafka)
    with producing(kafka) as producer:
        for start in range(0, 2000, 10):
            producer.write([Write(name, b"k", b"%d" % n) for n in range(start, start + 10)], lambda error: None)
        assert producer.flush()
    assert values(kafka, name) == [b"%d" % n for n in range(2000)]


def test_headers_null_values_and_a_missing_key_arrive_as_given(kafka: Kafka) -> None:
    name = topic(kafka)
    headers = (("a", b"1"), ("a", b"2"), ("n", None), ("b", b"\xff"))
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, None, None, headers), Write(name, b"", b"")])
    first, second = read_topic(kafka, name)
    assert (first.key, first.value, first.headers) == (None, None, headers)
    assert (second.key, second.value, second.headers) == (b"", b"", ())


NOISE = random.Random(0)
"""Of bytes that do not compress: the broker measures what it is sent."""


@pytest.mark.parametrize("size", [200_000, 5_000_000], ids=["for the topic", "for the producer"])
def test_a_record_too_large_is_told_apart_and_the_others_of_its_group_are_durable(kafka: Kafka, size: int) -> None:
    name, told = topic(kafka, 1, **{"max.message.bytes": "100000"}), Told()
    large = Write(name, b"k", NOISE.randbytes(size), (("h", b"1"),))
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, b"k", b"a")])
        producer.write([large], told)
        (error,) = told.wait()
        producer.write_and_wait([Write(name, b"k", b"b")])
    assert isinstance(error, TooLarge)
    assert error.writes == (large,)
    assert str(error) == f"{name} refuses a record of {size + 3:,} bytes as too large"
    assert values(kafka, name) == [b"a", b"b"]


def test_among_many_only_what_is_too_large_is_refused(kafka: Kafka) -> None:
    """A megabyte is the largest batch that is sent, and the smallest topic of the fabric takes one."""
    name, told = topic(kafka, 1, **{"max.message.bytes": "1048576"}), Told()
    fitting = [Write(name, b"k", NOISE.randbytes(30_000)) for _ in range(100)]
    large = [Write(name, b"k", NOISE.randbytes(1_100_000)) for _ in range(2)]
    with producing(kafka) as producer:
        producer.write([*fitting[:50], large[0], *fitting[50:], large[1]], told)
        (error,) = told.wait()
    assert isinstance(error, TooLarge)
    assert error.writes == tuple(large)
    assert values(kafka, name) == [write.value for write in fitting]


def test_a_group_that_failed_otherwise_as_well_is_not_called_too_large(kafka: Kafka) -> None:
    """Whoever buries the record that was too large would commit it although its other writes are nowhere."""
    name, told = topic(kafka, 1, **{"max.message.bytes": "100000"}), Told()
    with producing(kafka) as producer:
        producer.write([Write(name, b"k", NOISE.randbytes(5_000_000)), Write("no-such-topic", b"k", b"v")], told)
        (error,) = told.wait()
    assert isinstance(error, WriteFailed)
    assert not isinstance(error, TooLarge)


def test_the_largest_webhook_fits_its_topic_and_the_largest_record_of_all_can_wait(kafka: Kafka) -> None:
    """As declared: 1 MiB is what intake takes, its headers come beside it, and a reason beside those."""
    declared = {t.name.split(".")[0]: t for t in schemas.topics().concrete({"large": True})}
    headers = tuple((f"h{n}", b"x" * 1000) for n in range(60))
    with producing(kafka) as producer:
        for family, wider in (("raw", 0), ("full", 0), ("hold", 60_000), ("dlq", 60_000), ("redo", 60_000)):
            name = topic(kafka, 1, **declared[family].config)
            producer.write_and_wait([Write(name, b"k", NOISE.randbytes(BODY_LIMIT + wider), headers)])


def test_a_topic_that_does_not_exist_is_reported_and_not_made(kafka: Kafka) -> None:
    with producing(kafka) as producer, pytest.raises(WriteFailed, match="no-such-topic"):
        producer.write_and_wait([Write("no-such-topic", b"k", b"v")])
    assert values(kafka, "no-such-topic") == []


def test_a_partition_that_does_not_exist_is_reported(kafka: Kafka) -> None:
    name = topic(kafka)
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, b"k", b"v")])
        with pytest.raises(WriteFailed, match=name):
            producer.write_and_wait([Write(name, b"k", b"v", (), 7)])


def test_a_key_goes_to_the_partition_where_the_java_client_puts_it(kafka: Kafka) -> None:
    name = topic(kafka, 7)
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, key, b"") for key in JAVA])
    found = {r.key: r.partition for r in read_topic(kafka, name)}
    assert found == {key: (number & 0x7FFFFFFF) % 7 for key, number in JAVA.items()}


def test_a_named_partition_is_kept_whatever_the_key(kafka: Kafka) -> None:
    name = topic(kafka, 3)
    with producing(kafka) as producer:
        producer.write_and_wait([Write(name, b"same", b"", (), p) for p in (2, 0, 1)])
    assert sorted(r.partition for r in read_topic(kafka, name)) == [0, 1, 2]


def test_a_broker_that_is_gone_is_a_failed_write_and_closing_does_not_hang() -> None:
    producer = Producer(Kafka(f"127.0.0.1:{free_port()}"), "tests")
    with pytest.raises(WriteFailed, match="not acknowledged within"):
        producer.write_and_wait([Write("t", b"k", b"v")], timeout=0.5)
    began = time.monotonic()
    producer.close(timeout=1)
    assert time.monotonic() - began < 5


def test_a_caller_that_raises_does_not_silence_the_others(kafka: Kafka) -> None:
    name, told = topic(kafka), Told()

    def broken(error: Exception | None) -> None:
        raise RuntimeError("Event loop is closed")

    with producing(kafka) as producer:
        producer.write([Write(name, b"k", b"1")], broken)
        producer.write([Write(name, b"k", b"2")], told)
        assert told.wait() == [None]
