"""One worker of a component, as the asyncio host is, but for time and threads: what happens when is up to the model.

It is a real engine with a real sink stage and the real lease, over the in-memory broker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from psfabric.engine import Engine, Policy, Result, Work, Write
from psfabric.engine.work import State, TopicPartition
from psfabric.errors import Parent
from psfabric.event import Record, Version
from psfabric.hosts.board import Board, obey
from psfabric.hosts.lease import Lease, LeasedWriter
from psfabric.hosts.loading import Loaded, loaded
from psfabric.kafka import latest
from psfabric.kafka.memory import MemoryBroker
from psfabric.outcomes import Unknown
from psfabric.stages import SinkStage
from tests.engine.erp import CODEC, Asked, Erp, ErpSink, Request

SESSION = 10.0


class Call:
    """A batch on its way through the stage; `asked` is the request it waits for, `request` that one once it left."""

    def __init__(self, batch: tuple[Work, ...], handling: Coroutine[Any, Any, Sequence[Result]]) -> None:
        self.batch, self._handling = batch, handling
        self.asked: Asked | None = None
        self.request: Request | None = None
        self.results: Sequence[Result] | None = None
        self.go_on(None)

    def go_on(self, answer: object) -> None:
        self._advance(lambda: self._handling.send(answer))

    def fail(self, error: Exception) -> None:
        self._advance(lambda: self._handling.throw(error))

    def _advance(self, step: Callable[[], Asked]) -> None:
        self.request = None
        try:
            self.asked = step()
        except StopIteration as finished:
            self.asked, self.results = None, finished.value

    def work_of(self, event_id: str) -> Work:
        return next(w for w in self.batch if w.record.header("ce_id") == event_id)

    def close(self) -> None:
        self._handling.close()


class Worker:
    """`failed`: it gives up, as the host does when a write is refused."""

    def __init__(
        self, policy: Policy, broker: MemoryBroker, erp: Erp, board: Board, now: Callable[[], float], window: int
    ) -> None:
        self.policy, self.broker, self.erp, self.now = policy, broker, erp, now
        self.stage = SinkStage(policy, CODEC, ErpSink(name=policy.component))
        self.engine = Engine(policy, receipt=self.stage.state_receipt, rng=random.Random(7))
        self.producer = broker.producer()
        self.lease = Lease(SESSION, policy.timeout, clock=now)
        self.writer = LeasedWriter(self.producer, self.lease)  # type: ignore[arg-type]
        self.reader = broker.reader(policy.component)
        self.window = window
        self.calls: list[Call] = []
        self.applied: dict[str, Version] = {}
        """What it knows to be in the target: loaded, or written and acknowledged."""
        self.ends: dict[TopicPartition, int] = {}
        """Where hold and applied ended when it loaded them."""
        self.wrote: set[bytes] = set()
        """Keys of the hold topic that it has written itself."""
        self.failed = ""
        self.asleep = False
        self.finishes = True
        """Whether what is open ends before partitions are handed over."""
        self._board = board
        self._loaded: dict[int, Loaded] = {}
        self._mine: set[int] = set()
        self._paused: set[TopicPartition] = set()
        self._epoch = 0
        self.sending: Callable[[Worker, Call], None] = lambda worker, call: None
        self.reader.subscribe(self.stage.topics, self._assigned, self._revoked)

    # ------------------------------------------------------------------------------------------ the reader

    def turn(self) -> None:
        """Poll, take what was assigned, commit."""
        records = self.reader.poll(self._room(), 0)
        for partition, found in self._loaded.items():
            self.engine.assign(partition, held=found.held, markers=found.markers, applied=found.applied, now=self.now())
        self._loaded.clear()
        self.engine.arrive(r for r in records if r.partition in self.engine.lanes)
        for tp, at in self.reader.positions().items():
            self.engine.reached(tp, at)
        self._flow()
        self.commit()

    def commit(self) -> None:
        """What is done; without that an offset that changes nothing, to renew the lease."""
        sent_at, offsets = self.now(), self.engine.commits()
        offered = offsets or dict(list(self.engine.positions().items())[:1]) or self.reader.standing()
        if offered and self.reader.commit(offered):
            self.engine.committed(offsets)
            self.lease.renewed(sent_at)
            self.writer.go_on()
            self.leave_all()

    def _room(self) -> int:
        spans = [log.span for lane in self.engine.lanes.values() for log in lane.logs.values()]
        return min([self.window, *(self.window - s for s in spans if s < self.window)])

    def _flow(self) -> None:
        tps = {tp for lane in self.engine.lanes.values() for tp in lane.logs}
        full = {tp for tp in tps if self.engine.full(tp)}
        self.reader.pause(sorted(full))
        self.reader.resume(sorted(self._paused - full))
        self._paused = full

    def _assigned(self, tps: list[TopicPartition]) -> None:
        for partition in sorted({tp.partition for tp in tps} - self._mine):
            self._load(partition)
            self._mine.add(partition)

    def _load(self, partition: int) -> None:
        hold, applied = self.policy.hold_topic, self.stage.state_topics[0]
        found = loaded(self.stage, latest(self._stored(hold, partition)), self._stored(applied, partition), {})
        self._loaded[partition] = found
        self.applied |= {key: entry.version for key, entry in found.applied.items()}
        self.ends[TopicPartition(hold, partition)] = self.broker.log(TopicPartition(hold, partition)).end

    def _stored(self, topic: str, partition: int) -> list[Record]:
        return self.broker.read([(topic, partition)])

    def _revoked(self, tps: list[TopicPartition]) -> None:
        if self.finishes:
            self.finish()
        self.lease.lost()
        self.reader.commit(self.engine.commits())
        self.writer.drop()
        for partition in {tp.partition for tp in tps}:
            self._loaded.pop(partition, None)
            self.engine.revoke(partition)
            self._mine.discard(partition)
        for call in [c for c in self.calls if not all(w.lane in self.engine.lanes for w in c.batch)]:
            self._abandon(call)

    def finish(self) -> None:
        """What is open ends well, and is written."""
        while True:
            for call in [c for c in self.calls if c.request is not None]:
                while call.request is not None:
                    self.answer(call)
            self.producer.flush()
            if not any(c.request for c in self.calls) and not self.producer.under_way():
                return

    # ------------------------------------------------------------------------------------------ work

    def step(self) -> None:
        obey(self._board, self.engine)
        step = self.engine.step(self.now())
        for work, writes in step.writes:
            self._write(work, writes)
        for batch in step.calls:
            call = Call(batch, self.stage.handle(batch, dict(self.engine.lanes), self.now()))
            self.calls.append(call)
            self._after(call)

    def leave_all(self) -> None:
        for call in list(self.calls):
            self._leave(call)

    def _leave(self, call: Call) -> None:
        """The request leaves, if the lease holds."""
        if call.asked is None or call.request is not None or not self.lease.sends:
            return
        call.request = Request(call.asked.event, self.now())
        if call.asked.what == "deliver":
            self.sending(self, call)
            self.erp.under_way.append(call.request)

    def answer(self, call: Call, answer: object = None) -> None:
        """The request that left is answered: as the target does, or as given (an outcome, or an error of `find`)."""
        request, asked = call.request, call.asked
        assert request is not None
        assert asked is not None
        find = asked.what == "find"
        if not find and self.erp.never(request):
            answer = Unknown("no answer")
        elif answer is None:
            answer = self.erp.find(asked.event, self.now()) if find else self.erp.carry_out(request, self.now())
        if isinstance(answer, Exception):
            call.fail(answer)
        else:
            call.go_on(answer)
        self._after(call)

    def _after(self, call: Call) -> None:
        if call.results is None:
            self._leave(call)
            return
        self.calls.remove(call)
        for work, result in zip(call.batch, call.results, strict=True):
            writes = self.engine.settle(work, result, self.now())
            if work.state is not State.QUEUED:
                self._write(work, writes)

    def _write(self, work: Work, writes: tuple[Write, ...]) -> None:
        if not writes:
            self._written(work, writes, None)
            return
        self.wrote |= {w.key or b"" for w in writes if w.topic == self.policy.hold_topic}
        self.writer.write(writes, lambda error: self._written(work, writes, error))

    def _written(self, work: Work, writes: tuple[Write, ...], error: Exception | None) -> None:
        if error is not None:
            self.failed = str(error)
            return
        if work.lane in self.engine.lanes and work.result is not None and work.result.applied is not None:
            key, entry = work.result.applied
            self.applied[key] = entry.version
        closing = self.engine.written(work, self.now())
        if closing:
            self._write(work, closing)

    def sweep(self, known: set[str]) -> None:
        self.engine.release(lambda until: isinstance(until, Parent) and until.id in known, self.now())

    # ------------------------------------------------------------------------------------------ its end

    def leave(self) -> None:
        self.reader.close()
        self.die()

    def die(self) -> None:
        """Nothing of it is left but what the broker and the target have."""
        self.producer.forget()
        for call in list(self.calls):
            self._abandon(call)

    def _abandon(self, call: Call) -> None:
        call.close()
        self.calls.remove(call)
