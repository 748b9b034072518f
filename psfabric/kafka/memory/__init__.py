"""A Kafka without a network, for tests: `MemoryBroker` and what the rest of this room has, over it.

It is public: whoever writes a host, a stage or a replay tests with it. It keeps what the real one keeps (the suite in
`tests/contracts/broker.py` is run against both), and nothing happens in it by itself: a member learns of a rebalance
when it polls, and a session runs out when the test calls `expire`; with `by_hand` a write reaches its partition when
the test lets it `land`, and the writer hears of it when the test lets it `acknowledge`. Not thread-safe.

    broker = MemoryBroker()
    broker.create("deliver.erp", partitions=3)
    broker.producer().write_and_wait([Write("deliver.erp", b"p-1", b"...")])
    reader = broker.reader("erp")
"""

from psfabric.kafka.memory.broker import MAX_BYTES, MemoryBroker, MemoryFollower
from psfabric.kafka.memory.groups import Group, MemoryReader
from psfabric.kafka.memory.murmur import murmur2, partition_of
from psfabric.kafka.memory.writing import MemoryProducer, MemoryTransaction

__all__ = [
    "MAX_BYTES",
    "Group",
    "MemoryBroker",
    "MemoryFollower",
    "MemoryProducer",
    "MemoryReader",
    "MemoryTransaction",
    "murmur2",
    "partition_of",
]
