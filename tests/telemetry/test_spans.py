"""Spans by the messaging conventions: of which records, in which trace, with what in them; and none when off."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.trace import SpanKind

from psfabric.engine import Result, Work
from psfabric.engine.work import State, TopicPartition
from psfabric.event import HeaderList, Record
from psfabric.outcomes import Delivered, Outcome, Rejected
from psfabric.telemetry import Telemetry
from psfabric.trace import Trace, enter
from tests.telemetry.collector import collecting
from tests.telemetry.scraping import scraped

TRACE = "12345678901234567890123456789012"
PARENT = f"00-{TRACE}-1234567890123456-01"
ALWAYS = {"OTEL_TRACES_SAMPLER": "always_on"}


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
    made = Telemetry("test", env={"OTEL_TRACES_SAMPLER": "x"}, exporter=SimpleSpanProcessor(exported))
    yield made
    made.close()


def record(*headers: tuple[str, bytes | None], offset: int = 7) -> Record:
    return Record("raw.jira-acme", 2, offset, b"k", b"v", headers)


def traced(parent: str = PARENT, offset: int = 7) -> Record:
    return record(("traceparent", parent.encode()), ("tracestate", b"vendor=1"), offset=offset)


def work(of: Record, outcome: Outcome | None = None) -> Work:
    made = Work(of, 2, (TopicPartition(of.topic, 2), of.offset), state=State.WRITING)
    made.result = None if outcome is None else Result(outcome)
    return made


def trace_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def test_the_work_on_a_sampled_record_is_a_span_in_its_trace(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    one = work(traced(), Rejected("wrong-magic", "somebody's name"))
    telemetry.spans.processing("jira-acme", [one]).end([one])
    (span,) = exported.get_finished_spans()
    assert span.parent is not None
    assert (trace_of(span), f"{span.parent.span_id:016x}", span.parent.is_remote) == (TRACE, "1234567890123456", True)
    assert (span.name, span.kind) == ("process jira-acme", SpanKind.CONSUMER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "raw.jira-acme",
        "messaging.consumer.group.name": "jira-acme",
        "messaging.destination.partition.id": "2",
        "messaging.kafka.offset": 7,
        "psf.outcome": "rejected",
        "error.type": "wrong-magic",
    }
    assert span.context.trace_state.to_header() == "vendor=1"
    known = {v for k, v in vars(messaging_attributes).items() if k.isupper()}
    assert {name for name in span.attributes or {} if name.startswith("messaging.")} <= known


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("traceparent", None),),
        (("traceparent", f"00-{TRACE}-1234567890123456-00".encode()),),
        (("traceparent", b""),),
        (("traceparent", b"\xff" * 54 + b"1"),),
        (("traceparent", f"00-{'0' * 32}-1234567890123456-01".encode()),),
        (("traceparent", f"00-{'x' * 32}-1234567890123456-01".encode()),),
    ],
)
def test_a_record_that_is_not_sampled_or_has_no_true_context_has_no_span(
    telemetry: Telemetry, exported: InMemorySpanExporter, headers: HeaderList
) -> None:
    one = work(record(*headers), Delivered("1"))
    telemetry.spans.processing("c", [one]).end([one])
    telemetry.spans.received("c", [one.record], time.time_ns())
    assert exported.get_finished_spans() == ()


def test_a_batch_is_a_span_of_its_own_linked_with_those_of_its_records(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    other = f"00-{'ab' * 16}-1234567890123456-01"
    works = [work(r, Delivered("1")) for r in (traced(), record(offset=8), traced(other, 9))]
    telemetry.spans.processing("c", works).end(works)
    first, second, batch = exported.get_finished_spans()
    assert [trace_of(first), trace_of(second)] == [TRACE, "ab" * 16]
    assert batch.parent is None
    assert [f"{link.context.trace_id:032x}" for link in batch.links] == [TRACE, "ab" * 16]
    assert (batch.attributes or {})["messaging.batch.message_count"] == 3
    for span in (first, second):
        assert [link.context.trace_id for link in span.links] == [batch.context.trace_id]


def test_a_poll_links_to_what_it_brought(telemetry: Telemetry, exported: InMemorySpanExporter) -> None:
    began = time.time_ns() - 1_000_000
    telemetry.spans.received("c", [traced(), record(offset=8)], began)
    (span,) = exported.get_finished_spans()
    assert (span.kind, span.start_time, span.parent) == (SpanKind.CLIENT, began, None)
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]
    assert (span.attributes or {})["messaging.operation.type"] == "receive"


def test_a_failed_send_says_what_kind_of_failure_and_not_its_words(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    telemetry.spans.sending("c", [work(traced())]).end(error=ValueError("secret"))
    (span,) = exported.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert "secret" not in span.to_json()


def test_intake_stores_the_context_of_its_own_span_in_the_callers_trace(
    telemetry: Telemetry, exported: InMemorySpanExporter
) -> None:
    context = enter([("traceparent", PARENT), ("tracestate", "vendor=1")], lambda size: "cd" * size)
    with telemetry.spans.taking("jira-acme", context) as own:
        pass
    sent, taken = exported.get_finished_spans()
    assert (sent.name, taken.name) == ("send raw.jira-acme", "POST /in/{source}")
    assert own == Trace(f"00-{TRACE}-{taken.context.span_id:016x}-01", "vendor=1")
    assert taken.parent is not None
    assert f"{taken.parent.span_id:016x}" == "1234567890123456"
    assert sent.parent is not None
    assert sent.parent.span_id == taken.context.span_id


def test_a_webhook_without_a_trace_begins_one(telemetry: Telemetry, exported: InMemorySpanExporter) -> None:
    with telemetry.spans.taking("jira-acme", enter([], lambda size: "cd" * size)) as own:
        pass
    _, taken = exported.get_finished_spans()
    assert own.traceparent in {f"00-{trace_of(taken)}-{taken.context.span_id:016x}-{flags}" for flags in ("01", "03")}
    assert taken.parent is None


def test_a_store_that_fails_is_told_and_the_error_goes_on(telemetry: Telemetry, exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), telemetry.spans.taking("s", enter([], lambda size: "cd" * size)):
        raise ValueError("secret")
    assert [span.status.is_ok for span in exported.get_finished_spans()] == [False, False]
    assert not any("secret" in span.to_json() for span in exported.get_finished_spans())


def test_without_an_endpoint_there_are_no_spans_and_a_context_stays_as_it_was() -> None:
    spans = Telemetry("test", env={}).spans
    context = Trace(PARENT, "vendor=1")
    with spans.taking("jira-acme", context) as own:
        assert own is context
    one = work(traced(), Delivered("1"))
    spans.processing("c", [one]).end([one])
    spans.received("c", [one.record], 0)
    assert not spans.on
    begun = time.perf_counter()
    for _ in range(1000):
        spans.processing("c", [one]).end([one])
    assert (time.perf_counter() - begun) / 1000 < 20e-6


def test_a_small_part_is_sampled_unless_told_otherwise(exported: InMemorySpanExporter) -> None:
    telemetry = Telemetry("test", env={}, exporter=SimpleSpanProcessor(exported))
    for _ in range(1000):
        with telemetry.spans.taking("s", enter([], lambda size: "cd" * size)):
            pass
    assert 20 < len(exported.get_finished_spans()) < 300  # two spans for each in twenty


def test_spans_and_metrics_are_sent_to_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        telemetry = Telemetry("deliver", instance="slot-1")
        one = work(traced(), Delivered("1"))
        telemetry.spans.processing("tryton-uk", [one]).end([one])
        scraped(telemetry)
        telemetry.close()
        (span,) = collector.until(1)
        assert (span.name, span.service, span.trace) == ("process tryton-uk", "psfabric.deliver", TRACE)
        assert "process.memory.usage" in collector.metrics


def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    telemetry = Telemetry("test")
    one = work(traced(), Delivered("1"))
    telemetry.spans.processing("c", [one]).end([one])
    begun = time.monotonic()
    telemetry.close()
    assert time.monotonic() - begun < 4
