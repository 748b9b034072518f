"""Each trouble with the parts around a component is planted in the real thing: its alert fires, no other does, and
none while all is well."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from psfabric.connection import Kafka
from psfabric.errors import Invalid, Unavailable
from psfabric.event import Event
from psfabric.hosts.polling import Poller
from psfabric.kafka import Admin
from psfabric.reference import Store
from psfabric.registry import Registry
from psfabric.telemetry import Telemetry
from psfabric.telemetry.probing import Probe, of_kafka, of_reference, of_registry
from tests.alerts.line import Line, line
from tests.alerts.scene import Clock, Scene
from tests.hosts.fakes import until
from tests.hosts.feeds import feed
from tests.hosts.test_polling import made
from tests.intake.conftest import Door, running
from tests.telemetry.scraping import Samples, scraped

ROOT = Path(__file__).resolve().parents[2]
BODY = b'{"webhookEvent": "worklog_created", "worklog": {"id": "10066", "issueId": "1"}}'
SOURCE = """
[[source]]
name = "jira-acme"
use = "jira"
settings = { base_url = "http://127.0.0.1:1", user = "u", token = "t", secret = "s" }
"""


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def door(scene: Scene) -> AsyncIterator[Door]:
    telemetry = Telemetry("intake", env={})
    scene.process("intake", telemetry)
    async with running(telemetry=telemetry) as opened:
        yield opened


async def away() -> None:
    raise Unavailable("Kafka is away")


async def test_intake_that_cannot_store(scene: Scene, door: Door) -> None:
    async def posted() -> None:
        await door.post(BODY)

    assert await scene.watch(3, posted) == {}
    door.broker.before = away
    assert await scene.watch(1, posted) == {"PsfIntakeRefuses": [{"source": "jira-acme"}]}
    door.broker.before = None
    assert await scene.watch(6, posted, every=60) == {}


async def test_webhooks_with_wrong_signatures(scene: Scene, door: Door) -> None:
    async def forged() -> None:
        for _ in range(4):
            await door.client.post("/in/jira-acme", content=BODY)
        await door.post(BODY)

    assert await scene.watch(1, forged) == {}, "a few are nobody's business"
    assert await scene.watch(1, forged) == {"PsfIntakeForged": [{"source": "jira-acme"}]}


async def test_a_process_that_is_killed(scene: Scene, kafka: Kafka, registry_url: str, tmp_path: Path) -> None:
    """The real `psfabric run intake`, scraped over HTTP."""
    (tmp_path / "intake.toml").write_text(SOURCE)
    with httpx.Client() as client, running_process(tmp_path, kafka, registry_url) as (process, url):
        until_ready(process, client, f"{url}/ready")
        scene.served("intake", f"{url}/metrics")
        assert await scene.watch(5) == {}
        assert client.get(f"{url}/health").status_code == 200
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert await scene.watch(1) == {"PsfProcessDown": [{"instance": "intake", "job": "psfabric", "__name__": "up"}]}


@contextmanager
def running_process(folder: Path, kafka: Kafka, registry_url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {
        **os.environ,
        "PSF_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "PSF_REGISTRY_URL": registry_url,
        "PSF_REDIS_URL": "redis://127.0.0.1:1/0",
        "PSF_PIPELINES": str(folder),
        "PSF_HEALTH_PORT": str(port),
    }
    command = [sys.executable, "-m", "cli.main", "run", "intake"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(10)


def until_ready(process: subprocess.Popen[bytes], client: httpx.Client, url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, "it ended by itself"
        try:
            if client.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# ---------------------------------------------------------------------------------------------- polled sources


@asynccontextmanager
async def polled(scene: Scene, kafka: Kafka, *faults: Exception, last: int = 6) -> AsyncIterator[Clock]:
    """A source that is read, until it has nothing more to say. The clock is the one that telemetry goes by."""
    name, clock, stop = made(kafka), Clock(), asyncio.Event()
    telemetry = Telemetry("deliver", env={}, clock=clock)
    scene.process("deliver", telemetry)
    meter = telemetry.source(name)
    poller = Poller(kafka, feed(name, *faults, last=last), stored=meter.paged)
    meter.state = lambda: poller.state
    running = asyncio.create_task(poller.run(stop))
    try:
        await until(lambda: meter.records == last or poller.state == "stopped")
        yield clock
    finally:
        stop.set()
        await running


async def test_a_source_that_falls_silent(scene: Scene, kafka: Kafka) -> None:
    async with polled(scene, kafka) as clock:

        async def time_goes_by() -> None:
            clock.now += 15

        assert await scene.watch(14.75, time_goes_by) == {}
        assert (await scene.watch(0.5, time_goes_by)).keys() == {"PsfSourceSilent"}


async def test_a_source_that_no_longer_keeps_our_position(scene: Scene, kafka: Kafka) -> None:
    async with polled(scene, kafka, Invalid("cursor-expired", "it keeps three days")) as clock:
        clock.now += 3600
        assert (await scene.watch(0.25)).keys() == {"PsfSourceStopped"}


# ---------------------------------------------------------------------------------------------- probes


def decode(framed: bytes) -> Event:
    raise AssertionError("nothing is looked up here")


@pytest.fixture
def registry_line(registry_url: str) -> Iterator[tuple[Line, str]]:
    parts = urlsplit(registry_url)
    with line(str(parts.hostname), int(parts.port or 80)) as found:
        yield found, parts._replace(netloc=f"127.0.0.1:{found.port}").geturl()


@pytest.fixture
def redis_line(redis_url: str) -> Iterator[tuple[Line, str]]:
    parts = urlsplit(redis_url)
    with line(str(parts.hostname), int(parts.port or 6379)) as found:
        yield found, parts._replace(netloc=f"127.0.0.1:{found.port}").geturl()


def probed(scene: Scene, telemetry: Telemetry, probe: Probe) -> None:
    """A process that probes before each scrape."""

    def scrape() -> Samples:
        probe()
        return scraped(telemetry)

    scene.targets["process"] = scrape


async def test_a_registry_that_is_away(scene: Scene, registry_line: tuple[Line, str]) -> None:
    cut, url = registry_line
    telemetry = Telemetry("process", env={})
    probed(scene, telemetry, of_registry(telemetry, Registry(url).ready))
    assert await scene.watch(3) == {}
    cut.cut()
    assert (await scene.watch(1.5)).keys() == {"PsfRegistryAway"}
    cut.whole = True
    assert await scene.watch(0.5) == {}


async def test_redis_that_is_away_or_is_not_loaded(scene: Scene, redis_line: tuple[Line, str]) -> None:
    cut, url = redis_line
    store = Store(url, decode, prefix="nobody-loads-this")
    telemetry = Telemetry("process", env={})
    complete = [True]
    probed(scene, telemetry, of_reference(telemetry, store.reachable, lambda: complete[0] or store.complete()))
    assert await scene.watch(6) == {}
    complete[0] = False  # from here on the store says, and nobody ever loaded it
    assert (await scene.watch(6)).keys() == {"PsfReferenceIncomplete"}
    cut.cut()
    assert (await scene.watch(2)).keys() == {"PsfRedisAway"}, "the cause, not its consequence"
    store.close()


async def test_a_broker_that_is_away(scene: Scene, kafka: Kafka) -> None:
    telemetry = Telemetry("deliver", env={})
    scene.process("deliver", telemetry)
    await asyncio.to_thread(of_kafka(telemetry, Admin(kafka), {}))
    assert await scene.watch(5) == {}

    class Away:
        def offsets(
            self, groups: object, /
        ) -> tuple[dict[tuple[str, int], int], dict[str, dict[tuple[str, int], int]]]:
            raise Unavailable("as `Admin` says it")

    of_kafka(telemetry, Away(), {})()
    assert (await scene.watch(1)).keys() == {"PsfKafkaAway"}


async def test_a_disk_that_is_nearly_full(scene: Scene) -> None:
    free = [0.5]
    scene.process("deliver", Telemetry("deliver", env={}, free=lambda folder: free[0]))
    assert await scene.watch(5) == {}
    free[0] = 0.03
    assert (await scene.watch(2)).keys() == {"PsfDiskFull"}
