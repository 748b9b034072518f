"""Ids and versions: what must never change, because everything downstream is keyed by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from psfabric.event import LIVE, Event, Record, Version, derived_id, digest, new_event, sequence
from schemas import HEAD_FIELDS
from schemas.models import EnrichedTimeApproved, TimeApproved, TimeRejected, TimeRemoved, TimeSubmitted
from tests.contracts.given import example

AT = datetime(2026, 3, 31, 22, 30, 5, 7, tzinfo=UTC)
SEQUENCE = "2026-03-31T22:30:05.000007Z/00000000000000000000"


def removed(**changes: Any) -> Event:
    given: dict[str, Any] = {"source": "jira-acme", "native_id": "10001", "sequence": SEQUENCE, **changes}
    return new_event(
        TimeRemoved, aggregate_id="jira-acme:worklog:10001", time=AT, cause="DELETED", removed_at=AT, **given
    )


# ------------------------------------------------------------------------------------------------ ids


def test_ids_of_today_are_the_ids_of_next_year() -> None:
    assert digest() == "cae66941d9efbd404e4d88758ea67670"
    assert digest("jira-acme", "10001", "time.TimeRemoved", SEQUENCE, LIVE) == removed().id
    assert removed().id == "2386975a7d9a23072101fb43e2542ca8"
    assert derived_id(removed().id, "price-time", "time.TimeApproved", "") == "71352c432eb9bb09aae7273d43643986"
    assert digest("müller", "", "日本") == "8dd5141422807d73785f606b965c2836"


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_no_two_lists_of_parts_have_one_id(one: list[str], other: list[str]) -> None:
    try:
        ids = digest(*one), digest(*other)
    except UnicodeEncodeError:
        return  # a lone surrogate is no text
    assert (ids[0] == ids[1]) == (one == other)


def test_moving_a_letter_between_parts_makes_another_id() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", ""), digest("", "abc")}) == 5


@pytest.mark.parametrize("changed", ["source", "native_id", "sequence", "revision"])
def test_each_upstream_fact_is_in_the_id(changed: str) -> None:
    other = {"sequence": SEQUENCE.replace("05.", "06."), "revision": "0" * 19 + "1"}.get(changed, "else")
    assert removed(**{changed: other}).id != removed().id


def test_the_id_does_not_depend_on_what_the_event_says() -> None:
    assert removed(project_id="PRJ-1", client_id="001A", correlation_id="c").id == removed().id


# ------------------------------------------------------------------------------------------------ versions


def test_a_sequence_is_utc_with_six_decimals_and_twenty_digits() -> None:
    assert sequence(AT) == SEQUENCE
    assert sequence(AT.astimezone(timezone(timedelta(hours=-5))), 1) == SEQUENCE[:-1] + "1"
    assert sequence(datetime(999, 1, 1, tzinfo=UTC)) == "0999-01-01T00:00:00.000000Z/" + "0" * 20


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 10**20 - 1),
    st.integers(0, 10**20 - 1),
)
def test_sequences_sort_as_text_like_the_instants_they_stand_for(a: datetime, b: datetime, m: int, n: int) -> None:
    assert (sequence(a, m) < sequence(b, n)) == ((a, m) < (b, n))


@pytest.mark.parametrize("tie_break", [-1, 10**20])
def test_a_tie_break_that_would_not_sort_is_refused(tie_break: int) -> None:
    with pytest.raises(ValueError, match="20 digits"):
        sequence(AT, tie_break)


def test_an_instant_without_zone_is_no_version() -> None:
    with pytest.raises(ValueError, match="zone"):
        sequence(AT.replace(tzinfo=None))


def test_the_sequence_comes_before_the_revision() -> None:
    later, replayed = SEQUENCE.replace("05.", "06."), "0" * 19 + "9"
    assert Version(SEQUENCE) < Version(SEQUENCE, replayed) < Version(later) < Version(later, replayed)


# ------------------------------------------------------------------------------------------ new, derived, enriched


def test_a_new_event_starts_its_own_correlation_and_is_keyed_by_its_aggregate() -> None:
    event = removed()
    assert (event.correlation_id, event.causation_id) == (event.id, "")
    assert event.data.partition_key == event.aggregate_id == "jira-acme:worklog:10001"
    assert removed(partition_key="PRJ-1").data.partition_key == "PRJ-1"
    assert event.version == Version(SEQUENCE, LIVE)


@pytest.mark.parametrize(
    "wrong",
    [{"sequence": "2026-03-31"}, {"revision": "1"}, {"cause": "LOST"}, {"hours": "2"}],
    ids=lambda w: next(iter(w)),
)
def test_a_new_event_that_breaks_the_contract_is_refused(wrong: dict[str, str]) -> None:
    fields: dict[str, Any] = {"source": "s", "native_id": "1", "sequence": SEQUENCE, "cause": "DELETED", **wrong}
    with pytest.raises(ValidationError):
        new_event(TimeRemoved, aggregate_id="a", time=AT, removed_at=AT, **fields)


def test_a_derived_event_inherits_head_version_correlation_and_trace() -> None:
    cause = example("time.TimeSubmitted")
    event = cause.derive(TimeApproved, component="approve-time", approval_policy="p", approval_rule="r")
    carried = [name for name in HEAD_FIELDS if name != "event_id"]
    assert [getattr(event.data, n) for n in carried] == [getattr(cause.data, n) for n in carried]
    assert event.causation_id == cause.id
    assert event.id == derived_id(cause.id, "approve-time", "time.TimeApproved", "")
    assert (event.time, event.source, event.correlation_id) == (cause.time, cause.source, cause.correlation_id)
    assert (event.version, event.traceparent) == (cause.version, cause.traceparent)
    assert isinstance(event.data, TimeApproved)
    assert isinstance(cause.data, TimeSubmitted)
    assert event.data.worked_seconds == cause.data.worked_seconds


def test_without_carrying_only_the_head_is_inherited() -> None:
    cause = example("time.TimeSubmitted")
    with pytest.raises(ValidationError, match="resource_id"):
        cause.derive(TimeRejected, component="c", carry=False, code="x", reason="y")
    event = cause.derive(TimeRemoved, component="c", carry=False, cause="REJECTED", removed_at=AT)
    assert event.data.project_id == cause.data.project_id


def test_component_type_and_discriminator_tell_derived_events_apart() -> None:
    cause = example("time.TimeSubmitted")
    made: dict[str, Any] = {"cause": "REJECTED", "removed_at": AT}
    ids = {
        cause.derive(TimeRemoved, component="a", **made).id,
        cause.derive(TimeRemoved, component="b", **made).id,
        cause.derive(TimeRemoved, component="a", discriminator="tryton-uk", **made).id,
        cause.derive(TimeApproved, component="a", approval_policy="p", approval_rule="r").id,
    }
    assert len(ids) == 4
    assert cause.derive(TimeRemoved, component="a", **made).id in ids, "the same input gives the same id"


def test_a_change_given_to_derive_cannot_forge_the_id() -> None:
    event = example("time.TimeSubmitted").derive(
        TimeRemoved, component="c", event_id="x", cause="DELETED", removed_at=AT
    )
    assert event.id != "x"


def test_enriching_keeps_every_canonical_field_and_the_id() -> None:
    enriched = example("enriched.time.TimeApproved")
    kept = {n: getattr(enriched.data, n) for n in TimeApproved.model_fields}
    event = example("time.TimeApproved", **kept)
    again = event.enrich(EnrichedTimeApproved, getattr(enriched.data, "enrichment").model_dump())  # noqa: B009
    assert again.data == enriched.data
    assert (again.id, again.causation_id, again.type) == (event.id, event.causation_id, "enriched.time.TimeApproved")


# ------------------------------------------------------------------------------------------------ records


def test_the_last_of_repeated_headers_counts_and_what_is_no_text_is_absent() -> None:
    record = Record("t", 1, 2, None, None, (("a", b"1"), ("b", b"\xff"), ("a", b"2"), ("a", None)))
    assert (record.header("a"), record.header("b"), record.header("c")) == ("2", None, None)
    assert record.coordinates == "t/1/2"
