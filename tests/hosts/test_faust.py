"""What the Faust host promises, against a real broker."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import confluent_kafka as ck
import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from psfabric.connection import Kafka
from psfabric.engine import WINDOW, Write
from psfabric.errors import FabricError, Parent
from psfabric.event import Record
from psfabric.hosts.faust_chunks.consumer import ChunkConsumer
from psfabric.hosts.faust_chunks.thread import ChunkConsumerThread
from psfabric.kafka import Admin, Producer, latest, read_topic
from psfabric.kafka.producer import WriteFailed
from tests.hosts.fakes import (
    FakeStage,
    Hosted,
    committed,
    create,
    eventually,
    produce,
    produce_in_transactions,
    unique,
    until,
    values_of,
)


@dataclass(frozen=True)
class Road:
    """A component with topics of its own: `source` in, `output` out."""

    kafka: Kafka
    name: str
    source: str
    output: str

    def stage(self) -> FakeStage:
        return FakeStage(self.name, (self.source,), self.output)

    def out(self) -> list[str]:
        return values_of(self.kafka, self.output)

    def records(self, topic: str) -> list[Record]:
        return read_topic(self.kafka, topic)

    def committed(self, partition: int = 0) -> int:
        return committed(self.kafka, self.name, self.source, partition)

    def produce(self, *values: str, key: str = "k", partition: int | None = 0) -> None:
        produce(self.kafka, self.source, [(key, value) for value in values], partition)


@pytest.fixture
def road(kafka: Kafka) -> Road:
    name = unique("component")
    made = Road(kafka, name, f"in.{name}", f"out.{name}")
    create(kafka, [made.stage()], made.output)
    return made


# ------------------------------------------------------------------------------------------------ kills


def passed(road: Road) -> int:
    return sum(Admin(road.kafka).end_offsets([road.output]).values())


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
async def test_nothing_is_lost_and_order_is_kept_when_the_process_ends_three_times(
    road: Road, with_signal: signal.Signals
) -> None:
    keys, each, kills = 30, 99, 3
    sent = [(f"key-{k}", f"{n}") for n, k in itertools.product(range(each), range(keys))]
    portion = len(sent) // kills
    for kill in range(kills):
        await asyncio.to_thread(produce, road.kafka, road.source, sent[kill * portion : (kill + 1) * portion])
        with child(road, slow=0.001) as process:
            await eventually(lambda: passed(road) > kill * portion + portion // 3)  # noqa: B023 - awaited here
            process.send_signal(with_signal)
            assert await asyncio.to_thread(process.wait, 15) == (0 if with_signal is signal.SIGTERM else -9)
    with child(road, slow=0.0):
        await eventually(lambda: lag(road) == 0)
    by_key: dict[bytes | None, list[int]] = defaultdict(list)
    for record in road.records(road.output):
        by_key[record.key].append(int(record.value or b""))
    assert len(by_key) == keys
    for seen in by_key.values():
        assert list(dict.fromkeys(seen)) == list(range(each)), "lost, or out of order"
    repeated = sum(map(len, by_key.values())) - len(sent)
    assert repeated <= (kills * 3 * WINDOW if with_signal is signal.SIGKILL else 0)


def lag(road: Road) -> int:
    return Admin(road.kafka).lag({road.name: [road.source]})[road.name][0].behind


class child:  # noqa: N801 - reads as a verb where it is used
    """The road's component in a process of its own; ended by SIGTERM unless it ended before."""

    def __init__(self, road: Road, slow: float) -> None:
        arguments = [road.kafka.bootstrap, road.name, road.source, road.output, str(slow)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.hosts.child", *arguments])

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *raised: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(15)


# ------------------------------------------------------------------------------------------------ what goes wrong


async def test_an_unexpected_exception_acknowledges_nothing(road: Road) -> None:
    road.produce(*(f"{n}" for n in range(20)), "bug", *(f"{n}" for n in range(20, 40)))
    with pytest.raises(ZeroDivisionError):
        async with Hosted(road.kafka, road.stage()) as hosted:
            await hosted.running
    assert road.committed() <= 20
    repaired = road.stage()
    repaired.bugs = False
    async with Hosted(road.kafka, repaired):
        await eventually(lambda: road.committed() == 41)
    assert list(dict.fromkeys(road.out())) == [*map(str, range(20)), "bug", *map(str, range(20, 40))]


async def test_a_write_that_the_broker_refuses_acknowledges_nothing(road: Road) -> None:
    stage = road.stage()
    stage.output = unique("never-created")
    road.produce("1", "2")
    with pytest.raises(WriteFailed, match=stage.output):
        async with Hosted(road.kafka, stage) as hosted:
            await hosted.running
    assert road.committed() == 0


async def test_what_is_too_large_for_its_topic_is_buried_and_the_rest_go_on(road: Road) -> None:
    stage = road.stage()
    stage.large = "2"
    road.produce("1", "2", "3")
    road.produce("4", key="another")
    async with Hosted(road.kafka, stage):
        await eventually(lambda: road.committed() == 4)
    (dead,) = road.records(f"dlq.{road.name}")
    assert (dead.header("fabric-dlq-code"), dead.value) == ("oversize", b"2")
    assert sorted(road.out()) == ["1", "4"], "3 waits behind the dead letter of its key"


async def test_a_missing_topic_is_said_at_the_start(kafka: Kafka) -> None:
    stage = FakeStage(unique("component"), (unique("never-created"),), "out")
    with pytest.raises(FabricError, match="topics apply"):
        async with Hosted(kafka, stage) as hosted:
            await hosted.running


async def test_aborted_transactions_are_not_read(road: Road) -> None:
    producer = ck.Producer({"bootstrap.servers": road.kafka, "transactional.id": unique("tx")})
    producer.init_transactions(10)
    for end in (producer.abort_transaction, producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        for _ in range(5):
            producer.produce(road.source, key=b"k", value=end.__name__.encode(), partition=0)
        producer.flush(10)
        end(10)
    road.produce("last")
    async with Hosted(road.kafka, road.stage()):
        await eventually(lambda: "last" in road.out())
    assert road.out() == ["commit_transaction"] * 5 + ["last"]


async def test_the_committed_offset_never_passes_a_record_that_is_not_done(road: Road) -> None:
    stage = road.stage()
    stage.down = True
    road.produce("0", "1")
    road.produce("down", key="other")
    road.produce("3", "4")
    async with Hosted(road.kafka, stage):
        await eventually(lambda: len(road.out()) == 4 and road.committed() == 2)
        await eventually(lambda: stage.handled.count(f"{road.source}/0/2") > 2)
        assert road.committed() == 2
    assert road.committed() == 2, "a clean stop hands back what is not done"
    stage.down = False
    async with Hosted(road.kafka, stage):
        await eventually(lambda: road.committed() == 5)
    assert sorted(road.out()[:4]) == ["0", "1", "3", "4"]
    assert "down" in road.out()


async def test_one_record_that_cannot_be_done_yet_stops_its_partition_no_further_than_half_a_window(road: Road) -> None:
    stage = road.stage()
    stage.down = True
    road.produce("down", key="other")
    many = [(f"key-{n % 300}", f"{n}") for n in range(3 * WINDOW)]
    await asyncio.to_thread(produce, road.kafka, road.source, many, 0)
    async with Hosted(road.kafka, stage):
        await eventually(lambda: road.committed() == 3 * WINDOW + 1)
        assert "down" not in road.out()
        assert held(road) == 1
        stage.down = False
        await eventually(lambda: "down" in road.out() and held(road) == 0)


# ------------------------------------------------------------------------------------------------ hold, dead letters


def held(road: Road) -> int:
    return len(latest(road.records(f"hold.{road.name}")))


async def test_a_record_is_held_and_released_when_its_parent_is_there(road: Road) -> None:
    stage = road.stage()
    road.produce("wait:7 first", "second")
    road.produce("third", key="other")
    async with Hosted(road.kafka, stage):
        await eventually(lambda: road.committed() == 3 and held(road) == 2)
        assert road.out() == ["third"], "what comes behind the held record of its key waits with it"
        stage.known.add(Parent("thing", "7"))
        await eventually(lambda: len(road.out()) == 3 and held(road) == 0)
    assert road.out() == ["third", "wait:7 first", "second"]


async def test_what_lies_in_hold_survives_a_restart(road: Road) -> None:
    road.produce("wait:8 x")
    async with Hosted(road.kafka, road.stage()):
        await eventually(lambda: road.committed() == 1)
    again = road.stage()
    again.known.add(Parent("thing", "8"))
    async with Hosted(road.kafka, again):
        await eventually(lambda: road.out() == ["wait:8 x"] and held(road) == 0)


async def test_a_dead_letter_has_the_original_bytes_and_both_families_of_headers(road: Road) -> None:
    headers: list[tuple[str, str | bytes | None]] = [("h", b"1"), ("other", b"x"), ("h", b"2"), ("none", None)]
    producer = ck.Producer({"bootstrap.servers": road.kafka})
    producer.produce(road.source, b"bad \xff\x00 value", key=b"\xfe", partition=2, headers=headers)
    producer.flush(10)
    async with Hosted(road.kafka, road.stage()):
        await eventually(lambda: road.committed(2) == 1)
    (dead,) = road.records(f"dlq.{road.name}")
    assert (dead.key, dead.value, dead.partition) == (b"\xfe", b"bad \xff\x00 value", 2)
    assert dead.headers[:4] == tuple(headers)
    assert dead.header("__dlq.errors.topic") == road.source
    assert dead.header("__dlq.errors.partition") == "2"
    assert dead.header("__dlq.errors.offset") == "0"
    assert dead.header("fabric-dlq-code") == "contract-violated"
    assert dead.header("fabric-dlq-component") == road.name


async def test_repeated_headers_are_kept(road: Road) -> None:
    headers = (("h", b"1"), ("h", b"2"), ("h", None))
    producer = Producer(road.kafka, "tests")
    producer.write_and_wait([Write(road.source, b"k", b"v", headers, 0)])
    producer.close()
    async with Hosted(road.kafka, road.stage()):
        await eventually(lambda: road.out() == ["v"])
    assert road.records(road.output)[0].headers[:3] == headers


# ------------------------------------------------------------------------------------------------ several


async def test_several_components_share_one_loop(road: Road) -> None:
    second = FakeStage(unique("component"), (road.output,), unique("out"))
    create(road.kafka, [second], second.output)
    road.produce("a", "b")
    async with Hosted(road.kafka, road.stage(), second):
        await eventually(lambda: values_of(road.kafka, second.output) == ["a", "b"])


async def test_two_workers_share_the_partitions_and_nothing_is_lost_when_one_comes_or_goes(road: Road) -> None:
    numbers = itertools.count()

    def more() -> Iterator[tuple[str, str]]:
        yield from ((f"key-{n % 20}", f"{n}") for n in itertools.islice(numbers, 1000))

    first, second = road.stage(), road.stage()
    first.slow = second.slow = 0.001
    async with Hosted(road.kafka, first):
        await asyncio.to_thread(produce, road.kafka, road.source, more())
        async with Hosted(road.kafka, second) as newcomer:
            assert 0 < len(newcomer.host.partitions()[road.name]) < 3, "each has a part"
            await asyncio.to_thread(produce, road.kafka, road.source, more())
            await until(lambda: second.handled)
        await asyncio.to_thread(produce, road.kafka, road.source, more())
        await eventually(lambda: lag(road) == 0)
    by_key: dict[bytes | None, list[int]] = defaultdict(list)
    for record in road.records(road.output):
        by_key[record.key].append(int(record.value or b""))
    assert sum(len(set(seen)) for seen in by_key.values()) == next(numbers)
    for seen in by_key.values():
        assert list(dict.fromkeys(seen)) == sorted(set(seen)), "out of order"


async def test_markers_of_transactions_are_committed_over(road: Road) -> None:
    """Else a topic that is written in transactions never looks read to its end."""
    await asyncio.to_thread(produce_in_transactions, road.kafka, road.source)
    async with Hosted(road.kafka, road.stage()):
        await eventually(lambda: [road.committed(n) for n in range(3)] == [2, 2, 2])
    assert road.out() == ["1", "1"]


# ------------------------------------------------------------------------------------------------ who owns what


class Blind(RangePartitionAssignor):  # type: ignore[misc]
    """Leads a group as one that was told of no partition does: a broker that just started tells of some topics only."""

    @classmethod
    def assign(cls, cluster: Any, members: Any) -> dict[str, ConsumerProtocolMemberAssignment]:
        return {member: ConsumerProtocolMemberAssignment(0, [], b"") for member in members}


async def test_a_static_member_that_is_handed_the_nothing_of_before_has_the_group_divided_anew(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("psfabric.hosts.faust_chunks.thread.RangePartitionAssignor", Blind)
        patch.setattr("psfabric.hosts.whole.LOOK_AFTER", 1000.0)
        async with Hosted(road.kafka, road.stage(), instance="slot-1"):
            pass  # leaves no trace but in the group: a static member does not say that it goes
    road.produce("one", "two")
    in_time = ChunkConsumerThread._seek

    async def late(self: ChunkConsumerThread) -> Any:
        await asyncio.sleep(0.5)  # aiokafka looks for a place meanwhile, and there is none
        return await in_time(self)

    monkeypatch.setattr(ChunkConsumerThread, "_seek", late)
    perform_seek, flowing = ChunkConsumer.perform_seek, list[bool]()

    async def watched(self: ChunkConsumer) -> None:
        await perform_seek(self)  # what is read from here until Faust resumes, it forgets, and nobody reads it again
        flowing.extend([self.flow_active, self.app.flow_control.is_active()])

    monkeypatch.setattr(ChunkConsumer, "perform_seek", watched)
    async with Hosted(road.kafka, road.stage(), instance="slot-1") as hosted:
        assert hosted.host.partitions() == {road.name: []}, "the broker hands out what it remembers"
        await until(lambda: road.out() == ["one", "two"])
        assert flowing[:2] == [False, False]
    assert road.committed() == 2
