"""What intake says of itself at `/metrics`, `/health` and `/ready`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from psfabric.errors import Unavailable
from psfabric.telemetry import ComponentState, Telemetry
from tests.intake.conftest import Door, running, signature
from tests.telemetry.scraping import Samples, parsed, value

BODY = b'{"webhookEvent": "worklog_created", "worklog": {"id": "10066", "issueId": "1"}}'
TRACE = "12345678901234567890123456789012"


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    made = Telemetry("intake", env={})
    yield made
    made.close()


@pytest.fixture
async def door(telemetry: Telemetry) -> AsyncIterator[Door]:
    async with running(telemetry=telemetry) as opened:
        yield opened


async def scrape(door: Door) -> Samples:
    answer = await door.client.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return parsed(answer.text)


def answers(samples: Samples) -> dict[tuple[str, str], float]:
    found = {}
    for (name, labels), count in samples.items():
        if name == "psf_intake_answers_total":
            having = dict(labels)
            found[having["source"], having["code"]] = count
    return {answer: count for answer, count in found.items() if count}


async def test_every_answer_is_shown_before_it_is_first_given(door: Door) -> None:
    """Else nobody could say of the first refusals that they rose."""
    samples = await scrape(door)
    assert [value(samples, "psf_intake_answers_total", source="jira-acme", code=c) for c in ("202", "503")] == [0, 0]


async def test_answers_are_counted_by_source_and_status(door: Door) -> None:
    await door.post(BODY)
    await door.post(BODY)
    await door.client.post("/in/jira-acme", content=BODY)
    door.broker.before = away
    await door.post(BODY)
    samples = await scrape(door)
    assert answers(samples) == {("jira-acme", "202"): 2, ("jira-acme", "401"): 1, ("jira-acme", "503"): 1}
    assert value(samples, "psf_intake_acknowledged_duration_seconds_count", source="jira-acme") == 2
    sent = {"messaging_destination_name": "raw.jira-acme", "messaging_operation_name": "send"}
    assert value(samples, "messaging_client_sent_messages_total", **sent) == 2


async def away() -> None:
    raise Unavailable("Kafka is away")


async def test_a_stranger_makes_no_label(door: Door) -> None:
    for name in ("jira-other", "x" * 200, "..%2f..%2fetc"):
        await door.client.post(f"/in/{name}", content=BODY, headers=signature(BODY))
    assert answers(await scrape(door)) == {("", "404"): 2}  # the third is no address of intake at all


async def test_a_component_that_is_paused_is_ready_and_one_that_is_stopped_is_shown() -> None:
    telemetry = Telemetry("deliver", env={})
    telemetry.component("a", lambda: ComponentState(ready=True, paused=True))
    telemetry.component("b", lambda: ComponentState(ready=True, stopped=True))
    telemetry.component("c", lambda: ComponentState(ready=True))
    telemetry.component("d", lambda: ComponentState())
    async with running(telemetry=telemetry) as door:
        for path in ("/health", "/ready"):
            answer = await door.client.get(path)
            shown = {"a": "paused", "b": "stopped", "c": "running", "d": "starting"}
            assert (answer.status_code, answer.json()) == (200, {"ready": True, "components": shown})


async def test_without_telemetry_there_are_no_metrics() -> None:
    async with running() as door:
        assert (await door.client.get("/metrics")).status_code == 404
        assert (await door.client.get("/ready")).json() == {"ready": True}


async def test_the_record_carries_the_context_of_the_span_of_its_intake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    exported = InMemorySpanExporter()
    telemetry = Telemetry("intake", exporter=SimpleSpanProcessor(exported))
    async with running(telemetry=telemetry) as door:
        await door.post(BODY, traceparent=f"00-{TRACE}-1234567890123456-01")
        door.broker.before = away
        await door.post(BODY)
    _, taken, failed, _ = exported.get_finished_spans()
    ((_, raw, _),) = door.broker.stored
    assert raw.headers["traceparent"] == f"00-{TRACE}-{taken.context.span_id:016x}-01"
    assert (failed.attributes or {})["error.type"] == "Unavailable"
