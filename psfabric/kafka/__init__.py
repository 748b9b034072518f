"""Kafka: the only room that imports confluent_kafka.

`Producer` (idempotent, acknowledged in groups of writes), `GroupReader` (a consumer group's member), `reader`
(bounded reads of whole partitions), `admin` (topics, lag). Every reader is read_committed; every producer partitions
by murmur2, as the Java clients do, so that all writers of a topic agree.
"""

from psfabric.kafka.admin import Admin, Lag
from psfabric.kafka.group import GroupReader
from psfabric.kafka.producer import Producer, TooLarge, WriteFailed
from psfabric.kafka.reader import latest, read_partition, read_topic

__all__ = [
    "Admin",
    "GroupReader",
    "Lag",
    "Producer",
    "TooLarge",
    "WriteFailed",
    "latest",
    "read_partition",
    "read_topic",
]
