"""The one list of metric names. Another name does not pass the type checker; docs/metrics.md is made from this file.

`messaging.*` and `process.*` are OpenTelemetry's semantic conventions, `psf.*` are ours. No label holds an id, a key
or anything personal: components, topics, partitions, sources and codes come from configuration and from fixed lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Metric = Literal[
    "messaging.client.consumed.messages",
    "messaging.client.sent.messages",
    "messaging.client.operation.duration",
    "messaging.process.duration",
    "psf.records.handled",
    "psf.records.retried",
    "psf.records.age",
    "psf.dead_letters",
    "psf.lag",
    "psf.offset.processed",
    "psf.offset.committed",
    "psf.lease.age",
    "psf.records.queued",
    "psf.records.in_flight",
    "psf.records.retrying",
    "psf.holds",
    "psf.hold.oldest.age",
    "psf.unknowns",
    "psf.unknown.oldest.age",
    "psf.barriers",
    "psf.component.ready",
    "psf.component.paused",
    "psf.component.stopped",
    "psf.breaker.open",
    "psf.rate.tokens",
    "psf.intake.answers",
    "psf.intake.acknowledged.duration",
    "psf.source.pages",
    "psf.source.records",
    "psf.source.page.age",
    "psf.source.stopped",
    "psf.kafka.reachable",
    "psf.registry.reachable",
    "psf.redis.reachable",
    "psf.reference.complete",
    "psf.disk.free",
    "process.memory.usage",
    "process.unix.file_descriptor.count",
    "process.cpu.time",
    "process.uptime",
]

Kind = Literal["counter", "gauge", "histogram"]

Outcome = Literal["delivered", "duplicate", "superseded", "rejected", "held", "unknown", "discarded", "amended"]
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "delivered",
    "duplicate",
    "superseded",
    "rejected",
    "held",
    "unknown",
    "discarded",
    "amended",
)

_SYSTEM, _TOPIC, _GROUP = "messaging.system", "messaging.destination.name", "messaging.consumer.group.name"
_OPERATION, _TYPE = "messaging.operation.name", "messaging.operation.type"
_AT = ("component", "topic", "partition")

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SLOW: Final = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0, 604800.0)


@dataclass(frozen=True, slots=True)
class Definition:
    """`unit` in UCUM, as OpenTelemetry wants it: seconds, bytes, or what is counted in braces."""

    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


METRICS: Final[Mapping[Metric, Definition]] = MappingProxyType(
    {
        "messaging.client.consumed.messages": Definition(
            "counter", "{message}", (_SYSTEM, _OPERATION, _TOPIC, _GROUP), "records read from a topic"
        ),
        "messaging.client.sent.messages": Definition(
            "counter", "{message}", (_SYSTEM, _OPERATION, _TOPIC), "records handed to the broker"
        ),
        "messaging.client.operation.duration": Definition(
            "histogram",
            "s",
            (_SYSTEM, _OPERATION, _TYPE, _GROUP),
            "from handing a group of records to the broker until all are acknowledged (send)",
            FAST,
        ),
        "messaging.process.duration": Definition(
            "histogram",
            "s",
            (_SYSTEM, _OPERATION, _TYPE, _TOPIC, _GROUP),
            "one call of an adapter that calls out, or one burst of a pure component",
            FAST,
        ),
        "psf.records.handled": Definition(
            "counter", "{record}", ("component", "outcome"), "records decided, by what was decided"
        ),
        "psf.records.retried": Definition("counter", "{record}", ("component",), "tries that will be repeated"),
        "psf.records.age": Definition(
            "histogram",
            "s",
            ("component", "since"),
            "age of a record when handled, of the first of each call or burst: since its event (`ce_time`) or since "
            "it was written to the topic",
            SLOW,
        ),
        "psf.dead_letters": Definition("counter", "{record}", ("component", "code"), "dead letters written"),
        "psf.lag": Definition(
            "gauge", "{record}", _AT, "records of a partition that are not done: its end less the first unfinished one"
        ),
        "psf.offset.processed": Definition("gauge", "{offset}", _AT, "everything below is done and durable"),
        "psf.offset.committed": Definition("gauge", "{offset}", _AT, "what the broker accepted as committed"),
        "psf.lease.age": Definition(
            "gauge",
            "s",
            ("component",),
            "time since the broker last accepted a commit, while there is one to make; 0 otherwise",
        ),
        "psf.records.queued": Definition("gauge", "{record}", ("component",), "read and waiting for their turn"),
        "psf.records.in_flight": Definition("gauge", "{record}", ("component",), "being called for or written"),
        "psf.records.retrying": Definition("gauge", "{record}", ("component",), "waiting for another try"),
        "psf.holds": Definition("gauge", "{record}", ("component", "kind"), "records in hold, by what they wait for"),
        "psf.hold.oldest.age": Definition("gauge", "s", ("component", "kind"), "age of the oldest of them"),
        "psf.unknowns": Definition(
            "gauge", "{record}", ("component",), "records of which nobody knows yet whether they took effect"
        ),
        "psf.unknown.oldest.age": Definition("gauge", "s", ("component",), "age of the oldest of them"),
        "psf.barriers": Definition(
            "gauge", "{record}", ("component",), "dead letters that later records of their key wait behind"
        ),
        "psf.component.ready": Definition("gauge", "", ("component",), "1: owns its partitions and has loaded them"),
        "psf.component.paused": Definition("gauge", "", ("component",), "1: paused by an operator"),
        "psf.component.stopped": Definition("gauge", "", ("component",), "1: stopped by its dead-letter limit"),
        "psf.breaker.open": Definition("gauge", "", ("component",), "1: the target is taken for away and only probed"),
        "psf.rate.tokens": Definition("gauge", "{call}", ("component",), "calls that its rate allows at once now"),
        "psf.intake.answers": Definition("counter", "{request}", ("source", "code"), "webhooks answered, by status"),
        "psf.intake.acknowledged.duration": Definition(
            "histogram", "s", ("source",), "from the verified webhook until the broker has it", FAST
        ),
        "psf.source.pages": Definition("counter", "{page}", ("source",), "pages of a polled source stored"),
        "psf.source.records": Definition("counter", "{record}", ("source",), "records in them"),
        "psf.source.page.age": Definition(
            "gauge", "s", ("source",), "time since the last page, or since the start; 0 where another process reads it"
        ),
        "psf.source.stopped": Definition("gauge", "", ("source",), "1: it cannot be read on until somebody acts"),
        "psf.kafka.reachable": Definition("gauge", "", (), "1: the broker answered the last probe"),
        "psf.registry.reachable": Definition("gauge", "", (), "1: the schema registry answered the last probe"),
        "psf.redis.reachable": Definition("gauge", "", (), "1: Redis answered the last probe"),
        "psf.reference.complete": Definition("gauge", "", (), "1: the reference store holds all that `ref.*` does"),
        "psf.disk.free": Definition("gauge", "", (), "free part of the disk the process works on, 0 to 1"),
        "process.memory.usage": Definition("gauge", "By", (), "resident memory"),
        "process.unix.file_descriptor.count": Definition("gauge", "{file_descriptor}", (), "open file descriptors"),
        "process.cpu.time": Definition("counter", "s", (), "processor time used"),
        "process.uptime": Definition("gauge", "s", (), "time since the process began"),
    }
)

_SUFFIX = {"s": "_seconds", "By": "_bytes"}


def exposed(metric: Metric) -> str:
    """The name at `/metrics`: dots are underscores, then the unit, then `_total` for what only grows."""
    defined = METRICS[metric]
    total = "_total" if defined.kind == "counter" else ""
    return metric.replace(".", "_") + _SUFFIX.get(defined.unit, "") + total


def series() -> dict[str, tuple[str, ...]]:
    """Every series name at `/metrics` with its labels: a histogram has three."""
    found: dict[str, tuple[str, ...]] = {}
    for metric, defined in METRICS.items():
        labels = tuple(label.replace(".", "_") for label in defined.labels)
        if defined.kind == "histogram":
            found |= {f"{exposed(metric)}_{part}": labels for part in ("count", "sum")}
            found[f"{exposed(metric)}_bucket"] = (*labels, "le")
        else:
            found[exposed(metric)] = labels
    return found
