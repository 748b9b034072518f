"""Whether what the pipeline files declare fits together: routes lead somewhere, targets can bear what they are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from psfabric.adapters import Processor, Sink, Thin, Types

if TYPE_CHECKING:
    from psfabric.pipelines import Pipelines

MONEY = frozenset({"time", "expense", "milestone", "billing", "invoice", "revenue"})
"""Entities that are counted or billed: twice is wrong money. So are those whose enriched events say them."""

CALLS_ONLY = ("rate", "in_flight", "timeout")
"""What is said of calls, and means nothing to a component that makes none."""


def misfits(declared: Pipelines, unread: Collection[str] = ()) -> Iterator[str]:
    """One sentence for each thing that would fail only once records flow, or that would be ignored in silence.

    `unread`: names of sinks whose tables have other mistakes; nothing is said of what leads to them.
    """
    sinks = {d.adapter.name: d.adapter for d in declared.sinks}
    for processor in declared.processors:
        yield from _misrouted(processor.adapter, sinks, unread)
        yield from _meaningless("processor", processor.adapter.name, processor.instance.model_fields_set, CALLS_ONLY)
    for source in declared.sources:
        given, ignored = source.instance.model_fields_set, ("barrier", "barrier_except")
        yield from _meaningless("source", source.adapter.name, given, ignored)
        if not isinstance(source.adapter, Thin):
            yield from _meaningless("source", source.adapter.name, given, CALLS_ONLY)
    for sink in declared.sinks:
        yield from _unfit(sink.adapter)
    yield from _impersonating(declared)


def money_types(types: Types) -> list[str]:
    """Those of the event types that are counted or billed."""
    return [name for name in types if name.removeprefix("enriched.").partition(".")[0] in MONEY]


def _misrouted(processor: Processor, sinks: Mapping[str, Sink], unread: Collection[str]) -> Iterator[str]:
    routed = [name for name in processor.emits if name.startswith("enriched.")]
    for target in dict.fromkeys(processor.targets()):
        sink = sinks.get(target)
        if sink is None and target in unread:
            continue
        if sink is None:
            yield f"processor {processor.name!r}: routes to {target!r}, which is no sink{_nearest(target, sinks)}"
        elif missing := [name for name in routed if name not in sink.accepts]:
            yield f"processor {processor.name!r}: routes {', '.join(missing)} to {target!r}, which does not take it"


def _unfit(sink: Sink) -> Iterator[str]:
    money = money_types(sink.accepts)
    if sink.capabilities.idempotency == "at_least_once" and money:
        yield (
            f"sink {sink.name!r}: its target can neither refuse a second time nor be read back (at_least_once), so it "
            f"must not take what is counted or billed: {', '.join(money)}"
        )


def _impersonating(declared: Pipelines) -> Iterator[str]:
    """A system that may speak for one of our own sources could say anything in its name; so could two for one."""
    ours, claimed = {source.adapter.name for source in declared.sources}, list[str]()
    topics = [topic for guard in declared.guards() for topic in guard.inputs()]
    for guard in declared.guards():
        for source in guard.speaks_for():
            if source in ours:
                yield f"processor {guard.name!r}: a system may not claim {source!r}, which is a source of ours"
            elif source in claimed:
                yield f"processor {guard.name!r}: two systems may claim {source!r}; one source, one system"
            claimed.append(source)
    for topic in sorted({topic for topic in topics if topics.count(topic) > 1}):
        yield f"the topic {topic} is read by the border {topics.count(topic)} times; one system, one entry"


def _meaningless(kind: str, name: str, given: Iterable[str], ignored: Iterable[str]) -> Iterator[str]:
    said = sorted(set(given) & set(ignored))
    if said:
        what = "makes no calls" if kind == "processor" or set(said) & set(CALLS_ONLY) else "has no key barrier"
        yield f"{kind} {name!r}: {', '.join(said)} would be ignored: it {what}"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; there is {', '.join(sorted(known)) or 'none'}"
