"""Translate: one full record becomes zero or more canonical events, purely."""

from __future__ import annotations

from psfabric.adapters import Source
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Write
from psfabric.engine.lane import Lane
from psfabric.event import Event, Raw, Record
from psfabric.stages.base import PASSED_ON, Pure, refused
from psfabric.stages.hydrating import raw_of


class TranslateStage(Pure):
    def __init__(self, policy: Policy, codec: Codec, adapter: Source, thin: bool) -> None:
        super().__init__(policy, codec)
        self._adapter = adapter
        self.inputs = (f"{'full' if thin else 'raw'}.{adapter.name}",)

    def handle(self, record: Record, lane: Lane) -> Result:
        try:
            return self._translate(record)
        except Exception as error:  # noqa: BLE001 - of an adapter; it becomes an outcome
            return refused(self.name, error)

    def _translate(self, record: Record) -> Result:
        raw = raw_of(record)
        writes = tuple(self._write(_traced(event, raw)) for event in self._adapter.translate(raw))
        return Result(PASSED_ON, (*writes, *self.passed_on(record)))

    def _write(self, event: Event) -> Write:
        key, value, headers = self.codec.encode(event)
        return Write(event.model.TOPIC, key, value, headers)


def _traced(event: Event, raw: Raw) -> Event:
    if event.traceparent:
        return event
    return event.changed(traceparent=raw.headers.get("traceparent", ""), tracestate=raw.headers.get("tracestate", ""))
