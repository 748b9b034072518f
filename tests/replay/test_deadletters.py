"""What counts as an open dead letter."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from psfabric.engine import Write
from psfabric.errors import Misconfigured, Unavailable
from replay import Selection, dead_letters, held, open_dead_letters, records_of
from tests.replay.plant import Plant


def test_a_dead_letter_says_what_failed_why_and_where_it_came_from(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event, offset=4711))
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert letter.id == f"{plant.name}/0/0"
    assert (letter.code, letter.error_class, letter.stage) == ("resource-unknown", "reference", "sink")
    assert str(letter.origin) == f"deliver.{plant.name}/0/4711"
    assert (letter.about, letter.type, letter.aggregate_id) == (event.id, event.type, event.aggregate_id)
    assert letter.key == event.aggregate_id.encode()
    assert letter.open


def test_one_event_that_failed_twice_is_one_subject_and_the_newest_counts(plant: Plant) -> None:
    record = plant.record(plant.time_event())
    plant.bury(record)
    plant.bury(record, code="erp-refused")
    (letter,) = open_dead_letters(plant.kafka, plant.components)
    assert (letter.code, letter.failures, letter.offset) == ("erp-refused", 2, 1)


def test_a_terminal_receipt_that_follows_closes_it(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event))
    plant.deliver(event)
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert letter.state == "delivered"
    assert open_dead_letters(plant.kafka, plant.components) == []


def test_a_terminal_receipt_that_came_before_does_not_close_it(plant: Plant) -> None:
    event = plant.time_event()
    plant.deliver(event)
    plant.bury(plant.record(event))
    assert len(open_dead_letters(plant.kafka, plant.components)) == 1


def test_a_receipt_of_another_component_or_kind_does_not_close_it(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event))
    plant.refuse(event)
    assert len(open_dead_letters(plant.kafka, plant.components)) == 1


def test_a_notice_with_slashes_in_its_id_is_closed_by_its_own_receipt(plant: Plant) -> None:
    record = plant.raw(b"{", "2026/06/03-1")
    plant.bury(record, code="malformed-json")
    (letter,) = open_dead_letters(plant.kafka, plant.components)
    assert (letter.about, letter.type) == ("jira-acme/2026/06/03-1", "")
    plant.pass_on(record)
    assert open_dead_letters(plant.kafka, plant.components) == []


def test_a_discarded_one_is_closed(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    plant.write(
        Write("fabric.dlq-state", f"dlq.{plant.name}/0/0".encode(), b'{"v":1,"state":"discarded","at":"","who":""}')
    )
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert letter.state == "discarded"


def test_a_null_value_and_a_missing_key_are_listed(plant: Plant) -> None:
    record = plant.raw(b"", "n-1")
    plant.bury(type(record)(record.topic, 0, record.offset, None, None, record.headers), code="null-value")
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert (letter.key, letter.value_hash) == (None, None)


def test_records_of_gives_the_stored_bytes(plant: Plant) -> None:
    records = [plant.record(plant.time_event()) for _ in range(3)]
    for record in records:
        plant.bury(record)
    letters = open_dead_letters(plant.kafka, plant.components)
    values = [record.value for _, record in records_of(plant.kafka, letters) if record is not None]
    assert values == [record.value for record in records]


def test_a_component_whose_topics_do_not_exist_is_named(plant: Plant) -> None:
    with pytest.raises(Unavailable, match=r"there is no topic dlq\.nobody; run `psfabric topics apply`"):
        dead_letters(plant.kafka, ["nobody"])


def test_filters_all_have_to_fit(plant: Plant) -> None:
    first, second = plant.time_event(), plant.time_event()
    plant.bury(plant.record(first))
    plant.bury(plant.record(second), code="erp-refused")

    def chosen(**filters: object) -> list[str]:
        selection = Selection(**filters)  # type: ignore[arg-type]
        return [letter.about for letter in open_dead_letters(plant.kafka, plant.components, selection)]

    five, six = datetime(2026, 6, 3, 17, tzinfo=UTC), datetime(2026, 6, 3, 18, tzinfo=UTC)
    assert chosen() == [first.id, second.id]
    assert chosen(code=("erp-refused",)) == [second.id]
    assert chosen(key=(first.aggregate_id,)) == [first.id]
    assert chosen(type=("enriched.time.TimeApproved",), limit=1) == [first.id]
    assert chosen(component=("other",)) == []
    assert chosen(since=five, until=six) == [first.id, second.id]
    assert chosen(since=six) == chosen(until=five) == []


def test_what_was_released_from_hold_waits_no_more_and_a_barrier_is_no_record(plant: Plant) -> None:
    stays, goes = plant.record(plant.time_event()), plant.record(plant.time_event())
    plant.hold(stays)
    plant.hold(goes)
    plant.release(goes)
    plant.write(Write(f"hold.{plant.name}", b"barrier/ab12/psf.time/0/3", b"{}", (), 0))
    (waiting,) = held(plant.kafka, plant.components)
    assert waiting.until == "parent:project:PRJ-1001"
    assert waiting.why == "the project is not there yet"
    assert (waiting.record.key, waiting.record.value) == (stays.key, stays.value)
    assert str(waiting.origin) == stays.coordinates


def test_a_record_in_hold_that_is_none_of_ours_is_named(plant: Plant) -> None:
    plant.write(Write(f"hold.{plant.name}", b"strange", b"{}", (), 0))
    with pytest.raises(Misconfigured, match=rf"hold\.{plant.name}/0/0 is no record"):
        held(plant.kafka, plant.components)
