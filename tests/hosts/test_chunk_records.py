"""What aiokafka fetched becomes the fabric's records, and its place in the log is kept as it keeps it itself."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from psfabric.event import Record
from psfabric.hosts.faust_chunks.records import Records
from psfabric.hosts.faust_chunks.thread import ChunkConsumerThread

TP = TopicPartition("in", 3)
HEADERS = [("ce_id", b"e"), ("again", b"1"), ("again", None), ("", b"\xff")]


def batch(first: int, *at: int, producer: int = -1) -> bytes:
    """Records at offsets `first + at` in one batch; of a transaction when `producer` is not -1."""
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1_000_000)
    for n in at:
        key, value = (None, None) if n == 7 else (b"k%d" % n, b"v" * n)
        builder.append(n, 1_700_000_000_000 + n, key, value, HEADERS if n % 2 else [])
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, first)
    return bytes(built)


def unpacked(kind: Any, fetched: bytes, at: int, aborted: Sequence[tuple[int, int]] = ()) -> Any:
    return kind(TP, MemoryRecords(fetched), list(aborted), at, None, None, True, fetcher.READ_COMMITTED)


def drained(records: Any, at: int, most: int | None) -> list[tuple[list[Any], int]]:
    """What each `getall` gives, as the consumer drains a fetch, and the place after it."""
    state = SimpleNamespace(paused=False, position=at)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda tp: state)
    result = fetcher.FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
    got = []
    while result.has_more():
        found = result.getall(most)
        got.append((found, state.position))
    return got


FETCHED = batch(100, 0, 1, 2, 5, 7) + batch(120, 0, 1, 3, producer=9) + batch(130, 0, 4)


@pytest.mark.parametrize("most", [None, 1, 3, 10])
@pytest.mark.parametrize("aborted", [(), ((9, 120),)])
@pytest.mark.parametrize("at", [100, 102, 131])
def test_records_and_places_are_those_of_aiokafka(at: int, aborted: Any, most: int | None) -> None:
    stock = drained(unpacked(fetcher.PartitionRecords.__mro__[-2], FETCHED, at, aborted), at, most)
    ours = drained(unpacked(Records, FETCHED, at, aborted), at, most)
    as_ours = [
        ([Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp) for r in found], place)
        for found, place in stock
    ]
    assert ours == as_ours
    assert all(type(r) is Record and type(r.headers) is tuple for found, _ in ours for r in found)


def test_a_damaged_batch_is_refused_after_those_before_it() -> None:
    damaged = bytearray(FETCHED)
    damaged[-1] ^= 1
    records = unpacked(Records, bytes(damaged), 100)
    with pytest.raises(CorruptRecordException):
        drained(records, 100, None)
    assert records.next_fetch_offset == 124


@pytest.mark.parametrize(
    ("position", "sought"),
    [(103, [(TP, 101)]), (105, [(TP, 101)]), (101, []), (7, []), (None, [])],
    ids=["behind it", "behind a marker after it", "moved back to it", "moved back further", "not ours any more"],
)
async def test_what_nobody_took_is_read_again_unless_reading_was_moved_back_meanwhile(
    monkeypatch: pytest.MonkeyPatch, position: int | None, sought: list[tuple[TopicPartition, int]]
) -> None:
    done: list[tuple[TopicPartition, int]] = []
    thread = ChunkConsumerThread.__new__(ChunkConsumerThread)
    consumer = SimpleNamespace(seek=lambda tp, offset: done.append((tp, offset)))
    monkeypatch.setattr(ChunkConsumerThread, "positions", lambda self: {} if position is None else {TP: position})
    monkeypatch.setattr(ChunkConsumerThread, "_ensure_consumer", lambda self: consumer)
    await thread._give_back({TP: [Record("in", 3, 101, None, b""), Record("in", 3, 102, None, b"")]})
    assert done == sought
