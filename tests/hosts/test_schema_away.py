"""A schema that cannot be had now: its record waits in hold, the others flow, and it goes on by itself."""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from typing import Any, cast

import pytest

import schemas
from processors.approve_time import ApproveTime
from psfabric.adapters import Known
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.engine import Policy, Write
from psfabric.engine import waiting as hold
from psfabric.errors import Transient
from psfabric.http import Response, fetch
from psfabric.kafka import Admin, Producer, latest, read_topic
from psfabric.registry import PatientRegistry, Registry
from psfabric.registry import patient as room
from psfabric.stages import ProcessStage
from schemas import Topic
from tests.contracts.given import example
from tests.hosts.fakes import FakeStage, Hosted, committed, eventually, unique

EVENT = "time.TimeSubmitted"


class Gate:
    """The way to the real registry; closed, nothing gets through. `asked` are the ids that were asked for."""

    closed = False

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, method: str, url: str, *, json: Any = None, timeout: float = 10.0) -> Response:
        if "/schemas/ids/" in url:
            self.asked.append(int(url.rpartition("/")[2]))
        if self.closed:
            raise Transient("the gate is closed")
        return fetch(method, url, json=json, timeout=timeout)


class Road:
    """approve-time in the Faust host, reading a topic of its own; schema ids through the gate."""

    def __init__(self, kafka: Kafka, url: str) -> None:
        self.kafka, self.name, self.gate = kafka, unique("approve"), Gate()
        self.registry = Registry(url)
        kept = {event: self.registry.register(event) for event in (EVENT, "time.TimeApproved", "delivery.Held")}
        codec = Codec(PatientRegistry(Registry(url, self.gate), kept))
        stage = ProcessStage(Policy(self.name, "process"), codec, ApproveTime(name=self.name), cast(Known, None))
        self.stage = cast(FakeStage, stage)
        self.source = f"in.{self.name}"
        self.stage.inputs = (self.source,)
        self.stage.has_many = set  # type: ignore[method-assign,assignment]  # nothing is looked up
        source = Topic(name=self.source, partitions=4, config={}, rule="test", tombstones=False)
        wanted = {"psf.time", "psf.delivery", *(f"{kind}.{self.name}" for kind in ("hold", "redo", "dlq"))}
        Admin(kafka).apply([source, *(t for t in schemas.topics().concrete({}, [self.name]) if t.name in wanted)])

    def send(self, key: str, schema_id: int) -> None:
        """A whole record that says it was written with that schema."""
        _, value, headers = Codec(self.registry).encode(example(EVENT))
        producer = Producer(self.kafka, "tests")
        framed = struct.pack(">bI", 0, schema_id) + value[5:]
        producer.write_and_wait([Write(self.source, key.encode(), framed, headers, 0)])
        producer.close()

    def held(self) -> list[str]:
        """What each record in hold waits for."""
        waiting = latest(read_topic(self.kafka, f"hold.{self.name}")).values()
        return [record.header("fabric-hold-until") or "" for record in waiting]

    def done(self) -> int:
        return committed(self.kafka, self.name, self.source)


@pytest.fixture
def road(kafka: Kafka, registry_url: str, monkeypatch: pytest.MonkeyPatch) -> Road:
    for module, constant, seconds in (
        (hold, "ASK_SCHEMA", 0.2),
        (hold, "ASK_REGISTRY", 0.2),
        (room, "LEFT_ALONE", 0.5),
        (room, "ASK_AGAIN", 2.0),
    ):
        monkeypatch.setattr(module, constant, seconds)
    return Road(kafka, registry_url)


def another_version(url: str) -> int:
    """The id of a schema that is new to everybody and reads like the bundled one."""
    text = json.dumps({**schemas.avro(EVENT), "doc": f"edition {uuid.uuid4().hex}"})
    body = {"schema": text, "schemaType": "AVRO"}
    found = fetch("POST", f"{url}/subjects/test-{uuid.uuid4().hex[:8]}/versions", json=body).json()["id"]
    assert isinstance(found, int)
    return found


async def test_known_schemas_flow_while_the_registry_is_away_and_a_new_one_waits_for_it(
    road: Road, registry_url: str
) -> None:
    known, new = road.registry.id_of(EVENT), another_version(registry_url)
    async with Hosted(road.kafka, road.stage):
        await asyncio.to_thread(road.send, "a", known)
        await eventually(lambda: road.done() == 1)
        road.gate.closed = True
        await asyncio.to_thread(road.send, "b", new)
        await asyncio.to_thread(road.send, "c", known)
        await eventually(lambda: road.done() == 3)
        assert road.held() == [f"schema:{new}:unreachable"]
        road.gate.closed = False
        await eventually(lambda: road.held() == [])
    assert read_topic(road.kafka, f"dlq.{road.name}") == []


async def test_an_id_that_the_registry_does_not_have_waits_and_is_asked_for_seldom(road: Road) -> None:
    async with Hosted(road.kafka, road.stage):
        for key in "abc":
            await asyncio.to_thread(road.send, key, 1_900_000_000)
        await eventually(lambda: road.held() == ["schema:1900000000"] * 3)
        await eventually(lambda: len(road.gate.asked) == 2)
        await asyncio.sleep(0.5)  # three records are tried five times a second meanwhile
        assert len(road.gate.asked) == 2
