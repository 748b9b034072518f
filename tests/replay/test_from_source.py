"""A replay from the source's record: what the mended mapping changes is planned, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

import replay
from psfabric.event import Record, Version
from psfabric.kafka import read_topic
from psfabric.stages import about_id
from replay import Declined, Selection
from replay.from_source import Made
from tests.replay.plant import Plant
from tests.replay.sources import NOW, SourcePlant, entry

REVISION = f"{7:020d}"


@pytest.fixture
def source(plant: Plant) -> SourcePlant:
    return SourcePlant(plant)


def counted(made: Made) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("records", "ahead", "unchanged", "changed", "corrected", "new", "gone", "superseded", "amended", "left")
    return {name: count for name in names if (count := getattr(made.remapped, name))}


def places(made: Made) -> list[tuple[int, int]]:
    return [(each.partition, each.offset) for each in made.plan.entries] if made.plan else []


def test_a_plan_is_applied_under_its_revision_and_says_the_new_content_then(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.read()
    mended = source.mapping(quarters=True)
    plan = source.planned(mended).plan
    assert plan is not None
    replay.apply(source.plant.kafka, plan, replay.Operator("entries were not rounded"), replay.Terms(canary=0))
    (sent,) = read_topic(source.plant.kafka, f"redo.{source.name}")
    assert sent.header("fabric-redo-revision") == REVISION
    (event,) = source.again(sent, mended)
    assert (event.version.revision, event.data.worked_seconds) == (REVISION, 3600)  # type: ignore[attr-defined]
    assert event.id == plan.remapped.awaited[0].id if plan.remapped else False
    assert source.planned(mended).plan is None, "nothing is left to do"


def test_a_replayed_record_that_died_is_sent_again_under_the_revision_it_had(source: SourcePlant) -> None:
    record = source.receive(entry("w1", 3000))
    plant, revision = source.plant, (("fabric-redo-revision", REVISION.encode()), ("fabric-redo-plan", b"p"))
    died = Record(f"deliver.{plant.name}", 0, 7, record.key, record.value, (*record.headers, *revision))
    plant.bury(died)
    letters = replay.open_dead_letters(plant.kafka, plant.components)
    plan = replay.make_plan(plant.kafka, plant.codec, letters, Selection(), plant.components, who="anna", now=NOW)
    replay.apply(plant.kafka, plan, replay.Operator("mended"), replay.Terms(canary=0))
    (sent,) = plant.redone()
    assert sent.header("fabric-redo-revision") == REVISION


def test_an_unchanged_mapping_has_nothing_to_do_and_takes_no_operation_number(source: SourcePlant) -> None:
    for number in range(3):
        source.live(entry(f"w{number}"))
    source.read()
    made = source.planned(source.mapping())
    assert made.plan is None
    assert counted(made) == {"records": 3, "unchanged": 3}
    assert source.asked == []


def test_exactly_the_records_that_are_said_otherwise_are_planned_under_the_number(
    source: SourcePlant,
) -> None:
    changed = source.live(entry("w0", 3000))
    source.live(entry("w1", 3600), partition=1)
    source.live(entry("w2", 5000))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert places(made) == [(0, 0), (0, 1)]
    assert counted(made) == {"records": 3, "unchanged": 1, "changed": 2, "corrected": 2}
    assert made.plan is not None
    assert (made.plan.revision, made.remapped.revision) == (REVISION, REVISION)
    assert source.asked == [{"from": source.topic, "selection": {}, "records": 2}]
    first = made.plan.entries[0]
    assert (first.topic, first.to, first.to_partition) == (source.topic, f"redo.{source.name}", 0)
    assert (first.component, first.about) == (source.name, about_id(changed))
    assert made.plan.targets == (source.plant.name,)


def test_the_difference_is_told_in_time_and_money_of_what_is_delivered(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))  # 600 s more
    source.live(entry("w2", 1))  # 899 s more
    waits = source.receive(entry("w3", 3000))
    source.send(source.say(waits, source.mapping())[0])
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert counted(made) == {"records": 3, "changed": 3, "corrected": 2}
    (found,) = made.remapped.differences
    assert (found.legal_entity, found.client, found.currency, found.period) == ("UK01", "C-7", "GBP", "2026-06")
    assert (found.events, found.seconds, found.hours, found.money) == (2, 1499, "0.4164", "52.05")
    assert (found.unpriced, made.remapped.corrections) == (0, 2)


def test_samples_show_what_changed_and_cover_what_is_personal(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.read()
    (sample,) = source.planned(source.mapping(quarters=True, moves="PRJ-2")).remapped.samples
    assert sample.state == "delivered"
    assert sample.changes == {"project_id": ("PRJ-1001", "PRJ-2"), "worked_seconds": ("***", "***")}


def test_what_moved_to_another_project_changes_by_an_amount_that_is_not_known(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.read()
    (found,) = source.planned(source.mapping(quarters=True, moves="PRJ-2")).remapped.differences
    assert (found.seconds, found.money, found.unpriced) == (600, "0", 1)


def test_what_the_mapping_says_for_the_first_time_is_planned_as_new(source: SourcePlant) -> None:
    record = source.receive(entry("w1", role="Partner"))
    assert source.say(record, source.mapping(refuses="Partner")) == []
    source.read()
    made = source.planned(source.mapping())
    assert counted(made) == {"records": 1, "new": 1}
    assert places(made) == [(0, 0)]
    assert (made.remapped.corrections, made.remapped.differences) == (0, ())


def test_a_new_version_of_what_a_target_holds_is_told_with_its_difference(source: SourcePlant) -> None:
    source.live(entry("w1", 3600))
    source.say(source.receive(entry("w1", 7200, edition=2, role="Partner")), source.mapping(refuses="Partner"))
    source.read()
    made = source.planned(source.mapping())
    assert counted(made) == {"records": 2, "unchanged": 1, "new": 1}
    assert (made.remapped.corrections, made.remapped.differences[0].seconds) == (1, 3600)


def test_a_removal_that_the_mapping_says_now_takes_away_what_was_worked(source: SourcePlant) -> None:
    source.live(entry("w1", 3600))
    source.say(source.receive(entry("w1", edition=2, removed=True, role="x")), source.mapping(skips="x"))
    source.read()
    made = source.planned(source.mapping())
    assert (made.remapped.corrections, made.remapped.differences[0].money) == (1, "-125")


def test_what_the_mapping_refuses_is_counted_by_code_and_not_planned(source: SourcePlant) -> None:
    for role in ("Partner", "Partner", "Oracle", "Consultant"):
        source.receive(entry(role, role=role))
    source.read()
    made = source.planned(source.mapping(refuses="Partner", fails="Oracle"))
    failing = [(each.code, each.records, each.why) for each in made.remapped.failing]
    assert failing == [
        ("bug", 1, f"ZeroDivisionError in {source.name}"),
        ("role-missing", 2, "role of the issue is empty"),
    ]
    assert places(made) == [(0, 3)]


def test_what_is_no_longer_said_is_told_and_no_removal_is_invented(source: SourcePlant) -> None:
    source.live(entry("w1", role="Partner"))
    source.live(entry("w2"))
    source.read()
    made = source.planned(source.mapping(skips="Partner"))
    assert counted(made) == {"records": 2, "unchanged": 1, "gone": 1}
    assert made.plan is None
    assert made.remapped.gone_samples[0].startswith(f"time.TimeSubmitted {source.name}:w1 2026-06-02T")


def test_what_another_time_still_says_is_not_gone(source: SourcePlant) -> None:
    """Said late: its record was stored before the time that is asked for, the event after."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    source.live(entry("w1"), at=yesterday)
    source.live(entry("w2"))
    source.read()
    made = source.planned(source.mapping(), Selection(since=yesterday + timedelta(hours=1)))
    assert counted(made) == {"records": 1, "unchanged": 1}


def test_an_old_version_changes_nothing_and_is_not_planned(source: SourcePlant) -> None:
    source.live(entry("w1", 3000, edition=1))
    source.live(entry("w1", 3600, edition=2))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert counted(made) == {"records": 2, "unchanged": 1, "superseded": 1}
    assert made.plan is None


def test_a_version_that_a_target_has_outrun_is_not_planned(source: SourcePlant) -> None:
    (event,) = source.say(source.receive(entry("w1", 3000)), source.mapping())
    sent = source.send(event)
    source.apply(sent, version=Version(f"9{sent.version.sequence[1:]}"))
    source.read()
    assert counted(source.planned(source.mapping(quarters=True))) == {"records": 1, "superseded": 1}


def test_what_an_operator_amended_is_left_alone(source: SourcePlant) -> None:
    (event,) = source.say(source.receive(entry("w1", 3000)), source.mapping())
    sent = source.send(event)
    source.apply(sent, version=Version(sent.version.sequence, f"{5:020d}"), event_id="amended")
    source.live(entry("w2", 3000))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert counted(made) == {"records": 2, "changed": 1, "corrected": 1, "amended": 1}
    assert places(made) == [(0, 1)]
    assert any("an operator amended them" in each for each in made.plan.warnings) if made.plan else False


def test_a_record_of_which_another_event_was_amended_is_left_alone_too(source: SourcePlant) -> None:
    """A replayed record says all of its events again."""
    one, two = source.say(source.receive(entry("w1", 3000), entry("w2", 3600)), source.mapping())
    source.apply(source.send(one))
    sent = source.send(two)
    source.apply(sent, version=Version(sent.version.sequence, f"{5:020d}"), event_id="amended")
    source.read()
    assert counted(source.planned(source.mapping(quarters=True))) == {"records": 1, "unchanged": 1, "amended": 1}


def test_what_was_replayed_already_is_compared_with_what_was_said_then(source: SourcePlant) -> None:
    record, mended = source.live(entry("w1", 3000)), source.mapping(quarters=True)
    for event in source.say(record, mended, revision=f"{3:020d}"):
        source.apply(source.send(event))
    source.read()
    assert counted(source.planned(mended)) == {"records": 1, "unchanged": 1}
    back = source.planned(source.mapping())
    assert counted(back) == {"records": 1, "changed": 1, "corrected": 1}
    assert back.remapped.differences[0].seconds == -600


def test_only_what_was_stored_in_the_time_that_is_asked_for_is_mapped(source: SourcePlant) -> None:
    today = datetime.now(UTC).replace(microsecond=0)
    for days in (4, 3, 2, 1):
        source.live(entry(f"w{days}"), at=today - timedelta(days=days))
    source.read()
    wanted = Selection(since=today - timedelta(days=3), until=today - timedelta(days=1))
    assert places(source.planned(source.mapping(quarters=True), wanted)) == [(0, 1), (0, 2)]


def test_what_the_component_has_not_read_yet_is_left_to_it(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.receive(entry("w2", 3000))
    source.read({0: 1})
    made = source.planned(source.mapping(quarters=True))
    assert counted(made) == {"records": 1, "ahead": 1, "changed": 1, "corrected": 1}
    assert places(made) == [(0, 0)]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        ({"key": ("k-b",)}, [1]),
        ({"key": ("{name}:w2",)}, [2]),
        ({"type": ("time.TimeRemoved",)}, []),
        ({"type": ("time.TimeSubmitted",), "limit": 2}, [0, 1]),
    ],
)
def test_a_selection_takes_what_fits(source: SourcePlant, wanted: dict[str, Any], offsets: list[int]) -> None:
    for number, key in enumerate(("k-a", "k-b", "k-c")):
        source.live(entry(f"w{number}", 3000), key=key)
    source.read()
    if "key" in wanted:
        wanted = {"key": tuple(key.format(name=source.name) for key in wanted["key"])}
    made = source.planned(source.mapping(quarters=True), Selection(**wanted))
    assert [offset for _, offset in places(made)] == offsets
    assert made.remapped.left == (1 if "limit" in wanted else 0)


def test_what_several_records_say_is_planned_once(source: SourcePlant) -> None:
    for partition in (1, 0):
        source.live(entry("w1", 3000), partition=partition)
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert counted(made) == {"records": 2, "changed": 1, "corrected": 1}
    assert places(made) == [(1, 0)], "the one that was stored first"


def test_either_of_two_contents_that_were_said_of_one_version_is_what_the_mapping_said(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.live(entry("w1", 3001))
    source.read()
    assert counted(source.planned(source.mapping())) == {"records": 2, "unchanged": 1}


def test_what_retention_removed_is_warned_of(source: SourcePlant) -> None:
    last = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)  # behind all that was sent of the others
    for number in range(3):
        source.live(entry(f"w{number}", 3000), at=last - timedelta(minutes=2 - number))
    source.read()
    vanish(source, before=2)
    made = source.planned(source.mapping(quarters=True))
    assert places(made) == [(0, 2)]
    assert made.plan is not None
    assert any("retention has removed" in warning for warning in made.plan.warnings)
    assert made.remapped.gone == 0, "what is no longer kept may say it still"
    for since, warned in ((last - timedelta(seconds=1), True), (last, False)):
        later = source.planned(source.mapping(quarters=True), Selection(since=since))
        assert later.plan is not None
        assert any("retention" in warning for warning in later.plan.warnings) == warned


def test_a_topic_of_which_nothing_is_left_is_no_error(source: SourcePlant) -> None:
    source.live(entry("w1", 3000))
    source.read()
    vanish(source, before=1)
    assert counted(source.planned(source.mapping(quarters=True))) == {}


def vanish(source: SourcePlant, before: int) -> None:
    admin = AdminClient({"bootstrap.servers": source.plant.kafka.bootstrap})
    for future in admin.delete_records([TopicPartition(source.topic, 0, before)]).values():
        future.result(10)


def test_a_dead_letter_that_will_bar_the_correction_is_warned_of(source: SourcePlant) -> None:
    (event,) = source.say(source.receive(entry("w1", 3000)), source.mapping())
    sent = source.send(event)
    record = source.plant.record(sent)
    source.plant.bury(record)
    source.bar(record)
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert made.plan is not None
    assert any(f"1 will wait at {source.plant.name} behind a dead letter" in each for each in made.plan.warnings)


def test_the_plan_comes_back_from_its_file_and_its_hash_covers_all_it_says(source: SourcePlant, tmp_path: Path) -> None:
    source.live(entry("w1", 3000))
    source.read()
    made = source.planned(source.mapping(quarters=True))
    assert made.plan is not None
    path = tmp_path / "fix.json"
    replay.write_plan(made.plan, path)
    assert replay.read_plan(path) == made.plan
    body = json.loads(path.read_text())
    for name, value in (("revision", f"{8:020d}"), ("remapped", {**body["remapped"], "gone": 9})):
        path.with_name("other.json").write_text(json.dumps({**body, name: value}))
        with pytest.raises(Declined, match="was changed after it was made"):
            replay.read_plan(path.with_name("other.json"))
