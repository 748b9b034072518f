"""Topics of a test's own, and writers that do what only tests do: transactions given up or left open."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import confluent_kafka as ck

from psfabric.engine import Write
from psfabric.kafka import Admin, Producer
from schemas import Topic


def topic(bootstrap: str, partitions: int = 1, **config: str) -> str:
    """A new topic; returns its name."""
    name = f"test.{uuid.uuid4().hex[:10]}"
    Admin(bootstrap).apply([Topic(name=name, partitions=partitions, config=config, rule="test", tombstones=True)])
    return name


@contextlib.contextmanager
def producing(bootstrap: str) -> Iterator[Producer]:
    producer = Producer(bootstrap, "tests", topic_within=0.5)
    yield producer
    producer.close()


def put(bootstrap: str, name: str, *values: str | None, key: str = "k", partition: int = 0) -> None:
    with producing(bootstrap) as producer:
        writes = [Write(name, key.encode(), None if v is None else v.encode(), (), partition) for v in values]
        producer.write_and_wait(writes)


class Transaction:
    """Values written to partition 0 of a topic, not committed yet."""

    def __init__(self, bootstrap: str, name: str, *values: str) -> None:
        config = {"bootstrap.servers": bootstrap, "transactional.id": name, "transaction.timeout.ms": 60_000}
        self._producer = ck.Producer(config)
        self._producer.init_transactions(20)
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(name, value, "t", partition=0)
        self._producer.flush(20)

    def commit(self) -> None:
        self._producer.commit_transaction(20)

    def abort(self) -> None:
        self._producer.abort_transaction(20)
