"""What may be published, what the rules fill in, and what is said of everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from psfabric import strict_json
from psfabric.codec import Codec
from psfabric.event import LIVE
from psfabric.ids import digest
from psfabric.publish import Draft, Judged, Mistake, WrongInput, draft_of, judged, sequence
from psfabric.publish.publisher import checked
from schemas import rules
from schemas.models import TimeSubmitted
from tests.contracts.given import EXAMPLES
from tests.psfabric.test_codec import Ids
from tests.publish.drafts import AT, LEFT_OUT, OPEN, SOURCE, line, time_entry

CODEC = Codec(Ids())
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def right(what: Any, source: str = SOURCE) -> Judged:
    found = judged(what, source)
    assert isinstance(found, Judged), found
    return found


def wrong(what: Any, source: str = SOURCE) -> dict[str, str]:
    """Field -> code."""
    found = judged(what, source)
    assert isinstance(found, list), "it was taken for right"
    return {mistake.field: mistake.code for mistake in found}


def without_filled(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in LEFT_OUT}


def cases(kind: str) -> Iterator[Any]:
    for path in sorted(EXAMPLES.glob(f"*.{kind}.json")):
        event = ".".join(path.name.split(".")[:2])
        if event in OPEN:
            yield pytest.param(event, path, id=path.name.removesuffix(".json"))


# ------------------------------------------------------------------------------------------------ what is filled in


def test_the_id_is_that_of_the_rule_and_version_and_key_are_filled_in() -> None:
    event = right(replace(time_entry("e-1"), native_id="4711", tie_break=7)).event
    version = "2026-06-03T16:20:11.482000Z/00000000000000000007"
    assert event.id == digest(SOURCE, "4711", "time.TimeSubmitted", version, LIVE)
    assert (event.head.sequence, event.head.revision, event.head.partition_key) == (version, LIVE, "e-1")
    assert (event.source, event.time, event.correlation_id) == (SOURCE, AT, event.id)


def test_without_a_native_id_the_aggregate_stands_for_it() -> None:
    assert right(time_entry("e-1")).event.id == right(replace(time_entry("e-1"), native_id="e-1")).event.id


@pytest.mark.parametrize(
    "other",
    [
        replace(time_entry("e-1"), changed_at=AT + timedelta(microseconds=1)),
        replace(time_entry("e-1"), tie_break=1),
        time_entry("e-2"),
        replace(time_entry("e-1"), source="payroll-b"),
    ],
)
def test_another_version_object_or_source_has_another_id(other: Draft) -> None:
    assert right(other).event.id != right(time_entry("e-1")).event.id


def test_the_same_input_has_the_same_bytes_headers_and_trace_included() -> None:
    first, again = (CODEC.encode(right(time_entry("e-1")).event) for _ in range(2))
    assert first == again
    assert str(dict(first[2])["traceparent"]).split("-")[1] == right(time_entry("e-1")).event.id


def test_a_trace_that_is_given_is_kept_as_it_is() -> None:
    event = right(replace(time_entry(), traceparent=PARENT, tracestate="a=1")).event
    assert (event.traceparent, event.tracestate) == (PARENT, "a=1")


def test_an_instant_of_another_zone_is_the_same_version() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert right(replace(time_entry("e-1"), changed_at=there)).event.id == right(time_entry("e-1")).event.id


@pytest.mark.parametrize(("event", "path"), list(cases("pass")))
def test_every_example_can_be_published_and_gets_the_key_that_it_has(event: str, path: Path) -> None:
    body = json.loads(path.read_text())
    from_json = right(Draft(event, {**without_filled(body), "sequence": body["sequence"]}, json=True))
    model = schemas.model(event).model_validate_json(json.dumps({**body, "event_id": "", "partition_key": ""}))
    for found in (from_json, right(model)):
        assert found.event.head.partition_key == body["partition_key"]
        assert found.rule.name == schemas.model(event).TOPIC
        assert CODEC.encode(found.event)[0].decode() == body["partition_key"]


LOOKED_UP = {rule.code for rule in rules.every() if rule.against}
"""Rules with what an event names: only who can look that up asks them, and a publisher cannot."""


@pytest.mark.parametrize(("event", "path"), list(cases("fail")))
def test_every_failing_example_is_refused_and_the_field_or_rule_at_fault_named(event: str, path: Path) -> None:
    body = strict_json.loads(path.read_bytes())
    fault = path.name.split(".")[2]
    draft = Draft(event, {k: v for k, v in body.items() if k not in ("event_id", "partition_key")}, json=True)
    found = judged(draft, SOURCE)
    if fault in LOOKED_UP:
        assert isinstance(found, Judged)
        return
    assert isinstance(found, list), "it was taken for right"
    named = [each for each in found if fault.startswith(each.field.split(".")[0]) or each.why.startswith(f"{fault}: ")]
    assert named, (fault, found)
    assert {each.code for each in found if each.why.startswith(f"{fault}: ")} <= {"rule-violated"}


def test_a_topic_that_systems_write_says_by_which_field_it_is_ordered() -> None:
    for event in OPEN:
        model = schemas.model(event)
        assert schemas.topics().rule(model.TOPIC).orders_by in model.model_fields


# ------------------------------------------------------------------------------------------------ what is refused

BAD = {
    "an event that nobody knows": (Draft("time.TimeSubmited", {}, AT), {"type": "type-unknown"}),
    "a receipt": (Draft("delivery.Delivered", {}, AT), {"type": "type-not-accepted"}),
    "a cross reference": (Draft("xref.CrossReferenceUpdated", {}, AT), {"type": "type-not-accepted"}),
    "an enriched event": (Draft("enriched.time.TimeApproved", {}, AT), {"type": "type-not-accepted"}),
    "no version": (replace(time_entry(), changed_at=None), {"sequence": "field-missing"}),
    "an instant without zone": (
        replace(time_entry(), changed_at=datetime(2026, 6, 3)),
        {"changed_at": "field-invalid"},
    ),
    "a tie-break below zero": (replace(time_entry(), tie_break=-1), {"changed_at": "field-invalid"}),
    "an instant before our era": (
        replace(time_entry(), changed_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))),
        {"changed_at": "field-invalid"},
    ),
    "a revision": (time_entry(revision="0" * 19 + "1"), {"revision": "field-invalid"}),
    "an id of its own": (time_entry(event_id="f" * 32), {"event_id": "field-invalid"}),
    "another key": (time_entry(partition_key="PRJ-1001"), {"partition_key": "key-mismatch"}),
    "no aggregate": (time_entry(aggregate_id=None), {"aggregate_id": "field-invalid"}),
    "an empty aggregate": (time_entry(aggregate_id=""), {"aggregate_id": "field-missing"}),
    "a trace that is none": (replace(time_entry(), traceparent="00-0-0-00"), {"traceparent": "header-invalid"}),
    "a source with a space": (replace(time_entry(), source="Pay Roll"), {"source": "source-not-allowed"}),
    "a field nobody knows": (time_entry(hours=1), {"hours": "field-invalid"}),
    "a date as text in Python": (time_entry(work_date="2026-06-03"), {"work_date": "field-invalid"}),
    "half a surrogate pair": (time_entry(task="\ud800"), {"task": "field-invalid"}),
    "half a surrogate pair as identity": (time_entry("\ud800"), {"aggregate_id": "field-invalid"}),
    "data that is no mapping": (Draft("time.TimeSubmitted", [1], AT), {"data": "field-invalid"}),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("draft", "codes"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_by_field_and_code(draft: Draft, codes: dict[str, str]) -> None:
    assert wrong(draft) == codes
    assert set(codes.values()) <= set(schemas.codes())


def test_all_mistakes_of_an_event_are_named_at_once() -> None:
    draft = replace(time_entry(work_date=None, worked_seconds=-1, revision="1", hours=2), traceparent="x", source="-")
    assert set(wrong(draft)) == {"work_date", "worked_seconds", "revision", "hours", "traceparent", "source"}


def test_no_mistake_tells_the_value_that_is_wrong() -> None:
    draft = time_entry(resource_id=["ada@example.org"], work_date="hunter2", zone=42)
    found = judged(draft, SOURCE)
    assert isinstance(found, list)
    assert not [mistake for mistake in found if "ada@" in mistake.why or "hunter2" in mistake.why]


def test_a_model_that_was_not_checked_is_checked() -> None:
    unchecked = TimeSubmitted.model_construct(
        **{**time_entry().data, "work_date": "tomorrow", "sequence": sequence(AT)}
    )
    assert wrong(unchecked) == {"work_date": "field-invalid"}


def test_mistakes_of_a_batch_are_told_together_each_with_its_place() -> None:
    with pytest.raises(WrongInput) as caught:
        checked([time_entry(), time_entry(hours=1), time_entry(), time_entry(work_date=None)], SOURCE)
    assert [(m.at, m.field) for m in caught.value.mistakes] == [(1, "hours"), (3, "work_date")]
    assert caught.value.exit_code == 2
    assert "event 3: work_date" in str(caught.value)


def test_the_text_of_an_error_stays_readable_however_much_is_wrong() -> None:
    error = WrongInput([Mistake(n, "f", "field-invalid", "is wrong") for n in range(1000)])
    assert (len(error.mistakes), len(str(error).splitlines())) == (1000, 22)


def test_one_version_cannot_be_two_things() -> None:
    same = checked([time_entry("e-1"), time_entry("e-1")], SOURCE)
    assert same[0].event == same[1].event, "said twice is said once"
    with pytest.raises(WrongInput, match="event 1: sequence: another event of this call has the same id"):
        checked([time_entry("e-1"), time_entry("e-1", worked_seconds=60)], SOURCE)


def test_what_no_record_can_carry_is_refused_before_it_is_sent() -> None:
    with pytest.raises(WrongInput) as caught:
        checked([time_entry(extensions={"acme.note": "x" * (1 << 20)}), time_entry("k" * 2000)], SOURCE)
    assert [(m.at, m.code) for m in caught.value.mistakes] == [(0, "oversize"), (1, "header-invalid")]


# ------------------------------------------------------------------------------------------------ from JSON


def test_a_cloudevent_of_a_file_is_the_draft_that_python_would_write() -> None:
    draft = draft_of(line("e-1"))
    assert isinstance(draft, Draft)
    event = right(draft).event
    expected = {**time_entry("e-1").data} | {"started_at": datetime(2026, 6, 3, 8, 30, tzinfo=UTC)}
    assert event.id == right(time_entry("e-1")).event.id
    assert event.data.model_dump(include=set(expected)) | {"extensions": {}} == expected
    assert getattr(event.data, "work_date") == date(2026, 6, 3)  # noqa: B009


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"type": None}, {"type"}),
        ({"type": 7}, {"type"}),
        ({"time": "yesterday"}, {"time"}),
        ({"time": 5}, {"time"}),
        ({"tiebreak": "7"}, {"tiebreak"}),
        ({"tiebreak": True}, {"tiebreak"}),
        ({"data": []}, {"data"}),
        ({"specversion": "0.3"}, {"specversion"}),
        ({"specversion": []}, {"specversion"}),
        ({"nativeid": 4711}, {"nativeid"}),
        ({"subjekt": "x", "time": "", "data": None}, {"subjekt", "time", "data"}),
    ],
)
def test_every_wrong_attribute_of_a_line_is_named(changes: dict[str, Any], names: set[str]) -> None:
    found = draft_of({**line(), **changes})
    assert isinstance(found, list)
    assert {name for name, _ in found} == names


@pytest.mark.parametrize("body", [None, [], 7, "x", True])
def test_what_is_no_object_is_no_event(body: Any) -> None:
    assert draft_of(body) == [("line", "is no JSON object")]


def test_attributes_may_repeat_the_head_but_not_contradict_it() -> None:
    agreed = draft_of(line("e-1", subject="e-1", partitionkey="e-1"))
    assert isinstance(agreed, Draft)
    right(agreed)
    contradicting = draft_of(line("e-1", subject="e-2"))
    assert isinstance(contradicting, Draft)
    assert wrong(contradicting) == {"aggregate_id": "header-invalid"}
    for_data = line("e-1", subject="e-1")
    del for_data["data"]["aggregate_id"]
    moved = draft_of(for_data)
    assert isinstance(moved, Draft)
    assert right(moved).event.aggregate_id == "e-1"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["type", "time", "tiebreak", "data", "subject", "source", "traceparent", "sequence", "id"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, ANY, max_size=5), st.dictionaries(st.sampled_from(sorted(time_entry().data)), ANY))
def test_whatever_stands_in_a_line_is_judged_and_nothing_breaks(attributes: dict[str, Any], fields: Any) -> None:
    body = line()
    found = draft_of({**body, "data": {**body["data"], **fields}, **attributes})
    if isinstance(found, Draft):
        verdict = judged(found, SOURCE)
        assert isinstance(verdict, Judged) or verdict
