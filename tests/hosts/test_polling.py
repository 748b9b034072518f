"""The poller: a page, then its cursor; whatever happens between, nothing is skipped."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from psfabric.adapters import Page, Polled, Types
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Invalid, Transient, Unknown
from psfabric.event import Event, Raw
from psfabric.hosts.polling import CURSORS, Poller, raw_write
from psfabric.kafka import Admin, Producer, latest, read_topic
from psfabric.kafka.producer import WriteFailed
from schemas import Topic
from tests.hosts.fakes import eventually, unique, until, values_of


class Feed(Polled):
    """Things numbered from 1 on, two to a page; the cursor is the last number seen.

    `faults` are raised one after another, each before a page; after `last` it waits for more for ever.
    """

    emits: ClassVar[Types] = ()
    last: int = 6
    ends: bool = False
    faults: list[Any]
    begun: list[Any]

    def translate(self, full: Raw) -> Iterable[Event]:
        return []

    async def read(self, cursor: str | None) -> AsyncIterator[Page]:
        self.begun.append((cursor, time.monotonic()))
        at = int(cursor or 0)
        while at < self.last:
            if self.faults and (fault := self.faults.pop(0)) is not None:
                raise fault
            raws = tuple(Raw(f"thing-{n}", b"%d" % n, {"n": str(n)}) for n in (at + 1, at + 2))
            at += 2
            yield Page(raws, str(at))
        if not self.ends:
            await asyncio.Event().wait()


@pytest.fixture
def name(kafka: Kafka) -> str:
    made = unique("feed")
    topic = Topic(name=f"raw.{made}", partitions=2, config={}, rule="test", tombstones=False)
    cursors = Topic(name=CURSORS, partitions=1, config={"cleanup.policy": "compact"}, rule="test", tombstones=False)
    Admin(kafka).apply([topic, cursors])
    return made


def feed(name: str, *faults: Any, **settings: Any) -> Feed:
    return Feed(name=name, faults=list(faults), begun=[], **settings)


@asynccontextmanager
async def polling(kafka: Kafka, source: Feed) -> AsyncIterator[asyncio.Task[None]]:
    """Runs until the block ends; what it raised is for the block to see."""
    producer, stop = Producer(kafka, "poller"), asyncio.Event()
    poller = Poller(kafka, source, producer)
    running = asyncio.create_task(poller.run(stop))
    try:
        await until(lambda: poller.ready or running.done())
        yield running
        stop.set()
        await asyncio.wait([running], timeout=5)
        assert running.done()
    finally:
        running.cancel()
        await asyncio.to_thread(producer.close)


def read(kafka: Kafka, name: str) -> list[int]:
    return sorted(int(v) for v in values_of(kafka, f"raw.{name}"))


def cursor(kafka: Kafka, name: str) -> str | None:
    stored = latest(read_topic(kafka, CURSORS)).get(name.encode())
    return None if stored is None else (stored.value or b"").decode()


async def test_each_page_is_stored_with_its_headers_and_then_its_cursor(kafka: Kafka, name: str) -> None:
    async with polling(kafka, feed(name)):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]
    first = next(r for r in read_topic(kafka, f"raw.{name}") if r.value == b"1")
    assert (first.key, dict(first.headers)) == (b"thing-1", {"fabric-source": name.encode(), "n": b"1"})


async def test_a_restart_goes_on_behind_the_stored_cursor(kafka: Kafka, name: str) -> None:
    async with polling(kafka, feed(name, last=4)):
        await eventually(lambda: cursor(kafka, name) == "4")
    second = feed(name, last=8)
    async with polling(kafka, second):
        await eventually(lambda: cursor(kafka, name) == "8")
    assert second.begun[0][0] == "4"
    assert read(kafka, name) == list(range(1, 9))


class Cut(Producer):
    """Loses the write of a cursor, as a kill between the page and the cursor does."""

    def write(self, writes: Any, done: Any) -> None:
        if any(w.topic == CURSORS for w in writes):
            done(WriteFailed("killed"))
        else:
            super().write(writes, done)


async def test_a_kill_between_page_and_cursor_reads_the_page_again(kafka: Kafka, name: str) -> None:
    cut = Cut(kafka, "poller")
    with pytest.raises(WriteFailed):
        await Poller(kafka, feed(name), cut).run(asyncio.Event())
    await asyncio.to_thread(cut.close)
    assert (read(kafka, name), cursor(kafka, name)) == ([1, 2], None)
    async with polling(kafka, feed(name)):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert read(kafka, name) == [1, 1, 2, 2, 3, 4, 5, 6]
    same = [r for r in read_topic(kafka, f"raw.{name}") if r.value == b"1"]
    assert (same[0].key, same[0].headers) == (same[1].key, same[1].headers), "so that everything downstream sees it"


async def test_a_page_that_is_refused_leaves_the_cursor_where_it_was(kafka: Kafka, name: str) -> None:
    class Refusing(Producer):
        def write(self, writes: Any, done: Any) -> None:
            refused = any(w.topic != CURSORS and w.value == b"3" for w in writes)
            done(WriteFailed("refused")) if refused else super().write(writes, done)

    producer = Refusing(kafka, "poller")
    with pytest.raises(WriteFailed):
        await Poller(kafka, feed(name), producer).run(asyncio.Event())
    await asyncio.to_thread(producer.close)
    assert cursor(kafka, name) == "2"


async def test_a_source_that_is_away_is_asked_again_with_growing_rests(kafka: Kafka, name: str) -> None:
    source = feed(name, Transient("away"), Unknown("cut"), None, Transient("away", after=0.3))
    async with polling(kafka, source):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]
    assert [at for at, _ in source.begun] == [None, None, None, "2"]
    assert source.begun[3][1] - source.begun[2][1] >= 0.3, "as long as was asked for"


async def test_a_source_whose_pages_end_is_not_asked_without_rest(kafka: Kafka, name: str) -> None:
    source = feed(name, ends=True)
    async with polling(kafka, source):
        await eventually(lambda: cursor(kafka, name) == "6")
        await until(lambda: len(source.begun) >= 3)
        assert len(source.begun) < 50
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]


async def test_an_expired_cursor_ends_with_a_sentence(kafka: Kafka, name: str) -> None:
    source = feed(name, Invalid("cursor-expired", "the source keeps three days"))
    async with polling(kafka, source) as running:
        await until(running.done)
    with pytest.raises(Invalid, match="cursor-expired: the source keeps three days"):
        running.result()


async def test_stopping_ends_a_read_that_waits_and_a_rest(kafka: Kafka, name: str) -> None:
    for source in (feed(name), feed(name, Transient("away", after=600), last=100)):
        async with polling(kafka, source) as running:
            await until(lambda source=source: source.begun)  # type: ignore[misc]
        assert running.result() is None


def test_what_is_received_keeps_its_bytes_and_says_its_source() -> None:
    write = raw_write("jira-acme", Raw("10001", b"\xff{", {"fabric-notice-id": "n"}, absent=True))
    headers = (("fabric-source", b"jira-acme"), ("fabric-notice-id", b"n"))
    assert write == Write("raw.jira-acme", b"10001", b"\xff{", headers)


async def test_nothing_is_skipped_when_the_process_is_killed_again_and_again(kafka: Kafka, name: str) -> None:
    for goal in (40, 120):
        process = subprocess.Popen([sys.executable, "-m", "tests.hosts.polling_child", kafka.bootstrap, name])
        try:
            await eventually(lambda goal=goal: int(cursor(kafka, name) or 0) >= goal)  # type: ignore[misc]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    stopped = int(cursor(kafka, name) or 0)
    assert set(read(kafka, name)) >= set(range(1, stopped + 1))
