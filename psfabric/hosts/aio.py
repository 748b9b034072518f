"""The asyncio host of hydrate and sinks: one group member per component, all in one loop.

A component's consumer lives in a thread of its own, so that heartbeats never wait for a target. Rebalance callbacks
run in that thread and block it until the loop has handed the partitions over: no new call is begun, open ones may
finish, what is done is committed, then the partitions go. Requests leave, and records that only an owner may write are
written, only while the sending lease holds (`hosts/lease.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from psfabric.connection import Kafka
from psfabric.engine import WINDOW, Engine, Policy, Result, Work, Write
from psfabric.engine.pace import LocalPace, Pace
from psfabric.engine.work import TopicPartition
from psfabric.errors import FabricError, Parent, Transient, Unavailable, Until
from psfabric.hosts.aside import Aside
from psfabric.hosts.board import Board, Unattended, obey
from psfabric.hosts.lease import Lease, LeasedWriter, session_of
from psfabric.hosts.loading import Loaded, load
from psfabric.hosts.waiting import Waiting
from psfabric.hosts.whole import Look, even
from psfabric.kafka import Admin, GroupReader, Producer, TooLarge
from psfabric.stages import Calling
from psfabric.telemetry import ComponentMeter, ComponentState, Spans, Telemetry, of_engine
from psfabric.telemetry.spans import NOTHING

log = structlog.get_logger(__name__)

T = TypeVar("T")

Present = Callable[[set[Parent]], Awaitable[set[Parent]]]
"""Which parents the reference store has. Raises Transient when it cannot say."""

POLL = 0.1
COMMIT_EVERY = 0.25
SWEEP_EVERY = 0.5
LOAD_WITHIN = 90.0
"""Seconds that loading what belongs to assigned partitions may take; less than the broker waits for the next poll."""

HAND_OVER = 6.0
"""Seconds that open calls may take to finish when partitions are revoked or the process stops."""

COMMIT_WITHIN = 150.0
"""Seconds after which a commit is given up from which the broker's client does not come back. It takes a minute for a
broker that hangs, and less than another to find out who coordinates the group now; but after a broker had died several
times it was seen to wait for ever (librdkafka 2.16), in a process that was alive and of no use."""

POLL_WITHIN = LOAD_WITHIN + HAND_OVER + COMMIT_WITHIN
"""The same for a poll, in which partitions are handed over and loaded. Before the broker excludes us (300 s)."""

LEAVE_WITHIN = 9.0
"""Seconds for that, the last commit and leaving the group: a client that does not come back by then is left alone."""


def _local(policy: Policy, wake: Callable[[], None]) -> Pace:
    return LocalPace(policy.rate, policy.concurrency)


@dataclass(frozen=True)
class Given:
    """What every member of a host is given. `session`: least seconds of the group session; `instance`: membership is
    static under this name, one per slot. `pace` makes the pace of one component; it calls what it is given, from any
    thread, when a refusal may have become an allowance."""

    present: Present
    instance: str | None = None
    session: float = 10.0
    board: Board = field(default_factory=Unattended)
    pace: Callable[[Policy, Callable[[], None]], Pace] = _local
    telemetry: Telemetry | None = None


class Member:
    """One component in this process: its consumer, its engine, its open calls."""

    def __init__(self, kafka: Kafka, stage: Calling, producer: Producer, given: Given) -> None:
        self.stage = stage
        self.ready = False
        session = session_of(stage.policy.timeout, given.session)
        self._kafka = kafka
        self._given = given
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._pace = given.pace(stage.policy, self._woken)
        self._engine = Engine(stage.policy, receipt=stage.state_receipt, pace=self._pace)
        self._lease = Lease(session, stage.policy.timeout)
        self._writer = LeasedWriter(producer, self._lease)
        stage.send_while(self._lease.to_send)
        self._reader = GroupReader(kafka, stage.name, instance=given.instance, session_ms=round(session * 1000))
        self._in_thread = Aside(stage.name)
        self._leaving = self._closing = False
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._rejoin = asyncio.Event()
        self._look = Look(kafka, stage.name, stage.topics, self._rejoin.set)
        self._calls: dict[asyncio.Task[None], set[int]] = {}
        self._epoch = 0
        self._loaded: dict[int, Loaded] = {}
        self._mine: set[int] = set()
        self._paused: set[TopicPartition] = set()
        self._committed_at = 0.0
        self._waiting = Waiting(stage.name)
        self._meter, self._spans = ComponentMeter(stage.name), Spans()
        if given.telemetry is not None:
            self._meter = given.telemetry.component(stage.name, self.observe)
            self._spans = given.telemetry.spans

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`; then finish or hand back what is in flight, commit what is done, leave the group."""
        helpers = [asyncio.create_task(self._pump()), asyncio.create_task(self._sweep())]
        helpers.append(asyncio.create_task(self._told_to_stop(stop)))
        for helper in helpers:
            helper.add_done_callback(self._ended)
        try:
            await self._in_thread(lambda: self._reader.subscribe(self.stage.topics, self._assigned, self._revoked))
            while not stop.is_set() and self._failure is None:
                await self._turn()
                if self._rejoin.is_set():
                    self._rejoin.clear()
                    await self._in_thread(self._reader.rejoin)
            if self._failure is not None:
                raise self._failure
        finally:
            await self._close()
            self._look.end()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _told_to_stop(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping.set()

    async def _turn(self) -> None:
        began = time.time_ns()
        records = await self._bounded(lambda: self._reader.poll(self._room(), POLL), POLL_WITHIN, "a poll")
        for topic, count in Counter(record.topic for record in records).items():
            self._meter.read(topic, count)
        self._spans.received(self.stage.name, records, began)
        for partition, loaded in self._loaded.items():
            self._engine.assign(
                partition, held=loaded.held, markers=loaded.markers, applied=loaded.applied, now=time.time()
            )
        self._loaded.clear()
        self._engine.arrive(r for r in records if r.partition in self._engine.lanes)
        for tp, at in self._reader.positions().items():
            self._engine.reached(tp, at)
        self._wake.set()
        await self._flow({TopicPartition(r.topic, r.partition) for r in records})
        await self._commit()

    async def _bounded(self, act: Callable[[], T], within: float, what: str) -> T:
        try:
            async with asyncio.timeout(within) as limit:
                return await self._in_thread(act)
        except TimeoutError:
            if not limit.expired():  # what was done in a callback took too long, not the client
                raise
            why = f"{self.stage.name}: the broker's client does not come back from {what} ({within:.0f} s)"
            raise Unavailable(why) from None

    def _room(self) -> int:
        spans = [log.span for lane in self._engine.lanes.values() for log in lane.logs.values()]
        return min([500, *(WINDOW - s for s in spans if s < WINDOW)])

    async def _flow(self, touched: set[TopicPartition]) -> None:
        """Pause what has used up its window, resume what has room again."""
        full = {tp for tp in touched - self._paused if self._engine.full(tp)}
        roomy = {tp for tp in self._paused if not self._engine.full(tp)}
        if full:
            await self._in_thread(lambda: self._reader.pause(list(full)))
        if roomy:
            await self._in_thread(lambda: self._reader.resume(list(roomy)))
        self._paused = (self._paused | full) - roomy

    async def _commit(self) -> None:
        now = time.monotonic()
        if now - self._committed_at < COMMIT_EVERY and not self._crowded():
            return
        self._committed_at = now
        offsets = self._engine.commits()
        if offsets or (self._engine.lanes and self._lease.due):
            await self._offer(offsets or await self._in_thread(self._standing), COMMIT_WITHIN)

    def _standing(self) -> dict[TopicPartition, int]:
        """An offset that changes nothing: what is committed of one partition, committed again to renew the lease."""
        positions = self._engine.positions()
        if positions:
            return dict([min(positions.items())])
        return self._reader.standing()

    async def _offer(self, offsets: dict[TopicPartition, int], within: float) -> None:
        """What the broker does not take is offered again next time. What it takes renews the lease."""
        sent_at, epoch = time.monotonic(), self._epoch
        taken = bool(offsets) and await self._bounded(lambda: self._reader.commit(offsets), within, "a commit")
        if taken and epoch == self._epoch:
            self._engine.committed(offsets)
            self._meter.committed()
            self._lease.renewed(sent_at)
            self._writer.go_on()

    def _crowded(self) -> bool:
        """Whether a window is half used up: what is done is committed early, so that reading need not pause."""
        return any(log.span >= WINDOW // 2 for lane in self._engine.lanes.values() for log in lane.logs.values())

    # ------------------------------------------------------------------ rebalance (in the reader's thread)

    def _assigned(self, tps: list[TopicPartition]) -> None:
        new = even(self.stage.name, self.stage.topics, tps, self._counts) - self._mine
        self._loaded.update(self._load(sorted(new)))
        self._mine |= new
        self._epoch += 1
        self.ready = True
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._look.begin)

    def _counts(self) -> Mapping[str, int]:
        try:
            return Admin(self._kafka).partitions(self.stage.topics)
        except Unavailable:
            return {}

    def _load(self, partitions: list[int]) -> dict[int, Loaded]:
        """Tried again while the broker, or the schema registry, is away: an outage is no reason to end the process.

        Nothing is loaded when it is to stop anyway; what is not loaded takes no record.
        """
        deadline = time.monotonic() + LOAD_WITHIN
        while not self._stopping.is_set():
            try:
                return load(self._kafka, self.stage, partitions)
            except (Transient, Unavailable) as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("cannot load yet", component=self.stage.name, why=str(error))
                self._stopping.wait(0.5)
        return {}

    def _revoked(self, tps: list[TopicPartition]) -> None:
        handed = asyncio.run_coroutine_threadsafe(self._hand_over(), self._loop)
        offsets = handed.result(HAND_OVER + 5.0)
        if offsets:
            self._reader.commit(offsets)
        gone = {tp.partition for tp in tps}
        self._epoch += 1
        self._loaded = {p: loaded for p, loaded in self._loaded.items() if p not in gone}
        self._loop.call_soon_threadsafe(self._forget, gone)
        self._mine -= gone

    async def _hand_over(self) -> dict[TopicPartition, int]:
        """Begin nothing new, let open work end, and say what may be committed."""
        self._leaving = True
        deadline = time.monotonic() + (0.0 if self._closing else HAND_OVER)
        while self._engine.in_flight and self._failure is None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        self._lease.lost()
        return self._engine.commits()

    def _forget(self, partitions: set[int]) -> None:
        """Calls still open are given up: what they do now, the next owner finds, or waits out."""
        self._writer.drop()
        for partition in partitions:
            self._engine.revoke(partition)
        for task, lanes in self._calls.items():
            if lanes & partitions:
                task.cancel()
        self._leaving = False

    # ------------------------------------------------------------------ work (in the loop)

    async def _pump(self) -> None:
        """Whenever something changed or is due, take a step."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):  # wait_for can swallow a cancellation
                    await self._wake.wait()
            self._wake.clear()
            obey(self._given.board, self._engine)
            if not self._leaving and self._failure is None:
                self._step()

    def _woken(self) -> None:
        """From another thread; one that comes while the loop ends is of no use to anybody."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake.set)

    def _wait(self) -> float:
        due = self._engine.next_due(time.time())
        return 1.0 if due is None else min(1.0, max(0.005, due - time.time()))

    def _step(self) -> None:
        step = self._engine.step(time.time())
        self._meter.decided([work for work, _ in step.writes])
        for work, writes in step.writes:
            self._write(work, writes)
        for batch in step.calls:
            task = asyncio.create_task(self._call(batch))
            self._calls[task] = {work.lane for work in batch}
            task.add_done_callback(self._calls.pop)
            task.add_done_callback(self._ended)

    async def _call(self, batch: tuple[Work, ...]) -> None:
        lanes = dict(self._engine.lanes)
        if any(work.lane not in lanes for work in batch):
            return
        began, called = time.perf_counter(), self._spans.processing(self.stage.name, batch)
        try:
            results: Sequence[Result] = await self.stage.handle(batch, lanes, time.time())
        except BaseException as error:
            called.end(error=error)
            raise
        now = time.time()
        settled = [(work, self._engine.settle(work, result, now)) for work, result in zip(batch, results, strict=True)]
        self._meter.worked(batch, began)
        called.end(batch)
        for result in results:
            self._waiting.told(result.outcome)
        for work, writes in settled:
            self._write(work, writes)
        self._wake.set()

    def _write(self, work: Work, writes: tuple[Write, ...]) -> None:
        began, sent = time.perf_counter(), self._spans.sending(self.stage.name, [work]) if writes else NOTHING

        def done(error: Exception | None) -> None:
            self._meter.acknowledged(began)
            sent.end(error=error)
            self._loop.call_soon_threadsafe(self._written, work, error)

        if writes:
            self._meter.wrote(writes)
            self._writer.write(writes, done)
        else:
            self._written(work, None)

    def _written(self, work: Work, error: Exception | None) -> None:
        try:
            if isinstance(error, TooLarge):
                closing = self._engine.too_large(work, str(error), time.time())
            elif error is not None:
                self._fail(error)
                return
            else:
                closing = self._engine.written(work, time.time())
        except RuntimeError as broken:  # in a callback of the loop nobody else would hear of it
            self._fail(broken)
            return
        if closing:
            self._write(work, closing)
        self._wake.set()

    def observe(self) -> ComponentState:
        """As seen from outside, now."""
        return of_engine(
            self._engine,
            time.time(),
            ready=self.ready,
            pace=self._pace,
            leased=True,
        )

    async def _sweep(self) -> None:
        """Release what is met. Level-triggered: a wake-up that nobody sent cannot be lost."""
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            if self._leaving or not self._engine.held():
                continue
            met = set[Until]()  # of what the store is asked for; what only time or the target decides needs no store
            try:
                met = await self._met()
            except FabricError as error:
                log.info("sweep waits", component=self.stage.name, why=str(error))
            if self._engine.release(met.__contains__, time.time()):
                self._wake.set()

    async def _met(self) -> set[Until]:
        asked = self.stage.asked_for(self._engine.awaited(time.time()))
        return {asked[found] for found in await self._given.present(set(asked))} if asked else set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task of ours that raised would otherwise leave its record, or all of them, waiting for ever."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            log.error("stops", component=self.stage.name, why=str(error))

    async def _close(self) -> None:
        """Commit what is done and leave the group, or what of that comes about in time: the client may hang in either
        while brokers come and go (librdkafka #3740), and the process would hang in it, alive and of no use."""
        deadline = time.monotonic() + LEAVE_WITHIN
        self._stopping.set()
        offsets = await self._hand_over()
        self._closing = True  # leaving the group revokes, and that must not wait a second time
        try:
            if self._failure is None:
                await self._in_time(self._offer(offsets, max(1.0, (deadline - time.monotonic()) / 2)))
        finally:
            left = max(1.0, deadline - time.monotonic())
            await self._in_time(self._bounded(self._reader.close, left, "leaving its group"))

    async def _in_time(self, act: Awaitable[None]) -> None:
        try:
            await act
        except Unavailable as error:
            log.warning("what is not committed is read again", component=self.stage.name, why=str(error))


class AioHost:
    """Several calling components in one process and loop."""

    def __init__(self, kafka: Kafka, stages: Sequence[Calling], producer: Producer, given: Given) -> None:
        self._members = [Member(kafka, s, producer, given) for s in stages]

    async def run(self, stop: asyncio.Event) -> None:
        """Run all until `stop`, or until one fails: then all stop and the failure is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for member in self._members:
                    group.create_task(member.run(stop))
        except BaseExceptionGroup as failures:
            first = failures.exceptions[0]
            raise first if isinstance(first, FabricError) else Unavailable(repr(first)) from None

    def ready(self) -> bool:
        return all(member.ready for member in self._members)
