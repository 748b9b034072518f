"""What the asyncio host promises, against a real broker."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from psfabric.connection import Kafka
from psfabric.engine import WINDOW, Write, waiting
from psfabric.errors import FabricError, Parent, Schema, Transient, Unavailable
from psfabric.event import Record, sequence
from psfabric.hosts import aio
from psfabric.hosts.loading import load
from psfabric.kafka import Admin, GroupReader, Producer, latest, read_topic
from psfabric.kafka.producer import WriteFailed
from psfabric.outcomes import Delivered, Held, Outcome, Retry
from schemas import Topic
from tests.contracts.given import example
from tests.hosts.calling import FakeCalling, Hosting, codec, fine
from tests.hosts.fakes import committed, eventually, produce, produce_in_transactions, unique, until, values_of


@dataclass(frozen=True)
class Road:
    """A component with topics of its own: `source` in, `output` out."""

    kafka: Kafka
    name: str

    @property
    def source(self) -> str:
        return f"deliver.{self.name}"

    @property
    def output(self) -> str:
        return f"out.{self.name}"

    def stage(self, answer: Any = fine, **policy: int | bool) -> FakeCalling:
        return FakeCalling(self.name, self.source, self.output, answer, **policy)

    def out(self) -> list[str]:
        return values_of(self.kafka, self.output)

    def records(self, topic: str) -> list[Record]:
        return read_topic(self.kafka, topic)

    def waiting(self) -> int:
        return len(latest(self.records(f"hold.{self.name}")))

    def committed(self, partition: int = 0) -> int:
        return committed(self.kafka, self.name, self.source, partition)

    def produce(self, *values: str, key: str = "k", partition: int | None = 0) -> None:
        produce(self.kafka, self.source, [(key, value) for value in values], partition)

    def lag(self) -> int:
        return Admin(self.kafka).lag({self.name: [self.source]})[self.name][0].behind


@pytest.fixture
def road(kafka: Kafka) -> Road:
    made = Road(kafka, unique("sink"))
    names = [made.source, made.output, *(f"{kind}.{made.name}" for kind in ("hold", "redo", "dlq", "applied"))]
    limits = {"max.message.bytes": "100000"}
    topics = [
        Topic(name=n, partitions=3, config=limits, rule="test", tombstones=True) for n in [*names, "psf.delivery"]
    ]
    Admin(kafka).apply(topics)
    return made


def another(kafka: Kafka) -> Road:
    """With one partition."""
    made = Road(kafka, unique("sink"))
    names = [made.source, made.output, f"hold.{made.name}", f"redo.{made.name}"]
    Admin(kafka).apply([Topic(name=n, partitions=1, config={}, rule="test", tombstones=True) for n in names])
    return made


async def broken(value: str) -> Outcome:
    raise ZeroDivisionError("planted")


async def delivered(road: Road, count: int) -> None:
    """Until `count` records are out, and everything read is committed."""
    await eventually(lambda: len(road.out()) >= count and road.lag() == 0)


# ------------------------------------------------------------------------------------------------ order, retry, batches


async def test_a_key_is_delivered_in_order_and_many_keys_at_once(road: Road) -> None:
    rng, open_calls, most = random.Random(1), 0, 0

    async def answer(value: str) -> Outcome:
        nonlocal open_calls, most
        open_calls += 1
        most = max(most, open_calls)
        await asyncio.sleep(rng.uniform(0, 0.004))
        open_calls -= 1
        return Delivered("ref")

    sent = [(f"key-{k}", f"{k} {n}") for n, k in itertools.product(range(20), range(12))]
    await asyncio.to_thread(produce, road.kafka, road.source, sent)
    stage = road.stage(answer)
    async with Hosting(road.kafka, stage):
        await delivered(road, len(sent))
    by_key: dict[str, list[int]] = defaultdict(list)
    for value in stage.asked:
        key, _, n = value.partition(" ")
        by_key[key].append(int(n))
    assert all(seen == list(range(20)) for seen in by_key.values())
    assert len(by_key) == 12
    assert 1 < most <= 8, "many at once, never more than the policy says"
    assert Counter(road.out()) == Counter(value for _, value in sent)


async def test_an_outage_commits_nothing_and_delays_no_other_key(road: Road) -> None:
    down = True

    async def answer(value: str) -> Outcome:
        return Retry("down") if down and value == "a1" else Delivered("ref")

    await asyncio.to_thread(road.produce, "a1", "a2", key="a")
    await asyncio.to_thread(road.produce, "b1", "b2", key="b")
    stage = road.stage(answer)
    async with Hosting(road.kafka, stage):
        await eventually(lambda: road.out() == ["b1", "b2"])
        await until(lambda: stage.asked.count("a1") >= 4)
        assert await asyncio.to_thread(road.committed) == 0
        assert "a2" not in stage.asked, "a later record of the key does not overtake"
        down = False
        await delivered(road, 4)
    assert [v for v in road.out() if v[0] == "a"] == ["a1", "a2"]


async def test_retry_after_is_obeyed(road: Road) -> None:
    answers = iter([Retry("slow down", after=0.7)])

    async def answer(value: str) -> Outcome:
        return next(answers, Delivered("ref"))

    await asyncio.to_thread(road.produce, "x")
    stage = road.stage(answer)
    async with Hosting(road.kafka, stage):
        await delivered(road, 1)
    first, second = stage.begun
    assert 0.69 <= second - first < 3


async def test_records_of_different_keys_go_in_one_call_where_the_sink_takes_batches(road: Road) -> None:
    await asyncio.to_thread(produce, road.kafka, road.source, [(f"k{n}", f"{n}") for n in range(50)], 0)
    stage = road.stage(batch=10, concurrency=1)
    async with Hosting(road.kafka, stage):
        await delivered(road, 50)
    assert max(map(len, stage.calls)) == 10
    assert sorted(stage.asked, key=int) == [f"{n}" for n in range(50)]


# ------------------------------------------------------------------------------------------------ hold


def needs(parent: Parent, known: set[Parent]) -> Any:
    async def answer(value: str) -> Outcome:
        return Held("not there", parent) if value == "early" and parent not in known else Delivered("ref")

    return answer


async def test_what_waits_goes_on_when_its_parent_is_there_and_survives_a_restart(road: Road) -> None:
    parent = Parent("project", "PRJ-1")
    known: set[Parent] = set()
    await asyncio.to_thread(road.produce, "early", "later", key="a")
    await asyncio.to_thread(road.produce, "other", key="b")
    async with Hosting(road.kafka, road.stage(needs(parent, known)), known=known):
        await eventually(lambda: road.waiting() == 2 and road.lag() == 0)
        assert road.out() == ["other"], "the record behind it waits, too"
    restarted = road.stage(needs(parent, known))
    async with Hosting(road.kafka, restarted, known=known):
        assert restarted.asked == []
        known.add(parent)
        await eventually(lambda: road.waiting() == 0)
    assert road.out() == ["other", "early", "later"]


async def test_a_store_that_cannot_say_leaves_what_waits_where_it_is(road: Road) -> None:
    parent = Parent("project", "PRJ-1")
    known: set[Parent] = set()
    hosting = Hosting(road.kafka, road.stage(needs(parent, known)), known=known)
    failing = [FabricError("not loaded yet")] * 2

    async def present(parents: set[Parent]) -> set[Parent]:
        if failing:
            raise failing.pop()
        return parents & known

    hosting._present = present  # type: ignore[method-assign]
    await asyncio.to_thread(road.produce, "early")
    async with hosting:
        await eventually(lambda: road.waiting() == 1)
        known.add(parent)
        await eventually(lambda: road.waiting() == 0)
    assert road.out() == ["early"]


# ------------------------------------------------------------------------------------------------ kills and rebalances


async def test_a_kill_in_the_midst_of_delivery_loses_nothing_and_doubles_nothing(road: Road, tmp_path: Path) -> None:
    entries, versions = 24, 5
    await asyncio.to_thread(produce_time, road, entries, versions)
    for goal in (20, 50, 80):
        with child(road, tmp_path, slow=0.02) as process:
            await until(lambda goal=goal: journal(tmp_path) >= goal)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    with child(road, tmp_path, slow=0.0):
        await eventually(lambda: road.lag() == 0)
    wanted = [version(n) for n in range(versions)]
    for entry in range(entries):
        text = (tmp_path / f"entry-{entry}").read_text()
        assert text == str(wanted).replace("'", '"'), "each version once, in order"
    applied = latest(read_topic(road.kafka, f"applied.{road.name}"))
    assert len(applied) == entries
    receipts = [r for r in read_topic(road.kafka, "psf.delivery") if (r.key or b"").startswith(road.name.encode())]
    assert len(latest(receipts)) == entries * versions
    open_or_on_its_way = 4 + 4  # calls, and answers whose records the broker had not acknowledged
    assert journal(tmp_path) <= entries * versions + 3 * open_or_on_its_way, "nothing older is asked again"


def version(n: int) -> str:
    event = example("enriched.time.TimeApproved")
    return sequence(event.time.replace(microsecond=n))


def produce_time(road: Road, entries: int, versions: int) -> None:
    writes = []
    for n, entry in itertools.product(range(versions), range(entries)):
        id_ = f"entry-{entry}"
        changes = {"event_id": f"{id_}.{n}", "aggregate_id": id_, "partition_key": id_, "sequence": version(n)}
        key, value, headers = codec().encode(example("enriched.time.TimeApproved", **changes))
        writes.append(Write(road.source, key, value, headers))
    producer = Producer(road.kafka, "tests")
    producer.write_and_wait(writes)
    producer.close()


def journal(folder: Path) -> int:
    path = folder / "journal"
    return len(path.read_text().splitlines()) if path.exists() else 0


class child:  # noqa: N801 - reads as a verb where it is used
    """The sink `FolderSink` in a process of its own; ended by SIGTERM unless it ended before."""

    def __init__(self, road: Road, folder: Path, slow: float) -> None:
        arguments = [road.kafka.bootstrap, road.name, str(folder), str(slow)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.hosts.calling_child", *arguments])

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *raised: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(15) == 0


async def test_two_members_share_and_hand_over_without_loss(road: Road) -> None:
    sent = [(f"key-{k}", f"{k} {n}") for n, k in itertools.product(range(60), range(12))]
    await asyncio.to_thread(produce, road.kafka, road.source, sent)

    async def answer(value: str) -> Outcome:
        await asyncio.sleep(0.02)
        return Delivered("ref")

    one, two = road.stage(answer, concurrency=4), road.stage(answer, concurrency=4)
    async with Hosting(road.kafka, one):
        await until(lambda: len(one.asked) > 50)
        async with Hosting(road.kafka, two):
            await until(lambda: len(two.asked) > 50)
        await delivered(road, len(sent))
    assert Counter(one.asked + two.asked) == Counter(v for _, v in sent), "a clean hand-over repeats nothing"
    by_key: dict[str, list[int]] = defaultdict(list)
    for value in road.out():
        key, _, n = value.partition(" ")
        by_key[key].append(int(n))
    assert all(seen == list(range(60)) for seen in by_key.values())


# ------------------------------------------------------------------------------------------------ window and pace


async def test_reading_stays_within_the_window_and_goes_on_after_a_hand_over(road: Road) -> None:
    gate = asyncio.Event()

    async def answer(value: str) -> Outcome:
        if value == "0":
            await gate.wait()
        return Delivered("ref")

    sent = [(f"k{n}", f"{n}") for n in range(2 * WINDOW + 100)]
    await asyncio.to_thread(produce, road.kafka, road.source, sent, 0)
    stage, other = road.stage(answer, concurrency=64), road.stage(concurrency=64)
    async with Hosting(road.kafka, stage):
        await until(lambda: stage.highest == WINDOW - 1)
        produce(road.kafka, road.source, [("k", "elsewhere")], 1)
        await until(lambda: "elsewhere" in stage.asked)  # many polls later
        assert stage.highest == WINDOW - 1
        assert road.committed() == 0
        async with Hosting(road.kafka, other):  # whoever gets the partition, it was paused before
            gate.set()
            await delivered(road, len(sent) + 1)


async def test_a_call_longer_than_the_session_loses_no_membership(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupReader.__init__, "__kwdefaults__", {"instance": None, "session_ms": 6000})

    async def answer(value: str) -> Outcome:
        await asyncio.sleep(7)
        return Delivered("ref")

    await asyncio.to_thread(road.produce, "slow")
    stage = road.stage(answer)
    async with Hosting(road.kafka, stage):
        await delivered(road, 1)
    assert stage.asked == ["slow"]


# ------------------------------------------------------------------------------------------------ failure and stop


async def test_a_write_that_fails_stops_the_host_and_commits_nothing(road: Road) -> None:
    stage = road.stage()
    stage.output = unique("never-created")
    await asyncio.to_thread(road.produce, "big")
    with pytest.raises(WriteFailed):
        async with Hosting(road.kafka, stage) as hosting:
            await hosting.running
    assert road.committed() == 0
    async with Hosting(road.kafka, road.stage()):
        await delivered(road, 1)
    assert road.out() == ["big"], "it is read again after a restart"


async def test_what_is_too_large_for_its_topic_is_buried_and_the_partition_goes_on(road: Road) -> None:
    stage = road.stage()
    stage.padding = 200_000  # the topic takes 100,000 bytes
    async with Hosting(road.kafka, stage):
        await asyncio.to_thread(road.produce, "big")
        await eventually(lambda: len(road.records(f"dlq.{road.name}")) == 1 and road.committed() == 1)
        stage.padding = 0
        await asyncio.to_thread(road.produce, "small", key="another")
        await eventually(lambda: road.out() == ["small"] and road.committed() == 2)
    (dead,) = road.records(f"dlq.{road.name}")
    assert (dead.header("fabric-dlq-code"), dead.value) == ("oversize", b"big")


async def test_a_stage_that_raises_stops_the_host_and_commits_nothing(road: Road) -> None:
    await asyncio.to_thread(road.produce, "x")
    with pytest.raises(FabricError, match="ZeroDivisionError"):
        async with Hosting(road.kafka, road.stage(broken)) as hosting:
            await asyncio.wait_for(hosting.running, 20)
    assert road.committed() == 0


async def test_one_component_that_fails_stops_the_others_in_order(road: Road, kafka: Kafka) -> None:
    other = another(kafka)
    await asyncio.to_thread(other.produce, *(f"{n}" for n in range(20)))
    async with Hosting(road.kafka, road.stage(broken), other.stage()) as hosting:
        await delivered(other, 20)
        await asyncio.to_thread(road.produce, "x")
        with pytest.raises(FabricError):
            await asyncio.wait_for(hosting.running, 20)
    assert other.committed() == 20


async def test_stopping_finishes_what_is_open_and_commits_it(road: Road) -> None:
    gate, began = asyncio.Event(), asyncio.Event()

    async def answer(value: str) -> Outcome:
        began.set()
        await gate.wait()
        return Delivered("ref")

    await asyncio.to_thread(road.produce, "open", "next")
    stage = road.stage(answer)
    async with Hosting(road.kafka, stage) as hosting:
        await began.wait()
        hosting.stop.set()
        asyncio.get_running_loop().call_later(0.3, gate.set)
        await asyncio.wait_for(hosting.running, 8)
    assert stage.asked == ["open"], "nothing new is begun"
    assert road.out() == ["open"]
    assert road.committed() == 1


async def test_stopping_does_not_wait_for_ever_and_what_hung_is_done_later(road: Road) -> None:
    began = asyncio.Event()

    async def answer(value: str) -> Outcome:
        began.set()
        await asyncio.Event().wait()
        return Delivered("ref")

    await asyncio.to_thread(road.produce, "hangs")
    async with Hosting(road.kafka, road.stage(answer)) as hosting:
        await began.wait()
        asked = time.monotonic()
        hosting.stop.set()
        await asyncio.wait_for(hosting.running, 15)
        assert time.monotonic() - asked < 10
    assert road.committed() == 0
    async with Hosting(road.kafka, road.stage()):
        await delivered(road, 1)


class Hanging:
    """The broker's client of one group, which does not come back from what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, group: str) -> None:
        self.asked, self.hangs, self.released = threading.Event(), threading.Event(), threading.Event()
        real = getattr(GroupReader, method)

        def hanging(reader: GroupReader, *given: Any) -> Any:
            if reader._group == group and self.hangs.is_set():
                self.asked.set()
                self.released.wait()
            return real(reader, *given)

        monkeypatch.setattr(GroupReader, method, hanging)


async def test_a_commit_that_never_returns_ends_the_host_and_is_not_waited_for(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seen after a broker had been killed several times: alive, in no group, and for ever."""
    monkeypatch.setattr(aio, "COMMIT_WITHIN", 1.0)
    hanging = Hanging(monkeypatch, "commit", road.name)
    async with Hosting(road.kafka, road.stage()) as hosting:
        await asyncio.to_thread(road.produce, "one")
        await delivered(road, 1)
        hanging.hangs.set()
        await asyncio.to_thread(road.produce, "two")
        with pytest.raises(Unavailable, match=r"does not come back from a commit \(1 s\)"):
            await asyncio.wait_for(hosting.running, 20)
    hanging.released.set()  # as the end of the process would, it lets the broker know
    async with Hosting(road.kafka, road.stage()):
        await delivered(road, 2)
    assert road.committed() == 2


async def test_a_poll_that_never_returns_ends_the_host(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "POLL_WITHIN", 1.0)
    hanging = Hanging(monkeypatch, "poll", road.name)
    async with Hosting(road.kafka, road.stage()) as hosting:
        hanging.hangs.set()
        with pytest.raises(Unavailable, match=r"does not come back from a poll \(1 s\)"):
            await asyncio.wait_for(hosting.running, 20)


async def test_what_took_too_long_inside_a_poll_is_not_said_of_the_client(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handing_over(*given: object) -> list[Record]:
        raise TimeoutError("handing over")

    async with Hosting(road.kafka, road.stage()) as hosting:
        monkeypatch.setattr(GroupReader, "poll", handing_over)
        with pytest.raises(Unavailable, match="handing over"):
            await asyncio.wait_for(hosting.running, 20)


@pytest.mark.parametrize("method", ["commit", "close"])
async def test_one_component_that_fails_ends_the_host_though_the_client_of_another_hangs(
    road: Road, kafka: Kafka, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    other = another(kafka)
    hanging = Hanging(monkeypatch, method, other.name)
    async with Hosting(road.kafka, road.stage(broken), other.stage()) as hosting:
        await asyncio.to_thread(other.produce, "one")
        await delivered(other, 1)
        hanging.hangs.set()
        await asyncio.to_thread(other.produce, "two")
        if method == "commit":
            await asyncio.to_thread(hanging.asked.wait, 20)
        await asyncio.to_thread(road.produce, "x")
        failed = time.monotonic()
        with pytest.raises(FabricError, match="ZeroDivisionError"):
            await asyncio.wait_for(hosting.running, 30)
        assert hanging.asked.is_set()
        assert time.monotonic() - failed < 20


async def test_nothing_is_sent_before_an_accepted_commit_says_that_we_are_the_owner(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepts, commit = threading.Event(), GroupReader.commit
    monkeypatch.setattr(GroupReader, "commit", lambda self, offsets: accepts.is_set() and commit(self, offsets))
    gates: list[Callable[[], Awaitable[None]]] = []
    sent: list[str] = []

    async def answer(value: str) -> Outcome:
        await gates[0]()
        sent.append(value)
        return Delivered("ref")

    stage = road.stage(answer)
    monkeypatch.setattr(stage, "send_while", gates.append)
    await asyncio.to_thread(road.produce, "x")
    async with Hosting(road.kafka, stage):
        await until(lambda: stage.asked == ["x"])
        await asyncio.sleep(0.5)  # several turns of the host
        assert sent == []
        accepts.set()
        await eventually(lambda: road.out() == ["x"])


async def test_what_needs_no_reference_goes_on_while_the_reference_store_is_away(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "ASK_REGISTRY", 0.2)
    tried = Counter[str]()

    async def answer(value: str) -> Outcome:
        tried[value] += 1
        if value == "needs a project":
            return Held("not there", Parent("project", "1"))
        return Held("no answer", Schema(7, unreachable=True)) if tried[value] == 1 else Delivered("ref")

    class Away(Hosting):
        async def _present(self, parents: set[Parent]) -> set[Parent]:
            raise Transient("Redis is away")

    await asyncio.to_thread(road.produce, "needs a project", key="a")
    await asyncio.to_thread(road.produce, "needs a schema", key="b")
    async with Away(road.kafka, road.stage(answer)):
        await eventually(lambda: road.out() == ["needs a schema"])
    assert road.waiting() == 1


async def test_markers_of_transactions_are_committed_over(road: Road) -> None:
    """Else a topic that is written in transactions never looks read to its end."""
    await asyncio.to_thread(produce_in_transactions, road.kafka, road.source)
    async with Hosting(road.kafka, road.stage()):
        await eventually(lambda: [road.committed(n) for n in range(3)] == [2, 2, 2])
    assert road.out() == ["1", "1"]


async def test_what_cannot_be_loaded_at_once_is_loaded_later_and_stopping_does_not_wait_for_it(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [Unavailable("the broker is away"), Transient("the registry is away")]

    def failing(*args: Any) -> Any:
        if failures:
            raise failures.pop(0)
        return load(*args)

    monkeypatch.setattr(aio, "load", failing)
    road.produce("one")
    async with Hosting(road.kafka, stage := road.stage()):
        await until(lambda: stage.asked == ["one"])
    failures.extend(Unavailable("the broker is away") for _ in range(1000))
    host = Hosting(road.kafka, road.stage())
    beginning = asyncio.create_task(host.__aenter__())
    await until(lambda: hasattr(host, "running"))
    await asyncio.sleep(1.0)
    host.stop.set()
    await asyncio.wait_for(asyncio.wait([host.running]), 8)
    assert host.running.exception() is None
    await beginning
    await host.__aexit__(None)
