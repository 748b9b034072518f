"""One trace follows one record from intake through both hosts to the target, on the real broker; and what the hosts
count of it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from psfabric.adapters import Notice
from psfabric.connection import Kafka
from psfabric.event import Raw
from psfabric.hosts.polling import raw_write
from psfabric.hosts.writing import written
from psfabric.kafka import Admin, Producer
from psfabric.outcomes import Delivered, Outcome
from psfabric.telemetry import Telemetry
from psfabric.telemetry.probing import of_kafka
from schemas import Topic
from tests.hosts.calling import FakeCalling, Hosting
from tests.hosts.fakes import FakeStage, Hosted, unique, until
from tests.intake.conftest import running
from tests.telemetry.scraping import Samples, scraped, value

BODY = b'{"webhookEvent": "worklog_created", "worklog": {"id": "10066", "issueId": "1"}}'


class Road:
    """Intake -> a pure component -> a sink, each in its own process as far as telemetry goes."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka, self.exported = kafka, InMemorySpanExporter()
        self.middle, self.end = unique("p"), unique("t")
        self.pure = FakeStage(self.middle, (f"raw.{self.middle}",), f"deliver.{self.end}")
        self.sink = FakeCalling(self.end, f"deliver.{self.end}", f"out.{self.end}", self._answer)
        self.delivered: list[str] = []
        roles = ("intake", "process", "deliver")
        self.telemetry = {
            role: Telemetry(role, env={"OTEL_TRACES_SAMPLER": "x"}, exporter=SimpleSpanProcessor(self.exported))
            for role in roles
        }

    async def _answer(self, value: str) -> Outcome:
        self.delivered.append(value)
        return Delivered("ref")

    async def store(self, source: str, raw: Raw, notice: Notice) -> None:
        await written(self.producer, [raw_write(self.middle, raw)])

    def create(self) -> None:
        kinds = [f"{kind}.{name}" for kind in ("hold", "redo", "dlq", "applied") for name in (self.middle, self.end)]
        names = [f"raw.{self.middle}", f"deliver.{self.end}", f"out.{self.end}", "psf.delivery", *kinds]
        made = [Topic(name=n, partitions=2, config={}, rule="test", tombstones=True) for n in names]
        Admin(self.kafka).apply(made)
        self.producer = Producer(self.kafka, "intake")

    async def scrape(self, role: str, stage: FakeStage | FakeCalling) -> Samples:
        await asyncio.to_thread(of_kafka(self.telemetry[role], Admin(self.kafka), {stage.name: stage.topics}))
        return scraped(self.telemetry[role])


@pytest.fixture
async def road(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Road]:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    made = Road(kafka)
    await asyncio.to_thread(made.create)
    yield made
    await asyncio.to_thread(made.producer.close)


async def test_one_trace_follows_a_record_from_intake_to_the_target(road: Road) -> None:
    process, deliver = road.telemetry["process"], road.telemetry["deliver"]
    async with (
        running(telemetry=road.telemetry["intake"], store=road.store) as door,
        Hosted(road.kafka, road.pure, telemetry=process),
        Hosting(road.kafka, road.sink, telemetry=deliver) as sink,
    ):
        for _ in range(3):
            assert (await door.post(BODY)).status_code == 202
        await until(lambda: len(road.delivered) == 3)
        await until(lambda: not sink.host._members[0].observe().commits_due)
        pure_says, sink_says = await road.scrape("process", road.pure), await road.scrape("deliver", road.sink)
    spans = [span for span in road.exported.get_finished_spans() if not span.links or span.parent]
    (first, *_) = [span for span in spans if span.name == "POST /in/{source}"]
    mine = [span for span in spans if span.context.trace_id == first.context.trace_id]
    assert sorted(span.name for span in mine) == sorted(
        [
            "POST /in/{source}",
            "send raw.jira-acme",
            f"process {road.middle}",
            f"send {road.middle}",
            f"process {road.end}",
            f"send {road.end}",
        ]
    )
    assert {str(span.resource.attributes["service.name"]) for span in mine} == {
        "psfabric.intake",
        "psfabric.process",
        "psfabric.deliver",
    }
    assert {span.parent.span_id for span in mine if span.parent is not None} == {first.context.span_id}
    assert len({span.context.trace_id for span in spans if span.name == "POST /in/{source}"}) == 3
    _counted(pure_says, road.middle, f"raw.{road.middle}")
    _counted(sink_says, road.end, f"deliver.{road.end}")


def _counted(samples: Samples, component: str, topic: str) -> None:
    assert value(samples, "psf_records_handled_total", component=component, outcome="delivered") == 3
    read = {"messaging_consumer_group_name": component, "messaging_destination_name": topic}
    assert value(samples, "messaging_client_consumed_messages_total", **read) == 3
    lags = [value(samples, "psf_lag", component=component, topic=topic, partition=p) for p in "01"]
    assert lags == [0, 0], "everything is done"
    assert value(samples, "psf_component_ready", component=component) == 1
    durations = "messaging_process_duration_seconds_count"
    assert value(samples, durations, messaging_consumer_group_name=component) in (1, 2, 3)
    sent = {"messaging_consumer_group_name": component, "messaging_operation_name": "send"}
    assert value(samples, "messaging_client_operation_duration_seconds_count", **sent) in (1, 2, 3)
