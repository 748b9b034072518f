"""One pure component (translate, process) in this process: what waits to enter its engine, and what is being written.

Knows no Faust: chunks come in through `take`, offsets go out through `committable`. All of it runs in one event loop;
only the broker's acknowledgements come from the producer's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from psfabric.engine import Engine, Result, Work, Write
from psfabric.engine.lane import Lane, Log
from psfabric.engine.work import Run, State, TopicPartition
from psfabric.errors import FabricError, Parent, Transient, Unavailable, Until
from psfabric.event import Record
from psfabric.hosts.board import Board, Unattended, obey
from psfabric.hosts.faust_chunks import SESSION
from psfabric.hosts.faust_chunks.chunk import Chunk, Reading
from psfabric.hosts.inlet import Inlet
from psfabric.hosts.lease import Awake
from psfabric.hosts.loading import Loaded
from psfabric.hosts.riding import Handled, Riding
from psfabric.hosts.waiting import Waiting
from psfabric.kafka import Producer, TooLarge
from psfabric.outcomes import Delivered
from psfabric.stages import Pure
from psfabric.telemetry import ComponentMeter, ComponentState, Spans, Telemetry, of_engine

log = structlog.get_logger(__name__)

BURST, FIRST_BURST = 256, 16
"""Records handled before the loop may turn to another component, and at the beginning, while nobody knows how long one
takes: so many that come through, and so many that had to wait."""

LONGEST_BURST = 0.1
"""Seconds that they may take: with a slow processor a burst has fewer, or it would be taken for sleep."""

HAND_OVER = 5.0
"""Seconds that what was begun may take to become durable when partitions go."""


class PureMember:
    """Implements `Taker`. `fail` ends the process: nothing more of this component is committed after it."""

    def __init__(
        self,
        stage: Pure,
        producer: Producer,
        load: Callable[[Pure, Sequence[int]], Mapping[int, Loaded]],
        on_failure: Callable[[BaseException], None],
        board: Board | None = None,
        telemetry: Telemetry | None = None,
        session: float = SESSION,
    ) -> None:
        """`load` reads what the owner of partitions must know first; it blocks and is run in a thread. `session`: see
        `FaustHost`."""
        self.stage = stage
        self.topics = stage.topics
        # Calls of a pure stage return at once: how many are made in a turn is a matter of time (`_next_burst`).
        policy = replace(stage.policy, concurrency=BURST, batch=1)
        self.engine = Engine(policy, receipt=stage.state_receipt)
        self._producer = producer
        self._load = load
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._inlets: dict[TopicPartition, Inlet] = {}
        self._acknowledged: deque[Sequence[Work]] = deque()
        self._passed: deque[Sequence[Run]] = deque()
        self._reading: Reading | None = None
        self._assigned: set[int] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._halted = False
        self._failed = False
        self._awake = Awake(session)
        self._burst = FIRST_BURST
        self._board: Board = board or Unattended()
        self._waiting = Waiting(stage.name)
        self._meter, self._spans = ComponentMeter(stage.name), Spans()
        if telemetry is not None:
            self._meter, self._spans = telemetry.component(stage.name, self.observe), telemetry.spans
        self._riding = Riding(self.engine, self._handle, self._produce, self._gone_through, self._meter, self._spans)

    def read_by(self, reading: Reading) -> None:
        self._reading = reading

    @property
    def ready(self) -> bool:
        """Partitions were handed out, and what belongs to ours is loaded."""
        return self._assigned is not None and self._assigned <= self.engine.lanes.keys()

    # ------------------------------------------------------------------------------------------ partitions

    def assigned(self, partitions: Iterable[int]) -> None:
        """Begins afresh: after an assignment Faust reads again from the committed offsets."""
        self.revoked(list(self.engine.lanes))
        self._inlets.clear()
        self._assigned = set(partitions)
        self._halted = False
        if self._loading is not None:
            self._loading.cancel()
        self._loading = asyncio.create_task(self._take_over(sorted(self._assigned)))
        self._loading.add_done_callback(self._ended)

    async def _take_over(self, partitions: list[int]) -> None:
        """Records of these partitions wait until it is known what lies in hold."""
        found = await self._loaded(partitions)
        for partition, loaded in found.items():
            self.engine.assign(partition, held=loaded.held, markers=loaded.markers, versions=loaded.versions)
        self._wake.set()

    async def _loaded(self, partitions: list[int]) -> Mapping[int, Loaded]:
        while True:
            try:
                return await asyncio.to_thread(self._load, self.stage, partitions)
            except (Transient, Unavailable) as error:
                log.warning("cannot load yet", component=self.stage.name, why=str(error))
            await asyncio.sleep(0.5)

    async def hand_over(self) -> None:
        self._halted = True
        deadline = time.monotonic() + HAND_OVER
        while self.engine.in_flight and not self._failed and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        self._acknowledge_chunks()

    def revoked(self, partitions: Iterable[int]) -> None:
        gone = set(partitions)
        for partition in gone:
            self.engine.revoke(partition)
        self._inlets = {tp: inlet for tp, inlet in self._inlets.items() if tp.partition not in gone}
        self._assigned = None

    # ------------------------------------------------------------------------------------------ in

    def take(self, chunk: Chunk, acknowledge: Callable[[], object]) -> None:
        inlet = self._inlets.setdefault(chunk.tp, Inlet())
        if not inlet.follows(chunk):
            self.fail(Unavailable(f"{self.stage.name}: a chunk of {chunk.tp} before {chunk.after} never arrived"))
            return
        inlet.take(chunk, acknowledge)
        if self._reading is not None and inlet.crowded():
            self._reading.pause(chunk.tp)
        self._wake.set()

    def passed(self, tp: TopicPartition, after: int | None, to: int) -> None:
        """Markers of transactions are committed over, once everything read before them is in the engine."""
        inlet = self._inlets.get(tp)
        taken = None if inlet is None else inlet.taken
        if taken == after and (inlet is None or inlet.first is None):
            self.engine.reached(tp, to)

    def _admit(self) -> tuple[int, list[Handled]]:
        """Let records into the engine as far as the window above the committed offset reaches, at most a burst.

        How many; what went through at once is written already, what was handled and set aside is returned.
        """
        room, aside = self._burst, list[Handled]()
        for tp in list(self._inlets):
            lane, inlet = self.engine.lanes.get(tp.partition), self._inlets[tp]
            if lane is None or inlet.first is None or not room:
                continue
            log = lane.log(tp)
            entering = inlet.next(log, room)
            if entering:
                self._meter.read(tp.topic, len(entering))
                room -= len(entering)
                aside += self._riding.ride(tp, entering)
                self._inlets[tp] = self._inlets.pop(tp)  # the others are first next time
            if inlet.first is None:  # what compaction took away behind the last record is passed too
                self.engine.reached(tp, inlet.taken or 0)
            self._flow(tp, inlet, log)
        return self._burst - room, aside

    def _handle(self, record: Record, lane: Lane) -> Result:
        """Of a record that is on the express: none that was replayed is."""
        result = self.stage.handle(record, lane)
        if type(result.outcome) is not Delivered:
            self._waiting.told(result.outcome)
        return result

    def _handle_any(self, record: Record, lane: Lane) -> Result:
        result = self.stage.handle_any(record, lane)
        self._waiting.told(result.outcome)
        return result

    def _flow(self, tp: TopicPartition, inlet: Inlet, log: Log) -> None:
        if self._reading is None:
            return
        if inlet.roomy():
            self._reading.resume(tp)
        if inlet.first is not None and log.committable not in (log.first, inlet.committed):
            self._reading.commit_soon()

    # ------------------------------------------------------------------------------------------ work

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):  # wait_for can swallow a cancellation
                    await self._wake.wait()
            self._wake.clear()
            obey(self._board, self.engine)
            while self._turn():
                self._awake.tick()
                obey(self._board, self.engine)  # also when there is always more to do
                await asyncio.sleep(0)
            self._producer.hear(again=False)

    def _wait(self) -> float:
        self._awake.tick()
        due = self.engine.next_due(time.time()) if not self._halted else None
        return 1.0 if due is None else min(1.0, max(0.01, due - time.time()))  # the clock may be set back meanwhile

    def _turn(self) -> bool:
        """One burst: take acknowledgements, let records in, handle what may be handled. True when there may be more."""
        self._producer.hear()
        while self._acknowledged:
            self._written(self._acknowledged.popleft())
        while self._passed:
            for run in self._passed.popleft():
                self.engine.passed(run)
        if self._halted or self._failed:
            return False
        turned = time.monotonic()
        entered, outcomes = self._admit()
        began = time.perf_counter()
        step = self.engine.step(time.time(), most=self._burst)
        called = self._spans.processing(self.stage.name, [work for (work,) in step.calls]) if self._spans.on else None
        outcomes += step.writes
        for (work,) in step.calls:
            result = self._handle_any(work.record, self.engine.lanes[work.lane])
            outcomes.append((work, self.engine.settle(work, result, time.time())))
        self._burst = _next_burst(max(entered, len(step.calls)), time.monotonic() - turned, self._burst)
        self._meter.worked([work for work, _ in outcomes], began)
        if called is not None:
            called.end([work for (work,) in step.calls])
        self._write(outcomes)
        self._acknowledge_chunks()
        return bool(entered or outcomes)

    def _gone_through(self, runs: Sequence[Run], error: Exception | None) -> None:
        """In any thread. When one output was refused, later records of its key may be written already: begin anew.

        One that a topic might refuse as too large does not go through (`express.LIGHT`).
        """
        if error is not None:
            self._loop.call_soon_threadsafe(self.fail, error)
            return
        self._passed.append(runs)
        self._loop.call_soon_threadsafe(self._wake.set)

    def _produce(self, writes: Sequence[Write], done: Callable[[Exception | None], None]) -> None:
        if self._surely_owner():
            self._producer.write(writes, done)

    def _surely_owner(self) -> bool:
        if self._awake.slept:
            self.fail(Unavailable(f"{self.stage.name} slept through its session; others own its partitions"))
            return False
        return True

    def _write(self, outcomes: Sequence[Handled]) -> None:
        """All outputs of a burst as one group; works that write nothing are done at once."""
        writing = [(work, writes) for work, writes in outcomes if writes]
        if writing:
            group = [write for _, writes in writing for write in writes]
            if not self._surely_owner():
                return
            self._meter.wrote(group)
            began, sent = time.perf_counter(), self._spans.sending(self.stage.name, [work for work, _ in writing])

            def done(error: Exception | None) -> None:
                self._meter.acknowledged(began)
                sent.end(error=error)
                self._answered(writing, error)

            self._producer.write(group, done)
        self._written([work for work, writes in outcomes if not writes and work.state is not State.QUEUED])

    def _answered(self, writing: Sequence[Handled], error: Exception | None) -> None:
        """In the producer's thread."""
        if isinstance(error, TooLarge):
            self._loop.call_soon_threadsafe(self._too_large, writing, error)
            return
        if error is not None:
            self._loop.call_soon_threadsafe(self.fail, error)
            return
        self._acknowledged.append([work for work, _ in writing])
        self._loop.call_soon_threadsafe(self._wake.set)

    def _too_large(self, writing: Sequence[Handled], error: TooLarge) -> None:
        """What was made of some of these records was refused; all other writes of the group are durable."""
        refused = {id(write) for write in error.writes}
        try:
            for work, writes in writing:
                if refused.isdisjoint(map(id, writes)):
                    self._acknowledged.append([work])
                else:
                    self._write([(work, self.engine.too_large(work, str(error), time.time()))])
        except RuntimeError as broken:
            self.fail(broken)
        self._wake.set()

    def _written(self, works: Sequence[Work]) -> None:
        now = time.time()
        closing = [(work, self.engine.written(work, now)) for work in works]
        last = [(work, writes) for work, writes in closing if writes]
        if last:
            self._write(last)

    # ------------------------------------------------------------------------------------------ out

    def committable(self) -> Mapping[TopicPartition, int]:
        if self._failed:
            return {}
        logs = [(tp, log) for lane in self.engine.lanes.values() for tp, log in lane.logs.items()]
        return {tp: log.committable for tp, log in logs if log.committable not in (None, log.first)}

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        for tp, offset in offsets.items():
            if tp in self._inlets:
                self._inlets[tp].committed = offset
        self._meter.committed()
        self._wake.set()

    def _acknowledge_chunks(self) -> None:
        for tp, inlet in self._inlets.items():
            lane = self.engine.lanes.get(tp.partition)
            done = lane.log(tp).committable if lane is not None else None
            if done is not None:
                inlet.acknowledge(done)

    # ------------------------------------------------------------------------------------------ hold

    async def sweep(self, has_many: Callable[[Iterable[Parent]], set[Parent]]) -> None:
        """Release what is met. Level-triggered: a wake-up that nobody sent cannot be lost."""
        if self._halted or not self.engine.held():
            return
        asked = self.stage.asked_for(self.engine.awaited(time.time()))
        met: set[Until] = set()
        if asked:
            with contextlib.suppress(FabricError):  # the store is not ready: next time
                met.update(asked[found] for found in await asyncio.to_thread(has_many, set(asked)))
        if not self._halted and self.engine.release(met.__contains__, time.time()):
            self._wake.set()

    # ------------------------------------------------------------------------------------------ seen from outside

    def observe(self) -> ComponentState:
        return of_engine(
            self.engine,
            time.time(),
            ready=self.ready,
            waiting={tp: inlet.first for tp, inlet in self._inlets.items() if inlet.first is not None},
            committed={tp: inlet.committed for tp, inlet in self._inlets.items() if inlet.committed is not None},
        )

    # ------------------------------------------------------------------------------------------ failure

    def fail(self, error: BaseException) -> None:
        self.halt()
        self._on_failure(error)

    def halt(self) -> None:
        """Handle nothing more and offer nothing more to commit."""
        self._failed = True

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)


def _next_burst(handled: int, seconds: float, allowed: int) -> int:
    """How many may be handled next time, when `handled` of the `allowed` took `seconds`."""
    if seconds > LONGEST_BURST:
        return max(1, int(handled * LONGEST_BURST / seconds))
    if handled < allowed:  # an idle turn says nothing about how long one takes
        return allowed
    return min(BURST, allowed * 2)
