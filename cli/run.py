"""`psfabric run intake|process|deliver`: the fabric's own processes."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

import schemas
from cli import logs
from psfabric import pipelines as pipeline_files
from psfabric.adapters import Notice, Polled
from psfabric.assembly import calling_stages, pure_stages
from psfabric.codec import Codec
from psfabric.engine import Policy
from psfabric.engine.pace import Pace
from psfabric.errors import FabricError, Misconfigured, Parent, Unavailable
from psfabric.event import Raw
from psfabric.hosts.aio import AioHost, Given
from psfabric.hosts.aside import Aside
from psfabric.hosts.control import Control
from psfabric.hosts.keeping import Keeper
from psfabric.hosts.polling import Poller, raw_write
from psfabric.hosts.writing import written
from psfabric.http import fetch
from psfabric.intake import app, serve, until_signal
from psfabric.kafka import Admin, Producer, read_topic
from psfabric.pacing import Sharing
from psfabric.pipelines import Pipelines
from psfabric.reference import Store
from psfabric.registry import SCHEMAS, PatientRegistry, Registry, believed, kept_write, wait_for
from psfabric.settings import Settings, settings
from psfabric.stages import Stage
from psfabric.telemetry import Telemetry
from psfabric.telemetry.probing import EVERY, Probing, of_kafka, of_reference, of_registry

log = structlog.get_logger(__name__)

ASK_WITHIN = 3.0
"""Seconds the registry has to answer: everything else in the process waits meanwhile."""


def intake() -> None:
    """Receive webhooks."""
    asyncio.run(_intake(*_ready_parts("intake")))


def process() -> None:
    """Translate and process: everything Faust hosts."""
    asyncio.run(_process(*_ready_parts("process")))


def deliver() -> None:
    """Hydrate, deliver, read polled sources, keep the reference store."""
    asyncio.run(_deliver(*_ready_parts("deliver")))


def _ready_parts(role: str) -> tuple[Settings, Pipelines]:
    """Settings and pipelines checked, Kafka waited for. Raises Misconfigured, Unavailable."""
    faulthandler.enable()  # a crash inside a native client leaves its stack in the log
    logs.configure()
    where = settings()
    declared = pipeline_files.load(where.pipelines, where.values)
    deadline = time.monotonic() + where.start_within
    log.info("waits for its parts", role=role, kafka=str(where.kafka))
    Admin(where.kafka).wait(deadline, lambda why: log.warning("still waits for Kafka", role=role, why=why))
    return where, declared


def _registry(where: Settings, producer: Producer) -> PatientRegistry:
    """Every id is known before the first record, so that nothing later rests on the registry being there: a receipt of
    what waits for it, least of all. What `fabric.schemas` has kept is enough; for the rest it has to be there once.

    Raises Unavailable when it does not answer in time, or has a schema not yet.
    """
    kept = believed(read_topic(where.kafka, SCHEMAS))
    registry = Registry(where.registry_url, partial(fetch, timeout=ASK_WITHIN))

    def learned(event: str, id: int) -> None:
        producer.write([kept_write(event, id)], lambda error: _not_kept(event, error))

    patient = PatientRegistry(registry, kept, learned)
    if missing := [event for event in schemas.events() if event not in kept]:
        log.info("waits for the registry", schemas_not_kept=len(missing))
        wait_for(registry, time.monotonic() + where.start_within)
        for event in missing:
            patient.id_of(event)
    return patient


def _not_kept(event: str, error: Exception | None) -> None:
    """Nothing waits for it: it is told, and tried again by whoever starts next."""
    if error is not None:
        log.warning("a schema id was not kept", event_type=event, why=str(error))


async def _intake(where: Settings, declared: Pipelines) -> None:
    producer = Producer(where.kafka, "psfabric.intake")

    async def store(source: str, raw: Raw, notice: Notice) -> None:
        await written(producer, [raw_write(source, raw)])

    telemetry = Telemetry("intake", instance=where.instance)
    door = app(declared.webhooks(), store, telemetry=telemetry)
    try:
        with Probing([of_kafka(telemetry, Admin(where.kafka), {})]):
            await serve(door, "127.0.0.1", _port("PSF_HEALTH_PORT"))
    finally:
        producer.close()
        telemetry.close()


async def _process(where: Settings, declared: Pipelines) -> None:
    from psfabric.hosts.faust import FaustHost

    producer = Producer(where.kafka, "psfabric.process")
    registry = _registry(where, producer)
    codec = Codec(registry)
    known = Store(where.redis_url, codec.event)
    stages = pure_stages(declared, codec, known)
    control = Control(where.kafka, producer)
    telemetry = Telemetry("process", instance=where.instance)
    host = FaustHost(
        where.kafka,
        stages,
        producer,
        has_many=known.has_many,
        instance=where.instance,
        session=where.session,
        board=control,
        telemetry=telemetry,
    )
    try:
        with _probing(telemetry, where, registry, known, stages):
            await _together(telemetry, lambda: host.ready() and control.ready, host.run, _aside(control.run))
    finally:
        producer.close()
        known.close()
        telemetry.close()


async def _deliver(where: Settings, declared: Pipelines) -> None:
    producer = Producer(where.kafka, "psfabric.deliver")
    registry = _registry(where, producer)
    codec = Codec(registry)
    known = Store(where.redis_url, codec.event)

    async def present(parents: set[Parent]) -> set[Parent]:
        return await asyncio.to_thread(known.has_many, parents)

    telemetry, stages = Telemetry("deliver", instance=where.instance), calling_stages(declared, codec)
    control, sharing = Control(where.kafka, producer), Sharing(where.redis_url, where.instance or secrets.token_hex(6))

    def pace(policy: Policy, wake: Callable[[], None]) -> Pace:
        return sharing.pace(policy.component, policy.rate, policy.concurrency, wake)

    given = Given(present, where.instance, where.session, board=control, pace=pace, telemetry=telemetry)
    host = AioHost(where.kafka, stages, producer, given)
    pollers = [_poller(where, source, telemetry) for source in declared.polled()]
    refs = sorted(t.name for t in declared.topics() if t.name.startswith("ref."))
    keeper = Keeper(where.kafka, where.redis_url, refs)

    aside = [_aside(part.run) for part in (keeper, control, sharing)]

    def ready() -> bool:
        return host.ready() and keeper.ready and control.ready and all(p.ready for p in pollers)

    try:
        with _probing(telemetry, where, registry, known, stages):
            await _together(telemetry, ready, host.run, *aside, *(p.run for p in pollers))
    finally:
        producer.close()
        known.close()
        telemetry.close()


def _aside(run: Callable[[threading.Event], None]) -> Callable[[asyncio.Event], Awaitable[None]]:
    """A part that blocks, in a thread of its own, told to stop with the others."""

    async def part(stop: asyncio.Event) -> None:
        ended = threading.Event()
        running = asyncio.ensure_future(Aside(run.__qualname__)(lambda: run(ended)))
        waits: list[asyncio.Future[Any]] = [running, asyncio.ensure_future(stop.wait())]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        ended.set()
        await running

    return part


def _poller(where: Settings, source: Polled, telemetry: Telemetry) -> Poller:
    meter = telemetry.source(source.name)
    poller = Poller(where.kafka, source, stored=meter.paged)
    meter.state = lambda: poller.state
    return poller


def _probing(
    telemetry: Telemetry, where: Settings, registry: PatientRegistry, known: Store, stages: Sequence[Stage]
) -> Probing:
    inputs = {stage.name: stage.topics for stage in stages}
    return Probing(
        [
            of_kafka(telemetry, Admin(where.kafka), inputs),
            of_registry(telemetry, registry.ready),
            of_reference(telemetry, known.reachable, known.complete),
        ]
    )


async def _together(
    telemetry: Telemetry, ready: Callable[[], bool], *parts: Callable[[asyncio.Event], Awaitable[None]]
) -> None:
    """Run the parts and the health endpoint until SIGTERM; when one fails the others stop and its error is raised."""
    stop = until_signal()

    async def nothing(source: str, raw: Raw, notice: Notice) -> None:
        raise Misconfigured(["this process takes no webhooks"])

    async def part(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        try:
            await run(stop)
        finally:
            stop.set()

    async def refreshed(stop: asyncio.Event) -> None:
        """For what is sent by itself (OTLP); whoever asks for `/metrics` gets numbers of that moment."""
        while not stop.is_set():
            telemetry.refresh()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY)

    works: list[Coroutine[Any, Any, None]] = [part(run) for run in (*parts, refreshed)]
    if os.environ.get("PSF_HEALTH_PORT"):
        health = app({}, nothing, ready=ready, telemetry=telemetry)
        works.append(serve(health, "127.0.0.1", _port("PSF_HEALTH_PORT"), stop=stop))
    results = await asyncio.gather(*works, return_exceptions=True)
    for error in (r for r in results if isinstance(r, BaseException)):
        raise error if isinstance(error, FabricError) else Unavailable(repr(error)) from error


def _port(name: str) -> int:
    text = os.environ.get(name, "0")
    if not text.isdigit() or int(text) > 65535:
        raise Misconfigured([f"{name} is {text!r}; a port is a number from 0 to 65535"])
    return int(text)
