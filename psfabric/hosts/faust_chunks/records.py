"""Records as they leave aiokafka: as the fabric's own, with nothing in between.

aiokafka makes a `ConsumerRecord` of each, which nobody here reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from psfabric.event import Record


class Records(fetcher.PartitionRecords):  # type: ignore[misc]
    """What was fetched of one partition and is not handed over yet. The place in it is aiokafka's own affair."""

    def __iter__(self) -> Iterator[Record]:
        """Without a call of `__next__` for each; aiokafka goes on with the same iterator next time."""
        found: Iterator[Record] = self._records_iterator
        return found

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Record:
        headers = tuple(record.headers)
        return Record(tp.topic, tp.partition, record.offset, record.key, record.value, headers, record.timestamp or 0)


def read_as_records() -> None:
    """From now on every aiokafka consumer of this process reads `Record`; there are none but those of this host."""
    fetcher.PartitionRecords = Records
