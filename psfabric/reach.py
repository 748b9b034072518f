"""What the adapters of this repository read, as they declare it: whom a change of a schema reaches."""

from __future__ import annotations

from collections.abc import Iterator

from psfabric.adapters import Fields, Processor, Sink
from psfabric.pipelines import discover
from schemas import rules
from schemas.review.consumers import Consumer


def consumers() -> Iterator[Consumer]:
    """Every processor and sink, by the name of its module: `price-time`. What it accepts it decodes, fields or none."""
    for module, processor in discover("processors", Processor).items():  # type: ignore[type-abstract]
        reads = _with_compared(processor)
        yield Consumer(module.replace("_", "-"), "processor", reads, processor.hands_on)
    for module, sink in discover("sinks", Sink).items():  # type: ignore[type-abstract]
        yield Consumer(module.replace("_", "-"), "sink", {**dict.fromkeys(sink.accepts, ()), **sink.reads})


def _with_compared(processor: type[Processor]) -> Fields:
    """What a processor reads, with the fields that the rules of the contract read for it (`compares`)."""
    reads = {**dict.fromkeys(processor.accepts, ()), **processor.reads}
    pairs = {pair for event in processor.accepts for pair in rules.read_across(event, processor.compares)}
    for event, field in sorted(pairs):
        if field not in reads.get(event, ()):
            reads[event] = (*reads.get(event, ()), field)
    return reads
