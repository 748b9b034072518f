"""What every processor promises; inherit, give the cases, and these run.

    class TestPriceTime(ProcessorContract):
        processor = PriceTime(name="price-time", routes={...})
        cases = [Case("approved", event, known), ...]     # at least one for each accepted type

A processor is pure: no clock, no chance, no memory. Its output rests on the event, its settings and what it looks up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

import schemas
from psfabric.adapters import Known, Processor, Reference, Route
from psfabric.errors import FabricError, Held, Parent
from psfabric.event import Event
from psfabric.reference import Memory
from schemas import HEAD_FIELDS, Model
from tests.contracts.given import example

Output = Event | Route | Reference


@dataclass(frozen=True)
class Case:
    """One input that succeeds, and what is known meanwhile."""

    name: str
    event: Event
    known: Known = field(default_factory=Memory)


def event_of(output: Output) -> Event:
    return output if isinstance(output, Event) else output.event


def place_of(output: Output) -> str:
    """Where it goes: a topic, a target, or the name under which it is kept."""
    match output:
        case Route():
            return f"deliver.{output.target}"
        case Reference():
            return f"{output.entity}:{output.id}"
        case _:
            return output.data.TOPIC


def bytes_of(outputs: Iterable[Output]) -> list[tuple[str, str, str]]:
    """Everything that would be written, envelope included."""
    events = [(place_of(output), event_of(output)) for output in outputs]
    envelope = ("time", "source", "correlation_id", "causation_id", "traceparent", "tracestate")
    return [
        (place, event.data.model_dump_json(), "|".join(str(getattr(event, name)) for name in envelope))
        for place, event in events
    ]


class ProcessorContract:
    processor: ClassVar[Processor]
    cases: ClassVar[Sequence[Case]]

    def run(self, case: Case) -> list[Output]:
        return list(self.processor.process(case.event, case.known))

    def test_the_cases_cover_what_it_accepts(self) -> None:
        assert {case.event.type for case in self.cases} == set(self.processor.accepts)

    def test_it_names_events_of_the_contract(self) -> None:
        for name in (*self.processor.accepts, *self.processor.emits):
            assert name == schemas.model(name).EVENT
        assert not [name for name in self.processor.accepts if name.startswith("enriched.")]

    def test_it_routes_only_to_targets_that_it_names(self) -> None:
        routed = {o.target for case in self.cases for o in self.run(case) if isinstance(o, Route)}
        assert routed <= set(self.processor.targets())

    def test_it_emits_only_what_it_declares(self) -> None:
        seen: set[str] = set()
        for case in self.cases:
            for output in self.run(case):
                name = event_of(output).type
                assert name in self.processor.emits, f"{case.name}: {name} is not declared"
                assert name.startswith("enriched.") == isinstance(output, Route), f"{case.name}: {name} is misplaced"
                seen.add(name)
        assert seen == set(self.processor.emits), "no case shows these"

    def test_it_keeps_what_it_says(self) -> None:
        outputs = [output for case in self.cases for output in self.run(case)]
        assert {o.entity for o in outputs if isinstance(o, Reference)} == set(self.processor.keeps)

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        again = type(self.processor)(**self.processor.model_dump())
        for case in self.cases:
            outputs = self.run(case)
            assert bytes_of(outputs) == bytes_of(self.run(case))
            assert bytes_of(outputs) == bytes_of(again.process(case.event, case.known))

    def test_it_leaves_its_input_alone(self) -> None:
        for case in self.cases:
            before = case.event.data.model_dump_json()
            self.run(case)
            assert case.event.data.model_dump_json() == before

    def test_heads_are_complete(self) -> None:
        for case in self.cases:
            for output in self.run(case):
                data = event_of(output).data
                assert tuple(type(data).model_fields)[: len(HEAD_FIELDS)] == HEAD_FIELDS
                assert re.fullmatch(r"[0-9a-f]{32}", data.event_id)
                assert data.aggregate_id, case.name
                assert data.partition_key, case.name

    def test_version_and_time_are_inherited(self) -> None:
        for case in self.cases:
            for output in self.run(case):
                event = event_of(output)
                assert (event.version, event.time) == (case.event.version, case.event.time), case.name
                assert event.correlation_id == case.event.correlation_id
                assert event.traceparent == case.event.traceparent

    def test_a_derived_event_names_its_cause_and_has_an_id_of_its_own(self) -> None:
        for case in self.cases:
            for output in self.run(case):
                event = event_of(output)
                if event.id != case.event.id:
                    assert event.causation_id
                    assert event.id != event.causation_id
                else:
                    # Only enriched or kept: what it says of itself must not have changed.
                    assert event.data.model_dump(include=set(HEAD_FIELDS)) == case.event.data.model_dump(
                        include=set(HEAD_FIELDS)
                    )

    def test_no_two_outputs_are_the_same_event_in_the_same_place(self) -> None:
        for case in self.cases:
            outputs = [(place_of(output), event_of(output).id) for output in self.run(case)]
            assert len(set(outputs)) == len(outputs), case.name

    def test_another_name_gives_other_ids(self) -> None:
        fields = self.processor.model_dump()
        other = type(self.processor)(**{**fields, "name": f"{self.processor.name}-b"})
        for case in self.cases:
            outputs = [event_of(output).id for output in self.run(case)]
            others = [event_of(output).id for output in other.process(case.event, case.known)]
            for mine, theirs in zip(outputs, others, strict=True):
                assert (mine == theirs) == (mine == case.event.id), case.name

    def test_a_missing_parent_holds_the_record(self) -> None:
        """Whoever declares what it needs waits for it; whoever does not never asks."""
        waited: set[str] = set()
        for case in self.cases:
            waited |= set(self._waits(case))
        assert waited == set(self.processor.needs)

    def _waits(self, case: Case) -> Iterable[str]:
        for without in ("client", "engagement", "project", "xref"):
            try:
                list(self.processor.process(case.event, Without(case.known, without)))
            except Held as held:
                yield held.until.entity if isinstance(held.until, Parent) else str(held.until)

    def test_an_event_it_does_not_accept_is_a_bug(self) -> None:
        foreign = example("delivery.Held")
        if foreign.type in self.processor.accepts:
            pytest.skip("it takes this one")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any error that is not one of ours
            list(self.processor.process(foreign, Memory()))
        assert not isinstance(caught.value, FabricError), "a wrong pipeline must not look like a bad record"


class Without(Memory):
    """What is known, but for one kind."""

    def __init__(self, known: Known, entity: str) -> None:
        super().__init__(decode=known.decode)
        self._known_otherwise, self._entity = known, entity

    def find(self, entity: str, id: str) -> Model | None:
        return None if entity == self._entity else self._known_otherwise.find(entity, id)
