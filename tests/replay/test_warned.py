"""A plan says what of it is pointless, and what will wait or fail again."""

from __future__ import annotations

from datetime import UTC, datetime

import replay
from psfabric.errors import Period
from psfabric.event import Record
from replay import Selection
from replay.reading import Place
from replay.states import State, Stored
from tests.replay.plant import Plant

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
NEWER, OLDER = "2026-06-05T00:00:00.000000Z/00000000000000000001", "2026-06-01T00:00:00.000000Z/00000000000000000001"


def warned(plant: Plant) -> tuple[str, ...]:
    letters = replay.open_dead_letters(plant.kafka, plant.components)
    plan = replay.make_plan(plant.kafka, plant.codec, letters, Selection(), plant.components, who="anna", now=NOW)
    return plan.warnings


def test_of_records_that_nothing_is_known_against_nothing_is_said(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event("w-1", sequence=NEWER)))
    plant.deliver(plant.time_event("w-1", sequence=OLDER))
    plant.deliver(plant.time_event("w-2", sequence=NEWER))
    assert warned(plant) == ()


def test_what_the_target_has_in_a_newer_version_is_said_to_be_superseded(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event("w-1", sequence=OLDER)))
    plant.bury(plant.record(plant.time_event("w-2", sequence=OLDER)))
    plant.deliver(plant.time_event("w-1", sequence=NEWER))
    assert warned(plant) == (
        f"1 of these are older than what {plant.name} has of the same objects: they will be superseded, and change "
        "nothing",
    )


def test_what_was_replayed_and_not_answered_is_said_to_be(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    state = Stored(Place(f"dlq.{plant.name}", 0, 0), State.REPLAYED, "2026-06-30T12:00:00Z", "anna", plan="ab12")
    plant.write(state.to_write())
    assert warned(plant) == ("1 of these were replayed before and gave no final answer yet (psfabric replay status)",)


def test_what_cannot_be_read_is_said_to_fail_again_and_what_is_no_event_is_not(plant: Plant) -> None:
    whole = plant.record(plant.time_event())
    cut = Record(whole.topic, 0, whole.offset, whole.key, (whole.value or b"")[:20], whole.headers)
    plant.bury(cut, code="avro-truncated")
    plant.bury(plant.raw(b"{", "n-1"), code="malformed-json")
    assert warned(plant) == (
        "1 of these cannot be read with the schemas of today (dlq show says why): they will fail again",
    )


def test_what_is_of_a_period_that_others_wait_for_is_said_to_wait_as_well(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event("w-1", work_date="2026-05-29")))
    plant.bury(plant.record(plant.time_event("w-2", work_date="2026-06-01")))
    for number in range(2):
        waiting = plant.record(plant.time_event(f"w-{number + 7}", work_date="2026-05-28"))
        plant.hold(waiting, Period("UK01", "2026-05"), "May is closed")
    assert warned(plant) == (
        f"1 of these are of accounting period 2026-05 of UK01, which {plant.name} found closed: they will wait as well "
        "(2 do)",
    )
