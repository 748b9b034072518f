"""Pause, resume and stopped: read from the real `fabric.control`, obeyed by a running host, durable."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.policy import Limit
from psfabric.hosts.control import NOT_READ, Control
from psfabric.kafka import Admin, Producer
from psfabric.outcomes import Delivered, Outcome, Rejected
from psfabric.standing import TOPIC, Standing
from replay import Operator, stand, standings
from schemas import Topic
from tests.hosts.calling import Hosting
from tests.hosts.fakes import unique, until
from tests.hosts.test_aio import Road, road

__all__ = ["road"]

OPERATOR = Operator("month end", who="mara@desk", where="desk", at="2026-06-30T18:00:00.000000Z")


@pytest.fixture(scope="module", autouse=True)
def topics(kafka: Kafka) -> None:
    config = {"cleanup.policy": "compact"}
    audit = Topic(name="fabric.operations", partitions=1, config={}, rule="test", tombstones=False)
    Admin(kafka).apply([Topic(name=TOPIC, partitions=6, config=config, rule="test", tombstones=True), audit])


@contextmanager
def following(kafka: Kafka) -> Iterator[Control]:
    producer, stop = Producer(kafka, "tests"), threading.Event()
    control = Control(kafka, producer)
    thread = threading.Thread(target=control.run, args=[stop])
    thread.start()
    try:
        yield control
    finally:
        stop.set()
        thread.join(10)
        producer.close()


def put(kafka: Kafka, *writes: Write) -> None:
    producer = Producer(kafka, "tests")
    producer.write_and_wait(writes)
    producer.close()


def soon(found: object, within: float = 10.0) -> float:
    """Wait until `found()`; the seconds that took."""
    begun = time.monotonic()
    while not found():  # type: ignore[operator]
        assert time.monotonic() - begun < within, "in vain"
        time.sleep(0.005)
    return time.monotonic() - begun


def test_nothing_runs_before_it_is_known_what_operators_decided(kafka: Kafka) -> None:
    producer = Producer(kafka, "tests")
    assert Control(kafka, producer).standing("anything") is NOT_READ
    producer.close()
    assert NOT_READ.state == "paused"


def test_what_was_decided_before_and_since_is_known(kafka: Kafka) -> None:
    before, since, never = unique("a"), unique("b"), unique("c")
    stand(kafka, OPERATOR, before, "paused")
    with following(kafka) as control:
        soon(lambda: control.ready)
        paused = Standing("paused", "month end", "mara@desk", "2026-06-30T18:00:00.000000Z")
        assert control.standing(before) == paused == standings(kafka)[before]
        assert control.standing(never).state == "running"
        stand(kafka, OPERATOR, since, "paused")
        assert soon(lambda: control.standing(since).state == "paused") < 2
        stand(kafka, OPERATOR, before, "running")
        assert soon(lambda: control.standing(before).state == "running") < 2


def test_a_stop_holds_at_once_and_over_a_restart_until_an_operator_resumes(kafka: Kafka) -> None:
    name = unique("sink")
    with following(kafka) as control:
        soon(lambda: control.ready)
        control.stop(name, "200 records in a row became dead letters")
        assert control.standing(name).state == "stopped"
        soon(lambda: name in standings(kafka))
        assert standings(kafka)[name].who.startswith("dead-letter limit@")
    with following(kafka) as control:
        soon(lambda: control.ready)
        assert control.standing(name).why == "200 records in a row became dead letters"
        stand(kafka, OPERATOR, name, "running")
        soon(lambda: control.standing(name).state == "running")


def test_what_was_decided_before_a_stop_does_not_undo_it(kafka: Kafka) -> None:
    name = unique("sink")
    producer = Producer(kafka, "tests")
    control = Control(kafka, producer)
    control.stop(name, "limit")
    stand(kafka, OPERATOR, name, "running")  # earlier in the topic than the stop
    stop = threading.Event()
    thread = threading.Thread(target=control.run, args=[stop])
    thread.start()
    try:
        soon(lambda: standings(kafka)[name].state == "stopped")
        seen = {control.standing(name).state for _ in range(10_000)}
        assert seen <= {"stopped", "paused"}
        assert control.standing(name).state == "stopped"
    finally:
        stop.set()
        thread.join(10)
        producer.close()


def test_a_newer_releases_state_is_a_pause_and_rubbish_changes_nothing(kafka: Kafka) -> None:
    newer, rubbish = unique("a"), unique("b")
    value = b'{"v":2,"state":"draining","why":"deploy"}'
    writes = [Write(TOPIC, newer.encode(), value), Write(TOPIC, rubbish.encode(), b"[]"), Write(TOPIC, b"\xff", value)]
    put(kafka, *writes, Write(TOPIC, rubbish.encode(), b"{"))
    with following(kafka) as control:
        soon(lambda: control.ready)
        assert control.standing(newer).state == "paused"
        assert "draining" in control.standing(newer).why
        assert control.standing(rubbish).state == "running"
    put(kafka, *(Write(TOPIC, key, None) for key in (newer.encode(), rubbish.encode(), b"\xff")))  # others read it too


# ------------------------------------------------------------------------------------------------ with a host


async def test_the_limit_stops_a_component_for_good_and_the_record_that_tripped_it_is_kept(
    road: Road, kafka: Kafka
) -> None:
    bad = True

    async def answer(value: str) -> Outcome:
        return Rejected("contract-violated", "planted") if bad else Delivered("ref")

    stage = road.stage(answer, barrier=False, limit=Limit(in_row=3))  # type: ignore[arg-type]
    await asyncio.to_thread(road.produce, *map(str, range(6)))
    with following(kafka) as control:
        async with Hosting(kafka, stage, board=control):
            await until(lambda: control.standing(road.name).state == "stopped")
            await asyncio.to_thread(soon, lambda: road.name in standings(kafka))
        assert len(road.records(f"dlq.{road.name}")) == 2
        assert road.committed() == 2
    bad = False
    with following(kafka) as control:  # a restart does not resume it
        async with Hosting(kafka, stage, board=control):
            await until(lambda: control.ready)
            await asyncio.sleep(1.5)
            assert road.out() == []
            await asyncio.to_thread(stand, kafka, OPERATOR, road.name, "running")
            await until(lambda: len(road.out()) == 4, 10)
    assert road.out() == ["2", "3", "4", "5"]
