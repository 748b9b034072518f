"""The express: records that nothing stands in the way of are handled as they arrive, and no promise moves for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from psfabric.engine import Limit, Policy, Result, Write
from psfabric.engine.deadletter import Marker, key_hash
from psfabric.engine.express import LIGHT, Passage
from psfabric.engine.hold import HoldEntry
from psfabric.engine.lane import Lane
from psfabric.engine.work import State, TopicPartition
from psfabric.errors import Parent
from psfabric.event import Record, Version
from psfabric.outcomes import Held, Outcome, Rejected, Retry, Superseded
from tests.engine.drive import IN, OK, Drive, barred, record

P1 = Parent("project", "P1")
BARRED = barred()
REDO = TopicPartition("redo.c", 0)


def copied(record: Record, size: int = 1) -> Result:
    return OK._replace(writes=(Write("out", record.key, b"%d" % record.offset + b" " * (size - 1)),))


class Express(Drive):
    """A drive whose records are handled as they arrive; `answers` says what becomes of an offset, else it is copied."""

    def __init__(self, policy: Policy = BARRED, **more: Any) -> None:
        super().__init__(policy, **more)
        self.handled: list[int] = []
        self.answers: dict[int, Result | Outcome] = {}

    def handle(self, record: Record, lane: Lane) -> Result:
        self.handled.append(record.offset)
        found = self.answers.get(record.offset, copied(record))
        return found if isinstance(found, Result) else Result(found)

    def ride(self, *records: Record) -> Passage:
        tp = TopicPartition(records[0].topic, records[0].partition)
        return self.engine.express(tp, records, self.handle, self.now)

    def acknowledge(self, passage: Passage) -> None:
        self.writes += passage.writes
        for run in passage.runs:
            self.engine.passed(run)

    def aside(self, passage: Passage) -> list[tuple[int, str]]:
        return [(work.record.offset, work.state.value) for work, _ in passage.aside]


def keys(*names: str, first: int = 0) -> list[Record]:
    return [record(first + n, name) for n, name in enumerate(names)]


# ------------------------------------------------------------------------------------------------ going through


def test_a_run_is_one_entry_of_the_log_until_all_of_it_is_durable() -> None:
    drive = Express()
    passage = drive.ride(*keys("a", "b", "a", "c"))
    assert drive.handled == [0, 1, 2, 3], "the second of a key does not wait for the acknowledgement of the first"
    assert [w.value for w in passage.writes] == [b"0", b"1", b"2", b"3"]
    assert [(run.at, run.count) for run in passage.runs] == [((IN, 0), 4)]
    assert drive.engine.commits() == {}
    assert not drive.engine.idle
    assert drive.engine.in_flight == 1
    assert drive.engine.snapshot(drive.now).in_flight == 4
    drive.acknowledge(passage)
    assert drive.committed() == 4
    assert drive.engine.idle
    assert drive.engine.in_flight == 0


def test_runs_may_be_acknowledged_in_any_order_and_the_commit_waits_for_the_first() -> None:
    drive = Express()
    first, second = drive.ride(*keys("a", "b")), drive.ride(*keys("a", "b", first=2))
    drive.acknowledge(second)
    assert drive.committed() is None
    drive.acknowledge(first)
    assert drive.committed() == 4


def test_gaps_of_a_compacted_topic_cost_nothing() -> None:
    drive = Express()
    drive.acknowledge(drive.ride(record(3, "a"), record(9, "b"), record(100, None)))
    assert drive.committed() == 101


def test_what_the_keeper_stores_is_known_to_the_next_record_of_the_run() -> None:
    drive = Express()
    seen = []

    def handle(record: Record, lane: Lane) -> Result:
        seen.append(lane.versions.get("project:P1"))
        return copied(record)._replace(versions=(("project:P1", Version(str(record.offset))),))

    drive.engine.express(IN, keys("a", "a"), handle, drive.now)
    assert seen == [None, Version("0")]


# ------------------------------------------------------------------------------------------------ leaving


@pytest.mark.parametrize(
    ("outcome", "topic"),
    [(Held("not there", P1), "hold.c"), (Rejected("bad", "no"), "dlq.c"), (Superseded(), "")],
)
def test_a_record_that_is_not_delivered_leaves_and_the_next_of_its_key_waits_behind_it(
    outcome: Outcome, topic: str
) -> None:
    drive = Express()
    drive.answers[1] = outcome
    passage = drive.ride(*keys("a", "b", "b", "c"))
    assert drive.handled == [0, 1, 3], "once each"
    assert drive.aside(passage) == [(1, "writing")]
    assert [w.topic for _, writes in passage.aside for w in writes][:1] == ([topic] if topic else [])
    assert [(run.at[1], run.count) for run in passage.runs] == [(0, 1), (3, 1)]
    drive.acknowledge(passage)
    assert drive.committed() == 1, "what is set aside is not durable yet"
    for work, writes in passage.aside:
        drive.write(work, writes)
    drive.run(copied)
    assert drive.committed() == 4
    barred_by_it = topic != ""
    assert bool(drive.written_to("out")[1:] == [Write("out", b"c", b"3")]) is barred_by_it
    assert (
        sum(1 for w in drive.written_to("hold.c") if b"barrier" not in (w.key or b""))
        == ({"hold.c": 2, "dlq.c": 1, "": 0}[topic])
    )


def test_a_record_to_be_tried_again_waits_for_its_turn_and_nothing_of_others() -> None:
    drive = Express()
    drive.answers[0] = Retry("down", 5.0)
    passage = drive.ride(*keys("a", "b", "a"))
    assert drive.handled == [0, 1]
    assert drive.aside(passage) == [(0, "queued")]
    drive.acknowledge(passage)
    assert drive.calls() == []
    del drive.answers[0]
    drive.now += 5.0
    assert drive.run(copied) == [0, 2]
    assert drive.committed() == 3


def test_nothing_goes_through_while_the_breaker_is_open() -> None:
    drive = Express()
    drive.answers = {n: Retry("the store is away") for n in range(30)}
    passage = drive.ride(*[record(n, f"k{n}") for n in range(30)])
    tried = len(drive.handled)
    assert tried < 30, "the breaker opened on the way"
    assert all(state == "queued" for _, state in drive.aside(passage))
    drive.ride(record(30, "z"))
    assert len(drive.handled) == tried
    assert drive.engine.snapshot(drive.now).queued == 31


def test_a_key_with_something_in_hold_or_dead_is_not_for_the_express() -> None:
    waits = HoldEntry(b"in/0/0", record(0, "a"), P1, 0.0)
    dead = Marker(key_hash(b"b"), "in", 0, 1)
    drive = Express(held=[waits], markers=[dead])
    passage = drive.ride(*keys("a", "b", "c", first=5))
    assert drive.handled == [7]
    drive.acknowledge(passage)
    assert drive.run(copied) == []
    assert len(drive.written_to("hold.c")) == 2
    assert drive.committed() == 8


def test_a_dead_letter_alone_keeps_its_key_off_the_express() -> None:
    drive = Express(markers=[Marker(key_hash(b"b"), "in", 0, 1)])
    drive.ride(*keys("a", "b", "c", first=5))
    assert drive.handled == [5, 7]


def test_a_record_that_lies_in_hold_already_is_not_handled_again() -> None:
    waits = HoldEntry(b"in/0/5", record(5, None), P1, 0.0)
    drive = Express(held=[waits])
    drive.acknowledge(drive.ride(record(5, None), record(6, None)))
    assert drive.handled == [6]
    assert drive.committed() == 7


def test_records_read_again_after_a_seek_are_handled_once() -> None:
    drive = Express()
    first = drive.ride(*keys("a", "b"))
    second = drive.ride(*keys("a", "b", "c"))
    assert drive.handled == [0, 1, 2]
    drive.acknowledge(first)
    drive.acknowledge(second)
    assert drive.committed() == 3
    with pytest.raises(RuntimeError, match="never read"):
        Express().ride(record(7), record(3))


def test_an_output_that_a_topic_may_refuse_for_its_size_goes_alone() -> None:
    drive = Express()
    drive.answers[1] = copied(record(1), LIGHT + 1)
    passage = drive.ride(*keys("a", "b", "b"))
    ((work, writes),) = passage.aside
    assert (work.record.offset, len(writes)) == (1, 1)
    buried = drive.engine.too_large(work, "too large", drive.now)
    assert next(w.topic for w in buried) == "dlq.c"
    assert drive.handled == [0, 1], "and its key waits until that is known"


Change = Callable[[Express], object]
CLOSED: dict[str, tuple[Policy, Change]] = {
    "paused": (BARRED, lambda drive: drive.engine.pause("maintenance")),
    "stopped": (BARRED, lambda drive: setattr(drive.engine, "stopped", "limit")),
    "a rate": (replace(BARRED, rate=5.0), lambda drive: None),
    "batches": (replace(BARRED, batch=2), lambda drive: None),
}


@pytest.mark.parametrize("why", CLOSED)
def test_the_express_is_closed_when_there_is_a_pace_to_keep(why: str) -> None:
    policy, change = CLOSED[why]
    drive = Express(policy)
    change(drive)
    assert drive.ride(*keys("a", "b")) == Passage()
    assert drive.handled == []
    assert drive.engine.snapshot(drive.now).queued == 2


def test_replayed_records_are_not_for_the_express() -> None:
    drive = Express()
    assert drive.ride(record(0, "a", topic="redo.c")) == Passage()
    assert drive.engine.snapshot(drive.now).queued == 1


# ------------------------------------------------------------------------------------------------ limits, partitions


def test_the_limit_sees_records_in_the_order_in_which_they_were_handled() -> None:
    drive = Express(replace(BARRED, limit=Limit(ratio=1.0, last=1000, in_row=3)))
    drive.answers = {n: Rejected("bad", "no") for n in (0, 1, 3, 4, 5, 6)}
    passage = drive.ride(*[record(n, f"k{n}") for n in range(9)])
    assert "3 records in a row" in drive.engine.stopped
    assert drive.handled == [0, 1, 2, 3, 4, 5], "the third in a row is the one too many"
    assert [(work.record.offset, work.state) for work, _ in passage.aside][-1] == (5, State.QUEUED)
    drive.acknowledge(passage)
    for work, writes in passage.aside:
        if work.state is not State.QUEUED:
            drive.write(work, writes)
    assert drive.committed() == 5


def test_many_good_records_lower_the_ratio_of_bad_ones() -> None:
    drive = Express(replace(BARRED, limit=Limit(ratio=0.5, last=10, in_row=100)))
    drive.answers = {n: Rejected("bad", "no") for n in (*range(4), 104)}
    for at in range(0, 105, 5):
        drive.ride(*[record(n, f"k{n}") for n in range(at, at + 5)])
    assert drive.engine.stopped == ""
    assert (len(drive.engine._limit.last), drive.engine._limit.bad) == (10, 1)


def test_a_run_of_an_earlier_assignment_frees_nothing() -> None:
    drive = Express()
    stale = drive.ride(*keys("a", "b"))
    drive.engine.revoke(0)
    drive.acknowledge(stale)
    drive.engine.assign(0, now=drive.now)
    again = drive.ride(*keys("a", "b"))
    drive.acknowledge(stale)
    assert drive.committed() is None
    drive.acknowledge(again)
    assert drive.committed() == 2
