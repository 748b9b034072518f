"""What operators ask for is done: the commands, a real broker, a running host and a sink whose target tells little."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from cli import exits
from psfabric.adapters import Capabilities, Document, Receipt, Sink, Types
from psfabric.engine import Policy, Write
from psfabric.errors import Answer, Operator
from psfabric.event import Event
from psfabric.hosts.control import Control
from psfabric.kafka import Producer, read_topic
from psfabric.outcomes import Delivered, Held, Outcome, Rejected
from psfabric.stages import SinkStage
from tests.cli.conftest import Ran, Run
from tests.hosts.calling import Hosting
from tests.hosts.fakes import eventually, until
from tests.replay.plant import Plant


class Silent(Sink):
    """Neither takes an event twice nor says what it has. What it answers about an entry is set by the test."""

    accepts: ClassVar[Types] = ("enriched.time.TimeApproved",)
    capabilities: ClassVar[Capabilities] = Capabilities("none")

    answers: dict[str, Outcome]
    posted: list[str]

    def document(self, event: Event) -> Document:
        return Document("time", event.aggregate_id, {"seconds": event.data.model_dump()["worked_seconds"]})

    async def find(self, event: Event) -> Receipt | None:
        return None

    async def deliver(self, events: Sequence[Event]) -> Sequence[Outcome]:
        return [self._one(event) for event in events]

    def _one(self, event: Event) -> Outcome:
        outcome = self.answers.get(event.aggregate_id, Delivered("R-1"))
        if isinstance(outcome, Delivered):
            self.posted.append(event.aggregate_id)
        return outcome


@asynccontextmanager
async def hosted(here: Plant, sink: Silent) -> AsyncIterator[None]:
    """The sink of the installation at work, told by operators."""
    policy = Policy(here.name, "sink", concurrency=4, barrier=True, idempotency="none")
    producer, stop = Producer(here.kafka, "tests"), threading.Event()
    control = Control(here.kafka, producer)
    following = threading.Thread(target=control.run, args=[stop])
    following.start()
    try:
        async with Hosting(here.kafka, SinkStage(policy, here.codec, sink), board=control):
            yield
    finally:
        stop.set()
        following.join(10)
        producer.close()


def send(here: Plant, *events: Event) -> None:
    for event in events:
        key, value, own = here.codec.encode(event)
        here.write(Write(f"deliver.{here.name}", key, value, own, 0))


def audited(here: Plant) -> list[str]:
    rows = [json.loads(record.value or b"") for record in read_topic(here.kafka, "fabric.operations")]
    return [row["act"] for row in rows if here.name in json.dumps(row["detail"])]


async def test_what_operators_ask_about_records_is_done(run: Run, here: Plant) -> None:
    async def cli(*args: str) -> Ran:
        return await asyncio.to_thread(run, *args)

    async def waiting(verb: str, entry: Event) -> str:
        """The id of the held record of an entry, as soon as there is one."""
        found: list[str] = []

        def there() -> bool:
            key = "unknown" if verb == "unknown" else "held"
            listed = run(verb, "list", "--output", "json").json[key]
            found[:] = [each["id"] for each in listed if each["aggregate_id"] == entry.data.aggregate_id]
            return bool(found)

        await eventually(there)
        return found[0]

    def dead() -> list[dict[str, Any]]:
        letters: list[dict[str, Any]] = run("dlq", "list", "--output", "json").json["dead_letters"]
        return letters

    def nothing_waits() -> bool:
        held: list[Any] = run("hold", "list", "--output", "json").json["held"]
        return not held

    released, buried, there, absent, dropped = (here.time_event() for _ in range(5))
    later = here.time_event(dropped.data.aggregate_id, sequence="2027-01-01T00:00:00.000000Z/" + "0" * 20)
    sink = Silent(name=here.name, answers={}, posted=[])
    waits = Held("an operator shall look", Operator())
    refused = Rejected("resource-unknown", "nobody of that id works here")
    for event, outcome in ((released, waits), (buried, waits), (dropped, refused)):
        sink.answers[event.data.aggregate_id] = outcome
    for event in (there, absent):  # an earlier owner sent them and was not answered
        here.hold(here.record(event), Answer(datetime(2090, 1, 1, tzinfo=UTC)), "no answer to POST", time.time())
    send(here, released, buried, dropped, later)
    async with hosted(here, sink):
        ids = [await waiting("hold", each) for each in (released, buried)]
        unknown = [await waiting("unknown", each) for each in (there, absent)]
        behind = await waiting("hold", later)
        letter = next(each["id"] for each in await asyncio.to_thread(dead))
        sink.answers.clear()
        assert sink.posted == []
        assert (await cli("hold", "release", ids[0], "--reason", "looked")).code == exits.CLEAN
        assert (await cli("hold", "bury", ids[1], "--reason", "withdrawn")).code == exits.CLEAN
        resolve = ("unknown", "resolve", unknown[0], "--delivered", "INV-88", "--number", "88", "--reason", "seen")
        assert (await cli(*resolve)).code == exits.CLEAN
        assert (await cli("unknown", "resolve", unknown[1], "--absent", "--reason", "looked")).code == exits.CLEAN
        assert behind in (await cli("hold", "list")).out, "an earlier one of its key is dead"
        assert (await cli("dlq", "discard", letter, "--reason", "test data")).code == exits.CLEAN
        await eventually(nothing_waits)
        posted = {event.data.aggregate_id for event in (released, absent, later)}
        await until(lambda: set(sink.posted) == posted)
        assert len(sink.posted) == 3, "each once; what the target had was not sent again"
        await eventually(lambda: len(dead()) == 1)
        (open_,) = await asyncio.to_thread(dead)
        assert (open_["code"], open_["message"]) == ("operator-buried", "withdrawn")
        where = await cli("where", there.data.aggregate_id)
        assert "INV-88 88" in where.out
        repeated = await cli("hold", "release", ids[0], "--reason", "twice")
        assert (repeated.code, "is not held: it went on" in repeated.err) == (exits.USAGE, True)
    acts = ["record.release", "record.bury", "record.resolve", "record.resolve", "record.discard"]
    assert await asyncio.to_thread(audited, here) == acts
    closed = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert {each["state"] for each in closed} == {"open", "discarded"}


async def test_pause_and_resume_are_obeyed_within_5_s_and_seen_in_status(run: Run, here: Plant) -> None:
    def state() -> str:
        (row,) = run("status", here.name, "--output", "json").json["components"]
        return str(row["state"])

    async def within(condition: Callable[[], bool]) -> None:
        begun = time.monotonic()
        await until(condition, 5.0)
        assert time.monotonic() - begun < 5

    sink = Silent(name=here.name, answers={}, posted=[])
    first, second = here.time_event(), here.time_event()
    async with hosted(here, sink):
        send(here, first)
        await until(lambda: len(sink.posted) == 1)
        await asyncio.to_thread(run, "pause", here.name, "--reason", "month end")
        assert await asyncio.to_thread(state) == "paused"
        assert "month end" in run("status").out
        await asyncio.sleep(2.2)  # by then it is heard, as a rule; the promise is 5 s
        send(here, second)
        await asyncio.sleep(1.0)
        assert len(sink.posted) == 1
        await asyncio.to_thread(run, "resume", here.name, "--reason", "over")
        await within(lambda: len(sink.posted) == 2)
        assert await asyncio.to_thread(state) == "running"
    assert await asyncio.to_thread(audited, here) == ["component.pause", "component.resume"]
