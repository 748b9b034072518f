"""What leaves aiokafka: batches in the bytes that the broker sent, which whoever handles the records unpacks.

aiokafka would unpack them in the thread of the consumer, into a `ConsumerRecord` each that nobody here reads. The
thread that computes would wait for the interpreter's lock meanwhile, and find the records in another core's cache. And
what waits is smaller as it was sent than as objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from psfabric.errors import Unavailable
from psfabric.event import Record


class PackedBatch:
    """Implements `Batch`: its bytes are checked (CRC), and it is of no aborted transaction."""

    __slots__ = ("__weakref__", "_tp", "_unpacking", "first", "next")

    def __init__(self, tp: TopicPartition, packed: Any, first: int) -> None:
        self._tp = tp
        self.first, self.next = max(first, int(packed.base_offset)), int(packed.next_offset)
        self._unpacking = _unpacked(tp, packed, self.first)

    def take(self, most: int) -> list[Record]:
        try:
            found = list(islice(self._unpacking, most))
        except Exception as error:  # of the codec, or of bytes that their own checksum calls sound
            where = f"{self._tp.topic}/{self._tp.partition}"
            why = f"{where} holds a batch that cannot be read, from offset {self.first} to {self.next - 1}"
            raise Unavailable(f"{why}: {type(error).__name__}: {error}") from error
        self.first = found[-1].offset + 1 if len(found) == most else self.next
        return found


def _unpacked(tp: TopicPartition, packed: Any, first: int) -> Iterator[Record]:
    """A generator, so that nothing is decompressed before the first is asked for. No method: it would keep its batch
    alive, and be kept by it, until the garbage collector looks, which is seldom here."""
    topic, partition = tp.topic, tp.partition
    for r in packed:
        if r.offset >= first:
            yield Record(topic, partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp or 0)


class _AsOne:
    """A batch that aiokafka takes for one of a single record, its last."""

    def __init__(self, packed: Any) -> None:
        self.packed = packed
        self.offset: int = packed.next_offset - 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.packed, name)

    def __iter__(self) -> Iterator[_AsOne]:
        return iter((self,))

    def __next__(self) -> Any:
        """Of a control batch: what became of a transaction."""
        return next(self.packed)


class _AsOnes:
    """What was fetched, with each batch so."""

    def __init__(self, fetched: Any) -> None:
        self.has_next = fetched.has_next
        self._next_batch = fetched.next_batch

    def next_batch(self) -> _AsOne:
        return _AsOne(self._next_batch())


class Batches(fetcher.PartitionRecords):  # type: ignore[misc]
    """What was fetched of one partition and is not handed over yet. The place in it is aiokafka's own affair."""

    def __init__(self, tp: TopicPartition, fetched: Any, *how: Any) -> None:
        super().__init__(tp, _AsOnes(fetched), *how)

    def _consumer_record(self, tp: TopicPartition, record: _AsOne) -> PackedBatch:
        return PackedBatch(tp, record.packed, self.next_fetch_offset)


def read_as_batches() -> None:
    """From now on every aiokafka consumer of this process reads batches; there are none but those of this host."""
    fetcher.PartitionRecords = Batches
