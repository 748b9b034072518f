"""All that a group reads has an owner, also when it was divided by somebody who did not know all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from psfabric.connection import Kafka
from psfabric.engine.work import TopicPartition
from psfabric.errors import FabricError, Misconfigured, Unavailable
from psfabric.hosts import whole
from psfabric.hosts.whole import even, until_whole
from psfabric.kafka import Admin
from schemas import Topic
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, eventually, produce, unique, until, values_of

TOPICS = ("deliver.c", "redo.c")
BOTH = [TopicPartition("deliver.c", 0), TopicPartition("redo.c", 0)]
KAFKA = Kafka("127.0.0.1:1")


def test_partitions_of_every_topic_are_taken() -> None:
    assert even("c", TOPICS, BOTH, dict) == {0}
    assert even("c", TOPICS, [], dict) == set()


@pytest.mark.parametrize("counts", [{"deliver.c": 2, "redo.c": 2, "else": 7}, {"deliver.c": 2}, {}])
def test_of_a_part_what_is_there_of_every_topic_is_taken(counts: dict[str, int]) -> None:
    assert even("c", TOPICS, [*BOTH, TopicPartition("deliver.c", 1)], lambda: counts) == {0}
    assert even("c", TOPICS, BOTH[1:], lambda: counts) == set()


def test_topics_that_differ_in_partitions_are_refused() -> None:
    with pytest.raises(Misconfigured, match=r"c: its topics differ in partitions \(deliver\.c: 2, redo\.c: 1\)"):
        even("c", TOPICS, [*BOTH, TopicPartition("deliver.c", 1)], lambda: {"deliver.c": 2, "redo.c": 1})


# ------------------------------------------------------------------------------------------------ looking


def looks(monkeypatch: pytest.MonkeyPatch, *found: set[tuple[str, int]] | Exception | None) -> Iterator[object]:
    answers = iter(found)

    def look(*_: object) -> set[tuple[str, int]] | None:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(whole, "_look", look)
    monkeypatch.setattr(whole, "LOOK_AFTER", 0.01)
    monkeypatch.setattr(whole, "REJOINED", 0.01)
    return answers


async def test_it_looks_until_the_group_is_whole_and_has_it_divided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ownerless, asked = {("redo.c", 1)}, list[int]()
    left = looks(monkeypatch, None, Unavailable("away"), RuntimeError(), ownerless, None, ownerless, set(), ownerless)
    async with asyncio.timeout(10):
        await until_whole(KAFKA, "c", TOPICS, lambda: asked.append(1))
    assert len(asked) == 2
    assert len(list(left)) == 1, "once whole it looks no more"


# ------------------------------------------------------------------------------------------------ on a real broker


def topics(name: str, *kinds: str) -> list[Topic]:
    limits = {"max.message.bytes": "100000"}
    named = [kind if "." in kind else f"{kind}.{name}" for kind in kinds]
    return [Topic(name=each, partitions=3, config=limits, rule="test", tombstones=True) for each in named]


async def ends(hosted: Hosting | Hosted) -> None:
    """A process that finds its input missing ends; a static member does not say to its group that it goes."""
    with pytest.raises(FabricError, match="topics apply"):
        async with hosted:
            await hosted.running
    await asyncio.wait([hosted.running])


async def test_a_sink_whose_topic_is_made_late_is_given_all_of_it(kafka: Kafka) -> None:
    name = unique("sink")
    source, out = f"deliver.{name}", f"out.{name}"
    Admin(kafka).apply(topics(name, "out", "hold", "redo", "dlq", "applied", "psf.delivery"))
    await ends(Hosting(kafka, FakeCalling(name, source, out), instance="slot-1"))
    Admin(kafka).apply(topics(name, "deliver"))
    await asyncio.to_thread(produce, kafka, source, [("k", "one"), ("k", "two")])
    async with Hosting(kafka, FakeCalling(name, source, out), instance="slot-1"):
        await eventually(lambda: values_of(kafka, out) == ["one", "two"])
        assert Admin(kafka).without_owner(name, [source, f"redo.{name}"]) == set()


async def test_a_processor_whose_topic_is_made_late_is_given_all_of_it(kafka: Kafka) -> None:
    name = unique("component")
    source, out = f"in.{name}", f"out.{name}"
    Admin(kafka).apply(topics(name, "out", "hold", "redo", "dlq", "psf.delivery"))
    await ends(Hosted(kafka, FakeStage(name, (source,), out), instance="slot-1"))
    Admin(kafka).apply(topics(name, "in"))
    await asyncio.to_thread(produce, kafka, source, [("k", "one"), ("k", "two")])
    async with Hosted(kafka, FakeStage(name, (source,), out), instance="slot-1"):
        await until(lambda: values_of(kafka, out) == ["one", "two"])
