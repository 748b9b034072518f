"""What the engine promises about dead letters, lost answers and operators; each test is a clause of the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from psfabric.engine import Limit, Result, Write
from psfabric.engine.control import Act, Control, read_control
from psfabric.engine.deadletter import marker_of
from psfabric.engine.hold import parse_until, until_text
from psfabric.engine.policy import ASK_REGISTRY, ASK_SCHEMA, SCHEMA_WAIT
from psfabric.errors import Answer, Approval, At, Earlier, Operator, Parent, Period, Schema, Until
from psfabric.event import HeaderList, Record
from psfabric.outcomes import Delivered, Discarded, Held, Outcome, Rejected, Retry, Unknown
from tests.engine.drive import IN, POLICY, Drive, barred, hold_of, markers_of, record

BAD = Rejected("contract-violated", "no")
BARRED = barred()


def answers(*bad: int) -> Callable[[Record], Outcome]:
    def answer(r: Record) -> Outcome:
        return BAD if r.offset in bad else Delivered("ref")

    return answer


def redo(of: Record, offset: int, extra: HeaderList = ()) -> Record:
    """A dead letter that was sent again."""
    where = (("topic", of.topic), ("partition", str(of.partition)), ("offset", str(of.offset)))
    headers = (("fabric-redo-plan", b"p"), *(("__dlq.errors." + n, v.encode()) for n, v in where), *extra)
    return Record("redo.c", 0, offset, of.key, of.value, headers)


def control(act: Act, of: str, offset: int, key: str = "k", **more: str) -> Record:
    asked = Control(act, of, "op-1", "someone@host", "because", "2026-11-25T00:00:00Z", **more)
    return Record("redo.c", 0, offset, key.encode(), asked.to_value(), asked.to_headers())


def restarted(drive: Drive) -> Drive:
    """The next owner: it knows what was written, and reads again from what was committed."""
    after = Drive(drive.engine.policy, hold_of(drive.writes), markers_of(drive.writes))
    after.writes = list(drive.writes)
    after.now = drive.now
    return after


# ------------------------------------------------------------------------------------------------ barrier


def test_later_records_of_a_key_wait_behind_its_dead_letter_and_others_do_not() -> None:
    drive = Drive(BARRED)
    drive.arrive(record(0, "a"), record(1, "a"), record(2, "b"))
    assert drive.run(answers(0)) == [0, 2]
    (entry,) = drive.engine.held()
    assert (entry.record.offset, entry.until) == (1, Earlier("a"))
    assert drive.committed() == 3
    drive.now += 3600
    assert drive.release() == 0


def test_the_marker_is_written_with_the_dead_letter_before_the_offset_may_move() -> None:
    drive = Drive(BARRED)
    drive.arrive(record(0, "a"))
    (work,) = drive.calls()
    writes = drive.settle(work, BAD)
    assert [w.topic for w in writes] == ["dlq.c", "hold.c"]
    assert drive.committed() is None
    drive.write(work, writes)
    assert drive.committed() == 1


def test_the_barrier_survives_a_restart() -> None:
    drive = Drive(BARRED)
    drive.arrive(record(0, "a"))
    drive.run(answers(0))
    after = restarted(drive)
    after.arrive(record(1, "a"), record(2, "b"))
    assert after.run() == [2]


def test_a_replayed_dead_letter_that_is_delivered_opens_the_barrier_in_source_order() -> None:
    drive = Drive(BARRED)
    first = record(0, "a")
    drive.arrive(first, record(1, "a"), record(2, "a"))
    drive.run(answers(0))
    drive.arrive(redo(first, 0))
    assert drive.run() == [0]
    assert drive.release() == 2
    assert drive.run() == [1, 2]
    assert markers_of(drive.writes) == []
    assert hold_of(drive.writes) == []


def test_a_replayed_dead_letter_that_fails_again_keeps_the_barrier() -> None:
    drive = Drive(BARRED)
    first = record(0, "a")
    drive.arrive(first, record(1, "a"))
    drive.run(answers(0))
    drive.arrive(redo(first, 0))
    drive.run(answers(0))
    assert drive.release() == 0
    assert [m.offset for m in markers_of(drive.writes)] == [0]


def test_two_dead_letters_of_a_key_are_replayed_in_source_order_only() -> None:
    drive = Drive(BARRED)
    one, two = record(0, "a"), record(1, "a")
    drive.arrive(one)
    drive.run(answers(0))
    drive.arrive(two)
    drive.run()
    drive.arrive(control(Act.BURY, "in/0/1", 0, "a"))
    drive.run()
    assert {m.offset for m in markers_of(drive.writes)} == {0, 1}
    drive.arrive(redo(two, 1), redo(one, 2))
    assert drive.run() == [0], "the later one waits though it was sent first"
    assert drive.release() == 1
    assert drive.run() == [1]
    assert markers_of(drive.writes) == []


def test_the_barrier_can_be_off_for_an_event_type() -> None:
    drive = Drive(replace(BARRED, barrier_off=frozenset({"psf.time.TimeApproved.v1"})))
    free = (("ce_type", b"psf.time.TimeApproved.v1"),)
    drive.arrive(record(0, "a", headers=free), record(1, "a", headers=free), record(2, "a"))
    assert drive.run(answers(0)) == [0, 1, 2]
    assert markers_of(drive.writes) == []


def test_a_record_without_a_key_bars_nobody() -> None:
    drive = Drive(BARRED)
    drive.arrive(record(0, None), record(1, None))
    assert drive.run(answers(0)) == [0, 1]
    assert markers_of(drive.writes) == []


# ------------------------------------------------------------------------------------------------ limit


def limited(**limit: float) -> Drive:
    return Drive(replace(POLICY, limit=replace(Limit(), **limit)))  # type: ignore[arg-type]


def test_so_many_dead_letters_in_a_row_stop_the_component() -> None:
    drive = limited(in_row=3)
    drive.arrive(*(record(n, f"k{n}") for n in range(5)))
    drive.run(answers(*range(5)))
    assert len(drive.written_to("dlq.c")) == 2
    assert drive.engine.stopped == "3 records in a row became dead letters"
    assert drive.committed() == 2, "the record that trips it is neither buried nor committed"


def test_a_share_of_dead_letters_stops_the_component_only_over_a_full_window() -> None:
    drive = limited(ratio=0.5, last=10, in_row=1000)
    drive.arrive(*(record(n, f"k{n}") for n in range(40)))
    drive.run(answers(*range(0, 8, 2)))
    assert drive.engine.stopped == "", "4 of 10 are not half"
    drive.arrive(*(record(n, f"k{n}") for n in range(40, 60)))
    drive.run(answers(*range(40, 60, 2)))
    assert drive.engine.stopped == "5 of the last 10 records became dead letters"


def test_a_stopped_component_calls_nothing_until_an_operator_lets_it_go_on() -> None:
    drive = limited(in_row=2)
    drive.arrive(record(0, "a"), record(1, "b"), record(2, "c"))
    drive.run(answers(0, 1))
    assert drive.engine.stopped
    drive.now += 86400
    assert drive.run() == []
    assert drive.engine.next_due(drive.now) is None
    drive.engine.resume()
    assert drive.run() == [1], "the one that tripped it is tried again; what was open had ended"


def test_once_stopped_nothing_more_is_buried_though_others_in_flight_succeed() -> None:
    drive = limited(in_row=2)
    drive.arrive(*(record(n, f"k{n}") for n in range(5)))
    drive.run(answers(0, 1, 3, 4))
    assert len(drive.written_to("dlq.c")) == 1
    assert drive.committed() == 1


def test_records_that_wait_behind_a_dead_letter_count_and_others_that_wait_do_not() -> None:
    drive = Drive(replace(BARRED, limit=Limit(in_row=4)))
    drive.arrive(record(0, "a"), record(1, "a"), record(2, "a"), record(3, "a"))
    drive.run(answers(0))
    assert drive.engine.stopped
    assert drive.committed() == 3
    waiting = Drive(replace(BARRED, limit=Limit(in_row=4)))
    waiting.arrive(*(record(n, f"k{n}") for n in range(10)))
    waiting.run(lambda r: Held("not there yet", Parent("project", "1")))
    assert not waiting.engine.stopped


def test_what_was_chosen_for_a_call_when_the_limit_trips_is_called() -> None:
    drive = Drive(replace(BARRED, batch=3, limit=Limit(in_row=2)))
    drive.arrive(record(0, "a"))
    drive.run(answers(0))
    drive.arrive(record(1, "b"), record(2, "a"))
    (work,) = drive.calls()
    assert work.record.offset == 1
    assert drive.engine.stopped
    drive.finish(work)
    assert drive.engine.calling == 0


def test_what_an_operator_buries_does_not_count() -> None:
    drive = limited(in_row=1)
    drive.arrive(record(0))
    drive.run(lambda r: Held("not there yet", Parent("project", "1")))
    drive.arrive(control(Act.BURY, "in/0/0", 0))
    drive.run()
    assert not drive.engine.stopped
    (dead,) = drive.written_to("dlq.c")
    assert dict(dead.headers)["fabric-dlq-code"] == b"operator-buried"


# ------------------------------------------------------------------------------------------------ passing faults


def test_a_record_that_alone_keeps_failing_is_a_dead_letter_in_the_end() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"))
    for n in range(1, 60):
        drive.arrive(record(n, f"k{n}"))
        drive.run(lambda r: Retry("busy") if r.offset == 0 else Delivered("ref"))
        drive.now += 31.0
        drive.release()
    (dead,) = drive.written_to("dlq.c")
    assert dict(dead.headers)["fabric-dlq-code"] == b"transient-suspect"


def test_while_nobody_succeeds_nobody_is_suspect() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "b"))
    for _ in range(100):
        drive.run(lambda r: Retry("down"))
        drive.now += 31.0
        drive.release()
    assert drive.written_to("dlq.c") == []


def test_attempts_are_remembered_through_hold_and_restart() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"))
    drive.run(lambda r: Retry("later", 60.0))
    (entry,) = hold_of(drive.writes)
    assert (entry.attempts, entry.first_failed_at) == (1, drive.now)


def test_a_wait_that_the_target_asks_for_holds_every_key_back() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"))
    drive.run(lambda r: Retry("too many requests", 10.0))
    drive.arrive(record(1, "b"))
    drive.now += 9.9
    assert drive.run() == []
    drive.now += 0.2
    assert sorted(drive.run()) == [0, 1]


# ------------------------------------------------------------------------------------------------ lost answers


NONE = replace(POLICY, idempotency="none", settle=5.0, timeout=10.0)


def test_a_lost_answer_waits_until_absence_can_be_believed_and_its_key_with_it() -> None:
    drive = Drive(NONE)
    drive.arrive(record(0, "a"), record(1, "a"), record(2, "b"))
    drive.now += 100.0
    assert drive.run(lambda r: Unknown("no answer") if r.offset == 0 else Delivered("ref")) == [0, 2]
    assert drive.engine.snapshot(drive.now).unknown == 1
    drive.now += 4.9
    assert drive.run() == []
    drive.now += 0.2
    (work,) = drive.calls()
    assert (work.record.offset, work.find_first) == (0, True)
    drive.finish(work)
    assert drive.run() == [1]
    assert drive.engine.snapshot(drive.now).unknown == 0


def test_a_new_owner_does_not_believe_absence_before_an_earlier_one_can_have_ended() -> None:
    drive = Drive(NONE)
    assert drive.engine.lanes[0].believe_at == drive.now + 15.0


def test_what_an_earlier_owner_may_have_sent_is_looked_for_first() -> None:
    drive = Drive(replace(NONE, concurrency=3000))
    drive.arrive(*(record(n, f"k{n}") for n in range(100, 1124)))
    drive.arrive(record(1124, "late"))
    drive.arrive(redo(record(7, "old"), 0))
    found = {work.record.offset: work.find_first for work in drive.calls()}
    assert found[100] is found[1123] is found[7] is True
    assert found[1124] is False, "nobody sends further above what is committed"


def test_long_waits_for_an_answer_go_to_hold_and_are_named_unknown() -> None:
    drive = Drive(replace(NONE, settle=120.0))
    drive.arrive(record(0))
    drive.run(lambda r: Unknown("no answer"))
    (entry,) = hold_of(drive.writes)
    assert isinstance(entry.until, Answer)
    assert entry.attempted_at == drive.now
    assert drive.committed() == 1
    drive.now += 200.0
    assert drive.release() == 1
    (work,) = drive.calls()
    assert work.find_first


@pytest.mark.parametrize(("conditional", "settle", "quiet"), [(False, 5.0, 5.0), (True, 5.0, None), (False, 0.0, None)])
def test_what_was_delivered_is_given_the_time_to_be_found(
    conditional: bool, settle: float, quiet: float | None
) -> None:
    drive = Drive(replace(NONE, settle=settle, conditional=conditional))
    drive.arrive(record(0))
    drive.run()
    found = drive.engine.lanes[0].quiet.get(b"k")
    assert found == (None if quiet is None else drive.now + quiet)


def test_an_operator_who_looked_says_what_the_target_did() -> None:
    drive = Drive(replace(NONE, settle=120.0))
    drive.arrive(record(0))
    drive.run(lambda r: Unknown("no answer"))
    drive.arrive(control(Act.RESOLVE, "in/0/0", 0, outcome="delivered", reference="4711"))
    (work,) = drive.calls()
    assert work.resolved is not None
    assert (work.resolved.outcome, work.resolved.reference) == ("delivered", "4711")
    drive.finish(work)
    assert hold_of(drive.writes) == []


# ------------------------------------------------------------------------------------------------ schema


def test_an_unknown_schema_is_asked_for_each_minute_and_is_a_dead_letter_after_a_quarter_of_an_hour() -> None:
    drive = Drive()
    drive.arrive(record(0))
    began = drive.now
    asked = drive.run(lambda r: Held("no such schema", Schema(7)))
    assert drive.run() == []
    for _ in range(16):
        drive.now += ASK_SCHEMA - 1
        assert drive.release() == 0 or drive.now > began + SCHEMA_WAIT
        drive.now += 1.1
        drive.release()
        asked += drive.run(lambda r: Held("no such schema", Schema(7)))
    (dead,) = drive.written_to("dlq.c")
    assert dict(dead.headers)["fabric-dlq-code"] == b"schema-unknown"
    assert len(asked) <= SCHEMA_WAIT / ASK_SCHEMA + 1


def test_while_the_registry_is_away_nobody_dies_of_it() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Held("no answer", Schema(7, unreachable=True)))
    for _ in range(1000):
        drive.now += ASK_REGISTRY + 0.1
        drive.release()
        drive.run(lambda r: Held("no answer", Schema(7, unreachable=True)))
    assert drive.written_to("dlq.c") == []
    assert len(drive.written_to("hold.c")) == 1, "it is not written again each time"
    drive.now += ASK_REGISTRY + 0.1
    drive.release()
    drive.run(lambda r: Held("no such schema", Schema(7)))
    drive.now += SCHEMA_WAIT - 60
    drive.release()
    drive.run(lambda r: Held("no such schema", Schema(7)))
    assert drive.written_to("dlq.c") == [], "counted from the first time that it was said"


# ------------------------------------------------------------------------------------------------ operators


def test_a_released_record_goes_whatever_it_waits_for() -> None:
    drive = Drive(BARRED)
    drive.arrive(record(0, "a"), record(1, "a"))
    drive.run(lambda r: Held("not there yet", Parent("project", "1")))
    drive.arrive(control(Act.RELEASE, "in/0/1", 0, "a"))
    assert drive.run() == [1]
    assert [entry.record.offset for entry in hold_of(drive.writes)] == [0]


def test_a_control_record_counts_as_done_only_when_its_effect_is_durable() -> None:
    drive = Drive()
    drive.arrive(record(0))
    drive.run(lambda r: Held("not there yet", Parent("project", "1")))
    drive.arrive(control(Act.RELEASE, "in/0/0", 0))
    (work,) = drive.calls()
    writes = drive.settle(work)
    assert drive.engine.commits().get(_REDO) is None
    drive.write(work, writes)
    assert drive.engine.commits()[_REDO] == 1


def test_a_control_record_that_finds_nothing_does_nothing() -> None:
    drive = Drive()
    drive.arrive(control(Act.RELEASE, "in/0/99", 0), control(Act.BURY, "in/0/98", 1))
    assert drive.run() == []
    assert drive.writes == []
    assert drive.engine.commits()[_REDO] == 2


def test_one_that_is_not_understood_is_left_alone() -> None:
    drive = Drive()
    drive.arrive(Record("redo.c", 0, 0, b"k", b"{}", (("fabric-control", b"release"),)))
    assert drive.run() == []
    assert drive.engine.commits()[_REDO] == 1


def receipts_of(drive: Drive) -> list[Outcome]:
    """Outcomes of which the engine writes a receipt, as they come."""
    receipts: list[Outcome] = []

    def receipt(r: Record, outcome: Outcome) -> Write:
        receipts.append(outcome)
        return Write("psf.delivery", r.key, b"")

    drive.engine._receipt = receipt
    return receipts


def test_a_replay_that_waits_in_hold_is_discarded_with_its_dead_letter() -> None:
    drive = Drive(BARRED)
    receipts = receipts_of(drive)
    drive.arrive(record(0, "a"), record(1, "a"))
    drive.run(lambda r: Held("not yet", Parent("project", "1")))
    drive.arrive(control(Act.BURY, "in/0/1", 0, "a"))
    drive.run()
    drive.arrive(redo(record(1, "a"), 1))
    drive.run()
    assert {entry.record.offset for entry in drive.engine.held()} == {0, 1}
    drive.arrive(control(Act.DISCARD, "in/0/1", 2, "a", about="event-1"))
    drive.run()
    assert receipts[-1] == Discarded("because", "event-1")
    assert markers_of(drive.writes) == []
    assert [entry.record.offset for entry in hold_of(drive.writes)] == [0]
    drive.release(Parent("project", "1"))
    assert drive.run() == [0], "the discarded one is not delivered"


def test_a_dead_letter_whose_replay_is_delivered_meanwhile_is_not_discarded() -> None:
    drive = Drive(BARRED)
    receipts = receipts_of(drive)
    drive.arrive(record(0, "a"))
    drive.run(answers(0))
    drive.arrive(redo(record(0, "a"), 0), control(Act.DISCARD, "in/0/0", 1, "a", about="event-1"))
    assert drive.run() == [0]
    assert not any(isinstance(outcome, Discarded) for outcome in receipts)
    assert drive.engine.idle
    assert drive.engine.commits()[_REDO] == 2


def test_a_discarded_dead_letter_bars_nobody_any_more() -> None:
    drive = Drive(BARRED)
    receipts = receipts_of(drive)
    drive.arrive(record(0, "a"), record(1, "a"))
    drive.run(answers(0))
    drive.arrive(control(Act.DISCARD, "in/0/0", 0, "a", about="event-1"))
    drive.run()
    assert receipts[-1] == Discarded("because", "event-1")
    assert markers_of(drive.writes) == []
    assert drive.release() == 1
    assert drive.run() == [1]


def test_a_paused_component_begins_nothing_and_goes_on_where_it_stood() -> None:
    drive = Drive()
    drive.arrive(record(0, "a"), record(1, "b"))
    (first, *_) = drive.calls()
    drive.engine.pause("month end")
    drive.finish(first)
    drive.arrive(record(2, "c"))
    assert drive.run() == []
    assert drive.engine.snapshot(drive.now).paused
    drive.engine.resume()
    assert 2 in drive.run()


# ------------------------------------------------------------------------------------------------ too large


def test_what_a_topic_refuses_as_too_large_is_buried() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    drive.settle(work, Result(Delivered("ref"), (Write("out", b"k", b"x" * 10),)))
    drive.write(work, drive.engine.too_large(work, "out takes 5 bytes", drive.now))
    (dead,) = drive.written_to("dlq.c")
    assert dict(dead.headers)["fabric-dlq-code"] == b"oversize"
    assert drive.committed() == 1


def test_a_dead_letter_that_is_refused_stops_everything() -> None:
    drive = Drive()
    drive.arrive(record(0))
    (work,) = drive.calls()
    drive.settle(work, BAD)
    with pytest.raises(RuntimeError, match="in/0/0"):
        drive.engine.too_large(work, "dlq.c takes 5 bytes", drive.now)
    assert drive.committed() is None


# ------------------------------------------------------------------------------------------------ formats

_REDO = IN._replace(topic="redo.c")
_INSTANT = datetime(2026, 11, 25, 7, 0, 0, 123456, UTC)


@pytest.mark.parametrize(
    "until",
    [
        Parent("project", "PRJ:1"),
        Period("UK01", "2026-10"),
        At(_INSTANT),
        Approval("a-1"),
        Earlier("k:1"),
        Operator(),
        Schema(12),
        Schema(12, unreachable=True),
        Answer(_INSTANT),
    ],
)
def test_what_a_record_waits_for_reads_back(until: Until) -> None:
    assert parse_until(until_text(until)) == until


def test_a_control_record_reads_back() -> None:
    asked = control(Act.RESOLVE, "in/0/3", 5, outcome="delivered", reference="R", number="N", about="e")
    found = read_control(asked)
    assert (found.act, found.of, found.reference, found.number, found.who) == (
        Act.RESOLVE, "in/0/3", "R", "N", "someone@host"
    )  # fmt: skip


@pytest.mark.parametrize("of", ["", "in", "in/0/x", "in/0/"])
def test_a_control_record_about_nothing_is_refused(of: str) -> None:
    with pytest.raises(ValueError, match="names no record"):
        read_control(control(Act.RELEASE, of, 0))


def test_a_marker_reads_back_from_a_topic_with_slashes_in_its_key() -> None:
    odd = Record("psf.time", 3, 9, b"a/b/\xff", b"v")
    marker = marker_of(odd)
    write = Write("hold.c", marker.key, b"{}", (), 3)
    assert markers_of([write]) == [marker]
