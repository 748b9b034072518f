"""Kafka: the only room that imports confluent_kafka.

`Producer` (idempotent, acknowledged in groups of writes), `Placing` (the same for whoever waits, an answer per
record), `Transactions` (all or nothing, one holder at a time), `GroupReader` (a consumer group's member), `reader`
(bounded reads of whole partitions), `admin` (topics, lag). Every reader is read_committed; every producer partitions by
murmur2, as the Java clients do, so that all writers of a topic agree.
"""

from psfabric.kafka.admin import Admin, Lag
from psfabric.kafka.follow import Follower, Settled, read_settled
from psfabric.kafka.group import GroupReader, OffsetGone
from psfabric.kafka.placing import NotPlaced, Placed, Placing
from psfabric.kafka.producer import Producer, TooLarge, WriteFailed
from psfabric.kafka.reader import latest, read_partition, read_topic
from psfabric.kafka.transaction import Fenced, Indefinite, Transactions

__all__ = [
    "Admin",
    "Fenced",
    "Follower",
    "GroupReader",
    "Indefinite",
    "Lag",
    "NotPlaced",
    "OffsetGone",
    "Placed",
    "Placing",
    "Producer",
    "Settled",
    "TooLarge",
    "Transactions",
    "WriteFailed",
    "latest",
    "read_partition",
    "read_settled",
    "read_topic",
]
