"""OpenTelemetry spans of receive, process and send, by the messaging conventions; off unless a tracer is given.

The context travels in the headers `traceparent` and `tracestate` of each record and is never changed on the way:
equal input gives equal output. So the spans of one business object are children of the span at its intake, in one
trace. Only records whose context says `sampled` have spans; the decision is made once, at intake. What is done for
many at once (a poll, a burst, a batched call) is one span of its own, linked to and from each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer, TraceState

from psfabric.engine.work import State, Work
from psfabric.event import Record
from psfabric.outcomes import Rejected
from psfabric.telemetry.meters import NAMES
from psfabric.trace import Trace

_TRACEPARENT: Final = 55
_SAMPLED: Final = frozenset(b"13579bdf")
_ROOT: Final = Context()


@dataclass(slots=True)
class Open:
    """Spans that have begun together. Ended once, in any thread."""

    spans: Sequence[tuple[Span, int]] = ()
    """Each with the place of its record among those given."""
    batch: Span | None = None

    def end(self, works: Sequence[Work] = (), error: BaseException | None = None) -> None:
        """`works`: settled, in the order of the records given at the beginning."""
        for span, place in self.spans:
            if works:
                _say(span, works[place])
            _end(span, error)
        if self.batch is not None:
            _end(self.batch, error)


NOTHING: Final = Open()


@dataclass(frozen=True, slots=True)
class Spans:
    """None of its methods costs anything to speak of when there is no tracer."""

    tracer: Tracer | None = None

    @property
    def on(self) -> bool:
        return self.tracer is not None

    @contextmanager
    def taking(self, source: str, context: Trace) -> Iterator[Trace]:
        """Around the storing of one webhook: its whole way through intake, and the sending within. Gives the context
        to store with the record: what `context` says when there is no tracer, else that of our own span in its trace.
        """
        if self.tracer is None:
            yield context
            return
        parent = _as_parent(_context(context.parent, context.tracestate))
        about = {"http.request.method": "POST", "http.route": "/in/{source}", "psf.source": source}
        taken = self.tracer.start_span("POST /in/{source}", parent, SpanKind.SERVER, about)
        within, raw = otel.set_span_in_context(taken, _ROOT), f"raw.{source}"
        sent = self.tracer.start_span(f"send {raw}", within, SpanKind.PRODUCER, _attributes("send", raw))
        own = taken.get_span_context()
        error: BaseException | None = None
        try:
            yield Trace(f"00-{own.trace_id:032x}-{own.span_id:016x}-{int(own.trace_flags):02x}", context.tracestate)
        except BaseException as raised:
            error = raised
            raise
        finally:
            _end(sent, error)
            _end(taken, error)

    def received(self, component: str, records: Sequence[Record], began_ns: int) -> None:
        """A poll that began at `began_ns` (`time.time_ns`) gave `records`."""
        if self.tracer is None:
            return
        contexts = [context for context in map(context_of, records) if context is not None]
        if contexts:
            attributes = _attributes("receive", records[0].topic, component, len(records), name="poll")
            links = [Link(context) for context in contexts]
            name = f"poll {records[0].topic}"
            self.tracer.start_span(name, _ROOT, SpanKind.CLIENT, attributes, links, began_ns).end()

    def processing(self, component: str, works: Sequence[Work]) -> Open:
        """A call or a burst begins."""
        return self._begin("process", SpanKind.CONSUMER, component, works)

    def sending(self, component: str, works: Sequence[Work]) -> Open:
        """What became of `works` is handed to the broker."""
        return self._begin("send", SpanKind.PRODUCER, component, works)

    def _begin(self, operation: str, kind: SpanKind, component: str, works: Sequence[Work]) -> Open:
        if self.tracer is None:
            return NOTHING
        found = [(place, context_of(work.record)) for place, work in enumerate(works)]
        sampled = [(place, context) for place, context in found if context is not None]
        if not sampled:
            return NOTHING
        batch = self._batch(operation, kind, component, works, [context for _, context in sampled])
        links = [] if batch is None else [Link(batch.get_span_context())]
        spans = [
            (self._one(operation, kind, component, works[place].record, context, links), place)
            for place, context in sampled
        ]
        return Open(spans, batch)

    def _one(
        self, operation: str, kind: SpanKind, component: str, record: Record, context: SpanContext, links: list[Link]
    ) -> Span:
        assert self.tracer is not None
        attributes = {
            **_attributes(operation, record.topic, component),
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        }
        return self.tracer.start_span(f"{operation} {component}", _as_parent(context), kind, attributes, links)

    def _batch(
        self, operation: str, kind: SpanKind, component: str, works: Sequence[Work], contexts: Sequence[SpanContext]
    ) -> Span | None:
        if self.tracer is None or len(works) == 1:
            return None
        attributes = _attributes(operation, works[0].record.topic, component, len(works))
        links = [Link(context) for context in contexts]
        return self.tracer.start_span(f"{operation} {component}", _ROOT, kind, attributes, links)


def context_of(record: Record) -> SpanContext | None:
    """The context of a record that is to have spans; None for any other."""
    for name, value in record.headers:
        if name == "traceparent" and value is not None:
            if len(value) != _TRACEPARENT or value[-1] not in _SAMPLED:
                return None
            return _context(value.decode("latin-1"), record.header("tracestate") or "")
    return None


def _context(traceparent: str, tracestate: str) -> SpanContext | None:
    parts = traceparent.split("-")
    try:
        trace_id, span_id, flags = (int(part, 16) for part in parts[1:4])
    except ValueError:
        return None
    state = TraceState.from_header([tracestate]) if tracestate else None
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags), trace_state=state)
    return context if context.is_valid else None


def _as_parent(context: SpanContext | None) -> Context:
    return _ROOT if context is None else otel.set_span_in_context(otel.NonRecordingSpan(context), _ROOT)


def _attributes(
    operation: str, topic: str, component: str = "", count: int = 1, *, name: str = ""
) -> Mapping[str, str | int]:
    found: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": name or operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
    if component:
        found["messaging.consumer.group.name"] = component
    if count > 1:
        found["messaging.batch.message_count"] = count
    return found


def _say(span: Span, work: Work) -> None:
    """What was decided; of a refusal its code, and never its text."""
    outcome = work.result.outcome if work.result is not None else None
    if work.state is State.QUEUED or outcome is None:
        span.set_attribute("psf.outcome", "retry")
        return
    span.set_attribute("psf.outcome", NAMES[type(outcome)])
    if isinstance(outcome, Rejected):
        span.set_attribute("error.type", outcome.code)
        span.set_status(StatusCode.ERROR)


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
    span.end()
