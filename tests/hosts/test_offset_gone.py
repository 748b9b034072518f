"""A committed place that the broker no longer has: the component stops and says so, it never skips in silence."""

from __future__ import annotations

import asyncio

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient

from psfabric.connection import Kafka
from psfabric.kafka import OffsetGone
from psfabric.kafka.config import client_config
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, committed, create, eventually, produce, unique, until, values_of


class Component:
    """A pure one in the Faust host, or a calling one in the asyncio host; both copy `source` to `output`."""

    def __init__(self, kafka: Kafka, host: str) -> None:
        self.kafka, self.name, self._host = kafka, unique("gone"), host
        self.source, self.output = f"deliver.{self.name}", f"out.{self.name}"
        create(kafka, [FakeStage(self.name, (self.source,), self.output)], self.output, f"applied.{self.name}")

    def hosted(self) -> Hosted | Hosting:
        if self._host == "faust":
            return Hosted(self.kafka, FakeStage(self.name, (self.source,), self.output))
        return Hosting(self.kafka, FakeCalling(self.name, self.source, self.output))

    async def read(self, *values: str) -> None:
        """Hosted until all values have come through once and are committed, in partition 0."""
        async with self.hosted():
            await asyncio.to_thread(produce, self.kafka, self.source, [("k", v) for v in values], 0)
            await eventually(lambda: self.out() == sorted(values))
            await eventually(lambda: self.committed() == len(values))

    def out(self) -> list[str]:
        return sorted(values_of(self.kafka, self.output))

    def committed(self) -> int:
        return committed(self.kafka, self.name, self.source)

    def remove_before(self, offset: int) -> None:
        """As retention does."""
        admin = AdminClient(client_config(self.kafka))
        for future in admin.delete_records([ck.TopicPartition(self.source, 0, offset)]).values():
            future.result(20)

    def set_committed(self, offset: int) -> None:
        consumer = ck.Consumer({**client_config(self.kafka), "group.id": self.name})
        consumer.commit(offsets=[ck.TopicPartition(self.source, 0, offset)], asynchronous=False)
        consumer.close()

    async def stopped(self) -> BaseException:
        """Hosted until it stops by itself; why it did."""
        hosting = self.hosted()
        async with hosting:
            await until(hosting.running.done)
        why = hosting.running.exception()
        assert isinstance(why, OffsetGone)
        return why


@pytest.fixture(params=["faust", "asyncio"])
def component(request: pytest.FixtureRequest, kafka: Kafka) -> Component:
    return Component(kafka, request.param)


async def test_a_place_that_retention_has_passed_stops_the_component_and_nothing_is_skipped(
    component: Component,
) -> None:
    await component.read("1", "2")
    await asyncio.to_thread(produce, component.kafka, component.source, [("k", v) for v in "3456"], 0)
    component.remove_before(4)
    why = str(await component.stopped())
    assert f"{component.name} stands at offset 2 of {component.source}/0" in why
    assert component.committed() == 2
    assert component.out() == ["1", "2"]
    component.set_committed(4)  # somebody accepts it
    async with component.hosted():
        await eventually(lambda: component.out() == ["1", "2", "5", "6"])


async def test_a_topic_made_anew_stops_the_component_and_is_not_read_from_the_end(component: Component) -> None:
    await asyncio.to_thread(produce, component.kafka, component.source, [("k", "1")], 0)
    component.set_committed(500)
    assert "stands at offset 500" in str(await component.stopped())
    assert component.out() == []


async def test_what_a_group_never_committed_is_read_from_the_beginning_even_where_that_is_not_zero(
    component: Component,
) -> None:
    await asyncio.to_thread(produce, component.kafka, component.source, [("k", v) for v in "1234"], 0)
    component.remove_before(2)
    async with component.hosted():
        await eventually(lambda: component.out() == ["3", "4"])
