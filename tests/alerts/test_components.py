"""Each trouble of a component is planted in a real host on the real broker: its alert fires, no other does, and none
while all is well."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Limit, Write
from psfabric.engine.hold import hold_headers, hold_key
from psfabric.errors import Answer, Operator, Parent, Period, Unavailable, Until
from psfabric.event import Record
from psfabric.hosts.board import Unattended
from psfabric.hosts.faust_chunks.thread import ChunkConsumerThread
from psfabric.hosts.pure import PureMember
from psfabric.kafka import Admin, GroupReader, Producer
from psfabric.outcomes import Delivered, Outcome, Rejected, Retry
from psfabric.standing import Standing
from psfabric.telemetry import Telemetry
from psfabric.telemetry.probing import of_kafka
from tests.alerts.scene import Clock, Scene
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, create, produce, unique, until, values_of
from tests.hosts.test_aio import Road, road

__all__ = ["road"]

HOUR = 3600.0
DAY = 24 * HOUR
MEANT: dict[str, Outcome] = {"down": Retry("it is down"), "bad": Rejected("contract-violated", "planted")}


class Watched(Hosting):
    """A host of one sink, watched. `hang` set: calls do not return."""

    def __init__(self, scene: Scene, road: Road, *, clock: Clock | None = None, **given: Any) -> None:
        policy = given.pop("policy", {})
        self.delivered: list[str] = []
        self.road, self.hang, self._numbers = road, asyncio.Event(), itertools.count()
        self.stage: FakeCalling = road.stage(self._answer)
        self.stage.policy = replace(self.stage.policy, **policy)
        self.telemetry = Telemetry("deliver", env={}, clock=clock or time.time)
        self.probe = of_kafka(self.telemetry, Admin(road.kafka), {self.stage.name: self.stage.topics})
        scene.process("deliver", self.telemetry)
        super().__init__(road.kafka, self.stage, telemetry=self.telemetry, **given)

    async def _answer(self, value: str) -> Outcome:
        while self.hang.is_set():
            await asyncio.sleep(0.01)
        self.delivered.append(value)
        return MEANT.get(value.partition(" ")[0], Delivered("ref"))

    async def give(self, word: str, count: int) -> None:
        """So many records with this word, each with a key of its own; the ends of topics are probed then."""
        values = [f"{word} {next(self._numbers)}".encode() for _ in range(count)]
        await asyncio.to_thread(self._producer.write_and_wait, [Write(self.road.source, v, v) for v in values])
        await asyncio.to_thread(self.probe)

    async def at_rest(self) -> None:
        """Until all that was read is done and committed."""

        def resting() -> bool:
            seen = self.host._members[0].observe()
            return not (seen.queued or seen.in_flight or seen.commits_due)

        await until(resting)

    def shows(self, **outcomes: int) -> Callable[[], bool]:
        meter = self.telemetry._components[self.stage.name].meter
        return lambda: all(meter.handled[name] >= wanted for name, wanted in outcomes.items())  # type: ignore[index]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_nothing_fires_while_all_is_well(scene: Scene, road: Road, kafka: Kafka) -> None:
    """Both hosts at work: deliveries, a short hold, a retry now and then, and hours without any work."""
    pure = FakeStage(unique("p"), (unique("in"),), unique("out"))
    await asyncio.to_thread(create, kafka, [pure], pure.output)
    telemetry = Telemetry("process", env={})
    probe = of_kafka(telemetry, Admin(kafka), {pure.name: pure.topics})
    scene.process("process", telemetry)
    async with Watched(scene, road) as sink, Hosted(kafka, pure, telemetry=telemetry):
        given = 0

        async def work() -> None:
            nonlocal given
            await sink.give("fine", 20)
            await asyncio.to_thread(produce, kafka, pure.inputs[0], [(str(n), f"v {n}") for n in range(20)])
            given += 20
            await until(lambda: len(sink.stage.asked) >= given and len(pure.handled) >= given)
            await asyncio.to_thread(probe)

        for _ in range(4):
            await scene.watch(0.25, work)
            await scene.watch(3)
        await asyncio.to_thread(produce, kafka, pure.inputs[0], [("k", "wait:1")])
        await scene.watch(5)
        pure.known.add(Parent("thing", "1"))
        await until(lambda: "wait:1" in "".join(values_of(kafka, pure.output)))
        await scene.watch(60, every=120)
    assert scene.ever == set()


async def test_a_sink_that_hangs_falls_behind(scene: Scene, road: Road) -> None:
    async with Watched(scene, road) as sink:
        sink.hang.set()

        async def more() -> None:
            await sink.give("fine", 8)

        assert await scene.watch(5, more) == {}
        found = await scene.watch(9, more)
        assert found == {"PsfLagGrows": [{"component": road.name}]}
        sink.hang.clear()
        await until(sink.shows(delivered=112))
        await sink.at_rest()
        assert await scene.watch(0.25) == {}, "it has caught up"


async def test_a_call_that_never_returns(scene: Scene, road: Road) -> None:
    async with Watched(scene, road) as sink:
        await sink.give("fine", 3)
        await until(sink.shows(delivered=3))
        await sink.at_rest()
        assert await scene.watch(20, every=60) == {}
        sink.hang.set()
        await sink.give("fine", 1)
        await until(lambda: sink.host._members[0].observe().in_flight)
        assert await scene.watch(14, every=60) == {}
        assert await scene.watch(3, every=60) == {"PsfStandsStill": [{"component": road.name}]}
        sink.hang.clear()


async def test_a_target_that_is_away_opens_the_breaker(scene: Scene, road: Road) -> None:
    async with Watched(scene, road) as sink:
        await sink.give("down", 10)
        await until(lambda: sink.host._members[0]._engine.snapshot(time.time()).breaker_open)
        assert await scene.watch(1.75) == {}
        assert (await scene.watch(0.5)).keys() == {"PsfBreakerOpen"}


async def test_dead_letters_and_a_flood_of_them(scene: Scene, road: Road) -> None:
    async with Watched(scene, road) as sink:
        await sink.give("fine", 40)
        await until(sink.shows(delivered=40))
        assert await scene.watch(5) == {}
        await sink.give("bad", 1)
        await until(sink.shows(rejected=1))
        assert await scene.watch(2) == {"PsfDeadLetters": [{"component": road.name}]}
        await sink.give("bad", 25)
        await until(sink.shows(rejected=26))
        assert (await scene.watch(2)).keys() == {"PsfDeadLetters", "PsfDeadLettersRise"}
        assert await scene.watch(11) == {}, "they are dead, and no more come"


async def test_a_component_that_its_limit_stops(scene: Scene, road: Road) -> None:
    async with Watched(scene, road, policy={"limit": Limit(in_row=3)}) as sink:
        assert await scene.watch(2) == {}
        await sink.give("bad", 5)
        await until(lambda: sink.host._members[0]._engine.stopped)
        assert (await scene.watch(0.25)).keys() == {"PsfComponentStopped", "PsfDeadLetters"}
        assert (await scene.watch(15)).keys() == {"PsfComponentStopped"}, "it goes on being stopped"


class Paused(Unattended):
    def standing(self, component: str) -> Standing:
        return Standing("paused", "month end", "somebody")


async def test_a_component_that_is_paused_and_forgotten(scene: Scene, road: Road) -> None:
    async with Watched(scene, road, board=Paused()) as sink:

        async def more() -> None:
            await sink.give("fine", 30)

        await until(lambda: sink.host._members[0]._engine.paused)
        assert await scene.watch(16, more, every=120) == {}, "it falls behind, as it was told to"
        assert await scene.watch(7 * 60, every=240) == {}
        assert (await scene.watch(60, every=240)).keys() == {"PsfComponentPausedLong"}


async def test_a_component_that_cannot_load_what_belongs_to_it(scene: Scene) -> None:
    telemetry = Telemetry("process", env={})
    scene.process("process", telemetry)

    def load(stage: Any, partitions: Any) -> Any:
        raise Unavailable("the broker gives nothing")

    member = PureMember(FakeStage("p", ("in",), "out"), Any, load, lambda error: None, telemetry=telemetry)  # type: ignore[arg-type]
    member.assigned([0])
    assert await scene.watch(1.75) == {}
    assert (await scene.watch(0.5)).keys() == {"PsfComponentNotReady"}
    assert member._loading is not None
    member._loading.cancel()


# ---------------------------------------------------------------------------------------------- what waits


def held(road: Road, offset: int, until: Until, age: float) -> Write:
    """As its owner wrote it `age` seconds ago."""
    record = Record(road.source, 0, offset, f"k-{offset}".encode(), b"v")
    at = time.time() - age
    return Write(f"hold.{road.name}", hold_key(record), b"v", hold_headers(record, until, "waits", at, at), 0)


async def waiting(scene: Scene, road: Road, *writes: Write) -> set[str]:
    """What fires in a host that finds these in its hold."""
    producer = Producer(road.kafka, "tests")
    await asyncio.to_thread(producer.write_and_wait, list(writes))
    await asyncio.to_thread(producer.close)
    async with Watched(scene, road) as sink:
        await until(lambda: len(sink.host._members[0]._engine.held()) == len(writes))
        return set(await scene.watch(1))


async def test_what_waits_for_as_long_as_it_may_is_nobodys_business(scene: Scene, road: Road) -> None:
    parent, period = held(road, 1, Parent("project", "P"), 3 * HOUR), held(road, 2, Period("UK01", "2026-10"), 9 * DAY)
    assert await waiting(scene, road, parent, period, held(road, 3, Operator(), 9 * DAY)) == set()


async def test_a_parent_that_does_not_come(scene: Scene, road: Road) -> None:
    assert await waiting(scene, road, held(road, 1, Parent("project", "P"), 5 * HOUR)) == {"PsfHoldOld"}


async def test_an_approval_that_nobody_gives(scene: Scene, road: Road) -> None:
    assert await waiting(scene, road, held(road, 1, Operator(), 11 * DAY)) == {"PsfHoldVeryOld"}


async def test_an_answer_that_does_not_come(scene: Scene, road: Road) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await waiting(scene, road, held(road, 1, Answer(later), 0.2 * HOUR)) == set()
    assert await waiting(scene, road, held(road, 1, Answer(later), 0.3 * HOUR)) == {"PsfUnknownOld"}


# ---------------------------------------------------------------------------------------------- commits


async def test_commits_that_the_broker_does_not_take(scene: Scene, road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work goes on and the committed offset stands still (robinhood/faust #736)."""
    clock = Clock()
    async with Watched(scene, road, clock=clock) as sink:
        await sink.give("fine", 5)
        await until(sink.shows(delivered=5))
        await sink.at_rest()
        assert await scene.watch(5) == {}
        monkeypatch.setattr(GroupReader, "commit", lambda reader, offsets: False)
        count = 5

        async def work() -> None:
            nonlocal count
            clock.now += 15
            await sink.give("fine", 2)
            count += 2
            await until(lambda: len(sink.stage.asked) >= count and not sink.host._members[0].observe().in_flight)

        assert await scene.watch(0.5, work) == {}
        assert (await scene.watch(2, work)).keys() == {"PsfLeaseNotRenewed", "PsfProcessedNotCommitted"}
        monkeypatch.undo()
        await until(lambda: not sink.host._members[0].observe().commits_due)
        assert await scene.watch(0.25) == {}


async def test_a_faust_consumer_that_works_on_and_never_commits(
    scene: Scene, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """robinhood/faust #736 itself: after a connection reset."""
    clock = Clock()
    pure = FakeStage(unique("p"), (unique("in"),), unique("out"))
    await asyncio.to_thread(create, kafka, [pure], pure.output)
    telemetry = Telemetry("process", env={}, clock=clock)
    scene.process("process", telemetry)
    numbers = itertools.count()

    async def work() -> None:
        clock.now += 15
        given = [(str(n), f"v {n}") for n in itertools.islice(numbers, 5)]
        await asyncio.to_thread(produce, kafka, pure.inputs[0], given)
        await until(lambda: len(pure.handled) >= int(given[-1][0]) + 1)

    async with Hosted(kafka, pure, telemetry=telemetry) as hosted:
        (member,) = hosted.host._members
        for _ in range(4):
            await work()
            await until(lambda: not member.observe().commits_due)
            assert await scene.watch(2) == {}

        async def refuse(thread: object, offsets: object) -> bool:
            return False

        monkeypatch.setattr(ChunkConsumerThread, "_commit", refuse)
        assert await scene.watch(0.5, work) == {}
        assert (await scene.watch(2, work)).keys() == {"PsfLeaseNotRenewed", "PsfProcessedNotCommitted"}
        monkeypatch.undo()
        await until(lambda: not member.observe().commits_due)
        assert await scene.watch(0.25) == {}


async def test_a_lease_that_is_not_renewed_while_a_call_is_open(
    scene: Scene, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with Watched(scene, road, clock=clock) as sink:
        sink.hang.set()
        await sink.give("fine", 1)
        await until(lambda: sink.host._members[0]._engine.in_flight)
        assert await scene.watch(2) == {}
        refused = threading.Event()
        monkeypatch.setattr(GroupReader, "commit", lambda reader, offsets: refused.set())
        await until(refused.is_set)  # one that the broker takes may be under way still
        clock.now += 40
        assert (await scene.watch(0.25)).keys() == {"PsfLeaseNotRenewed"}
        monkeypatch.undo()
        meter = sink.telemetry._components[road.name].meter
        await until(lambda: meter.committed_at == clock.now)
        assert await scene.watch(0.25) == {}, "the broker takes it again"
        sink.hang.clear()
