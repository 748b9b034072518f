"""A dead letter that an operator amends: closed, its place taken by another event, in order, also across a crash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from psfabric.engine import Policy
from psfabric.engine.control import Act
from psfabric.engine.deadletter import marker_value, read_marker
from psfabric.errors import Parent
from psfabric.event import Record
from psfabric.outcomes import Amended, Delivered, Discarded, Held, Outcome
from psfabric.stages import SinkStage
from schemas import models
from tests.engine.drive import Drive, hold_of, markers_of, record
from tests.engine.erp import CODEC, ErpSink
from tests.engine.test_promises import BAD, BARRED, answers, control, receipts_of, redo, restarted

DEAD = record(0, "a", b"dead", (("ce_id", b"old"),))
CLOSED = Amended("because", "old", "psf.x.X.v1", "new")
LATER = record(1, "a")
NOT_YET = Held("not there yet", Parent("project", "1"))


def amendment(offset: int = 0) -> tuple[Record, Record]:
    """What an operator writes in one transaction."""
    order = control(Act.AMEND, "in/0/0", offset, "a", about="old", about_type="psf.x.X.v1", by="new")
    event = redo(record(0, "a", b"mended"), offset + 1, (("ce_id", b"new"),))
    return order, event


def dead(drive: Drive | None = None) -> Drive:
    """`DEAD` is a dead letter and `LATER` waits behind it."""
    drive = drive or Drive(BARRED)
    drive.arrive(DEAD, LATER)
    drive.run(answers(0))
    assert [entry.record.offset for entry in drive.engine.held()] == [1]
    return drive


def sent(drive: Drive, answer: Callable[[Record], Outcome] = lambda r: Delivered("ref")) -> list[bytes | None]:
    """The values that the adapter was asked to deliver, in order."""
    values: list[bytes | None] = []

    def asked(r: Record) -> Outcome:
        values.append(r.value)
        return answer(r)

    drive.run(asked)
    return values


def test_the_letter_is_closed_first_then_its_place_is_taken_and_what_came_later_follows() -> None:
    drive = dead()
    receipts = receipts_of(drive)
    drive.arrive(*amendment())
    assert drive.release() == 0
    assert sent(drive) == [b"mended"]
    assert receipts == [CLOSED]
    assert markers_of(drive.writes) == []
    assert drive.release() == 1
    assert sent(drive) == [b"v"]
    assert drive.engine.idle


def test_until_the_amended_event_is_durable_the_barrier_stands() -> None:
    drive = dead()
    drive.arrive(*amendment())
    (work,) = drive.calls()
    assert work.record.value == b"mended"
    assert [m.offset for m in markers_of(drive.writes)] == [0]
    assert drive.release() == 0
    drive.finish(work)
    assert drive.release() == 1


@pytest.mark.parametrize("answer", [BAD, NOT_YET])
def test_one_that_is_refused_or_waits_keeps_what_came_later_behind_it(answer: Outcome) -> None:
    drive = dead()
    drive.arrive(*amendment())
    assert sent(drive, lambda r: answer) == [b"mended"]
    assert drive.release() == 0
    after = restarted(drive)
    assert after.release() == 0, "nor does the next owner let it go"
    assert [m.offset for m in markers_of(after.writes)] == [0]


def test_a_refused_one_is_a_dead_letter_of_the_same_origin_that_can_be_amended_again() -> None:
    drive = dead()
    receipts = receipts_of(drive)
    drive.arrive(*amendment())
    sent(drive, lambda r: BAD)
    letter = dict(drive.written_to("dlq.c")[-1].headers)
    assert letter["ce_id"] == b"new"
    assert (letter["__dlq.errors.topic"], letter["__dlq.errors.offset"]) == (b"in", b"0")
    again = control(Act.AMEND, "in/0/0", 2, "a", about="new", by="newer")
    drive.arrive(again, redo(record(0, "a", b"mended twice"), 3, (("ce_id", b"newer"),)))
    assert sent(drive) == [b"mended twice"]
    assert receipts[-1] == Amended("because", "new", "", "newer")
    assert markers_of(drive.writes) == []


def test_a_crash_after_any_write_comes_to_the_same_end() -> None:
    """The next owner has what was written before the crash, and reads the redo topic from the control record on."""
    whole = dead()
    whole.arrive(*amendment())
    whole.run()
    begun = len(dead().writes)
    for written in range(begun, len(whole.writes) + 1):
        before = dead()
        before.writes = whole.writes[:written]
        after = restarted(before)
        receipts = receipts_of(after)
        after.arrive(*amendment())
        after.release()
        values = sent(after)
        after.release()
        values += sent(after)
        delivered = [value for value in values if value == b"mended"]
        assert delivered, f"after {written} writes"
        assert values in ([b"mended", b"v"], [b"v", b"mended"] if markers_of(before.writes) == [] else [])
        assert receipts in ([CLOSED], [CLOSED, CLOSED])
        assert (hold_of(after.writes), markers_of(after.writes)) == ([], [])


def test_the_control_record_read_again_leaves_the_amended_event_in_hold_alone() -> None:
    drive = dead()
    drive.arrive(*amendment())
    sent(drive, lambda r: NOT_YET)
    after = restarted(drive)
    receipts = receipts_of(after)
    after.arrive(amendment()[0])
    after.run()
    assert receipts == [CLOSED]
    assert [entry.record.value for entry in after.engine.held()] == [b"mended", b"v"]
    assert after.release(Parent("project", "1")) == 1
    assert sent(after) == [b"mended"]


@pytest.mark.parametrize("act", [Act.AMEND, Act.DISCARD])
@pytest.mark.parametrize("released", ["", "by itself", "by an operator"])
def test_a_replay_that_is_under_way_and_comes_back_to_hold_is_not_delivered_after_all(act: Act, released: str) -> None:
    drive = dead()
    receipts = receipts_of(drive)
    drive.arrive(redo(DEAD, 0, (("ce_id", b"old"),)))
    (replayed,) = drive.calls()
    order = control(act, "in/0/0", 1, "a", about="old", about_type="psf.x.X.v1", by="new")
    drive.arrive(order, *([amendment(1)[1]] if act is Act.AMEND else []))
    drive.write(replayed, drive.settle(replayed, NOT_YET))
    if released == "by itself":
        drive.release(Parent("project", "1"))
    elif released:
        drive.arrive(control(Act.RELEASE, "in/0/0", 3, "a"))
    values = sent(drive)
    for _ in range(2):
        drive.release(Parent("project", "1"))
        values += sent(drive)
    assert values == [b"mended", b"v"] if act is Act.AMEND else [b"v"]
    closed = CLOSED if act is Act.AMEND else Discarded("because", "old", "psf.x.X.v1")
    assert [each for each in receipts if not isinstance(each, Held)] == [closed]
    assert (hold_of(drive.writes), markers_of(drive.writes), drive.engine.idle) == ([], [], True)
    assert all(log.open == {} for lane in drive.engine.lanes.values() for log in lane.logs.values())


def test_a_replay_that_waits_in_hold_gives_way_to_the_amended_event() -> None:
    drive = dead()
    drive.arrive(redo(DEAD, 0, (("ce_id", b"old"),)))
    sent(drive, lambda r: NOT_YET)
    drive.arrive(*amendment(1))
    assert sent(drive) == [b"mended"]
    assert drive.release(Parent("project", "1")) == 1
    assert sent(drive) == [b"v"]
    assert hold_of(drive.writes) == []


def test_a_letter_whose_replay_is_delivered_meanwhile_keeps_that_receipt_and_is_corrected() -> None:
    drive = dead()
    receipts = receipts_of(drive)
    drive.arrive(redo(DEAD, 0, (("ce_id", b"old"),)), *amendment(1))
    assert sent(drive) == [b"dead", b"mended"]
    assert receipts == [], "the final receipt of the old event stands"


def test_without_a_barrier_the_letter_is_closed_and_the_event_goes_too() -> None:
    drive = Drive()
    drive.arrive(DEAD)
    drive.run(answers(0))
    receipts = receipts_of(drive)
    drive.arrive(*amendment())
    assert sent(drive) == [b"mended"]
    assert receipts == [CLOSED]


# ------------------------------------------------------------------------------------------------ whose place it is


def refused_amendment() -> Drive:
    """The amended event is a dead letter itself, at the place of the first."""
    drive = dead()
    drive.arrive(*amendment())
    sent(drive, lambda r: BAD)
    return drive


def test_the_old_record_read_again_after_a_crash_is_not_handled_any_more() -> None:
    """Its own offset was not committed yet, while those of the redo topic were."""
    after = restarted(refused_amendment())
    receipts = receipts_of(after)
    after.arrive(DEAD)
    assert sent(after) == []
    assert after.committed() == 1
    assert receipts == [Amended("another event went in its place", "old", "", "new")]
    assert [m.event for m in markers_of(after.writes)] == ["new"]


def test_between_the_control_record_and_the_event_the_place_is_taken_already() -> None:
    drive = dead()
    drive.arrive(amendment()[0])
    drive.run()
    after = restarted(drive)
    after.arrive(DEAD, LATER)
    assert sent(after) == []
    after.arrive(amendment()[1])
    assert sent(after) == [b"mended"]
    assert after.release() == 1


@pytest.mark.parametrize("barrier", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_plan_made_before_the_amendment_does_not_push_the_amended_event_out_of_hold(
    barrier: bool, first: bool
) -> None:
    drive = dead() if barrier else Drive()
    if not barrier:
        drive.arrive(DEAD)
        drive.run(answers(0))
    late = redo(DEAD, 2, (("ce_id", b"old"),))
    drive.arrive(*amendment())
    if first:
        sent(drive, lambda r: NOT_YET)
    drive.arrive(late)
    assert sent(drive, lambda r: NOT_YET) == ([] if first else [b"mended"])
    assert {entry.record.header("ce_id") for entry in hold_of(drive.writes)} == {"new", *([None] if barrier else [])}
    drive.release(Parent("project", "1"))
    assert sent(drive) == [b"mended"]
    assert all(log.open == {} for lane in drive.engine.lanes.values() for log in lane.logs.values())


@pytest.mark.parametrize("answer", [BAD, Delivered("ref")])
def test_what_becomes_of_the_old_letter_does_not_open_the_barrier_of_the_new_one(answer: Outcome) -> None:
    for again in (redo(DEAD, 2, (("ce_id", b"old"),)), control(Act.DISCARD, "in/0/0", 2, "a", about="old")):
        drive = refused_amendment()
        drive.arrive(again)
        sent(drive, lambda r: answer)
        assert drive.release() == 0
        assert restarted(drive).release() == 0
        drive.arrive(control(Act.DISCARD, "in/0/0", 3, "a", about="new"))
        drive.run()
        assert markers_of(drive.writes) == []
        assert drive.release() == 1


def test_a_marker_of_an_earlier_release_does_not_say_whose_place_it_is_and_goes_with_any() -> None:
    drive = dead()
    (marker,) = markers_of(drive.writes)
    old = Drive(BARRED, hold_of(drive.writes), [replace(marker, event="")])
    old.arrive(control(Act.DISCARD, "in/0/0", 0, "a", about="old"))
    old.run()
    assert old.release() == 1


def test_a_marker_reads_back_with_and_without_its_event() -> None:
    (marker,) = markers_of(dead().writes)
    assert (marker.order, marker.event) == (("in", 0, 0), "old")
    for value, event in (
        (marker_value("x", "now"), ""),
        (marker_value("x", "now", "old"), "old"),
        (b"[]", ""),
        (b"\xff", ""),
    ):
        assert read_marker(Record("hold.c", 0, 0, marker.key, value)) == replace(marker, event=event)


def test_the_receipt_is_final_and_names_the_event_that_goes_in_its_place() -> None:
    stage = SinkStage(Policy("erp-uk", "sink"), CODEC, ErpSink(name="erp-uk"))
    receipt = stage.state_receipt(DEAD, CLOSED)
    assert receipt is not None
    assert (receipt.topic, receipt.key) == ("psf.delivery", b"erp-uk/old/terminal")
    data = CODEC.data(receipt.value or b"")
    assert isinstance(data, models.Amended)
    assert (data.about_event_id, data.amended_by, data.code) == ("old", "new", "amended")
    assert (data.reason, data.about_type) == ("because", "psf.x.X.v1")
    assert stage.state_receipt(DEAD, CLOSED) == receipt
