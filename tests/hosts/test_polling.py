"""The poller: a page and its cursor, both or neither; whatever happens, each page is seen once."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import confluent_kafka as ck
import pytest

import schemas
from psfabric.adapters import Page
from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Invalid, Transient, Unknown
from psfabric.event import Raw
from psfabric.hosts import polling as room
from psfabric.hosts.cursors import (
    CURSORS,
    Reader,
    Standing,
    cursor_write,
    move,
    reader_write,
    standing,
    transactional_id,
)
from psfabric.hosts.polling import Poller, raw_write
from psfabric.kafka import Admin, Fenced, Indefinite, Transactions, read_topic
from schemas import Topic
from tests.hosts.fakes import eventually, unique, until, values_of
from tests.hosts.feeds import Feed, feed


@pytest.fixture
def name(kafka: Kafka) -> str:
    return made(kafka)


def made(kafka: Kafka, **config: str) -> str:
    name = unique("feed")
    topic = Topic(name=f"raw.{name}", partitions=2, config=config, rule="test", tombstones=False)
    cursors = next(t for t in schemas.topics().concrete({}) if t.name == CURSORS)
    Admin(kafka).apply([topic, cursors])
    return name


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, seconds in (("BEAT", 0.2), ("LOOK", 0.1), ("SILENT", 2.0)):
        monkeypatch.setattr(room, constant, seconds)


@asynccontextmanager
async def polling(
    kafka: Kafka, source: Feed, transactions: Transactions | None = None, state: str = "reads"
) -> AsyncIterator[Poller]:
    """Runs until the block ends; begins when it has come to `state`."""
    stop, poller = asyncio.Event(), Poller(kafka, source, transactions=transactions)
    running = asyncio.create_task(poller.run(stop))
    try:
        await until(lambda: poller.state == state or running.done())
        yield poller
        stop.set()
        await asyncio.wait([running], timeout=8)
        assert running.done(), "stops within seconds"
        await running
    finally:
        running.cancel()


def read(kafka: Kafka, name: str) -> list[int]:
    """In the order of their numbers; one that is there twice is there twice."""
    return sorted(int(v) for v in values_of(kafka, f"raw.{name}"))


def cursor(kafka: Kafka, name: str) -> str | None:
    return standing(kafka, name).cursor


async def test_each_page_is_stored_with_its_headers_and_its_cursor(kafka: Kafka, name: str) -> None:
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


# ------------------------------------------------------------------------------------------------ killed at each step

STEPS = ("begun", "sent", "committing", "committed")


def killed(kafka: Kafka, name: str, step: str, page: int, last: int = 10**9) -> None:
    """A process reads until it kills itself at `step` of its page number `page`."""
    child = [sys.executable, "-m", "tests.hosts.polling_child", kafka.bootstrap, name, str(last), step, str(page)]
    assert subprocess.run(child, timeout=60, check=False).returncode == -signal.SIGKILL


def completed(kafka: Kafka, name: str) -> None:
    """What the dead reader left open is ended, as by the next reader: nobody waits for the broker's time-out."""
    transactions = Transactions(kafka, transactional_id(name))
    transactions.begin()
    transactions.close()


async def each_step_seen_once(kafka: Kafka, name: str, steps: Sequence[str], times: int) -> None:
    pages = 0
    for turn in range(times):
        for step in steps:
            await asyncio.to_thread(killed, kafka, name, step, 1 + turn % 3)
            await asyncio.to_thread(completed, kafka, name)
            stored = int(cursor(kafka, name) or 0)
            assert stored >= pages, "never back"
            pages = stored
            assert read(kafka, name) == list(range(1, stored + 1)), f"{step}: page and cursor, both or neither"
    goal = pages + 4
    async with polling(kafka, feed(name, last=goal)):
        await eventually(lambda: cursor(kafka, name) == str(goal))
    assert read(kafka, name) == list(range(1, goal + 1))


async def test_a_reader_killed_in_the_midst_of_a_page_leaves_it_wholly_there_or_wholly_gone(
    kafka: Kafka, name: str
) -> None:
    await each_step_seen_once(kafka, name, ("sent", "committing"), times=1)


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_a_reader_killed_at_each_step_many_times_loses_and_doubles_nothing(kafka: Kafka, name: str) -> None:
    await each_step_seen_once(kafka, name, STEPS, times=5)


# ------------------------------------------------------------------------------------------------ two readers


class Waiting(Transactions):
    """Stands still in the middle of its page number `page`, as a process does that the kernel has stopped."""

    def __init__(self, kafka: Kafka, name: str, page: int) -> None:
        super().__init__(kafka, transactional_id(name))
        self.left, self.page = threading.Event(), page
        self.reached = threading.Event()

    def write(self, writes: Sequence[Write]) -> None:
        self.page -= any(write.topic.startswith("raw.") for write in writes)
        super().write(writes)

    def _commit(self, producer: ck.Producer) -> None:
        if self.page == 0:
            producer.flush(10)
            self.reached.set()
            assert self.left.wait(30)
        super()._commit(producer)


async def test_of_two_readers_one_is_accepted_and_the_page_of_the_other_is_nowhere(kafka: Kafka, name: str) -> None:
    stale, first, second = Waiting(kafka, name, 2), feed(name, last=100), feed(name, last=8)
    async with polling(kafka, first, stale) as older:
        await until(stale.reached.is_set)
        async with polling(kafka, second) as newer:
            await eventually(lambda: cursor(kafka, name) == "8")
            stale.left.set()
            await until(lambda: older.state == "stands by")
            assert newer.state == "reads"
            assert read(kafka, name) == list(range(1, 9))
        await eventually(lambda: cursor(kafka, name) == "100")
        assert older.state == "reads", "it goes on as soon as the other has let go"
    assert second.begun[0][0] == "2"
    assert read(kafka, name) == list(range(1, 101))


async def test_a_reader_that_has_nothing_to_store_finds_out_that_it_is_fenced(kafka: Kafka, name: str) -> None:
    async with polling(kafka, feed(name, last=0)) as older, polling(kafka, feed(name, last=0)):
        await until(lambda: older.state == "stands by")


@pytest.mark.faults
async def test_a_reader_that_dies_is_followed_by_one_that_stands_by_and_not_while_it_lives(
    kafka: Kafka, name: str
) -> None:
    async with polling(kafka, feed(name, last=4)) as waiting:
        await eventually(lambda: cursor(kafka, name) == "4")
        child = [sys.executable, "-m", "tests.hosts.polling_child", kafka.bootstrap, name, "8", "never", "0"]
        with subprocess.Popen(child) as other:
            await until(lambda: waiting.state == "stands by")
            await eventually(lambda: cursor(kafka, name) == "8")
            other.kill()
        cast_off = time.monotonic()
        await until(lambda: waiting.state == "reads")
        assert time.monotonic() - cast_off < 10
    assert read(kafka, name) == list(range(1, 9))


async def test_it_stands_by_while_the_other_gives_signs_of_life(kafka: Kafka, name: str) -> None:
    async with polling(kafka, feed(name, last=0)) as older, polling(kafka, feed(name, last=0)) as newer:
        await until(lambda: older.state == "stands by")
        signs = {standing(kafka, name).reader_place}
        while len(signs) < 5:
            await asyncio.sleep(0.1)
            signs.add((await asyncio.to_thread(standing, kafka, name)).reader_place)
        assert (older.state, newer.state) == ("stands by", "reads")


async def test_a_reader_that_was_fenced_lets_the_other_give_its_first_sign(kafka: Kafka, name: str) -> None:
    """Between the two the last sign is still its own, as when the broker gave its transaction up."""
    async with polling(kafka, feed(name, last=0)) as older:
        other = Transactions(kafka, transactional_id(name))
        await asyncio.to_thread(other.begin)
        await until(lambda: older.state == "stands by")
        await asyncio.sleep(1.5)  # longer than it rests before it begins
        assert older.state == "stands by"
        await asyncio.to_thread(other.write, [reader_write(name, Reader("other", "reads", "", ""))])
        other.close()


# ------------------------------------------------------------------------------------------------ answers that fail


class Lost(Transactions):
    """The answer to the commit of page `page` never comes; `took` says whether the commit did."""

    def __init__(self, kafka: Kafka, name: str, page: int, took: bool) -> None:
        super().__init__(kafka, transactional_id(name))
        self.page, self.took = page, took

    def write(self, writes: Sequence[Write]) -> None:
        self.page -= any(write.topic.startswith("raw.") for write in writes)
        super().write(writes)

    def _commit(self, producer: ck.Producer) -> None:
        if self.page != 0:
            super()._commit(producer)
            return
        self.page = -1
        if self.took:
            super()._commit(producer)
        else:
            producer.flush(10)
        self.close()
        raise Indefinite("no answer")


@pytest.mark.parametrize("took", [True, False])
async def test_a_commit_without_an_answer_is_never_repeated_blind(kafka: Kafka, name: str, took: bool) -> None:
    source = feed(name)
    async with polling(kafka, source, Lost(kafka, name, 2, took)):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert [at for at, _ in source.begun] == [None, "4" if took else "2"]
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]


class Refusing(Transactions):
    """The broker refuses a record of the second page, once."""

    refusals = 1

    def _produce(self, producer: ck.Producer, write: Write, refused: Any) -> None:
        super()._produce(producer, write, refused)
        if write.value == b"4" and self.refusals:
            self.refusals = 0
            raise ck.KafkaException(ck.KafkaError(ck.KafkaError._STATE, "refused"))


async def test_a_page_that_is_refused_is_given_up_whole_and_read_again(kafka: Kafka, name: str) -> None:
    source = feed(name)
    async with polling(kafka, source, Refusing(kafka, transactional_id(name))):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert [at for at, _ in source.begun] == [None, "2"]
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]


async def test_a_source_that_is_away_is_asked_again_with_growing_rests(kafka: Kafka, name: str) -> None:
    malformed = Invalid("upstream-malformed", "a page of a proxy")
    source = feed(name, Transient("away"), Unknown("cut"), None, malformed, Transient("away", after=0.3))
    async with polling(kafka, source):
        await eventually(lambda: cursor(kafka, name) == "6")
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]
    assert [at for at, _ in source.begun] == [None, None, None, "2", "2"]
    assert source.begun[4][1] - source.begun[3][1] >= 0.3, "as long as was asked for"


async def test_a_source_whose_pages_end_is_not_asked_without_rest(kafka: Kafka, name: str) -> None:
    source = feed(name, ends=True)
    async with polling(kafka, source):
        await eventually(lambda: cursor(kafka, name) == "6")
        await until(lambda: len(source.begun) >= 3)
        assert len(source.begun) < 50
    assert read(kafka, name) == [1, 2, 3, 4, 5, 6]


# ------------------------------------------------------------------------------------------------ stopped, moved


async def test_an_expired_cursor_stops_this_source_alone_until_somebody_sets_it(kafka: Kafka, name: str) -> None:
    source, other = feed(name, None, Invalid("cursor-expired", "the source keeps three days")), made(kafka)
    async with polling(kafka, source, state="stopped") as poller, polling(kafka, feed(other)):
        assert poller.why == "cursor-expired: the source keeps three days"
        assert poller.ready
        await eventually(lambda: cursor(kafka, other) == "6")

        def told() -> tuple[object, ...]:
            found = standing(kafka, name)
            return found.cursor, found.reader and found.reader.state, found.reader and found.reader.why

        await eventually(lambda: told() == ("2", "stopped", poller.why))
        await asyncio.to_thread(move, kafka, name, "4")
        await eventually(lambda: cursor(kafka, name) == "6")
        assert poller.state == "reads"
    assert read(kafka, name) == [1, 2, 5, 6]


async def test_a_page_larger_than_its_topic_stops_the_source_and_says_which(kafka: Kafka) -> None:
    name = made(kafka, **{"max.message.bytes": "1024"})

    class Large(Feed):
        async def read(self, cursor: str | None) -> AsyncIterator[Page]:
            yield Page((Raw("k", random.Random(0).randbytes(51_200)),), "1")

    async with polling(kafka, Large(name=name, faults=[], begun=[]), state="stopped") as poller:
        assert f"raw.{name} refuses a record of 51," in poller.why
        assert "too large" in poller.why


@pytest.mark.parametrize("to", ["50", None])
async def test_a_cursor_that_is_moved_is_obeyed_by_the_reader_at_once(kafka: Kafka, name: str, to: str | None) -> None:
    source = feed(name, last=54)
    async with polling(kafka, source):
        await eventually(lambda: cursor(kafka, name) == "54")
        await asyncio.to_thread(move, kafka, name, to)
        await until(lambda: len(source.begun) == 2)
        await eventually(lambda: cursor(kafka, name) == "54")
    assert [at for at, _ in source.begun] == [None, to]
    assert read(kafka, name) == sorted([*range(1, 55), *range(int(to or 0) + 1, 55)])


def test_a_reader_that_begins_while_a_cursor_is_moved_does_not_put_the_old_one_back(kafka: Kafka, name: str) -> None:
    """What belongs to the move is stored under another transactional id, so a reader may begin before that or after."""
    reader, log = (Transactions(kafka, id) for id in (transactional_id(name), f"test.{name}"))
    log.begin()

    def store(writes: Sequence[Write]) -> None:
        reader.begin()
        log.write([*writes, Write(f"raw.{name}", b"k", b"0")])
        reader.write([cursor_write(name, "old page")])

    move(kafka, name, "7", store)
    assert (cursor(kafka, name), read(kafka, name)) == ("7", [0])
    with pytest.raises(Fenced):
        reader.write([cursor_write(name, "next old page")])


async def test_stopping_ends_a_read_that_waits_and_a_rest_and_says_that_nobody_reads(kafka: Kafka, name: str) -> None:
    for source in (feed(name, last=0), feed(name, Transient("away", after=600), last=100)):
        async with polling(kafka, source):
            await until(lambda source=source: source.begun)  # type: ignore[misc]
            reader = (await asyncio.to_thread(standing, kafka, name)).reader
            assert isinstance(reader, Reader)
        assert standing(kafka, name) == Standing(None, None, None, standing(kafka, name).reader_place)


async def test_what_nobody_foresaw_is_raised(kafka: Kafka, name: str) -> None:
    with pytest.raises(KeyError, match="bug"):
        await asyncio.wait_for(Poller(kafka, feed(name, KeyError("bug"))).run(asyncio.Event()), 20)


def test_what_is_received_keeps_its_bytes_and_says_its_source() -> None:
    write = raw_write("jira-acme", Raw("10001", b"\xff{", {"fabric-notice-id": "n"}, absent=True))
    headers = (("fabric-source", b"jira-acme"), ("fabric-notice-id", b"n"))
    assert write == Write("raw.jira-acme", b"10001", b"\xff{", headers)
