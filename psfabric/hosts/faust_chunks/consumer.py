"""Faust's consumer, with chunks instead of records and the engine's offsets instead of a list of acknowledged ones."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any, cast

import structlog
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode import Service

from psfabric.engine.work import TopicPartition
from psfabric.errors import Misconfigured, Unavailable
from psfabric.hosts.faust_chunks.chunk import Batch, Chunk, Taker
from psfabric.hosts.faust_chunks.thread import ChunkConsumerThread
from psfabric.hosts.whole import Look, even
from psfabric.kafka import OffsetGone

log = structlog.get_logger(__name__)

FETCH_TIMEOUT = 1.0
PAUSED_FETCH_TIMEOUT = 0.05
"""Seconds a fetch waits while some partition is paused: aiokafka notices only in between that it may go on."""

COMMIT_STALLED = 60.0
"""Seconds during which the broker took no commit although there was something to commit; then the process ends (a
restart joins anew; robinhood/faust #736: after a connection reset a worker may process for ever and never commit)."""


class ChunkConsumer(Consumer):
    """Reads for one `Taker`. Everything here runs in the main loop; `ChunkConsumerThread` talks to the broker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taker: Taker = cast(Any, self.app).taker
        self._fetched: dict[TP, int] = {}
        self._accepted: dict[TopicPartition, int] = {}
        self._refused_since: float | None = None
        self._soon = asyncio.Event()
        app = cast(Any, self.app)
        self._look = Look(app.kafka, app.conf.id, self._taker.topics, self._thread.rejoin)
        self._taker.read_by(self)

    _thread: ChunkConsumerThread

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # ------------------------------------------------------------------------------------------ reading

    async def _wait_next_records(self, timeout: float) -> Any:
        """As Faust's own, but a moment without any active partition costs 50 ms, not a second."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active = self._get_active_partitions()
        if not active:
            await self.sleep(PAUSED_FETCH_TIMEOUT)
            return {}, active
        return await self._getmany(active, timeout), active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Chunk]]:
        wait = PAUSED_FETCH_TIMEOUT if self._paused_partitions else FETCH_TIMEOUT
        try:
            found = await super()._getmany(active_partitions, wait)
        except OffsetOutOfRangeError as error:
            ((tp, offset),) = error.args[0].items()
            self._taker.fail(OffsetGone(self.app.conf.id, TopicPartition(tp.topic, tp.partition), offset))
            return {}
        except NoOffsetForPartitionError as error:  # looked for a place before Faust had told it one
            await self._thread.begin(*error.args)
            return {}
        if not self.flow_active:  # Faust drops what is handed to it now, perhaps after it moved to the committed place
            await self._thread.give_back(found)
            return {}
        chunks = {tp: [self._chunk(tp, batches)] for tp, batches in found.items() if batches}
        for tp, at in self._thread.positions().items():
            after = self._fetched.get(TP(*tp))
            if after is None or at > after:
                self._taker.passed(TopicPartition(*tp), after, at)
        return chunks

    def _chunk(self, tp: TP, batches: list[Batch]) -> Chunk:
        after, following = self._fetched.get(tp), batches[-1].next
        self._fetched[tp] = following
        return Chunk(TopicPartition(tp.topic, tp.partition), following, after, batches)

    def _to_message(self, tp: TP, chunk: Chunk) -> ConsumerMessage:
        first, generation, value = chunk.batches[0].first, self.app.consumer_generation_id, cast(Any, chunk)
        return ConsumerMessage(
            tp.topic, tp.partition, first, 0.0, 0, None, None, value, None, 0, 0, tp, generation_id=generation
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps between chunks are ordinary here: their length."""

    async def perform_seek(self) -> None:
        """Back to the committed offsets: what was fetched and not yet done is read again."""
        self._fetched.clear()
        await super().perform_seek()

    # ------------------------------------------------------------------------------------------ rebalance

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Faust stops the flow only where partitions go. Where they only come it would read on, and when it has gone to
        the committed place and resumes, empty the queues of its streams: what it read in between would be forgotten.
        """
        self.stop_flow()
        self.app.flow_control.suspend()
        missing = self._thread.unknown_topics(self._taker.topics)
        if missing:
            self._taker.fail(Unavailable(f"{', '.join(missing)} not there; run `psfabric topics apply`"))
        try:
            tps = [TopicPartition(tp.topic, tp.partition) for tp in assigned]
            numbers = even(self.app.conf.id, self._taker.topics, tps, self._thread.counts)
        except Misconfigured as error:
            self._taker.fail(error)
            numbers = set()
        self._accepted.clear()
        self._taker.assigned(numbers)
        await super().on_partitions_assigned({tp for tp in assigned if tp.partition in numbers}, generation_id)
        self.pause_partitions({tp for tp in assigned if tp.partition not in numbers})
        self._look.begin()

    async def on_stop(self) -> None:
        self._look.end()
        await super().on_stop()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Faust stops the flow, waits (`wait_empty`) and commits; then the partitions are forgotten."""
        await super().on_partitions_revoked(revoked)
        self._taker.revoked({tp.partition for tp in revoked})
        self._fetched.clear()

    async def wait_empty(self) -> None:
        """What was begun ends; the rest is handed back and read again by the next owner.

        Stock Faust waits until everything delivered is acknowledged: with the reference store down, for ever.
        """
        await self._taker.hand_over()
        self._unacked_messages.clear()
        for _ in range(2):  # one that is under way may have begun before the last record was done, and ends the first
            await self.commit()

    # ------------------------------------------------------------------------------------------ committing

    @Service.task
    async def _commit_handler(self) -> None:
        while not self.should_stop:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.commit_interval):
                    await self._soon.wait()
            self._soon.clear()
            await self.commit()

    @Service.task
    async def _commit_livelock_detector(self) -> None:
        """Faust's guesses about slow streams are about records; `COMMIT_STALLED` takes the place of this."""

    def commit_soon(self) -> None:
        self._soon.set()

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what the engine says is durable. Nothing else in this fabric decides that, Faust's list least."""
        self._acked.clear()
        self._acked_index.clear()
        found = self._taker.committable()
        risen = {tp: at for tp, at in found.items() if self._accepted.get(tp) != at}
        if not risen:
            return False
        taken = await self._thread.commit({TP(*tp): at for tp, at in risen.items()})
        self._note(risen, taken)
        return taken

    def _note(self, offsets: Mapping[TopicPartition, int], taken: bool) -> None:
        now = time.monotonic()
        if taken:
            self._accepted.update(offsets)
            self._taker.committed(offsets)
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        elif now - self._refused_since > COMMIT_STALLED:
            self._taker.fail(Unavailable(f"{self.app.conf.id}: no commit was taken for {COMMIT_STALLED:.0f} s"))

    # ------------------------------------------------------------------------------------------ flow

    def pause(self, tp: TopicPartition) -> None:
        self.pause_partitions({TP(*tp)})

    def resume(self, tp: TopicPartition) -> None:
        """Only what was paused here: Faust pauses everything while it rebalances."""
        if TP(*tp) in self._paused_partitions and self.flow_active:
            self.resume_partitions({TP(*tp)})
