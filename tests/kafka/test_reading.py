"""Bounded reads and the follower end where the partition ends, whatever lies there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import latest, read_partition, read_topic
from psfabric.kafka import reader as room
from psfabric.kafka.follow import Follower
from tests.kafka.topics import Transaction, producing, put, topic
from tests.psfabric.reference.server import free_port


def values(records: list[Record]) -> list[str | None]:
    return [None if r.value is None else r.value.decode() for r in records]


# ------------------------------------------------------------------------------------------------ bounded reads


def test_a_partition_is_read_whole_and_in_order(kafka: Kafka) -> None:
    name = topic(kafka, 2)
    put(kafka, name, *(f"{n}" for n in range(3000)))
    put(kafka, name, "other", partition=1)
    found = read_partition(kafka, name, 0)
    assert values(found) == [f"{n}" for n in range(3000)]
    assert [r.offset for r in found] == list(range(3000))
    assert len(read_topic(kafka, name)) == 3001


def test_who_reads_little_ahead_does_not_pause_each_time_it_is_ahead(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it, in the same run, a reader that may have all of it at once."""
    name, count = topic(kafka), 50_000
    put(kafka, name, *(os.urandom(200).hex() for _ in range(count)))

    def seconds() -> float:
        began = time.monotonic()
        assert len(read_topic(kafka, name)) == count
        return time.monotonic() - began

    bounded = min(seconds() for _ in range(3))
    monkeypatch.setattr(room, "AHEAD", 2 * count)
    monkeypatch.setattr(room, "AHEAD_KB", 64 * 1024)
    assert bounded < 4 * min(seconds() for _ in range(3))


def test_an_empty_topic_and_an_unknown_one_have_no_records(kafka: Kafka) -> None:
    assert read_topic(kafka, topic(kafka, 3)) == []
    assert read_topic(kafka, "no-such-topic") == []


def test_reading_a_partition_that_does_not_exist_says_what_to_do(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SHOWN_WITHIN", 0.2)
    with pytest.raises(Unavailable, match="no-such-topic does not exist; run `psfabric topics apply`"):
        read_partition(kafka, "no-such-topic", 0)


def test_what_was_given_up_is_not_seen_and_markers_at_the_end_do_not_hang(kafka: Kafka) -> None:
    name = topic(kafka)
    put(kafka, name, "a")
    Transaction(kafka, name, "given up").abort()
    Transaction(kafka, name, "kept").commit()
    Transaction(kafka, name, "given up").abort()
    began = time.monotonic()
    assert values(read_topic(kafka, name)) == ["a", "kept"]
    assert time.monotonic() - began < 5


def test_nothing_but_markers_does_not_hang(kafka: Kafka) -> None:
    name = topic(kafka)
    Transaction(kafka, name, "given up").abort()
    assert read_topic(kafka, name) == []


def test_an_open_transaction_ends_the_read_before_it(kafka: Kafka) -> None:
    name = topic(kafka)
    put(kafka, name, "a")
    open_one = Transaction(kafka, name, "undecided")
    put(kafka, name, "behind it")
    assert values(read_topic(kafka, name)) == ["a"]
    open_one.commit()
    assert values(read_topic(kafka, name)) == ["a", "undecided", "behind it"]


def test_a_read_may_begin_anywhere_even_past_the_end(kafka: Kafka) -> None:
    name = topic(kafka)
    put(kafka, name, "a", "b", "c")
    for start, wanted in ((0, ["a", "b", "c"]), (2, ["c"]), (3, [])):
        assert values(list(room.read(kafka, [(name, 0)], {(name, 0): start}))) == wanted


def test_a_topic_that_is_written_to_all_the_time_is_read_to_the_end_it_had(kafka: Kafka) -> None:
    name, stop = topic(kafka), threading.Event()
    put(kafka, name, "first")

    def write() -> None:
        with producing(kafka) as producer:
            while not stop.is_set():
                producer.write_and_wait([Write(name, b"k", b"more", (), 0)])

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(5):
            began = time.monotonic()
            assert read_topic(kafka, name)[0].value == b"first"
            assert time.monotonic() - began < 3
    finally:
        stop.set()
        writing.join()


def test_a_slow_reader_is_no_stalled_broker(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever prints records page by page may take long over one batch."""
    now = [0.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
    names = [topic(kafka), topic(kafka)]
    for name in names:
        put(kafka, name, "a", "b")

    def slowly() -> Iterator[Record]:
        for record in room.read(kafka, [(n, 0) for n in names]):
            now[0] += 60
            yield record

    assert len(list(slowly())) == 4


def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWERS_WITHIN", 0.5)
    nowhere = Kafka(f"127.0.0.1:{free_port()}")
    follower = Follower(nowhere)
    with pytest.raises(Unavailable, match="does not answer"):
        read_topic(nowhere, "t")
    with pytest.raises(Unavailable, match="does not answer"):
        follower.ends(["t"])
    follower.close()


# ------------------------------------------------------------------------------------------------ latest


def record(offset: int, key: bytes | None, value: bytes | None) -> Record:
    return Record("t", 0, offset, key, value)


def test_latest_is_what_compaction_would_leave() -> None:
    records = [
        record(0, b"a", b"1"),
        record(1, b"b", b"1"),
        record(2, b"a", b"2"),
        record(3, b"b", None),
        record(4, None, b"no key"),
        record(5, b"c", None),
        record(6, b"d", b""),
    ]
    assert {key: r.value for key, r in latest(records).items()} == {b"a": b"2", b"d": b""}


def test_a_key_written_again_after_its_tombstone_is_there() -> None:
    assert latest([record(0, b"a", b"1"), record(1, b"a", None), record(2, b"a", b"3")])[b"a"].value == b"3"


# ------------------------------------------------------------------------------------------------ the follower


def follow(follower: Follower, tp: TopicPartition, position: int) -> list[Record]:
    """Poll until the position is reached."""
    found: list[Record] = []
    deadline = time.monotonic() + 15
    while follower.positions()[tp] < position:
        assert time.monotonic() < deadline, follower.positions()
        found += follower.poll(100, 0.1)
    return found


def test_the_position_reaches_the_end_behind_transaction_markers(kafka: Kafka, tmp_path: Path) -> None:
    name = topic(kafka)
    tp = TopicPartition(name, 0)
    put(kafka, name, "a")
    Transaction(kafka, name, "kept").commit()
    Transaction(kafka, name, "given up").abort()
    follower = Follower(kafka)
    ends = follower.ends([name, "no-such-topic"])
    assert ends == {tp: 5}, "two records, one given up, two markers"
    follower.seek({tp: 0})
    assert values(follow(follower, tp, 5)) == ["a", "kept"]
    assert follower.positions() == {tp: 5}
    put(kafka, name, "b")
    assert values(follow(follower, tp, 6)) == ["b"]
    follower.seek({tp: 1})
    assert values(follow(follower, tp, 6)) == ["kept", "b"]
    follower.close()


def test_an_empty_partition_is_at_its_end_as_soon_as_it_says_so(kafka: Kafka) -> None:
    name = topic(kafka, 2)
    follower = Follower(kafka)
    follower.seek(dict.fromkeys(follower.ends([name]), 0))
    put(kafka, name, "x", partition=1)
    assert values(follow(follower, TopicPartition(name, 1), 1)) == ["x"]
    assert follower.positions()[TopicPartition(name, 0)] == 0
    assert follower.cluster_id()
    follower.close()
