"""Dead letters of others in a real topic: listed in bounded memory, planned with their traps, sent as they were."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import replay
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.kafka import Admin, read_topic
from psfabric.kafka.memory.murmur import partition_of
from replay import Declined, NotThere, Operator, Plan, Selection, foreign
from replay.dialects import Letter
from replay.progress import all_progress
from schemas import Topic
from tests.replay import strangers
from tests.replay.plant import Plant
from tests.replay.strangers import OWN, REFUSED, STRANGERS

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


def topic(kafka: Kafka, partitions: int = 3) -> str:
    """A new topic of somebody else."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    Admin(kafka).apply([Topic(name=name, partitions=partitions, config={}, rule="test", tombstones=True)])
    return name


def lay(plant: Plant, where: str, *names: str, partition: int = 0, key: bytes | None = b"order-7") -> None:
    for name in names:
        stranger = STRANGERS[name]
        plant.write(Write(where, stranger.key and key, stranger.value, stranger.headers, partition))


def found(plant: Plant, where: str, **wanted: Any) -> list[Letter]:
    return list(foreign.letters(plant.kafka, where, Selection(**wanted)))


def planned(plant: Plant, where: str, to: str, readers: Sequence[str] = (), **wanted: Any) -> Plan:
    return foreign.plan_elsewhere(
        where, to, found(plant, where, **wanted), Selection(**wanted), readers, who="anna@desk", now=NOW
    )


def applied(plant: Plant, plan: Plan) -> replay.Applied:
    return replay.apply(plant.kafka, plan, Operator("article added", "anna@desk"))


def test_a_topic_is_listed_by_partition_and_offset_whatever_lies_in_it(plant: Plant) -> None:
    where = topic(plant.kafka)
    lay(plant, where, "spring", "unknown", partition=1)
    lay(plant, where, "connect", partition=0)
    letters = found(plant, where)
    assert [(x.id, x.failure.dialect) for x in letters] == [
        (f"{where}/0/0", "connect"),
        (f"{where}/1/0", "spring"),
        (f"{where}/1/1", "unknown"),
    ]
    assert found(plant, topic(plant.kafka)) == []


def test_a_topic_that_is_not_there_is_told_with_the_nearest_names(plant: Plant) -> None:
    where = topic(plant.kafka)
    with pytest.raises(NotThere, match=f"no topic '{where}x'; did you mean {where}"):
        found(plant, where + "x")


def test_filters_choose_by_code_exception_key_and_timestamp(plant: Plant) -> None:
    where = topic(plant.kafka)
    lay(plant, where, "connect", "rules", "arroyo")
    lay(plant, where, "spring", key=b"order-8")

    def dialects(**wanted: Any) -> list[str]:
        return [letter.failure.dialect for letter in found(plant, where, **wanted)]

    assert dialects(code=(REFUSED,)) == ["connect", "spring"]
    assert dialects(code=("OrderRefused",)) == ["connect", "spring"]
    assert dialects(code=("articleKnown", "nothing")) == ["rules"]
    assert dialects(code=("Refused",)) == []
    assert dialects(key=("order-8",)) == ["spring"]
    at = found(plant, where)[1].timestamp_ms
    second = datetime.fromtimestamp(at / 1000, UTC)
    assert all(letter.timestamp_ms >= at for letter in found(plant, where, since=second))
    assert {*dialects(since=second), *dialects(until=second)} == {"connect", "rules", "arroyo", "spring"}
    assert not {x.id for x in found(plant, where, since=second)} & {x.id for x in found(plant, where, until=second)}


def test_a_limit_takes_the_oldest_of_all_partitions(plant: Plant) -> None:
    where = topic(plant.kafka)
    for partition, name in ((2, "connect"), (1, "spring"), (0, "arroyo")):
        lay(plant, where, name, partition=partition)
    letters = found(plant, where)
    oldest = sorted(letters, key=lambda x: (x.timestamp_ms, x.partition, x.offset))[:2]
    assert found(plant, where, limit=2) == oldest


def test_a_plan_names_place_hash_target_and_what_to_beware_of(plant: Plant) -> None:
    where, to = topic(plant.kafka), topic(plant.kafka)
    lay(plant, where, "connect", "rules", "share", "unknown", "arroyo")
    plan = planned(plant, where, to, ["price-time"])
    entry = plan.entries[-1]
    assert {(e.component, e.topic, e.to, e.to_partition) for e in plan.entries} == {("", where, to, None)}
    assert (entry.code, entry.origin_topic, entry.origin_partition) == ("", "orders", 2)
    assert (plan.targets, plan.worth, plan.without_worth) == ((to,), (), 5)
    assert [(count.code, count.records) for count in plan.counts] == [("", 3), ("articleKnown", 1), (REFUSED, 1)]
    assert plan.selection == {"topic": where, "to_topic": to}
    assert plan.warnings == (
        "Kafka Connect, 1 record: each keeps the timestamp of the record that failed, so retention by time may remove"
        " the dead letter at once",
        "share groups (KIP-1191), 1 record: each loses the record's own headers: it is sent without any",
        "Confluent schema rules, 1 record: each goes without its `__rule.*` headers: a reader that finds them skips the"
        " rule",
        "Confluent schema rules, 1 record: each holds JSON, not the bytes of its topic",
        "Confluent schema rules, 1 record: each lost its key, so it goes to any partition",
        "sentry-arroyo, 1 record: each turns a null value into an empty one",
        "1 record of no known dialect: each goes as it lies, with all its headers",
        f"{to} is read by price-time: what they make of these goes on to others",
    )


def test_records_of_a_share_group_that_copies_none_are_warned_of(plant: Plant) -> None:
    where, to = topic(plant.kafka), topic(plant.kafka)
    plant.write(Write(where, None, None, strangers.share(), 0))
    warnings = " ".join(planned(plant, where, to).warnings)
    assert "has neither key nor value where the group does not copy records" in warnings
    assert "1 record without a value" in warnings


def test_apply_sends_bytes_and_own_headers_as_they_were_to_the_partition_of_the_key(plant: Plant) -> None:
    where, to = topic(plant.kafka), topic(plant.kafka, 5)
    names = [name for name in STRANGERS if name not in ("unknown", "rules")]
    for number, name in enumerate(names):
        lay(plant, where, name, key=f"order-{number}".encode())
    plan = planned(plant, where, to)
    assert applied(plant, plan).sent == len(names)
    sent = {record.key: record for record in read_topic(plant.kafka, to)}
    assert len(sent) == len(names)
    for number, name in enumerate(names):
        key = f"order-{number}".encode()
        record, stranger = sent[key], STRANGERS[name]
        assert record.value == stranger.value
        assert record.headers == (OWN if OWN[0] in stranger.headers else ())
        assert record.partition == partition_of(key, 5)
    assert read_topic(plant.kafka, f"redo.{plant.name}") == []


def test_records_of_one_key_go_in_the_order_of_their_source(plant: Plant) -> None:
    where, to = topic(plant.kafka), topic(plant.kafka)
    for offset in ("300", "100", "200"):
        plant.write(Write(where, b"order-7", offset.encode(), strangers.connect(offset=offset), 0))
    twice = (*strangers.connect(offset="50"), *strangers.connect(where, "0", "9"))
    plant.write(Write(where, b"order-7", b"50", twice, 0))
    applied(plant, planned(plant, where, to))
    assert [record.value for record in read_topic(plant.kafka, to)] == [b"50", b"100", b"200", b"300"]


def test_it_is_in_the_audit_trail_as_any_replay(plant: Plant) -> None:
    where, to = topic(plant.kafka), topic(plant.kafka)
    lay(plant, where, "connect")
    plan = planned(plant, where, to)
    applied(plant, plan)
    assert applied(plant, plan).already
    rows = [json.loads(record.value or b"") for record in read_topic(plant.kafka, "fabric.operations")]
    mine = [row for row in rows if row["detail"].get("plan") == plan.hash]
    assert [row["act"] for row in mine] == ["replay.apply.started", "replay.apply.finished"]
    assert mine[0]["detail"]["targets"] == [to]
    assert all_progress(plant.kafka)[plan.hash].sent == 1


def test_a_target_that_is_gone_when_the_plan_is_applied_is_refused_and_named(plant: Plant) -> None:
    where = topic(plant.kafka)
    lay(plant, where, "connect")
    gone = f"{where}.gone"
    with pytest.raises(Declined, match=f"{gone} is not there any more; nothing was sent"):
        applied(plant, planned(plant, where, gone))


def test_only_topics_that_may_be_written_to_are_targets(plant: Plant) -> None:
    ours = {f"redo.{plant.name}", f"hold.{plant.name}", f"dlq.{plant.name}", f"applied.{plant.name}", "psf.delivery"}
    existing = {*ours, "fabric.operations", "__consumer_offsets", "shop", "shop.dead", "dlq.shop", f"raw.{plant.name}"}

    def check(to: str) -> None:
        foreign.check_target(to, "shop.dead", existing, ours)

    for to in (*ours, "fabric.operations", "__consumer_offsets", "shop.dead"):
        with pytest.raises(Declined, match="nothing was planned"):
            check(to)
    for to in ("shop", "dlq.shop", f"raw.{plant.name}"):
        check(to)
    with pytest.raises(NotThere, match="did you mean shop"):
        check("shopp")
