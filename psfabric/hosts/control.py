"""What operators decided about components, followed in `fabric.control` while the process runs (`board.Board`)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.engine.work import TopicPartition
from psfabric.errors import Unavailable
from psfabric.event import Record
from psfabric.kafka import Producer, WriteFailed
from psfabric.kafka.follow import Follower
from psfabric.standing import TOPIC, Standing, read_standing

log = structlog.get_logger(__name__)

FOUND_WITHIN = 20.0
"""Seconds in which the topic must be found when a process starts."""

NOT_READ = Standing("paused", "what operators decided is not read yet")


class Control:
    """A thread. Until the topic was read to the end it had at start, every component is paused: one that was stopped
    must not do a single record because the process was faster.

    A change is known here within a second of its commit; hosts look once a second.
    """

    def __init__(
        self, kafka: Kafka, producer: Producer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.ready = False
        self._kafka, self._producer, self._now = kafka, producer, now
        self._said: dict[str, Standing] = {}
        self._stops: dict[str, tuple[Standing, Write]] = {}
        """Stops of our own that we have not yet read back: they hold against whatever was said before them."""
        self._unwritten: list[str] = []
        self._lock = threading.Lock()

    def standing(self, component: str) -> Standing:
        with self._lock:
            if not self.ready:
                return NOT_READ
            own = self._stops.get(component)
            return own[0] if own is not None else self._said.get(component, Standing())

    def stop(self, component: str, why: str) -> None:
        """Returns at once; written by the thread, again and again until the broker has acknowledged it."""
        at = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        said = Standing("stopped", why, f"dead-letter limit@{socket.gethostname()}", at)
        with self._lock:
            self._stops[component] = (said, said.to_write(component))
            self._unwritten.append(component)
        log.error("component stopped", component=component, why=why)

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop`; blocking. Raises Unavailable when the topic cannot be read at the beginning."""
        follower = Follower(self._kafka)
        try:
            ends = self._ends(follower, stop)
            follower.seek(dict.fromkeys(ends, 0))
            while not stop.is_set():
                self._heard(follower.poll(1000, 0.1))
                positions = follower.positions()
                self.ready = self.ready or all(positions[tp] >= end for tp, end in ends.items())
                self._write(stop)
        finally:
            follower.close()

    def _ends(self, follower: Follower, stop: threading.Event) -> dict[TopicPartition, int]:
        """Asked again for a while: right after topics were made their leaders are still being chosen."""
        deadline = time.monotonic() + FOUND_WITHIN
        while True:
            try:
                if ends := follower.ends([TOPIC]):
                    return ends
                raise Unavailable(f"there is no topic {TOPIC}; run `psfabric topics apply`")
            except Unavailable:
                if time.monotonic() > deadline or stop.wait(0.2):
                    raise

    def _heard(self, records: list[Record]) -> None:
        for record in records:
            try:
                component, said = read_standing(record)
            except ValueError as error:
                log.error("no standing of a component", why=str(error))
                continue
            with self._lock:
                self._said[component] = said
                own = self._stops.get(component)
                if own is not None and own[1].value == record.value:
                    del self._stops[component]
            if self.ready:
                log.warning("standing changed", component=component, state=said.state, why=said.why, who=said.who)

    def _write(self, stop: threading.Event) -> None:
        while self._unwritten and not stop.is_set():
            with self._lock:
                component = self._unwritten[0]
                write = self._stops[component][1]
            try:
                self._producer.write_and_wait([write])
            except WriteFailed as error:
                log.warning("a stop is not durable yet", component=component, why=str(error))
                stop.wait(1.0)
                return
            with self._lock:
                self._unwritten.remove(component)
