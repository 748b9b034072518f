"""What the commands work on: settings, pipeline files and the broker, checked before anything else is done."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cli import logs
from psfabric import pipelines as pipeline_files
from psfabric.codec import Codec
from psfabric.connection import Kafka
from psfabric.kafka import Admin
from psfabric.pipelines import Pipelines
from psfabric.registry import Registry
from psfabric.settings import Settings, broker_and_registry, registry_alone, settings
from replay.errors import nearest

ANSWER_WITHIN = 10.0
"""Seconds a broker has to answer a command."""


@dataclass
class Parts:
    """Broker and registry, for commands that look at no pipeline: whoever reviews schemas has no secrets of vendors."""

    kafka: Kafka
    registry_url: str

    @cached_property
    def admin(self) -> Admin:
        return Admin(self.kafka)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.registry_url)


class Installation(Parts):
    def __init__(self, settings: Settings, pipelines: Pipelines) -> None:
        super().__init__(settings.kafka, settings.registry_url)
        self.settings, self.pipelines = settings, pipelines

    @cached_property
    def codec(self) -> Codec:
        return Codec(self.registry)

    @cached_property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        return self.pipelines.inputs()

    @property
    def sinks(self) -> list[str]:
        return [declared.adapter.name for declared in self.pipelines.sinks]

    @property
    def topics(self) -> list[Any]:
        return self.pipelines.topics(self.settings.partitions)

    def components(self, only: Iterable[str] | None = None) -> Sequence[str]:
        """All component names, or those given. Raises NotThere for a name that no pipeline file has."""
        for name in only or ():
            if name not in self.inputs:
                raise nearest("component", name, self.inputs)
        return list(dict.fromkeys(only or ())) or list(self.inputs)

    def kind(self, component: str) -> str:
        if component in self.sinks:
            return "sink"
        if any(declared.adapter.name == component for declared in self.pipelines.processors):
            return "processor"
        return "hydrate" if component.endswith(".hydrate") else "source"


def parts() -> Parts:
    """Raises Misconfigured with every mistake. Nothing is asked yet."""
    quiet()
    return Parts(*broker_and_registry())


def registry() -> Registry:
    """The same for what needs the registry alone."""
    quiet()
    return Registry(registry_alone())


def installation() -> Installation:
    """Raises Misconfigured with every mistake; Unavailable when the broker does not answer in time."""
    quiet()
    where = settings()
    found = Installation(where, pipeline_files.load(where.pipelines, where.values))
    found.admin.wait(time.monotonic() + ANSWER_WITHIN)
    return found


def quiet() -> None:
    """Only what somebody has to know is logged."""
    logs.configure(logging.WARNING)
