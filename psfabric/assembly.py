"""From pipelines to stages: which component runs in which host, under which policy."""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from psfabric.adapters import Guard, Known, Sink, Source, Thin
from psfabric.codec import Codec
from psfabric.engine import Policy
from psfabric.http import TIMEOUT, Http
from psfabric.pipelines import Declared, Pipelines
from psfabric.stages import Calling, GuardStage, HydrateStage, ProcessStage, Pure, SinkStage, TranslateStage

HYDRATE_IN_FLIGHT = 8


def pure_stages(pipelines: Pipelines, codec: Codec, known: Known) -> list[Pure]:
    """Translate of every source and every processor: what Faust hosts."""
    creatable, classes = pipelines.creatable(), dead_letter_classes()
    translating: list[Pure] = []
    for source, limit in ((d.adapter, d.instance.dead_letter_limit) for d in pipelines.sources):
        policy = Policy(source.name, "translate", limit=limit, classes=classes)
        translating.append(TranslateStage(policy, codec, source, isinstance(source, Thin)))
    processing: list[Pure] = []
    for declared in pipelines.processors:
        barrier = bool(declared.instance.barrier)
        policy = Policy(
            declared.adapter.name,
            "process",
            creatable=creatable,
            barrier=barrier,
            barrier_off=declared.instance.unbarred,
            limit=declared.instance.dead_letter_limit,
            classes=classes,
        )
        if isinstance(declared.adapter, Guard):
            processing.append(GuardStage(policy, codec, declared.adapter))
        else:
            processing.append(ProcessStage(policy, codec, declared.adapter, known))
    return translating + processing


def calling_stages(pipelines: Pipelines, codec: Codec) -> list[Calling]:
    """Hydrate of every thin source and every sink: what asyncio hosts. Call inside the loop (HTTP pools are made)."""
    classes, creatable = dead_letter_classes(), pipelines.creatable()
    stages: list[Calling] = [_hydrate(d, codec, classes) for d in pipelines.sources if isinstance(d.adapter, Thin)]
    return stages + [_sink(d, codec, creatable, classes) for d in pipelines.sinks]


def dead_letter_classes() -> Mapping[str, str]:
    """Code -> class, from the one list of codes."""
    return {name: code.kind for name, code in schemas.codes().items()}


def _hydrate(declared: Declared[Source], codec: Codec, classes: Mapping[str, str]) -> Calling:
    adapter, instance = declared.adapter, declared.instance
    in_flight = instance.in_flight or HYDRATE_IN_FLIGHT
    timeout = instance.timeout or TIMEOUT
    adapter.bind(Http(limit=in_flight * 2, timeout=timeout))
    policy = Policy(
        f"{adapter.name}.hydrate",
        "hydrate",
        concurrency=in_flight,
        rate=instance.per_second,
        timeout=timeout,
        limit=instance.dead_letter_limit,
        classes=classes,
    )
    if not isinstance(adapter, Thin):
        raise TypeError(f"{adapter.name} has nothing to hydrate")
    return HydrateStage(policy, codec, adapter, adapter.name)


def _sink(declared: Declared[Sink], codec: Codec, creatable: frozenset[str], classes: Mapping[str, str]) -> Calling:
    adapter, instance = declared.adapter, declared.instance
    able = adapter.capabilities
    concurrency = min(instance.in_flight or able.concurrency, able.concurrency)
    timeout = instance.timeout or able.timeout
    adapter.bind(Http(limit=concurrency * 2, timeout=timeout))
    policy = Policy(
        adapter.name,
        "sink",
        concurrency=concurrency,
        batch=able.batch,
        rate=instance.per_second,
        barrier=instance.barrier is not False,
        barrier_off=instance.unbarred,
        idempotency=able.idempotency,
        settle=able.settle,
        timeout=timeout,
        conditional=able.conditional,
        creatable=creatable,
        limit=instance.dead_letter_limit,
        classes=classes,
    )
    return SinkStage(policy, codec, adapter)
