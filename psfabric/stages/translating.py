"""Translate: one full record becomes zero or more canonical events, purely.

A source record that is replayed through a changed mapping names a revision. The adapter knows nothing of it: what it
says is given that revision here, with an id that rests on the live one (`revised_id`), so that every adapter can be
replayed, and the same record under the same revision gives the same bytes. All events of the record go on under the
revision, those that did not change too: equal content under a higher version is nothing to do for a target, and a list
of those that did change would not be bounded.
"""

from __future__ import annotations

from psfabric.adapters import Source
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Write
from psfabric.engine.deadletter import REVISION
from psfabric.engine.lane import Lane
from psfabric.errors import Invalid
from psfabric.event import Event, Raw, Record
from psfabric.ids import revised_id
from psfabric.stages.base import PASSED_ON, Pure, refused
from psfabric.stages.hydrating import raw_of
from psfabric.stages.judging import judged


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
        raw, revision = raw_of(record), _revision(record)
        events = (_traced(event, raw) for event in self._adapter.translate(raw))
        writes = tuple(self._write(revised(event, revision) if revision else event) for event in events)
        return Result(PASSED_ON, writes)

    def _write(self, event: Event) -> Write:
        key, value, headers = self.codec.encode(judged(event))
        return Write(event.model.TOPIC, key, value, headers)


def _traced(event: Event, raw: Raw) -> Event:
    if event.traceparent:
        return event
    return event.changed(traceparent=raw.headers.get("traceparent", ""), tracestate=raw.headers.get("tracestate", ""))


def revised(event: Event, revision: str) -> Event:
    """The same state said again under a higher version, caused by the live event; its correlation is kept."""
    identity = {"event_id": revised_id(event.id, revision), "revision": revision}
    return event.changed(data=event.data.model_copy(update=identity), causation_id=event.id)


def _revision(record: Record) -> str:
    """The revision that a replay asks for, "" for live traffic. Raises Invalid(header-invalid)."""
    if not any(name == REVISION for name, _ in record.headers):
        return ""
    found = record.header(REVISION) or ""
    if not (len(found) == 20 and found.isascii() and found.isdigit()):
        raise Invalid("header-invalid", f"{REVISION} is no number of twenty digits")
    return found
