"""The Faust host of translate and process: any number of pure components in one process and event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from psfabric.connection import Kafka
from psfabric.errors import FabricError, Parent, Unavailable
from psfabric.hosts.board import Board
from psfabric.hosts.collecting import seldom_collected
from psfabric.hosts.faust_chunks import SESSION, ChunkApp
from psfabric.hosts.loading import Loaded, load
from psfabric.hosts.pure import PureMember
from psfabric.kafka import Producer
from psfabric.stages import Pure
from psfabric.telemetry import Telemetry

log = structlog.get_logger(__name__)

SWEEP_EVERY = 0.5
STOP_WITHIN = 10.0


class FaustHost:
    """Hosts `stages`, one Faust app and consumer group each; outputs go through the one `producer`.

    `has_many` says which of the given parents the reference store has (it blocks; raises Transient when it cannot
    say). `instance`: membership is static under this name, one per slot; None: dynamic, leaving moves the partitions.
    `session`: seconds after which a worker that gives no sign of life loses its partitions.
    """

    def __init__(
        self,
        kafka: Kafka,
        stages: Sequence[Pure],
        producer: Producer,
        *,
        has_many: Callable[[Iterable[Parent]], set[Parent]],
        instance: str | None,
        session: float = SESSION,
        board: Board | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._kafka = kafka
        self._stages = stages
        self._producer = producer
        self._has_many = has_many
        self._instance, self._session = instance, session
        self._board = board
        self._telemetry = telemetry
        self._members: list[PureMember] = []
        self._failure: BaseException | None = None
        self._failing = asyncio.Event()

    def ready(self) -> bool:
        """All components have been handed their partitions and have loaded what belongs to them."""
        return bool(self._members) and all(member.ready for member in self._members)

    def partitions(self) -> dict[str, list[int]]:
        """The partitions that each component owns now and has loaded."""
        return {member.stage.name: sorted(member.engine.lanes) for member in self._members}

    async def run(self, stop: asyncio.Event) -> None:
        """Run all until `stop`; then end or hand back what is in flight, commit what is done, leave the groups.

        Raises what went wrong otherwise (FabricError; anything else is a bug): then nothing was acknowledged that is
        not durable, and the process should end, so that a supervisor starts it anew.
        """
        logging.getLogger("faust").setLevel(logging.CRITICAL)  # says in tracebacks what is raised from here
        given = (self._producer, self._load, self._fail, self._board, self._telemetry, self._session)
        self._members = [PureMember(stage, *given) for stage in self._stages]
        apps = [ChunkApp(self._kafka, m.stage.name, m, self._instance, self._session) for m in self._members]
        tasks = [asyncio.create_task(act) for act in (self._start(apps), *(m.run() for m in self._members))]
        tasks += [asyncio.create_task(self._sweep()), asyncio.create_task(self._watch(apps))]
        for task in tasks:
            task.add_done_callback(self._ended)
        with seldom_collected():
            await self._until(stop)
        await self._stop(apps)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    async def _start(self, apps: Sequence[ChunkApp]) -> None:
        await asyncio.gather(*(app.start() for app in apps))

    async def _until(self, stop: asyncio.Event) -> None:
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._failing.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _stop(self, apps: Sequence[ChunkApp]) -> None:
        stopping = asyncio.gather(*(app.stop() for app in apps), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping, STOP_WITHIN)

    async def _watch(self, apps: Sequence[ChunkApp]) -> None:
        """Faust records a crash in the app; nobody but its own worker would look."""
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            for app in apps:
                if app.crashed and (reason := app.crash_reason) is not None:
                    self._fail(Unavailable(f"{app.conf.id} cannot go on: {type(reason).__name__}: {reason}"))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            for member in self._members:
                await member.sweep(self._has_many)

    def _load(self, stage: Pure, partitions: Sequence[int]) -> Mapping[int, Loaded]:
        return load(self._kafka, stage, partitions)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            for member in self._members:
                member.halt()
            self._failing.set()
            log.error("stops", why=str(error) if isinstance(error, FabricError) else repr(error))
