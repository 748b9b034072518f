"""What adapters declare to read is what their code reads: no more, no less, in every branch."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from processors.price_time import PriceTime
from psfabric.adapters import Component, Processor, Sink
from psfabric.event import Event
from psfabric.pipelines import KINDS, discover
from psfabric.reach import consumers
from schemas import rules
from schemas.base import Model
from schemas.review.consumers import Reads
from tests.contracts.processors import ProcessorContract
from tests.contracts.reading import OPAQUE, Pair, declared, fields, path_of, read_by, read_by_text, rooms

ADAPTERS: list[tuple[str, Any]] = [
    (f"{package}.{module}", adapter)
    for package, _ in (KINDS["processor"], KINDS["sink"])
    for module, adapter in discover(*KINDS[package.removesuffix("s")]).items()
]
every = pytest.mark.parametrize(("module", "adapter"), ADAPTERS, ids=[module for module, _ in ADAPTERS])


@pytest.fixture(scope="module")
def read() -> dict[str, set[Pair]]:
    """One run of the type checker over all of them."""
    return read_by(sorted({room for module, _ in ADAPTERS for room in rooms(module)}))


def differences(reads: Reads, found: set[Pair]) -> list[str]:
    """What is read and not declared, and what is declared and not read."""
    said, done = fields(declared(reads)), fields(found)
    return [f"{kind}.{name} is read and not declared" for kind, name in sorted(done - said)] + [
        f"{kind}.{name} is declared and not read" for kind, name in sorted(said - done)
    ]


def touched(module: str, read: dict[str, set[Pair]]) -> set[Pair]:
    return {pair for room in rooms(module) for pair in read.get(room, set())}


@every
def test_an_adapter_declares_the_fields_that_its_code_reads(
    module: str, adapter: type[Processor | Sink], read: dict[str, set[Pair]]
) -> None:
    found = touched(module, read)
    assert not [kind for kind, name in found if name == OPAQUE], "name the fields, so that it can be seen what is read"
    assert differences(adapter.reads, found) == []


@every
def test_an_event_whose_fields_it_reads_is_accepted_looked_up_or_in_a_receipt(
    module: str, adapter: type[Processor | Sink]
) -> None:
    looked_up = {consumer_entity(event) for event in adapter.reads} - {consumer_entity(e) for e in adapter.accepts}
    needs = set(getattr(adapter, "needs", ()))
    carried = {"enriched"} if "delivery.Delivered" in adapter.accepts else set()
    assert looked_up <= needs | carried


def consumer_entity(event: str) -> str:
    return event.split(".")[0]


def test_the_analysis_sees_something_of_every_adapter(read: dict[str, set[Pair]]) -> None:
    assert len(ADAPTERS) >= 11
    assert all(touched(module, read) for module, adapter in ADAPTERS if adapter.accepts)


def test_what_the_rules_read_for_a_processor_counts_as_read_by_it() -> None:
    (approve,) = [each for each in consumers() if each.name == "approve-time"]
    assert "end_date" in approve.reads["assignment.ResourceAssigned"]
    assert "ended_on" in approve.reads["assignment.AssignmentEnded"]
    assert "assignment_id" in approve.reads["time.TimeSubmitted"]
    assert "worked_seconds" in approve.reads["time.TimeSubmitted"], "and what its code reads"


@pytest.mark.parametrize("module", sorted(discover(*KINDS["processor"])))
def test_what_a_processor_compares_is_named_by_a_rule_of_what_it_accepts_and_kept(module: str) -> None:
    processors = discover("processors", Processor)  # type: ignore[type-abstract]
    named = {entity for event in processors[module].accepts for entity in rules.named_by(event)}
    assert set(processors[module].compares) <= named
    assert set(processors[module].compares) <= {entity for each in processors.values() for entity in each.keeps}


# ------------------------------------------------------------------------------------------ lies are found


def test_a_field_that_is_not_declared_and_one_that_is_not_read_are_named(read: dict[str, set[Pair]]) -> None:
    found = touched("processors.price_time", read)
    less = {**PriceTime.reads, "time.TimeApproved": ()}
    assert differences(less, found) == ["TimeApproved.role is read and not declared"]
    more = {**PriceTime.reads, "time.TimeApproved": ("role", "task")}
    assert differences(more, found) == ["TimeApproved.task is declared and not read"]
    deep = {
        **PriceTime.reads,
        "project.ProjectCreated": [each for each in PriceTime.reads["project.ProjectCreated"] if "amount" not in each],
    }
    assert differences(deep, found) == ["Money.amount is read and not declared"]  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="has no field rolle"):
        differences({"time.TimeApproved": ("rolle",)}, found)


PLANTED = """

def planted(event: Event, entry: TimeApproved) -> object:
    if isinstance(event.data, TimeApproved):
        assert event.data.task, "an attribute, of a narrowed type"
    if not entry:
        return entry.zone  # in a branch that never runs
    for name in ("work_date", "started_at"):
        assert getattr(entry, name), "by a name that the checker knows"
    match entry:
        case TimeApproved(worked_seconds=0):
            return entry.model_dump(include={"resource_id"})
        case _:
            return None


def dumped(entry: TimeApproved) -> object:
    return entry.model_dump()


def by_any_name(entry: TimeApproved, name: str) -> object:
    return getattr(entry, name)
"""


def test_code_that_reads_more_fields_is_found_however_it_does_it() -> None:
    text = path_of("processors.price_time").read_text(encoding="utf-8")
    named, _, whole = PLANTED.partition("\n\n\ndef dumped")
    dumped, _, any_name = whole.partition("\n\n\ndef by_any_name")
    more = {"task", "zone", "work_date", "started_at", "worked_seconds", "resource_id"}
    for planted, names in ((named, more), (f"\n\ndef dumped{dumped}", {OPAQUE}), (f"\n\ndef by{any_name}", {OPAQUE})):
        told = differences(PriceTime.reads, read_by_text(text + planted))
        assert set(told) == {f"TimeApproved.{name} is read and not declared" for name in names}


# ------------------------------------------------------------------------------------------ what is handed on


@pytest.mark.parametrize("module", sorted(discover(*KINDS["processor"])))
def test_a_processor_declares_into_which_events_it_carries_fields_over(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = importlib.import_module(f"tests.processors.test_{module}")
    (suite,) = [
        value
        for value in vars(tests).values()
        if inspect.isclass(value) and issubclass(value, ProcessorContract) and value is not ProcessorContract
    ]
    carried: set[tuple[str, str]] = set()
    derive = Event.derive

    def noting(event: Event, model: type[Model], *, carry: bool = True, **rest: Any) -> Event:
        if carry:
            carried.add((event.type, model.EVENT))
        return derive(event, model, carry=carry, **rest)

    monkeypatch.setattr(Event, "derive", noting)
    for case in suite.cases:
        list(suite.processor.process(case.event, case.known))
    processor = type(suite.processor)
    assert {(event, made) for event, all_ in processor.hands_on.items() for made in all_} == carried


def test_every_adapter_is_a_consumer_under_the_name_of_its_module() -> None:
    found = {each.name: each for each in consumers()}
    assert set(found) == {module.partition(".")[2].replace("_", "-") for module, _ in ADAPTERS}
    assert found["price-time"].reads["time.TimeRemoved"] == (), "accepted, so decoded; no field but the head is read"


def test_who_neither_processes_nor_delivers_reads_no_event() -> None:
    assert not any(hasattr(source, "reads") for source in discover(*KINDS["source"]).values())
    assert issubclass(Processor, Component)
