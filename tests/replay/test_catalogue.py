"""Where each dead letter stands, which fit a selection, and what they count to."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import pytest

from psfabric import pipelines
from psfabric.codec import Codec
from psfabric.engine import receipts as receipt
from psfabric.engine.deadletter import Failure, dead_letter_headers
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.errors import Transient, Unavailable
from psfabric.event import Event
from psfabric.kafka import Admin
from psfabric.outcomes import Amended
from psfabric.registry import Registry
from replay import DeadLetter, Selection, State, catalogue, collecting, dead_letters
from replay.progress import DONE, Progress
from replay.reading import Place, ends
from replay.states import Stored
from tests.replay.plant import Plant, event_of, example

AT = "2026-07-01T09:00:00.000000Z"


def act(plant: Plant, offset: int, state: State, plan: str = "") -> None:
    place = Place(f"dlq.{plant.name}", 0, offset)
    plant.write(Stored(place, state, AT, "anna@desk", "act-1", plan).to_write())


def states(plant: Plant) -> list[tuple[State, str]]:
    every = Selection(state=tuple(State))
    return [(letter.state, letter.again) for letter in dead_letters(plant.kafka, plant.components, every)]


def begun(plant: Plant, plan: str) -> None:
    """The progress of a replay as it stands before the first record goes."""
    receipts = {str(partition): end for (_, partition), end in ends(plant.kafka, [RECEIPTS]).items()}
    plant.write(Progress(plan, 1, 1, DONE, "anna@desk", AT, AT, receipts).to_write())


# ------------------------------------------------------------------------------------------------ states


def test_a_replayed_one_wants_an_eye_until_it_is_delivered_and_closes_by_itself(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event))
    act(plant, 0, State.REPLAYED)
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert (letter.state, letter.open) == (State.REPLAYED, True)
    plant.deliver(event)
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert (letter.state, letter.open) == (State.DELIVERED, False)


def test_a_replayed_one_that_is_buried_once_more_failed_again_and_names_the_newer(plant: Plant) -> None:
    record = plant.record(plant.time_event())
    plant.bury(record)
    act(plant, 0, State.REPLAYED)
    plant.bury(record)
    plant.bury(record)
    newest = f"{plant.name}/0/2"
    assert states(plant) == [(State.FAILED_AGAIN, newest), (State.FAILED_AGAIN, newest), (State.OPEN, "")]
    assert [letter.id for letter in dead_letters(plant.kafka, plant.components)] == [newest]


@pytest.mark.parametrize("state", [State.DISCARDED, State.AMENDED])
def test_what_an_operator_discarded_or_amended_needs_nobody(plant: Plant, state: State) -> None:
    plant.bury(plant.record(plant.time_event()))
    act(plant, 0, state)
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert (letter.state, letter.open) == (state, False)


def test_a_receipt_says_more_than_what_was_asked_for(plant: Plant) -> None:
    """Discard was asked for, but the owner had delivered it meanwhile."""
    event = plant.time_event()
    plant.bury(plant.record(event))
    act(plant, 0, State.DISCARDED)
    plant.deliver(event)
    assert states(plant) == [(State.DELIVERED, "")]


def test_what_its_owner_amended_is_amended_on_every_machine(plant: Plant) -> None:
    """Its receipt says so, even where the state of the act is gone."""
    event = plant.time_event()
    plant.bury(plant.record(event))
    plant.receipt(event.id, "terminal", receipt.amended(plant.name, Amended("typo", event.id, event.type, "e-2")))
    assert states(plant) == [(State.AMENDED, "")]


def test_an_act_that_was_taken_back_is_none(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    act(plant, 0, State.DISCARDED)
    written = Stored(Place(f"dlq.{plant.name}", 0, 0), State.DISCARDED, AT, "anna@desk").to_write()
    plant.write(written._replace(value=None))
    assert states(plant) == [(State.OPEN, "")]


def buried_ahead(plant: Plant, event: Event, seconds: int) -> None:
    """A dead letter stamped by a broker whose clock is ahead: the topic is made to take the producer's word for it."""
    (topic,) = [topic for topic in pipelines.load(plant.folder, {}).topics() if topic.name == f"dlq.{plant.name}"]
    Admin(plant.kafka).apply([topic.model_copy(update={"config": {"message.timestamp.type": "CreateTime"}})])
    record = plant.record(event)
    headers: Any = list(
        dead_letter_headers(record, Failure("c", "c", "w", "sink", plant.name, plant.name, "c", 1, AT, AT))
    )
    producer = ck.Producer({"bootstrap.servers": plant.kafka.bootstrap})
    stamped = time.time_ns() // 1_000_000 + seconds * 1000

    def lies_there_as_stamped() -> bool:
        producer.produce(topic.name, record.value, record.key, 0, timestamp=stamped, headers=headers)
        producer.flush(10)
        return dead_letters(plant.kafka, plant.components)[-1].buried_ms == stamped

    deadline = time.monotonic() + 20  # the broker takes up the changed setting a moment after it answered
    while not lies_there_as_stamped():
        assert time.monotonic() < deadline


def test_the_answer_to_a_replay_closes_it_whatever_the_clocks_of_the_brokers_say(plant: Plant) -> None:
    event = plant.time_event()
    buried_ahead(plant, event, seconds=60)
    offset = dead_letters(plant.kafka, plant.components)[-1].offset
    begun(plant, "c0ffee" + plant.name)
    act(plant, offset, State.REPLAYED, "c0ffee" + plant.name)
    plant.deliver(event)
    assert states(plant)[-1] == (State.DELIVERED, "")


def test_an_answer_from_before_the_replay_does_not_close_it(plant: Plant) -> None:
    event = plant.time_event()
    plant.deliver(event)
    plant.bury(plant.record(event))
    begun(plant, "c0ffee" + plant.name)
    act(plant, 0, State.REPLAYED, "c0ffee" + plant.name)
    assert states(plant) == [(State.REPLAYED, "")]


# ------------------------------------------------------------------------------------------------ selections


def priced(client: str, day: str, seconds: int = 3600, entity: str = "UK01", currency: str = "GBP") -> Event:
    data = example("enriched.time.TimeApproved", work_date=day, worked_seconds=seconds)
    enrichment = data.enrichment.model_copy(  # type: ignore[attr-defined]
        update={"client_id": client, "legal_entity": entity, "currency": currency}
    )
    ids = {"event_id": f"{client}-{day}-{seconds}", "aggregate_id": f"jira-acme:worklog:{client}{day}"}
    return event_of(data.model_copy(update={"enrichment": enrichment, **ids}))


@pytest.fixture
def many(plant: Plant) -> Plant:
    """Three priced events of two clients and months, and a notice."""
    for event in (
        priced("C-1", "2026-05-31"),
        priced("C-1", "2026-06-01"),
        priced("C-2", "2026-06-30", currency="EUR"),
    ):
        plant.bury(plant.record(event))
    plant.bury(plant.raw(b"{", "n-1"), code="malformed-json")
    return plant


Chosen = Callable[..., list[str]]


@pytest.fixture
def chosen(many: Plant) -> Iterator[Chosen]:
    with catalogue(many.kafka, many.components, many.codec) as found:

        def ids(**filters: Any) -> list[str]:
            return [letter.id.rpartition("/")[2] for letter in found.letters(Selection(**filters))]

        yield ids


def test_content_and_ids_choose(chosen: Chosen) -> None:
    assert chosen(client=("C-1",)) == ["0", "1"]
    assert chosen(period=("2026-06",)) == ["1", "2"]
    assert chosen(client=("C-1", "C-2"), period=("2026-06",)) == ["1", "2"]
    assert chosen(entity=("UK01",)) == ["0", "1", "2"]
    assert chosen(entity=("US01",)) == []
    assert chosen(id=("C-12026-05-31",)) == ["0"], "the native id"
    assert chosen(id=("jira-acme:worklog:C-12026-05-31", "10066")) == ["0", "3"], "a notice has only its key"
    assert chosen(id=("2026-05-31",)) == []
    assert chosen(state=(State.DELIVERED,)) == []
    assert chosen(incident=("INC-7",)) == []
    assert chosen(limit=2) == ["0", "1"]


def test_groups_count_with_exact_time_and_money(many: Plant) -> None:
    for _ in range(3):
        many.bury(many.record(priced("C-1", "2026-06-02", seconds=1)))
    with catalogue(many.kafka, many.components, many.codec) as found:
        everything = Selection(state=tuple(State))
        causes = found.groups(everything, ["cause"])
        clients = found.groups(everything, ["client", "period"])
        (total,) = found.groups(everything, [])
        (none,) = found.groups(Selection(code=("bug",)), [])
    assert [(g.by["code"], g.records, g.without_worth) for g in causes] == [
        ("malformed-json", 1, 1),
        ("resource-unknown", 6, 0),
    ]
    assert causes[1].oldest == causes[1].newest == "2026-06-03T17:00:00.000000Z"
    assert [(*g.by.values(), g.records) for g in clients] == [
        ("", "", 1),
        ("C-1", "2026-05", 1),
        ("C-1", "2026-06", 4),
        ("C-2", "2026-06", 1),
    ]
    (june,) = clients[2].worth
    assert (june.seconds, june.money, june.currency) == (3603, Decimal("125") + 3 * Decimal("0.0375"), "GBP")
    assert (total.records, sum(each.records for each in total.worth)) == (7, 6)
    assert (none.records, none.worth) == (0, [])


def test_the_registry_being_away_stops_no_list_but_no_filter_on_content_is_guessed(many: Plant) -> None:
    codec = Codec(Registry("http://127.0.0.1:1"))
    with catalogue(many.kafka, many.components, codec) as found:
        assert len(list(found.letters())) == 4
        assert found.away
        assert sum(group.without_worth for group in found.groups(Selection(), ["cause"])) == 4
        with pytest.raises(Transient, match="client, legal entity and period are not known"):
            found.letters(Selection(client=("C-1",)))


def test_no_value_is_decoded_unless_it_is_needed(many: Plant) -> None:
    class Never(Codec):
        def data(self, framed: bytes) -> Any:
            raise AssertionError("decoded")

    with catalogue(many.kafka, many.components) as found:
        assert len(list(found.letters())) == 4
    with pytest.raises(AssertionError), catalogue(many.kafka, many.components, Never(many.codec._ids)):
        pass


def test_those_whose_content_says_nothing_are_counted_beside_what_fits(many: Plant) -> None:
    with catalogue(many.kafka, many.components, many.codec) as found:
        assert found.unjudged(Selection(client=("C-1",))) == 1
        assert found.unjudged(Selection(client=("C-1",), code=("resource-unknown",))) == 0


def test_a_long_list_lies_on_disk_in_a_file_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "CACHE_KB", 64)
    before = open_files()
    with closing(collecting.opened()) as db:
        db.execute("BEGIN")
        db.executemany("INSERT INTO act VALUES (?, ?, '')", ((str(n), "x" * 1000) for n in range(1000)))
        (file,) = open_files() - before
    assert file.endswith("(deleted)"), "nobody else can open it, and it ends with the process, even a killed one"


def open_files() -> set[str]:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {file for file in map(os.readlink, links) if file.startswith("/") and not file.startswith(("/proc", "/dev"))}


def test_no_room_on_disk_is_a_sentence(many: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = collecting.opened

    def small() -> Any:
        db = opened()
        db.execute("PRAGMA max_page_count = 5")
        return db

    monkeypatch.setattr(sys.modules["replay.catalogue"], "opened", small)
    reading = catalogue(many.kafka, many.components)
    with pytest.raises(Unavailable, match="the list of dead letters needs room on disk"), reading:
        pass


def test_the_state_and_its_kind_are_those_of_a_dead_letter(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    (letter,) = dead_letters(plant.kafka, plant.components)
    assert isinstance(letter, DeadLetter)
    assert isinstance(letter.origin, Place)
    assert isinstance(letter.state, State)
