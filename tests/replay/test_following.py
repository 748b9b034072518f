"""What came of a plan from a source's record is asked of the targets."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from psfabric.event import Event
from replay.following import Followed, follow
from replay.from_source import Made
from replay.verify import Answer
from tests.replay.plant import Plant
from tests.replay.sources import SourcePlant, entry

REVISION = f"{7:020d}"


@pytest.fixture
def source(plant: Plant) -> SourcePlant:
    return SourcePlant(plant)


def planned(source: SourcePlant, *ids: str) -> tuple[Made, list[Event]]:
    """Corrections of posted entries, and what they are at the sink."""
    records = [source.live(entry(id, 3000)) for id in ids]
    source.read()
    mended = source.mapping(quarters=True)
    made = source.planned(mended)
    return made, [source.send(event) for record in records for event in source.say(record, mended, REVISION)]


def followed(source: SourcePlant, made: Made, failed: Collection[str] = ()) -> Followed:
    plant, remapped = source.plant, made.remapped
    return follow(plant.kafka, plant.codec, remapped, failed, deadline=1.0, clock=lambda: 2.0)


def test_each_event_has_the_answer_of_its_target(source: SourcePlant) -> None:
    made, (delivered, duplicate, superseded, failed, held) = planned(source, "a", "b", "c", "d", "e")
    plant = source.plant
    plant.deliver(delivered)
    plant.deliver(duplicate, duplicate=True)
    plant.supersede(superseded)
    plant.refuse(failed)
    plant.wait(held)
    found = followed(source, made)
    answers = [Answer.DELIVERED, Answer.DUPLICATE, Answer.SUPERSEDED, Answer.FAILED_AGAIN, Answer.HELD]
    assert list(found.given.values()) == answers
    assert found.counts == {plant.name: dict.fromkeys(answers, 1)}
    assert (found.home, found.in_time, found.unmoved) == (False, False, 1)


def test_when_all_targets_have_them_they_are_home(source: SourcePlant) -> None:
    made, events = planned(source, "a", "b")
    for event in events:
        source.plant.deliver(event)
    found = followed(source, made)
    assert (found.home, found.in_time) == (True, True)


def test_what_no_target_was_sent_yet_is_unknown_and_waited_for(source: SourcePlant) -> None:
    source.live(entry("a", 3000))
    source.read()
    found = followed(source, source.planned(source.mapping(quarters=True)))
    assert (list(found.given.values()), found.in_time) == ([Answer.UNKNOWN], False)


def test_what_the_mapping_refused_after_all_is_not_waited_for(source: SourcePlant) -> None:
    source.live(entry("a", 3000))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    found = followed(source, made, {made.remapped.awaited[0].record})
    assert (list(found.given.values()), found.in_time) == ([Answer.FAILED_AGAIN], True)


def test_an_answer_to_what_was_said_before_is_none(source: SourcePlant) -> None:
    record = source.live(entry("a", 3000))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    (before,) = source.say(record, source.mapping())
    source.plant.deliver(source.send(before))
    assert list(followed(source, made).given.values()) == [Answer.UNKNOWN]
