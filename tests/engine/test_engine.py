"""What the engine promises about order, retries, holds and commits."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from psfabric.engine import Engine, Result, Write
from psfabric.engine.applied import Applied
from psfabric.engine.hold import HoldEntry, hold_key, read_hold
from psfabric.engine.policy import ASK_PERIOD, LONGEST_WAIT, MET_IN_VAIN, WINDOW
from psfabric.engine.work import State
from psfabric.errors import Answer, At, Earlier, Parent, Period
from psfabric.event import Record, Version
from psfabric.outcomes import Delivered, Held, Outcome, Rejected, Retry, Superseded, Unknown
from tests.engine.drive import IN, OK, POLICY, Drive, barred, hold_of, record, stored

P1, P2 = Parent("project", "1"), Parent("project", "2")


def held_on(parent: Parent) -> Held:
    return Held("not there yet", parent)


# ------------------------------------------------------------------------------------------------ order


def test_a_record_is_called_only_when_the_one_before_of_its_key_is_durable() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "a"), record(2, "b"))
    first, other = drive.calls()
    assert (first.record.offset, other.record.offset) == (0, 2)
    writes = drive.settle(first, Result(Delivered(""), (Write("out", b"a", b"x"),)))
    assert drive.calls() == [], "settled, but its output is not acknowledged"
    drive.write(first, writes)
    assert [work.record.offset for work in drive.calls()] == [1]


def test_records_without_a_key_are_ordered_only_with_themselves() -> None:
    drive = Drive()
    drive.arrive(record(0, None), record(1, None))
    assert len(drive.calls()) == 2


def test_a_key_that_waits_does_not_stop_other_keys() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "b"))
    assert drive.run(lambda r: Retry("busy") if r.offset == 0 else OK) == [0, 1]
    drive.arrive(record(2, "b"), record(3, "a"))
    assert drive.run() == [2]


def test_calls_open_at_once_are_bounded_and_batched() -> None:
    drive = Drive(replace(POLICY, concurrency=2, batch=3))
    drive.arrive(*(record(n, f"k{n}") for n in range(10)))
    step = drive.engine.step(drive.now)
    assert [len(batch) for batch in step.calls] == [3, 3]
    for work in step.calls[0]:
        drive.finish(work)
    assert [len(batch) for batch in drive.engine.step(drive.now).calls] == [3]


def test_the_rate_is_kept() -> None:
    drive = Drive(replace(POLICY, rate=5.0))
    drive.arrive(*(record(n, f"k{n}") for n in range(20)))
    assert len(drive.calls()) == 5
    drive.now += 0.4
    assert len(drive.calls()) == 2


# ------------------------------------------------------------------------------------------------ commits


def test_commits_never_pass_the_first_record_that_is_not_done() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(4)))
    works = drive.calls()
    for work in (works[1], works[3]):
        drive.finish(work)
    assert drive.committed() is None
    drive.finish(works[0])
    assert drive.committed() == 2
    drive.finish(works[2])
    assert drive.committed() == 4
    assert drive.committed() is None, "taken once, it is not offered again"


def test_a_commit_that_the_broker_refused_is_offered_again() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run()
    assert drive.engine.commits() == {IN: 1}
    assert drive.engine.commits() == {IN: 1}, "nobody said that it was taken"
    drive.engine.committed({IN: 1})
    assert drive.engine.commits() == {}


def test_a_record_from_before_reading_began_is_never_taken_for_one_read_again() -> None:
    drive = Drive()
    drive.arrive(record(10))
    drive.run()
    with pytest.raises(RuntimeError, match="in/0/4"):
        drive.arrive(record(4))


def test_a_record_whose_outputs_are_not_acknowledged_holds_the_commit_back() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    writes = drive.settle(work, Result(Delivered(""), (Write("out", b"k", b"x"),)))
    assert drive.committed() is None
    drive.write(work, writes)
    assert drive.committed() == 1


def test_offsets_may_have_gaps() -> None:
    drive = Drive()
    drive.arrive(record(10), record(500))
    drive.run()
    assert drive.committed() == 501


def test_a_full_window_is_seen() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(WINDOW - 1)))
    assert not drive.engine.full(IN)
    drive.arrive(record(WINDOW - 1))
    assert drive.engine.full(IN)
    drive.run()
    assert drive.engine.full(IN), "it is measured from the committed offset"
    assert drive.committed() == WINDOW
    assert not drive.engine.full(IN)


def test_what_is_read_again_after_a_seek_is_not_done_twice() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "b"))
    assert drive.run() == [0, 1]
    drive.arrive(record(0, "a"), record(1, "b"), record(2, "a"))
    assert drive.run() == [2]


# ------------------------------------------------------------------------------------------------ retry


def test_a_retry_waits_with_full_jitter_and_keeps_its_place() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "a"))
    assert drive.run(lambda r: Retry("busy")) == [0]
    due = drive.engine.next_due(drive.now)
    assert due is not None
    assert drive.now < due <= drive.now + 0.4
    drive.now = due
    assert drive.run() == [0, 1]


def test_the_wait_a_target_asks_for_is_obeyed() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Retry("throttled", 7.0))
    drive.now += 6.9
    assert drive.run() == []
    drive.now += 0.2
    assert drive.run() == [0]


def test_a_wait_that_was_asked_for_is_not_shortened_when_others_succeed() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(8)))
    drive.run(lambda r: Retry("throttled", 20.0) if r.offset == 0 else Retry("down"))
    drive.now += 6.0
    assert 0 not in drive.run()


def test_a_wait_longer_than_the_longest_goes_to_hold_so_that_the_offset_moves_on() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Retry("maintenance", LONGEST_WAIT + 1))
    assert drive.committed() == 1
    (entry,) = drive.engine.held()
    assert entry.until == At(datetime.fromtimestamp(drive.now + LONGEST_WAIT + 1, UTC))
    assert drive.release() == 0
    drive.now += LONGEST_WAIT + 2
    assert drive.release() == 1
    assert drive.run() == [0]


def test_an_unreachable_target_is_probed_one_call_at_a_time_and_all_go_on_when_it_is_back() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(50)))
    assert len(drive.run(lambda r: Retry("down"))) == 50
    asked = 0
    for _ in range(600):
        drive.now += 0.1
        asked += len(drive.run(lambda r: Retry("down")))
    assert 10 <= asked <= 40, "over a minute"
    drive.now += 6.0
    assert len(drive.run()) == 50


def test_a_burst_that_fails_together_counts_as_one_failure_of_the_target() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(200)))
    drive.run(lambda r: Retry("down"))
    drive.now += 0.6
    assert len(drive.run()) == 200, "a blip costs the shortest pause, not the longest"


def test_a_lost_answer_is_a_retry_where_repeating_is_safe_and_a_hold_where_not() -> None:
    safe, unsafe = Drive(), Drive(replace(POLICY, idempotency="none", settle=60.0))
    for drive in (safe, unsafe):
        drive.arrive(record(0))
        drive.run(lambda r: Unknown("no answer"))
    assert safe.engine.held() == []
    assert not safe.engine.idle
    (entry,) = unsafe.engine.held()
    assert isinstance(entry.until, Answer)


# ------------------------------------------------------------------------------------------------ hold


def test_a_held_record_frees_its_offset_once_the_hold_is_acknowledged() -> None:
    drive = Drive()
    drive.arrive(record(0, headers=(("h", b"1"), ("h", b"2"))))
    (work,) = drive.calls()
    writes = drive.settle(work, held_on(P1))
    assert drive.committed() is None
    drive.write(work, writes)
    assert drive.committed() == 1
    (hold,) = drive.written_to("hold.c")
    assert (hold.key, hold.value, hold.partition) == (b"in/0/0", b"v", 0)
    assert hold.headers[:2] == (("h", b"1"), ("h", b"2"))
    assert drive.engine.awaited(drive.now) == {P1}


def test_held_records_go_on_in_source_order_and_end_with_a_tombstone() -> None:
    drive = Drive()
    drive.arrive(record(0), record(1), record(2))
    drive.run(lambda r: held_on(P1))
    assert drive.release(P2) == 0
    assert drive.release(P1) == 3
    assert drive.run() == [0, 1, 2]
    assert [w.key for w in drive.written_to("hold.c") if w.value is None] == [b"in/0/0", b"in/0/1", b"in/0/2"]
    assert drive.engine.held() == []


def test_the_tombstone_follows_the_acknowledged_outputs() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: held_on(P1))
    drive.release(P1)
    (work,) = drive.calls()
    writes = drive.settle(work, Result(Delivered(""), (Write("out", b"k", b"x"),)))
    assert [w.topic for w in writes] == ["out"]
    (tombstone,) = drive.engine.written(work, drive.now)
    assert (tombstone.topic, tombstone.key, tombstone.value) == ("hold.c", b"in/0/0", None)
    assert len(drive.engine.held()) == 1
    drive.engine.written(work, drive.now)
    assert drive.engine.held() == []


def test_behind_the_barrier_later_records_of_the_key_wait_and_order_is_kept() -> None:
    drive = Drive(barred())
    drive.arrive(record(0, "a"), record(1, "b"), record(2, "a"), record(3, "a"))
    assert drive.run(lambda r: held_on(P1) if r.offset == 0 else OK) == [0, 1]
    assert {e.until for e in drive.engine.held()} == {P1, Earlier("a")}
    assert drive.committed() == 4
    assert drive.release() == 0
    drive.release(P1)
    assert drive.run() == [0, 2, 3]


def test_a_released_record_that_is_held_again_still_bars_those_released_with_it() -> None:
    drive = Drive(barred())
    drive.arrive(record(0, "a"), record(1, "a"))
    drive.run(lambda r: held_on(P1) if r.offset == 0 else OK)
    drive.release(P1)
    assert drive.run(lambda r: held_on(P2)) == [0]
    assert drive.release(P2) == 2
    assert drive.run() == [0, 1]


def test_a_record_released_in_vain_waits_a_while_before_it_is_tried_again() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: held_on(P1))
    drive.release(P1)
    drive.run(lambda r: held_on(P1))
    assert len(drive.written_to("hold.c")) == 1, "nothing new to write"
    assert drive.release(P1) == 0
    drive.now += MET_IN_VAIN
    assert drive.release(P1) == 1


def test_a_record_that_needs_a_second_parent_does_not_wait_longer_than_that_parent() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: held_on(P1))
    drive.release(P1)
    drive.run(lambda r: held_on(P2))
    assert drive.release(P2) == 1


def test_a_parent_that_nobody_creates_is_a_dead_letter_at_once() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Held("no such person", Parent("resource", "x")))
    (dead,) = drive.written_to("dlq.c")
    assert ("fabric-dlq-code", b"parent-unknown") in dead.headers
    assert drive.engine.held() == []


def test_a_hold_that_is_too_old_becomes_a_dead_letter() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: held_on(P1))
    drive.now += 14 * 86400 + 1
    assert drive.release() == 1
    assert drive.run() == []
    (dead,) = drive.written_to("dlq.c")
    assert (dead.key, dead.value) == (b"k", b"v")
    assert ("fabric-dlq-code", b"hold-expired") in dead.headers
    assert not [n for n, _ in dead.headers if n.startswith("fabric-hold-")]
    assert hold_of(drive.writes) == []


def test_the_next_owner_knows_what_lies_in_hold() -> None:
    drive = Drive(barred())
    drive.arrive(record(0, "a"), record(1, "a"))
    drive.run(lambda r: held_on(P1))
    after = Drive(barred(), held=hold_of(drive.writes))
    after.arrive(record(2, "a"))
    assert after.run() == []
    after.release(P1)
    assert after.run() == [0, 1, 2]


def test_what_was_put_into_hold_before_a_crash_and_is_read_again_waits_there_once() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"))
    drive.run(lambda r: held_on(P1))
    after = Drive(held=hold_of(drive.writes))
    after.arrive(record(0, "a"), record(1, "b"))
    assert after.run() == [1]
    assert after.committed() == 2
    after.release(P1)
    assert after.run() == [0]


def test_a_record_without_a_value_survives_its_time_in_hold() -> None:
    drive = Drive(barred())
    drive.arrive(record(0, "a"), record(1, "a", value=None))
    drive.run(lambda r: held_on(P1))
    assert [entry.record.value for entry in hold_of(drive.writes)] == [b"v", None]


def test_the_age_of_a_hold_is_counted_from_its_first_day() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: held_on(P1))
    since = drive.now
    for outcome in (held_on(P2), held_on(P1)):
        drive.now += 86400
        drive.release(P1, P2)
        (work,) = drive.calls()
        drive.finish(work, outcome)
    (entry,) = drive.engine.held()
    assert entry.since == since
    assert hold_of(drive.writes)[0].since == since


# ------------------------------------------------------------------------------------------------ revoke


def test_results_that_come_after_a_partition_was_revoked_change_nothing() -> None:
    drive = Drive(replace(POLICY, concurrency=1))
    drive.arrive(record(0), record(1, "b"))
    (work,) = drive.calls()
    drive.engine.revoke(0)
    drive.engine.assign(0)
    assert drive.settle(work) == ()
    assert drive.engine.written(work, drive.now) == ()
    assert drive.committed() is None
    drive.arrive(record(0), record(1, "b"))
    assert drive.run() == [0, 1], "and the call that was open does not count any more"


def test_an_acknowledgement_that_comes_after_a_partition_was_revoked_changes_nothing() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    drive.settle(work, Result(Delivered(""), (Write("out", b"k", b"x"),), ("doc", applied(1))))
    drive.engine.revoke(0)
    drive.engine.assign(0)
    drive.arrive(record(0))
    assert drive.engine.written(work, drive.now) == ()
    assert drive.committed() is None
    assert drive.engine.lanes[0].applied == {}


# ------------------------------------------------------------------------------------------------ results


def applied(version: int) -> Applied:
    return Applied(Version(f"{version:04d}"), "e", "hash", "ref")


def test_what_was_applied_is_remembered_when_it_is_durable() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    result = Result(Delivered(""), (Write("applied.c", b"doc", b"x"),), ("doc", applied(1)), (("p:1", Version("7")),))
    writes = drive.settle(work, result)
    lane = drive.engine.lanes[0]
    assert (lane.applied, lane.versions) == ({}, {})
    drive.write(work, writes)
    assert lane.applied == {"doc": applied(1)}
    assert lane.versions == {"p:1": Version("7")}


@pytest.mark.parametrize("outcome", [Delivered("r"), Superseded()])
def test_final_outcomes_write_what_the_stage_made(outcome: Outcome) -> None:
    drive = Drive()
    drive.arrive(record(0))
    receipt = Write("psf.delivery", b"key", b"receipt")
    drive.run(lambda r: Result(outcome, (receipt,)))
    assert drive.writes == [receipt]
    assert drive.committed() == 1


def test_outputs_of_a_record_that_was_refused_are_not_written() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Result(Rejected("bad", "no"), (Write("out", b"k", b"x"),)))
    assert [w.topic for w in drive.writes] == ["dlq.c"]


def test_a_state_receipt_is_written_with_the_hold_or_the_dead_letter() -> None:
    def receipt(about: Record, outcome: Outcome) -> Write:
        return Write("psf.delivery", type(outcome).__name__.encode(), about.value)

    engine = Engine(POLICY, receipt=receipt, rng=random.Random(1))
    engine.assign(0)
    engine.arrive([record(0, "a"), record(1, "b")])
    (first,), (second,) = engine.step(0.0).calls
    assert [w.topic for w in engine.settle(first, Result(held_on(P1)), 0.0)] == ["hold.c", "psf.delivery"]
    assert [w.topic for w in engine.settle(second, Result(Rejected("bad", "no")), 0.0)] == ["dlq.c", "psf.delivery"]


def test_a_replayed_record_keeps_the_coordinates_of_its_origin() -> None:
    drive = Drive()
    drive.arrive(record(5, value=b"\x00bytes"))
    drive.run(lambda r: Rejected("bad", "no"))
    (dead,) = drive.written_to("dlq.c")
    again = Record("redo.c", 0, 0, dead.key, dead.value, (*dead.headers, ("fabric-redo-plan", b"1")))
    drive.arrive(again)
    (work,) = drive.calls()
    assert work.record.coordinates == "in/0/5"
    assert work.record.value == b"\x00bytes"
    drive.finish(work, Rejected("worse", "no"))
    second = stored(drive.written_to("dlq.c")[1])
    assert second.header("__dlq.errors.offset") == "5"
    assert second.header("fabric-dlq-code") == "worse"
    assert drive.engine.commits()[IN._replace(topic="redo.c")] == 1


def test_a_clock_that_is_set_back_delays_nothing() -> None:
    drive = Drive(replace(POLICY, rate=1.0))
    drive.arrive(record(0, "a"))
    drive.finish(drive.calls()[0], Retry("busy", after=5.0))
    drive.now -= 3600
    assert drive.calls() == []
    drive.now += 5
    assert len(drive.calls()) == 1


def test_a_clock_that_is_set_back_leaves_an_open_breaker_probing() -> None:
    drive = Drive()
    drive.arrive(*(record(n, f"k{n}") for n in range(5)))
    for work in drive.calls():
        drive.finish(work, Retry("down"))
    drive.now -= 3600
    assert drive.calls() == []
    drive.now += 10
    assert len(drive.calls()) == 1


def test_one_record_that_its_target_keeps_putting_off_stops_no_partition() -> None:
    drive = Drive()
    drive.arrive(record(0, "bad"), *(record(n, f"k{n}") for n in range(1, 500)))
    drive.run(lambda r: Retry("locked", after=1.0) if r.offset == 0 else OK)
    assert drive.committed() is None, "within half of the window it waits there"
    drive.arrive(*(record(n, f"k{n}") for n in range(500, 601)))
    drive.now += 2
    drive.run(lambda r: Retry("locked", after=1.0) if r.offset == 0 else OK)
    assert drive.committed() == 601
    assert [write.key for write in drive.written_to("hold.c")] == [b"in/0/0"]
    drive.now += 2
    drive.release()
    assert drive.run() == [0]


def test_a_record_of_a_closed_period_is_offered_to_its_target_each_minute_for_sixty_days() -> None:
    drive = Drive()
    closed = Held("closed", Period("UK01", "2025-03"))
    drive.arrive(record(0))
    drive.finish(drive.calls()[0], closed)
    assert drive.committed() == 1
    assert drive.release() == 0
    drive.now += ASK_PERIOD
    assert drive.release() == 1
    drive.finish(drive.calls()[0], closed)
    assert len(drive.written_to("hold.c")) == 1, "still the same: nothing new to write"
    drive.now += 59 * 86400
    drive.release()
    assert drive.run() == [0], "the period was opened"
    assert drive.written_to("hold.c")[-1].value is None


def test_next_due_says_when_to_step_again() -> None:
    drive = Drive()
    assert drive.engine.next_due(drive.now) is None
    drive.arrive(record(0))
    assert drive.engine.next_due(drive.now) == drive.now
    drive.run(lambda r: Retry("busy", 3.0))
    assert drive.engine.next_due(drive.now) == drive.now + 3.0


def test_only_a_called_record_can_be_settled() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    drive.finish(work)
    assert work.state is State.DONE
    assert drive.settle(work) == ()


def test_a_hold_entry_reads_back_as_it_was_written() -> None:
    drive = Drive()
    odd = Record("in", 0, 3, b"\xff\x00", b"\x00\x01", (("h", b"1"), ("h", None)), 5)
    drive.arrive(odd)
    drive.run(lambda r: held_on(P1))
    entry = read_hold(stored(drive.writes[0]))
    assert entry == HoldEntry(hold_key(odd), odd._replace(timestamp_ms=0), P1, drive.now, attempted_at=drive.now)


def test_a_full_partition_does_not_take_every_call() -> None:
    drive = Drive(replace(POLICY, concurrency=1))
    drive.engine.assign(1, now=drive.now)
    drive.arrive(*[record(n, f"a{n}") for n in range(5)])
    drive.engine.arrive([Record("in", 1, n, b"b%d" % n, b"v") for n in range(5)])
    served = []
    for _ in range(4):
        (work,) = drive.calls()
        served.append(work.lane)
        drive.finish(work)
    assert set(served[:2]) == set(served[2:]) == {0, 1}


def test_while_all_calls_are_open_nothing_is_due() -> None:
    drive = Drive(replace(POLICY, concurrency=2))
    drive.arrive(*[record(n, f"k{n}") for n in range(3)])
    first, _ = drive.calls()
    assert drive.engine.next_due(drive.now) is None
    drive.finish(first)
    assert drive.engine.next_due(drive.now) == drive.now


FORGED = (
    ("fabric-redo-plan", b"p"),
    ("__dlq.errors.topic", b"elsewhere"),
    ("__dlq.errors.partition", b"3"),
    ("__dlq.errors.offset", b"99"),
)


def test_a_record_of_an_input_comes_from_where_it_was_read_whatever_its_writer_says() -> None:
    drive = Drive()
    drive.arrive(record(7, headers=(("h", b"a"), *FORGED)))
    (work,) = drive.calls()
    assert (work.record.coordinates, work.record.headers) == ("in/0/7", (("h", b"a"),))
    (letter,) = drive.settle(work, Rejected("code", "why"))
    named = dict(letter.headers)
    assert (named["__dlq.errors.topic"], named["__dlq.errors.offset"]) == (b"in", b"7")
    assert not [name for name in named if name.startswith("fabric-redo-")]


def test_a_replayed_record_comes_from_where_it_was_first_read() -> None:
    drive = Drive()
    drive.arrive(record(7, headers=FORGED, topic="redo.c"))
    (work,) = drive.calls()
    assert work.record.coordinates == "elsewhere/3/99"


def test_who_may_write_where_it_came_from_stands_in_its_dead_letter() -> None:
    drive = Drive()
    drive.arrive(record(1), record(2, key="b"))
    first, second = drive.calls()
    known = drive.settle(first, Rejected("code", "why", "User:a"))
    unknown = drive.settle(second, Rejected("code", "why"))
    assert dict(known[0].headers)["fabric-dlq-principal"] == b"User:a"
    assert "fabric-dlq-principal" not in dict(unknown[0].headers)
