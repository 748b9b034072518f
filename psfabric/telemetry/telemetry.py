"""Everything one process says about itself: at `/metrics`, and by OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

`refresh` runs in the process's event loop and takes the numbers of all parts; `exposition` and the exporter only read
what was taken, in whatever thread they run.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter, ObservableGauge
from opentelemetry.sdk.metrics.export import CardinalityLimits, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import CollectorRegistry, generate_latest

from psfabric.engine.work import TopicPartition
from psfabric.telemetry import rows
from psfabric.telemetry.meters import ComponentMeter, IntakeMeter, Labels, SourceMeter
from psfabric.telemetry.metrics import METRICS, Metric
from psfabric.telemetry.process import Free, free_part, of_process
from psfabric.telemetry.rows import Row
from psfabric.telemetry.spans import Spans
from psfabric.telemetry.state import ComponentState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SAMPLED = 0.05
"""Part of the traces begun here that is kept, where `OTEL_TRACES_SAMPLER` does not say otherwise."""

MOST_SERIES = 50_000
"""Of one metric; beyond, OpenTelemetry adds up what is left. A thousand components of 24 partitions fit."""

CLOSE_WITHIN = 2.0
"""Seconds for the last spans at the end of the process; a collector that is away must not hold it up."""


@dataclass(slots=True)
class _Watched:
    meter: ComponentMeter
    observe: Callable[[], ComponentState]
    committed: Mapping[TopicPartition, int] = field(default_factory=dict)
    behind_since: float | None = None

    def lease_age(self, state: ComponentState, now: float) -> float:
        """Counted from when something was first seen done and not committed: hours of rest before are no delay."""
        if not state.commits_due:
            self.behind_since = None
            return 0.0
        if self.behind_since is None:
            self.behind_since = now
        return max(0.0, now - max(self.behind_since, self.meter.committed_at))


class Telemetry:
    """One per process. `clock` gives epoch seconds."""

    def __init__(
        self,
        role: str,
        *,
        instance: str | None = None,
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        free: Free = free_part,
        exporter: SpanProcessor | None = None,
    ) -> None:
        """`exporter` takes the spans instead of what the environment names."""
        self.intake = IntakeMeter(self.measured)
        self._clock, self._free = clock, free
        self._began = time.monotonic()
        self._components: dict[str, _Watched] = {}
        self._sources: list[SourceMeter] = []
        self._flags: dict[Metric, bool] = {}
        self._ends: Mapping[TopicPartition, int] = {}
        self._rows: Mapping[Metric, list[Observation]] = {}
        self._lock = threading.Lock()
        env = os.environ if env is None else env
        names = {"service.name": f"psfabric.{role}", "service.version": version("psfabric")}
        where = {"service.instance.id": instance or f"{socket.gethostname()}:{os.getpid()}"}
        self._resource = Resource.create({**names, **where})
        self._registry = CollectorRegistry()
        self._provider = MeterProvider(self._readers(env), self._resource, shutdown_on_exit=False)
        self._histograms = self._instruments()
        self._tracing = self._tracer_provider(env, exporter)
        tracer = None if self._tracing is None else self._tracing.get_tracer("psfabric", version("psfabric"))
        self.spans = Spans(tracer)

    # ------------------------------------------------------------------------------------------ parts

    def component(self, name: str, observe: Callable[[], ComponentState]) -> ComponentMeter:
        """A component begins: what it counts with. `observe` is called in `refresh`."""
        meter = ComponentMeter(name, self.measured, self._clock)
        self._components[name] = _Watched(meter, observe)
        return meter

    def source(self, name: str) -> SourceMeter:
        """A polled source begins."""
        self._sources.append(SourceMeter(name, self._clock))
        return self._sources[-1]

    def found(self, metric: Metric, holds: bool) -> None:
        """What a probe found: `psf.registry.reachable` and its like."""
        self._flags[metric] = holds

    def offsets(
        self, ends: Mapping[TopicPartition, int], committed: Mapping[str, Mapping[TopicPartition, int]]
    ) -> None:
        """What the broker said: the ends of the inputs, and per component what its group has committed."""
        self._ends = ends
        for name, watched in self._components.items():
            watched.committed = committed.get(name, {})

    def components(self) -> dict[str, str]:
        """What each component does now: starting, running, paused or stopped."""
        return {name: watched.observe().doing for name, watched in self._components.items()}

    # ------------------------------------------------------------------------------------------ out

    def refresh(self) -> None:
        """Take the numbers of all parts, now; in their loop."""
        found: dict[Metric, list[Observation]] = {}
        for metric, value, labels in self._all():
            found.setdefault(metric, []).append(Observation(float(value), dict(labels)))
        self._rows = found

    def exposition(self) -> bytes:
        """What was last taken, as Prometheus' text format."""
        with self._lock:
            return generate_latest(self._registry)

    def close(self) -> None:
        """Send what is left, for a moment at most."""
        ending = threading.Thread(target=self._shut_down, name="telemetry-close", daemon=True)
        ending.start()
        ending.join(CLOSE_WITHIN)

    def _shut_down(self) -> None:
        if self._tracing is not None:
            self._tracing.force_flush(round(CLOSE_WITHIN * 1000))
            self._tracing.shutdown()
        self._provider.shutdown(CLOSE_WITHIN * 1000)

    def _all(self) -> Iterator[Row]:
        now = self._clock()
        sent = Counter(self.intake.sent)
        for name, watched in self._components.items():
            state = watched.observe()
            sent += watched.meter.sent
            yield from rows.of_meter(watched.meter)
            yield from rows.of_state(name, state, watched.lease_age(state, now))
            yield from rows.of_offsets(name, state, self._ends, watched.committed)
        yield from rows.of_intake(self.intake)
        for source in self._sources:
            sent[f"raw.{source.name}"] += source.records
            yield from rows.of_source(source, now)
        yield from rows.of_sent(sent)
        for metric, holds in self._flags.items():
            yield metric, holds, {}
        yield from of_process(self._began, Path(), self._free)

    # ------------------------------------------------------------------------------------------ OpenTelemetry

    def measured(self, metric: Metric, value: float, labels: Labels) -> None:
        self._histograms[metric].record(value, dict(labels))

    def _instruments(self) -> dict[Metric, Histogram]:
        meter = self._provider.get_meter("psfabric", version("psfabric"))
        histograms: dict[Metric, Histogram] = {}
        for metric, defined in METRICS.items():
            if defined.kind == "histogram":
                histograms[metric] = meter.create_histogram(
                    metric, defined.unit, defined.help, explicit_bucket_boundaries_advisory=list(defined.buckets)
                )
            elif defined.kind == "counter":
                meter.create_observable_counter(metric, [self._reading(metric)], defined.unit, defined.help)
            else:
                meter.create_observable_gauge(metric, [self._reading(metric)], defined.unit, defined.help)
        return histograms

    def _reading(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda options: self._rows.get(metric, ())

    def _readers(self, env: Mapping[str, str]) -> list[MetricReader]:
        limits: CardinalityLimits = {ObservableGauge: MOST_SERIES, ObservableCounter: MOST_SERIES}
        readers: list[MetricReader] = [
            PrometheusMetricReader(scope_info_enabled=False, registry=self._registry, cardinality_limits=limits)
        ]
        if _sends(env, "METRICS"):
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
        return readers

    def _tracer_provider(self, env: Mapping[str, str], exporter: SpanProcessor | None) -> TracerProvider | None:
        if exporter is None and not _sends(env, "TRACES"):
            return None
        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            exporter = BatchSpanProcessor(OTLPSpanExporter())
        said = env.get("OTEL_TRACES_SAMPLER")
        sampler = None if said else ParentBased(TraceIdRatioBased(SAMPLED))  # None: as the environment says
        provider = TracerProvider(sampler, self._resource, shutdown_on_exit=False)
        provider.add_span_processor(exporter)
        return provider


def _sends(env: Mapping[str, str], signal: str) -> bool:
    """By the environment variables of OpenTelemetry."""
    named = env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return bool(named) and env.get(f"OTEL_{signal}_EXPORTER") != "none"
