"""What aiokafka fetched becomes the fabric's records when they are taken; its place in the log is aiokafka's own."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Sequence
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.hosts.faust_chunks.batches import Batches, PackedBatch
from psfabric.hosts.faust_chunks.thread import ChunkConsumerThread
from tests.hosts.fakes import Unpacked

TP = TopicPartition("in", 3)
HEADERS = [("ce_id", b"e"), ("again", b"1"), ("again", None), ("", b"\xff")]
LZ4 = 3


def batch(first: int, *at: int, producer: int = -1, codec: int = 0, removed: int = 0) -> bytes:
    """Records at offsets `first + at` in one batch; of a transaction when `producer` is not -1. Compaction took away
    `removed` more behind the last."""
    builder = DefaultRecordBatchBuilder(2, codec, int(producer >= 0), producer, 0, 0, 1_000_000)
    for n in at:
        key, value = (None, None) if n == 7 else (b"k%d" % n, b"v" * n * 40)
        builder.append(n, 1_700_000_000_000 + n, key, value, HEADERS if n % 2 else [])
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, first)
    struct.pack_into(">i", built, 23, max(at) + removed)
    return checked(built)


def emptied(first: int, removed: int) -> bytes:
    """A batch of which compaction left nothing but its place."""
    built = bytearray(batch(first, 0, removed=removed - 1)[:61])
    struct.pack_into(">i", built, 8, len(built) - 12)
    struct.pack_into(">i", built, 57, 0)
    return checked(built)


def aborting(at: int, producer: int) -> bytes:
    """The marker that ends an aborted transaction of this producer."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, 0, 1_000)
    builder.append(0, 1_700_000_000_000, struct.pack(">hh", 0, 0), b"", [])
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, at)
    struct.pack_into(">h", built, 21, 0x30)
    return checked(built)


def checked(built: bytearray) -> bytes:
    struct.pack_into(">I", built, 17, calc_crc32c(bytes(built[21:])))
    return bytes(built)


def fetched_as(kind: Any, fetched: bytes, at: int, aborted: Sequence[tuple[int, int]] = ()) -> Any:
    return kind(TP, MemoryRecords(fetched), list(aborted), at, None, None, True, fetcher.READ_COMMITTED)


def drained(records: Any, at: int, most: int | None = None) -> list[tuple[list[Any], int]]:
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


def taken(batch: PackedBatch, most: int) -> list[Record]:
    found = list[Record]()
    while batch.first < batch.next:
        some, before = batch.take(most), batch.first
        assert len(some) == most or before == batch.next
        assert before > (some[-1].offset if some else -1)
        found += some
    assert batch.take(most) == []
    return found


FETCHED = (
    batch(100, 0, 1, 2, 5, 7, codec=LZ4)
    + batch(120, 0, 1, 3, producer=9)
    + emptied(124, 4)
    + aborting(128, producer=9)
    + batch(130, 0, 4, producer=9, removed=3)
)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("most", [None, 1, 2])
@pytest.mark.parametrize("aborted", [(), ((9, 120),)])
@pytest.mark.parametrize("at", [100, 102, 121, 131])
def test_records_and_place_are_those_of_aiokafka(at: int, aborted: Any, most: int | None, size: int) -> None:
    """`most` batches of a fetch at a time, of each of them `size` records."""
    stock = drained(fetched_as(fetcher.PartitionRecords.__mro__[-2], FETCHED, at, aborted), at)
    ours = drained(fetched_as(Batches, FETCHED, at, aborted), at, most)
    assert ours[-1][1] == stock[-1][1] == 138
    for batches, place in ours:
        assert not batches or batches[-1].next == place or most is None
    found = [r for batches, _ in ours for batch in batches for r in taken(batch, size)]
    assert found == [
        Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp)
        for r in chain.from_iterable(records for records, _ in stock)
    ]
    assert found[-1].offset == 134, "what its producer wrote after the aborted transaction"
    assert all(type(r) is Record and type(r.headers) is tuple for r in found)


@pytest.mark.parametrize(("at", "reach"), [(100, [(100, 108), (120, 124)]), (102, [(102, 108), (120, 124)])])
def test_a_batch_reaches_as_far_as_what_is_read_of_it(at: int, reach: list[tuple[int, int]]) -> None:
    """Not over the gap before it: what waits is counted by it."""
    (batches, _), *_ = drained(fetched_as(Batches, FETCHED, at), at, 2)
    assert [(batch.first, batch.next) for batch in batches] == reach


def test_a_batch_that_was_taken_is_freed_without_the_garbage_collector() -> None:
    """It holds up to a megabyte, and the host looks for reference cycles seldom."""
    gc.disable()
    try:
        (batches, _), *_ = drained(fetched_as(Batches, FETCHED, 100), 100, 1)
        packed = weakref.ref(batches[0])
        assert len(batches.pop().take(5)) == 5
        assert packed() is None
    finally:
        gc.enable()


def test_a_batch_that_was_emptied_is_passed() -> None:
    (batches, place), *_ = drained(fetched_as(Batches, emptied(124, 4), 124), 124)
    assert place == 128
    assert [r for batch in batches for r in taken(batch, 10)] == []


def test_a_damaged_batch_is_refused_after_those_before_it() -> None:
    damaged = bytearray(FETCHED)
    damaged[-1] ^= 1
    records = fetched_as(Batches, bytes(damaged), 100)
    with pytest.raises(CorruptRecordException):
        drained(records, 100)
    assert records.next_fetch_offset == 129


@pytest.mark.parametrize("codec", [0, LZ4], ids=["plain", "lz4"])
def test_a_batch_that_cannot_be_unpacked_is_named(codec: int) -> None:
    """Written so: its checksum is right."""
    nonsense = bytearray(batch(200, 0, 1, 2, codec=codec))
    nonsense[61:] = b"\xff" * (len(nonsense) - 61)
    (packed,) = drained(fetched_as(Batches, checked(nonsense), 200), 200)[0][0]
    with pytest.raises(Unavailable, match="in/3 holds a batch that cannot be read, from offset 200 to 202"):
        packed.take(10)


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
    await thread._give_back({TP: [Unpacked([Record("in", 3, at, None, b"")]) for at in (101, 102)]})
    assert done == sought
