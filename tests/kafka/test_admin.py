"""Topics as declared, and how far a group is behind."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import confluent_kafka as ck
import pytest

from psfabric.connection import Kafka
from psfabric.errors import Unavailable
from psfabric.kafka import Admin, Lag
from psfabric.kafka.config import client_config
from schemas import Topic
from tests.kafka.topics import put, topic
from tests.psfabric.reference.server import free_port


def declared(partitions: int = 2, **config: str) -> Topic:
    name = f"test.{uuid.uuid4().hex[:10]}"
    return Topic(name=name, partitions=partitions, config=config, rule="test", tombstones=False)


def test_what_is_missing_is_planned_made_and_then_nothing_is_left_to_do(kafka: Kafka) -> None:
    admin, wanted = Admin(kafka), [declared(1), declared(3, **{"cleanup.policy": "compact"})]
    assert [(c.action, c.topic) for c in admin.plan(wanted)] == [("create", t.name) for t in wanted]
    assert [c.detail for c in admin.apply(wanted)] == ["1 partitions", "3 partitions"]
    assert admin.plan(wanted) == []
    assert admin.apply(wanted) == []
    assert set(admin.end_offsets([t.name for t in wanted]).values()) == {0}


def test_another_partition_count_is_a_conflict_and_left_alone(kafka: Kafka) -> None:
    admin, one = Admin(kafka), declared(2)
    admin.apply([one])
    (change,) = admin.apply([one.model_copy(update={"partitions": 4})])
    assert (change.action, change.topic) == ("conflict", one.name)
    assert "has 2 partitions, declared 4" in change.detail
    assert len(admin.end_offsets([one.name])) == 2


def test_a_setting_that_differs_is_planned_altered_and_then_as_declared(kafka: Kafka) -> None:
    admin, made = Admin(kafka), declared(1, **{"cleanup.policy": "compact", "max.message.bytes": "1048576"})
    admin.apply([made])
    settings = {"cleanup.policy": "delete,compact", "max.message.bytes": "1114112"}
    wanted = made.model_copy(update={"config": settings})
    (change,) = admin.plan([wanted])
    assert (change.action, change.topic) == ("alter", made.name)
    what = "cleanup.policy from compact to delete,compact, max.message.bytes from 1048576 to 1114112"
    assert change.detail == what
    assert admin.apply([wanted]) == [change]
    assert admin.plan([wanted]) == []
    assert admin.plan([made.model_copy(update={"config": {"cleanup.policy": "compact,delete"}})]) == [], "in any order"


def test_an_alteration_the_broker_refuses_is_told_with_the_topic(kafka: Kafka) -> None:
    admin, made = Admin(kafka), declared(1)
    admin.apply([made])
    with pytest.raises(Unavailable, match=f"{made.name} could not be altered"):
        admin.apply([made.model_copy(update={"config": {"cleanup.policy": "sometimes"}})])


def test_a_setting_the_broker_refuses_is_told_with_the_topic(kafka: Kafka) -> None:
    wrong = declared(1, **{"cleanup.policy": "sometimes"})
    with pytest.raises(Unavailable, match=wrong.name):
        Admin(kafka).apply([wrong])


def commit(kafka: Kafka, group: str, **offsets: int) -> None:
    consumer = ck.Consumer({**client_config(kafka), "group.id": group})
    consumer.commit(
        offsets=[ck.TopicPartition(name.replace("_", "."), 0, at) for name, at in offsets.items()], asynchronous=False
    )
    consumer.close()


def test_lag_counts_from_the_committed_offset_else_from_the_beginning(kafka: Kafka) -> None:
    admin, name, group = Admin(kafka), topic(kafka, 2), f"g-{uuid.uuid4().hex[:8]}"
    put(kafka, name, *"abcde")
    put(kafka, name, *"fg", partition=1)
    assert admin.lag({group: [name]}) == {group: [Lag(name, 7)]}
    commit(kafka, group, **{name.replace(".", "_"): 4})
    assert admin.lag({group: [name]}) == {group: [Lag(name, 3)]}
    assert admin.lag({group: ["no-such-topic"]}) == {group: [Lag("no-such-topic", 0)]}
    assert admin.lag({}) == {}


def test_a_broker_that_is_away_is_named() -> None:
    nowhere = Kafka(f"127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match=nowhere.bootstrap):
        Admin(nowhere).wait(time.monotonic() - 1)


class Unanswered(Future[Any]):
    def result(self, timeout: float | None = None) -> Any:
        assert timeout is not None
        raise TimeoutError


MADE = Topic(name="made", partitions=1, config={"retention.ms": "1"}, rule="test", tombstones=False)


@pytest.mark.parametrize(
    ("unanswered", "act"),
    [
        ("create_topics", lambda admin: admin.apply([declared(1)])),
        ("describe_configs", lambda admin: admin.plan([MADE])),
        ("incremental_alter_configs", lambda admin: admin.apply([MADE])),
        ("list_offsets", lambda admin: admin.end_offsets([MADE.name])),
        ("describe_consumer_groups", lambda admin: admin.without_owner("g", [MADE.name])),
    ],
)
def test_a_broker_that_never_answers_is_named_and_not_taken_for_a_bug(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch, unanswered: str, act: Callable[[Admin], object]
) -> None:
    """On a busy machine the client's own time-out may come later than ours."""
    admin = Admin(kafka)
    admin.apply([MADE.model_copy(update={"config": {}})])

    class Silent:
        """Forgets one kind of request."""

        def __getattr__(self, name: str) -> Any:
            if name != unanswered:
                return getattr(client, name)
            return lambda asked, **options: {one: Unanswered() for one in asked}

    client = admin._client
    monkeypatch.setattr(admin, "_client", Silent())
    with pytest.raises(Unavailable, match="no answer in time"):
        act(admin)
