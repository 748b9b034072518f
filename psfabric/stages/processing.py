"""Process: canonical in, canonical, routed or reference data out. Pure but for look-ups in the reference store."""

from __future__ import annotations

from collections.abc import Iterable

from psfabric.adapters import Known, Processor, Reference, Route
from psfabric.codec import Codec
from psfabric.engine import Policy, Result, Write
from psfabric.engine.lane import Lane
from psfabric.event import Event, Record, Version
from psfabric.stages.base import PASSED_ON, Pure, refused
from psfabric.stages.judging import disagreements, judged


class ProcessStage(Pure):
    def __init__(self, policy: Policy, codec: Codec, adapter: Processor, known: Known) -> None:
        super().__init__(policy, codec)
        self.adapter = adapter
        self._known = known
        self._compares = adapter.comparing()
        self._reads = {event for event, fields in adapter.reads.items() if fields}
        self.inputs = tuple(dict.fromkeys(codec.topic(event) for event in adapter.accepts))

    def handle(self, record: Record, lane: Lane) -> Result:
        try:
            event = self.codec.accepted(record, self.adapter.accepts, self._reads)
            return Result(PASSED_ON) if event is None else self._process(event, lane)
        except Exception as error:  # noqa: BLE001 - of an adapter; it becomes an outcome
            return refused(self.name, error)

    def _process(self, event: Event, lane: Lane) -> Result:
        writes: list[Write] = []
        versions: list[tuple[str, Version]] = []
        for output in self._outputs(event):
            if isinstance(output, Reference):
                writes += self._reference(output, lane, versions)
            else:
                writes.append(self._write(output))
        return Result(PASSED_ON, tuple(writes), None, tuple(versions))

    def _outputs(self, event: Event) -> Iterable[Event | Route | Reference]:
        if self._compares and (broken := disagreements(event, self._compares, self._known)):
            return self.adapter.refuse(event, broken)
        return self.adapter.process(event, self._known)

    def _write(self, output: Event | Route) -> Write:
        event = judged(output.event if isinstance(output, Route) else output)
        key, value, headers = self.codec.encode(event)
        topic = f"deliver.{output.target}" if isinstance(output, Route) else event.model.TOPIC
        return Write(topic, key, value, headers)

    def _reference(self, output: Reference, lane: Lane, versions: list[tuple[str, Version]]) -> list[Write]:
        """Nothing is emitted below the stored version; it goes to the partition whose owner we are.

        It is read whole: what is kept is looked up by others, whose records must not die of it.
        """
        _ = output.event.data
        key = f"{output.entity}:{output.id}"
        stored = lane.versions.get(key)
        if stored is not None and output.event.version < stored:
            return []
        versions.append((key, output.event.version))
        _, value, headers = self.codec.encode(judged(output.event))
        return [Write(f"ref.{output.entity}", key.encode(), value, headers, lane.partition)]
