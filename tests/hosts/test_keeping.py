"""The keeper fills Redis from `ref.*`, and again whenever Redis forgot."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Parent, Transient
from psfabric.hosts.keeping import Keeper
from psfabric.kafka import Admin, Producer
from psfabric.reference import Store
from schemas import Topic
from tests.contracts.given import example
from tests.hosts.calling import codec
from tests.kafka.topics import Transaction
from tests.psfabric.reference.conftest import empty, redis_program, shared
from tests.psfabric.reference.server import Server
from tests.waiting import eventually

__all__ = ["empty", "redis_program", "shared"]  # fixtures


def ref(kafka: Kafka, partitions: int = 1) -> str:
    """The `ref` topic of an entity of this test's own."""
    name = f"ref.e{uuid.uuid4().hex[:8]}"
    Admin(kafka).apply([Topic(name=name, partitions=partitions, config={}, rule="test", tombstones=True)])
    return name


def entity(name: str) -> str:
    return name.removeprefix("ref.")


def put(kafka: Kafka, name: str, *ids: str) -> None:
    producer = Producer(kafka, "tests")
    value = {id: codec().value(example("project.ProjectCreated", aggregate_id=id).data) for id in ids}
    producer.write_and_wait([Write(name, f"{entity(name)}:{id}".encode(), value[id]) for id in ids])
    producer.close()


@contextmanager
def keeping(kafka: Kafka, server: Server, name: str) -> Iterator[Keeper]:
    stop, keeper = threading.Event(), Keeper(kafka, server.url, [name])
    thread = threading.Thread(target=keeper.run, args=[stop])
    thread.start()
    try:
        yield keeper
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "it stops when told"


def there(store: Store, name: str, *ids: str) -> bool:
    """Whether the store can say, and says that it has all of them."""
    try:
        wanted = {Parent(entity(name), id) for id in ids}
        return store.has_many(wanted) == wanted
    except Transient:
        return False


@pytest.fixture
def store(empty: Server) -> Iterator[Store]:
    made = Store(empty.url, codec().event)
    yield made
    made.close()


def test_what_is_in_ref_can_be_looked_up_and_what_comes_later_too(kafka: Kafka, empty: Server, store: Store) -> None:
    name = ref(kafka, 2)
    put(kafka, name, "P-1", "P-2")
    with keeping(kafka, empty, name) as keeper:
        eventually(lambda: keeper.ready)
        assert there(store, name, "P-1", "P-2")
        assert not there(store, name, "P-3"), "ready means that a miss is a miss"
        put(kafka, name, "P-3")
        eventually(lambda: there(store, name, "P-3"))


def test_a_topic_that_ends_in_transaction_markers_becomes_ready(kafka: Kafka, empty: Server, store: Store) -> None:
    name = ref(kafka)
    put(kafka, name, "P-1")
    Transaction(kafka, name, "given up").abort()
    with keeping(kafka, empty, name) as keeper:
        eventually(lambda: keeper.ready)
        assert there(store, name, "P-1")


def test_after_flushall_everything_is_loaded_again(kafka: Kafka, empty: Server, store: Store) -> None:
    name = ref(kafka, 2)
    put(kafka, name, "P-1", "P-2")
    with keeping(kafka, empty, name) as keeper, redis.Redis.from_url(empty.url) as client:
        eventually(lambda: keeper.ready)
        for _ in range(3):
            client.flushall()
            eventually(lambda: there(store, name, "P-1", "P-2"))


def test_a_flushed_store_says_that_it_cannot_tell_never_that_nothing_is_there(
    kafka: Kafka, empty: Server, store: Store
) -> None:
    name = ref(kafka)
    put(kafka, name, "P-1")
    with keeping(kafka, empty, name) as keeper:
        eventually(lambda: keeper.ready)
    with redis.Redis.from_url(empty.url) as client:
        client.flushall()
    with pytest.raises(Transient):
        store.has_many({Parent(entity(name), "P-1")})


def test_redis_may_be_restarted_under_the_keeper(kafka: Kafka, empty: Server, store: Store) -> None:
    name = ref(kafka)
    put(kafka, name, "P-1")
    with keeping(kafka, empty, name) as keeper:
        eventually(lambda: keeper.ready)
        empty.stop()
        put(kafka, name, "P-2")
        with pytest.raises(Transient):
            store.has_many({Parent(entity(name), "P-1")})
        empty.start()
        eventually(lambda: there(store, name, "P-1", "P-2"))


def test_a_record_that_nobody_could_look_up_is_passed_over(kafka: Kafka, empty: Server, store: Store) -> None:
    name = ref(kafka)
    producer = Producer(kafka, "tests")
    producer.write_and_wait([Write(name, b"no-colon", b"x"), Write(name, None, b"x")])
    producer.close()
    put(kafka, name, "P-1")
    with keeping(kafka, empty, name) as keeper:
        eventually(lambda: keeper.ready)
        assert there(store, name, "P-1")
