"""The numbers of one scrape, each under a listed name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from psfabric.engine.snapshot import KINDS
from psfabric.engine.work import TopicPartition
from psfabric.telemetry.meters import SYSTEM, ComponentMeter, IntakeMeter, Labels, SourceMeter
from psfabric.telemetry.metrics import Metric
from psfabric.telemetry.state import ComponentState

Row = tuple[Metric, float, Labels]


def of_meter(meter: ComponentMeter) -> Iterator[Row]:
    component = {"component": meter.name}
    for outcome, count in meter.handled.items():
        yield "psf.records.handled", count, {**component, "outcome": outcome}
    yield "psf.records.retried", meter.retried, component
    for code, count in list(meter.dead.items()):
        yield "psf.dead_letters", count, {**component, "code": code}
    group = {**SYSTEM, "messaging.operation.name": "poll", "messaging.consumer.group.name": meter.name}
    for topic, count in list(meter.consumed.items()):
        yield "messaging.client.consumed.messages", count, {**group, "messaging.destination.name": topic}


def of_state(name: str, state: ComponentState, lease_age: float) -> Iterator[Row]:
    component = {"component": name}
    yield "psf.component.ready", state.ready, component
    yield "psf.component.paused", state.paused, component
    yield "psf.component.stopped", state.stopped, component
    yield "psf.breaker.open", state.breaker_open, component
    if state.tokens is not None:
        yield "psf.rate.tokens", state.tokens, component
    yield "psf.lease.age", lease_age, component
    yield "psf.records.queued", state.queued, component
    yield "psf.records.in_flight", state.in_flight, component
    yield "psf.records.retrying", state.retrying, component
    yield "psf.barriers", state.barriers, component
    yield "psf.unknowns", state.unknown, component
    yield "psf.unknown.oldest.age", state.oldest_unknown, component
    for kind in KINDS:  # all of them, with 0 where none waits
        yield "psf.holds", state.held.get(kind, 0), {**component, "kind": kind}
        yield "psf.hold.oldest.age", state.oldest_held.get(kind, 0.0), {**component, "kind": kind}


def of_offsets(
    name: str,
    state: ComponentState,
    ends: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int],
) -> Iterator[Row]:
    """`ends` of all topics of the process, `committed` of this component's group, as the broker last said."""
    for each in state.partitions:
        labels = {"component": name, "topic": each.tp.topic, "partition": str(each.tp.partition)}
        taken = each.committed if each.committed is not None else committed.get(each.tp)
        reached = each.reached if each.reached is not None else taken
        if each.tp in ends and reached is not None:
            yield "psf.lag", max(0, ends[each.tp] - reached), labels
        if taken is not None:
            yield "psf.offset.committed", taken, labels
            yield "psf.offset.processed", each.processed if each.processed is not None else taken, labels


def of_sent(sent: Mapping[str, int]) -> Iterator[Row]:
    """Over all components of the process: they share a producer."""
    labels = {**SYSTEM, "messaging.operation.name": "send"}
    for topic, count in sent.items():
        yield "messaging.client.sent.messages", count, {**labels, "messaging.destination.name": topic}


def of_intake(meter: IntakeMeter) -> Iterator[Row]:
    for (source, status), count in list(meter.answers.items()):
        yield "psf.intake.answers", count, {"source": source, "code": str(status)}


def of_source(meter: SourceMeter, now: float) -> Iterator[Row]:
    labels = {"source": meter.name}
    yield "psf.source.pages", meter.pages, labels
    yield "psf.source.records", meter.records, labels
    state = meter.state()
    yield "psf.source.stopped", state == "stopped", labels
    yield "psf.source.page.age", max(0.0, now - meter.paged_at) if state == "reads" else 0.0, labels
