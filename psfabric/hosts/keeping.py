"""Runs the reference loader: follows every `ref.*` topic into Redis, from the beginning whenever Redis forgot."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import Transient
from psfabric.event import Record
from psfabric.kafka.follow import Follower
from psfabric.reference import Applied, Loader, Reload, Tp

log = structlog.get_logger(__name__)


class Keeper:
    """A thread; Redis away or slow delays nobody but those who look something up."""

    def __init__(self, kafka: Kafka, redis_url: str, topics: Sequence[str]) -> None:
        self.ready = False
        self._kafka, self._redis_url, self._topics = kafka, redis_url, list(topics)

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop`; blocking."""
        follower = Follower(self._kafka)
        loader = Loader(self._redis_url, cluster=follower.cluster_id())
        try:
            while not stop.is_set():
                try:
                    self._epoch(follower, loader, stop)
                except Transient as error:
                    log.warning("reference store waits", why=error.why)
                    stop.wait(0.5)
        finally:
            loader.close()
            follower.close()

    def _epoch(self, follower: Follower, loader: Loader, stop: threading.Event) -> None:
        """From one beginning until Redis says that what we filled is gone."""
        begun = loader.begin({Tp(*tp): end for tp, end in follower.ends(self._topics).items()})
        follower.seek({TopicPartition(tp.topic, tp.partition): at for tp, at in begun.items()})
        while not stop.is_set():
            records = follower.poll(1000, 0.1)
            if not self._applied(loader, follower, records, stop):
                return

    def _applied(self, loader: Loader, follower: Follower, records: list[Record], stop: threading.Event) -> bool:
        positions = {Tp(*tp): at for tp, at in follower.positions().items()}
        while not stop.is_set():
            try:
                match loader.apply(records, positions):
                    case Reload(why):
                        log.info("reference store is loaded anew", why=why)
                        return False
                    case Applied() as applied:
                        for record in applied.refused:
                            log.warning("no reference record", at=record.coordinates)
                        self.ready = self.ready or applied.complete
                        return True
            except Transient as error:
                log.warning("reference store waits", why=error.why)
                stop.wait(0.2)
        return True
