"""Asks the parts of the fabric whether they are there, now and then, whatever else the process is doing.

What is cached needs no registry for days, and a component without records needs no broker: without a probe nobody
would notice that a part is away until it is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from psfabric.engine.work import TopicPartition
from psfabric.errors import FabricError, Transient
from psfabric.telemetry.telemetry import Telemetry

log = structlog.get_logger(__name__)

Probe = Callable[[], None]
"""Asks once and tells the telemetry. Blocks, for as long as its client's time-out is."""

EVERY = 10.0


class Probing:
    """One daemon thread a probe: one that hangs delays neither the others nor the end of the process."""

    def __init__(self, probes: Sequence[Probe], every: float = EVERY) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(p, every), daemon=True) for p in probes]

    def __enter__(self) -> Probing:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()

    def _run(self, probe: Probe, every: float) -> None:
        while not self._stop.is_set():
            try:
                probe()
            except Exception as error:  # noqa: BLE001 - its thread would end, and what it last told stand for ever
                log.error("a probe failed", exception=type(error).__name__)
            self._stop.wait(every)


class Offsets(Protocol):
    """`psfabric.kafka.Admin`, as far as it is needed here."""

    def offsets(
        self, groups: Mapping[str, Sequence[str]], /
    ) -> tuple[Mapping[tuple[str, int], int], Mapping[str, Mapping[tuple[str, int], int]]]: ...


def of_kafka(telemetry: Telemetry, admin: Offsets, inputs: Mapping[str, Sequence[str]]) -> Probe:
    """`inputs`: the topics that each component of the process reads."""

    def probe() -> None:
        try:
            ends, committed = admin.offsets(inputs)
        except FabricError:
            telemetry.found("psf.kafka.reachable", False)
            return
        telemetry.found("psf.kafka.reachable", True)
        telemetry.offsets(_named(ends), {group: _named(of_group) for group, of_group in committed.items()})

    return probe


def of_registry(telemetry: Telemetry, ready: Callable[[], bool]) -> Probe:
    return lambda: telemetry.found("psf.registry.reachable", ready())


def of_reference(telemetry: Telemetry, reachable: Callable[[], bool], complete: Callable[[], bool]) -> Probe:
    """Redis, and the copy of `ref.*` in it. `complete` may raise Transient."""

    def probe() -> None:
        telemetry.found("psf.redis.reachable", reachable())
        try:
            telemetry.found("psf.reference.complete", complete())
        except Transient:
            telemetry.found("psf.reference.complete", False)

    return probe


def _named(offsets: Mapping[tuple[str, int], int]) -> dict[TopicPartition, int]:
    return {TopicPartition(*tp): at for tp, at in offsets.items()}
