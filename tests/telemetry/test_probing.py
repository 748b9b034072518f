"""Probes tell what answers and what does not, and one that hangs holds up nobody."""

from __future__ import annotations

import threading
import time

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import Transient, Unavailable
from psfabric.kafka import Admin
from psfabric.registry import Registry
from psfabric.telemetry import ComponentState, PartitionState, Telemetry
from psfabric.telemetry.probing import Probing, of_kafka, of_reference, of_registry
from tests.hosts.fakes import produce, unique
from tests.kafka.topics import topic
from tests.telemetry.scraping import scraped, value


def test_the_broker_gives_ends_and_from_where_each_group_reads_on(kafka: Kafka) -> None:
    source, name = topic(kafka, partitions=2), unique("c")
    produce(kafka, source, [("k", str(n)) for n in range(5)], partition=1)
    telemetry = Telemetry("test", env={})
    places = [PartitionState(TopicPartition(source, p), None, None, None) for p in (0, 1)]
    telemetry.component(name, lambda: ComponentState(partitions=places))
    of_kafka(telemetry, Admin(kafka), {name: [source]})()
    samples = scraped(telemetry)
    assert value(samples, "psf_kafka_reachable") == 1
    assert [value(samples, "psf_lag", component=name, partition=p) for p in "01"] == [0, 5]
    assert value(samples, "psf_offset_committed", component=name, partition="1") == 0


class Away:
    def offsets(self, groups: object, /) -> tuple[dict[tuple[str, int], int], dict[str, dict[tuple[str, int], int]]]:
        raise Unavailable("Kafka does not answer")


def raising() -> bool:
    raise Transient("no copy")


def test_what_is_away_is_0_and_what_is_back_is_1() -> None:
    telemetry = Telemetry("test", env={})
    names = ("psf_kafka_reachable", "psf_registry_reachable", "psf_redis_reachable", "psf_reference_complete")

    def shown() -> list[float | None]:
        samples = scraped(telemetry)
        return [value(samples, name) for name in names]

    assert shown() == [None] * 4, "nothing is said before anything was asked"
    of_kafka(telemetry, Away(), {})()
    of_registry(telemetry, Registry("http://127.0.0.1:1").ready)()
    of_reference(telemetry, lambda: False, raising)()
    assert shown() == [0, 0, 0, 0]
    of_registry(telemetry, lambda: True)()
    of_reference(telemetry, lambda: True, lambda: False)()
    assert shown() == [0, 1, 1, 0]


def test_a_probe_that_hangs_delays_neither_another_nor_the_end() -> None:
    asked, hanging = threading.Event(), threading.Event()
    begun = time.monotonic()

    def hangs() -> None:
        hanging.wait(60)

    with Probing([hangs, asked.set], every=0.01):
        assert asked.wait(5)
    assert time.monotonic() - begun < 5
    hanging.set()


def test_a_probe_that_fails_as_nobody_foresaw_asks_again() -> None:
    asked = threading.Semaphore(0)

    def fails() -> None:
        asked.release()
        raise ZeroDivisionError

    with Probing([fails], every=0.01):
        assert all(asked.acquire(timeout=5) for _ in range(3))
