"""Topics of a test's own, and writers that do what only tests do: transactions given up or left open."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import confluent_kafka as ck

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.kafka import Admin, Producer
from psfabric.kafka.config import client_config
from psfabric.kafka.producer import quiet_logger
from schemas import Topic


def topic(kafka: Kafka, partitions: int = 1, **config: str) -> str:
    """A new topic; returns its name."""
    name = f"test.{uuid.uuid4().hex[:10]}"
    Admin(kafka).apply([Topic(name=name, partitions=partitions, config=config, rule="test", tombstones=True)])
    return name


@contextlib.contextmanager
def producing(kafka: Kafka) -> Iterator[Producer]:
    producer = Producer(kafka, "tests", topic_within=0.5)
    yield producer
    producer.close()


def put(kafka: Kafka, name: str, *values: str | None, key: str = "k", partition: int = 0) -> None:
    with producing(kafka) as producer:
        writes = [Write(name, key.encode(), None if v is None else v.encode(), (), partition) for v in values]
        producer.write_and_wait(writes)


class Transaction:
    """Values written to partition 0 of a topic, not committed yet; the topic's name is the id unless one is given."""

    def __init__(self, kafka: Kafka, name: str, *values: str, id: str = "") -> None:
        config = {**client_config(kafka), "transactional.id": id or name, "transaction.timeout.ms": 60_000}
        self._producer = ck.Producer(config, logger=quiet_logger("test"))
        self._producer.init_transactions(20)
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(name, value, "t", partition=0)
        self._producer.flush(20)

    def commit(self) -> None:
        self._producer.commit_transaction(20)

    def abort(self) -> None:
        self._producer.abort_transaction(20)
