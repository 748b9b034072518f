"""One pure component without a broker: chunks in by hand, acknowledgements by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from psfabric.engine import WINDOW, Result, Write
from psfabric.engine.lane import Lane
from psfabric.engine.work import TopicPartition
from psfabric.errors import Parent, Transient, Unavailable
from psfabric.event import Record
from psfabric.hosts.board import Unattended
from psfabric.hosts.faust_chunks import SESSION, Chunk
from psfabric.hosts.lease import Awake
from psfabric.hosts.loading import Loaded
from psfabric.hosts.pure import BURST, PureMember, _next_burst
from psfabric.kafka import Producer
from psfabric.kafka.producer import Done
from psfabric.stages import Pure
from psfabric.standing import Standing
from tests.hosts.fakes import FakeStage, Unpacked, until

TP = TopicPartition("in", 0)


class SlowBroker:
    """Takes writes and acknowledges them when told to."""

    def __init__(self) -> None:
        self.open: list[tuple[Sequence[Write], Done]] = []
        self.hears = False

    def write(self, writes: Sequence[Write], done: Done) -> None:
        self.open.append((writes, done))

    def hear(self, *, again: bool = True) -> None:
        """It acknowledges when it is told to, not when it is asked."""
        self.hears = again

    def acknowledge(self, error: Exception | None = None) -> None:
        for _, done in self.open:
            done(error)
        self.open.clear()


class Component:
    def __init__(self, session: float = SESSION) -> None:
        self.broker = SlowBroker()
        self.failures: list[BaseException] = []
        self.loadable = asyncio.Event()
        self.stage = FakeStage("c", ("in",), "out")
        self.acknowledged: list[int] = []
        self.member = PureMember(
            self.stage, cast(Producer, self.broker), self.load, self.failures.append, session=session
        )

    def load(self, stage: Pure, partitions: Sequence[int]) -> Mapping[int, Loaded]:
        if not self.loadable.is_set():
            raise Transient("not yet")
        return {p: Loaded() for p in partitions}

    def take(self, first: int, count: int, after: int | None, value: bytes = b"v") -> None:
        records = [Record("in", 0, first + n, f"k{n}".encode(), value) for n in range(count)]
        last = first + count
        self.member.take(Chunk(TP, last, after, [Unpacked(records)]), lambda: self.acknowledged.append(last))


@asynccontextmanager
async def running(session: float = SESSION) -> AsyncIterator[Component]:
    """Owns partition 0."""
    made = Component(session=session)
    made.loadable.set()
    task = asyncio.create_task(made.member.run())
    made.member.assigned([0])
    await until(lambda: made.member.ready)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def component() -> AsyncIterator[Component]:
    async with running() as made:
        yield made


async def test_a_chunk_is_acknowledged_when_everything_in_it_is_durable(component: Component) -> None:
    component.take(0, 3, None)
    await until(lambda: component.broker.open)
    assert component.acknowledged == []
    assert component.member.committable() == {}
    component.broker.acknowledge()
    await until(lambda: component.acknowledged == [3])
    assert component.member.committable() == {TP: 3}


async def test_what_compaction_took_away_is_passed(component: Component) -> None:
    """Behind the last record of a batch, and all of one; what comes behind it enters as ever."""
    thinned = Unpacked([Record("in", 0, 0, b"k", b"v"), Record("in", 0, 3, b"k", b"v")], next_=10)
    batches = [thinned, Unpacked([], first=10, next_=5000)]
    component.member.take(Chunk(TP, 5000, None, batches), lambda: component.acknowledged.append(5000))
    await until(lambda: component.broker.open)
    component.broker.acknowledge()
    await until(lambda: component.acknowledged == [5000])
    assert component.member.committable() == {TP: 5000}
    component.member.committed({TP: 5000})
    component.take(5000, 3, 5000)
    await until(lambda: component.broker.open)
    component.broker.acknowledge()
    await until(lambda: component.member.committable() == {TP: 5003})
    assert component.stage.handled == [f"in/0/{offset}" for offset in (0, 3, 5000, 5001, 5002)]
    assert component.failures == []


async def test_nothing_is_unpacked_before_it_may_enter(component: Component) -> None:
    """Beyond the window records wait in the bytes that they came in."""
    records = [Record("in", 0, n, b"k%d" % n, b"v") for n in range(WINDOW + 700)]
    batch = Unpacked(records)
    component.member.take(Chunk(TP, len(records), None, [batch]), lambda: None)
    await until(lambda: len(component.stage.handled) == WINDOW)
    assert WINDOW <= batch.first <= WINDOW + BURST
    assert component.member.observe().partitions[0].reached == 0
    component.broker.acknowledge()
    await until(lambda: component.member.committable() == {TP: WINDOW})
    component.member.committed({TP: WINDOW})
    await until(lambda: len(component.stage.handled) == len(records))


async def test_a_batch_that_cannot_be_unpacked_stops_the_component(component: Component) -> None:
    def broken(most: int) -> Sequence[Record]:
        raise Unavailable("in/0 holds a batch that cannot be read")

    batch = Unpacked([Record("in", 0, 0, b"k", b"v")])
    batch.take = broken  # type: ignore[method-assign]
    running = asyncio.create_task(component.member.run())
    component.member.take(Chunk(TP, 1, None, [batch]), lambda: None)
    with pytest.raises(Unavailable, match="cannot be read"):
        await running


async def test_who_has_nothing_to_do_leaves_the_hearing_to_the_producer(component: Component) -> None:
    component.take(0, 3, None)
    await until(lambda: len(component.stage.handled) == 3 and not component.broker.hears)
    component.broker.acknowledge()
    await until(lambda: component.acknowledged == [3])


class Replayable(FakeStage):
    def passed_on(self, record: Record) -> tuple[Write, ...]:
        asked = record.header("fabric-redo-plan")
        return () if asked is None else (Write("receipts", record.key, asked.encode()),)


async def test_a_replayed_record_closes_its_dead_letter_also_when_it_had_to_wait(component: Component) -> None:
    component.member.stage = Replayable("c", ("in",), "out")
    component.stage = component.member.stage
    closed: list[bytes | None] = []

    async def until_closed(*keys: bytes) -> None:
        def all_closed() -> bool:
            closed.extend(w.key for writes, _ in component.broker.open for w in writes if w.topic == "receipts")
            component.broker.acknowledge()
            return closed == list(keys)

        await until(all_closed)

    component.take(0, 3, None)  # not replayed: the express, no receipt
    asked = (("fabric-redo-plan", b"p"),)
    values = {b"at-once": b"v", b"waits": b"wait:P"}
    records = [Record("redo.c", 0, n, key, values[key], asked) for n, key in enumerate(values)]
    component.member.take(Chunk(TopicPartition("redo.c", 0), 2, None, [Unpacked(records)]), lambda: None)
    await until_closed(b"at-once")
    component.stage.known.add(Parent("thing", "P"))
    await until(lambda: component.member.engine.held())
    await component.member.sweep(component.stage.has_many)
    await until_closed(b"at-once", b"waits")


async def test_a_chunk_that_was_dropped_on_the_way_stops_the_component(component: Component) -> None:
    component.take(0, 3, None)
    component.take(6, 3, 6)
    assert isinstance(component.failures[0], Unavailable)
    component.broker.acknowledge()
    await asyncio.sleep(0)
    assert component.member.committable() == {}


async def test_a_chunk_dropped_right_after_the_start_is_noticed_too(component: Component) -> None:
    component.take(6, 3, 6)
    assert isinstance(component.failures[0], Unavailable)


async def test_chunks_read_again_after_a_seek_are_done_once(component: Component) -> None:
    component.take(0, 3, None)
    component.take(0, 5, None)
    await until(lambda: len(component.stage.handled) == 3 or component.broker.open)
    for _ in range(5):
        component.broker.acknowledge()
        await asyncio.sleep(0.01)
    await until(lambda: component.acknowledged == [3, 5])
    assert sorted(component.stage.handled) == [f"in/0/{n}" for n in range(5)]


async def test_records_wait_until_it_is_known_what_lies_in_hold() -> None:
    component = Component()
    running = asyncio.create_task(component.member.run())
    component.member.assigned([0])
    component.take(0, 1, None)
    await asyncio.sleep(0)
    assert not component.member.ready
    assert component.stage.handled == []
    component.loadable.set()
    await until(lambda: component.stage.handled == ["in/0/0"])
    running.cancel()


async def test_handing_over_waits_for_what_was_begun_and_begins_nothing_more(component: Component) -> None:
    component.take(0, 1, None)
    await until(lambda: component.broker.open)
    handing = asyncio.create_task(component.member.hand_over())
    component.take(1, 1, 1)
    await asyncio.sleep(0.02)
    assert not handing.done()
    component.broker.acknowledge()
    await handing
    assert component.member.committable() == {TP: 1}
    assert component.stage.handled == ["in/0/0"]
    component.member.revoked([0])
    assert component.member.committable() == {}
    assert not component.member.ready


async def test_a_refused_write_ends_the_component_and_nothing_is_committed(component: Component) -> None:
    component.take(0, 2, None)
    await until(lambda: component.broker.open)
    component.broker.acknowledge(RuntimeError("no"))
    await until(lambda: component.failures)
    assert component.member.committable() == {}


async def test_reading_pauses_while_too_much_waits_and_goes_on_later(component: Component) -> None:
    flow: list[str] = []

    class Reading:
        def commit_soon(self) -> None:
            flow.append("commit")

        def pause(self, tp: TopicPartition) -> None:
            flow.append("pause")

        def resume(self, tp: TopicPartition) -> None:
            flow.append("resume")

    component.member.read_by(cast(Any, Reading()))
    component.take(0, 5000, None)
    assert flow == ["pause"]
    committed = 0
    while committed < 5000:
        await until(lambda: component.broker.open)
        assert max(int(c.rsplit("/", 1)[1]) for c in component.stage.handled) < committed + 1024
        while component.broker.open:
            component.broker.acknowledge()
            await asyncio.sleep(0.01)
        component.member.committed(component.member.committable())
        committed = component.member.committable()[TP]
    assert "commit" in flow
    assert flow.count("pause") == flow.count("resume") == 1


async def test_work_never_reaches_more_than_the_window_above_the_committed_offset(component: Component) -> None:
    component.take(0, 3 * WINDOW, None)
    await until(lambda: len(component.stage.handled) == WINDOW)
    component.broker.acknowledge()
    await until(lambda: component.member.committable() == {TP: WINDOW})
    await asyncio.sleep(0)
    assert len(component.stage.handled) == WINDOW, "what is done and not committed is read again after a crash, too"
    component.member.committed({TP: WINDOW})
    await until(lambda: len(component.stage.handled) == 2 * WINDOW)


async def test_a_pause_is_obeyed_although_there_is_always_more_to_do() -> None:
    board, made = Unattended(), Component()
    made.loadable.set()
    member = PureMember(made.stage, cast(Producer, made.broker), made.load, made.failures.append, board)
    standing = Standing()
    board.standing = lambda component: standing  # type: ignore[method-assign]
    running = asyncio.create_task(member.run())
    member.assigned([0])
    await until(lambda: member.ready)
    fed = 0

    async def feed() -> None:
        nonlocal fed
        while True:
            records = [Record("in", 0, fed + n, f"k{n}".encode(), b"v") for n in range(50)]
            member.take(Chunk(TP, fed + 50, fed or None, [Unpacked(records)]), lambda: None)
            fed += 50
            await asyncio.sleep(0)
            made.broker.acknowledge()
            member.committed(member.committable())

    feeding = asyncio.create_task(feed())
    await until(lambda: len(made.stage.handled) > 300)
    standing = Standing("paused", "month end")
    await asyncio.sleep(0.1)
    handled, so_far = len(made.stage.handled), fed
    await until(lambda: fed > so_far + 500)
    assert len(made.stage.handled) == handled
    standing = Standing()
    await until(lambda: len(made.stage.handled) > handled)
    feeding.cancel()
    running.cancel()
    await asyncio.gather(feeding, running, return_exceptions=True)
    assert made.failures == []


async def test_being_busy_for_longer_than_a_session_is_not_sleeping(component: Component) -> None:
    now = [0.0]
    component.member._awake = Awake(1.0, clock=lambda: now[0])
    handle = component.stage.handle

    def handled(record: Record, lane: Lane) -> Result:
        now[0] += 0.003
        return handle(record, lane)

    component.stage.handle = handled  # type: ignore[method-assign]
    component.take(0, 1000, None)
    await until(lambda: len(component.stage.handled) == 1000)
    assert now[0] > 2.5
    assert component.failures == []
    now[0] += 2.0
    component.take(1000, 1, 1000)
    await until(lambda: component.failures)
    assert "slept" in str(component.failures[0])


@pytest.mark.parametrize(
    ("entered", "seconds", "next_"),
    [(64, 0.01, 128), (64, 0.4, 16), (0, 0.0, 64), (10, 0.01, 64), (1, 30.0, 1)],
)
def test_a_burst_grows_only_by_what_was_measured(entered: int, seconds: float, next_: int) -> None:
    assert _next_burst(entered, seconds, 64) == next_


async def test_a_slow_processor_is_not_taken_for_one_that_sleeps() -> None:
    """Neither with what comes, nor with all that is let go at once."""
    async with running(session=0.4) as made:
        made.stage.slow = 0.005
        made.take(0, 400, None)
        await until(lambda: len(made.stage.handled) == 400)
        waiting = [Record("in", 0, n, b"k%d" % n, b"wait:P") for n in range(400, 700)]
        made.member.take(Chunk(TP, 700, 400, [Unpacked(waiting)]), lambda: None)

        def all_held() -> bool:
            made.broker.acknowledge()
            return len(made.member.engine.held()) == 300

        await until(all_held)
        made.stage.known.add(Parent("thing", "P"))
        await made.member.sweep(made.stage.has_many)
        await until(lambda: len(made.stage.handled) == 1000)
        assert made.failures == []


async def test_how_long_is_too_long_is_what_the_group_was_told() -> None:
    async with running(session=0.3) as made:
        time.sleep(0.5)
        made.take(0, 1, None)
        await until(lambda: made.failures)
    assert "slept" in str(made.failures[0])
    assert made.broker.open == []


async def test_a_partition_that_is_taken_over_in_its_midst_is_read_from_there(component: Component) -> None:
    """Where reading stands was told before the first record came, as after a rebalance."""
    component.member.passed(TP, None, 2500)
    component.take(2500, 10, None)
    await until(lambda: len(component.stage.handled) == 10)
    component.broker.acknowledge()
    await until(lambda: component.member.committable() == {TP: 2510})
