"""Plan, apply, verify: exactly the planned records, untouched, in the order of their source."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

import replay
from psfabric.engine.deadletter import origin
from psfabric.event import Record
from psfabric.kafka import read_topic
from replay import Declined, NotThere, Operator, Plan, Selection, Terms
from replay.answers import Answer
from replay.plan import content_hash
from replay.progress import all_progress
from tests.replay.plant import Plant, event_of, example

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)


def planned(plant: Plant) -> Plan:
    letters = replay.open_dead_letters(plant.kafka, plant.components)
    return replay.make_plan(plant.kafka, plant.codec, letters, Selection(), plant.components, who="anna@desk", now=NOW)


def applied(plant: Plant, plan: Plan) -> replay.Applied:
    """Without a canary: no component is there that would answer."""
    anna = Operator("person on-boarded", "anna@desk")
    return replay.apply(plant.kafka, plan, anna, Terms(canary=0))


def verified(plant: Plant, plan: Plan, wait: float = 0.0) -> replay.Verification:
    return replay.verify(plant.kafka, plant.codec, plan, deadline=time.monotonic() + wait)


def test_a_plan_counts_records_time_and_money_and_names_the_target(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event(seconds=5400)))
    plant.bury(plant.record(plant.time_event(seconds=1)), code="erp-refused")
    plant.bury(plant.raw(b"{", "n-1"), code="malformed-json")
    plan = planned(plant)
    assert [(c.code, c.records) for c in plan.counts] == [
        ("erp-refused", 1),
        ("malformed-json", 1),
        ("resource-unknown", 1),
    ]
    (value,) = plan.worth
    assert (value.legal_entity, value.currency, value.seconds, value.hours) == ("UK01", "GBP", 5401, "1.5003")
    assert value.money == str(Decimal("187.5") + Decimal("0.0375")), "1.5 h and 0.0003 h at 125 GBP"
    assert (plan.without_worth, plan.targets) == (1, (plant.name,))


def test_time_that_is_not_billable_is_worth_no_money(plant: Plant) -> None:
    data = example("enriched.time.TimeApproved")
    free = data.model_copy(update={"enrichment": data.enrichment.model_copy(update={"billable": False})})  # type: ignore[attr-defined]
    found = replay.worth(plant.codec, plant.record(event_of(free)))
    assert found is not None
    assert (found.seconds, found.money) == (5400, Decimal(0))


def test_apply_sends_key_value_and_own_headers_untouched_to_the_same_partition(plant: Plant) -> None:
    key = "jira-acme:worklog:7"
    records = {p: plant.record(plant.time_event(key), offset=4711, partition=p) for p in (0, 3)}
    for record in records.values():
        plant.bury(record)
    plan = planned(plant)
    assert applied(plant, plan).sent == 2
    assert {sent.partition for sent in plant.redone()} == {0, 3}
    for sent in plant.redone():
        record = records[sent.partition]
        assert (sent.key, sent.value) == (record.key, record.value)
        added = dict(sent.headers[len(record.headers) :])
        assert sent.headers[: len(record.headers)] == record.headers
        assert added == {
            "__dlq.errors.topic": f"deliver.{plant.name}".encode(),
            "__dlq.errors.partition": str(sent.partition).encode(),
            "__dlq.errors.offset": b"4711",
            "fabric-redo-plan": plan.hash.encode(),
            "fabric-redo-dead-letter": f"{plant.name}/{sent.partition}/0".encode(),
        }
        assert origin(sent).coordinates == record.coordinates, "the engine files it under its first origin"


def test_records_go_in_the_order_of_their_source_whenever_they_were_buried(plant: Plant) -> None:
    entry = "jira-acme:worklog:7"
    for offset in (300, 100, 200):
        plant.bury(plant.record(plant.time_event(entry), offset=offset))
    applied(plant, planned(plant))
    assert [origin(record).offset for record in plant.redone()] == [100, 200, 300]


def test_a_second_apply_is_a_no_op(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    plan = planned(plant)
    applied(plant, plan)
    again = applied(plant, plan)
    assert (again.sent, again.total, again.already) == (0, 1, True)
    assert len(plant.redone()) == 1


def test_every_applied_plan_is_in_the_audit_trail(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    plan = planned(plant)
    applied(plant, plan)
    rows = [json.loads(record.value or b"") for record in read_topic(plant.kafka, "fabric.operations")]
    mine = [row for row in rows if row["detail"].get("plan") == plan.hash]
    assert [row["act"] for row in mine] == ["replay.apply.started", "replay.apply.finished"]
    assert {(row["who"], row["who_is"], row["reason"]) for row in mine} == {
        ("anna@desk", "claimed", "person on-boarded")
    }
    assert mine[1]["detail"]["sent"] == 1


def test_a_plan_file_comes_back_as_it_was_written(plant: Plant, tmp_path: Path) -> None:
    plant.bury(plant.raw(b"{", "n-1", key="Zoë \udce9"[:3]))
    plan = planned(plant)
    replay.write_plan(plan, tmp_path / "plan.json")
    assert replay.read_plan(tmp_path / "plan.json") == plan


@pytest.mark.parametrize("change", ["drop", "swap", "selection"])
def test_a_changed_plan_is_refused(plant: Plant, tmp_path: Path, change: str) -> None:
    for _ in range(2):
        plant.bury(plant.record(plant.time_event()))
    path = tmp_path / "plan.json"
    replay.write_plan(planned(plant), path)
    body = json.loads(path.read_text())
    match change:
        case "drop":
            body["entries"].pop()
        case "swap":
            body["entries"].reverse()
        case _:
            body["selection"] = {"limit": 7}
    path.write_text(json.dumps(body))
    with pytest.raises(Declined, match="was changed after it was made"):
        replay.read_plan(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "[" * 100_000, "null", '{"format": 2}'])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(Declined, match="is not a replay plan"):
        replay.read_plan(tmp_path / "plan.json")


def test_a_plan_that_is_not_there_is_a_mistake_of_use(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="No such file"):
        replay.read_plan(tmp_path / "plan.json")


def forged(plan: Plan, **changes: Any) -> Plan:
    """A plan of another content that is sound in itself."""
    entries = tuple(entry.model_copy(update=changes) for entry in plan.entries)
    made = plan.model_copy(update={"entries": entries})
    return made.model_copy(update={"hash": content_hash(made.model_dump(mode="json"))})


def test_a_record_whose_value_is_not_the_planned_one_is_refused_and_nothing_is_sent(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    with pytest.raises(Declined, match="its value differs"):
        applied(plant, forged(planned(plant), value_hash="00" * 32))
    assert plant.redone() == []


def test_a_record_that_retention_removed_is_refused_and_nothing_is_sent(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    plant.bury(plant.record(plant.time_event()))
    plan = planned(plant)
    vanish(plant, before=1)
    with pytest.raises(Declined, match=rf"{plant.name}/0/0 is no longer in dlq\.{plant.name}"):
        applied(plant, plan)
    assert plant.redone() == []


def test_a_flaw_at_the_end_of_a_plan_stops_it_before_its_beginning_is_sent(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event(), offset=9))
    plant.bury(plant.record(plant.time_event(), offset=1))
    plan = planned(plant)
    vanish(plant, before=1)
    with pytest.raises(Declined):
        applied(plant, plan)
    assert plant.redone() == []
    assert plan.hash not in all_progress(plant.kafka)


def vanish(plant: Plant, before: int) -> None:
    admin = AdminClient({"bootstrap.servers": plant.kafka.bootstrap})
    for future in admin.delete_records([TopicPartition(f"dlq.{plant.name}", 0, before)]).values():
        future.result(10)


def test_a_component_that_no_longer_exists_is_refused(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    with pytest.raises(Declined, match="gone has no such redo partition any more"):
        applied(plant, forged(planned(plant), to="redo.gone"))


def test_verify_gives_each_record_its_answer(plant: Plant) -> None:
    events = {answer: plant.time_event(f"jira-acme:worklog:{n}") for n, answer in enumerate(Answer, 1)}
    for event in events.values():
        plant.bury(plant.record(event))
    plant.deliver(events[Answer.UNKNOWN])  # long ago: no answer to this replay
    plant.bury(plant.record(events[Answer.UNKNOWN]))
    plan = planned(plant)
    applied(plant, plan)
    plant.deliver(events[Answer.DELIVERED])
    plant.deliver(events[Answer.DUPLICATE], duplicate=True)
    plant.supersede(events[Answer.SUPERSEDED])
    plant.refuse(events[Answer.FAILED_AGAIN])
    plant.wait(events[Answer.HELD])
    found = verified(plant, plan)
    by_event = {entry.about: found.answers[entry.id] for entry in plan.entries}
    assert by_event == {event.id: answer for answer, event in events.items()}
    assert not found.home
    assert not found.in_time


def test_verify_is_content_when_all_are_home(plant: Plant) -> None:
    delivered, superseded = plant.time_event(), plant.time_event()
    for event in (delivered, superseded):
        plant.bury(plant.record(event))
    plan = planned(plant)
    applied(plant, plan)
    plant.wait(delivered)
    plant.deliver(delivered)
    plant.supersede(superseded)
    found = verified(plant, plan)
    assert found.home
    assert found.in_time


def test_what_was_delivered_stays_so_whatever_state_is_told_later(plant: Plant) -> None:
    events = [plant.time_event() for _ in range(6)]  # their receipts spread over the partitions
    for event in events:
        plant.bury(plant.record(event))
    plan = planned(plant)
    applied(plant, plan)
    for event in events:
        plant.deliver(event)
        plant.wait(event)
    assert verified(plant, plan).home


def test_verify_goes_on_looking_until_the_deadline(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event))
    plan = planned(plant)
    applied(plant, plan)
    told: list[dict[Answer, int]] = []

    def tell(counts: dict[Answer, int]) -> None:
        told.append(counts)
        if len(told) == 3:
            plant.deliver(event)

    deadline = time.monotonic() + 20
    assert replay.verify(plant.kafka, plant.codec, plan, deadline=deadline, tell=tell).home
    assert (told[0][Answer.UNKNOWN], told[-1][Answer.DELIVERED]) == (1, 1)


def test_verify_before_apply_is_a_mistake_of_use(plant: Plant) -> None:
    plant.bury(plant.record(plant.time_event()))
    with pytest.raises(NotThere, match="not applied yet"):
        verified(plant, planned(plant))


def test_a_replayed_record_that_fails_again_is_open_again_and_keeps_its_first_origin(plant: Plant) -> None:
    event = plant.time_event()
    plant.bury(plant.record(event, offset=4711))
    applied(plant, planned(plant))
    (sent,) = plant.redone()
    plant.bury(Record(sent.topic, sent.partition, sent.offset, sent.key, sent.value, sent.headers))
    (letter,) = replay.open_dead_letters(plant.kafka, plant.components)
    assert (letter.failures, str(letter.origin)) == (2, f"deliver.{plant.name}/0/4711")
