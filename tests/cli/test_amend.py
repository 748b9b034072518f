"""`dlq amend`: what is sent is one transaction, what is refused sends nothing, and what is personal stays covered."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli import exits
from psfabric.engine import receipts as receipt
from psfabric.engine.control import Act, is_control, read_control
from psfabric.engine.deadletter import origin
from psfabric.event import Event
from psfabric.kafka import WriteFailed, read_topic
from psfabric.outcomes import Amended
from replay import DeadLetter, Declined, Operator, dead_letters
from replay.amending import amend, draft
from replay.fields import parse
from replay.progress import TOPIC as STATES
from tests.cli.conftest import Run
from tests.cli.test_acts import audit
from tests.replay.plant import Plant


def dead(here: Plant, event: Event | None = None, partition: int = 1) -> tuple[Event, str]:
    """An event and the id of its dead letter."""
    event = event or here.time_event()
    here.bury(here.record(event, partition=partition))
    return event, letters(here)[-1].id


def letters(here: Plant) -> list[DeadLetter]:
    return dead_letters(here.kafka, here.components)


def nothing_sent(here: Plant) -> bool:
    return (here.redone(), audit(here)) == ([], []) and {letter.state for letter in letters(here)} <= {"open"}


def test_an_amendment_is_a_control_record_the_event_the_state_and_the_audit_row(run: Run, here: Plant) -> None:
    old, id = dead(here)
    origin_place = letters(here)[0].origin
    ran = run(
        "dlq", "amend", id, "--set", "worked_seconds=27000", "--set", "role=Principal", "--reason", "seen", "--yes"
    )
    assert ran.code == exits.CLEAN, ran.err
    order, new = here.redone()
    assert (order.partition, order.key, new.partition, new.key) == (1, old.head.partition_key.encode(), 1, order.key)
    assert new.offset == order.offset + 1
    event = here.codec.decode(new)
    control = read_control(order)
    assert (control.act, control.of, control.reason) == (Act.AMEND, str(origin_place), "seen")
    assert (control.about, control.about_type, control.by) == (old.id, old.model.CE_TYPE, event.id)
    assert origin(new).coordinates == str(origin_place)
    assert event.data == old.data.model_copy(
        update={"event_id": event.id, "revision": event.head.revision, "worked_seconds": 27000, "role": "Principal"}
    )
    (row,) = audit(here)
    assert (row["act"], row["reason"], row["result"]) == ("record.amend", "seen", "asked of the owner")
    assert int(event.head.revision) == row["seq"], "the revision is the number of the operation"
    detail = row["detail"]
    assert (detail["dead_letter"], detail["amends"], detail["event"]) == (id, old.id, event.id)
    seconds, role = detail["patch"]
    assert (role["op"], role["path"], role["value"], role["old"]) == (
        "replace",
        "/role",
        "Principal",
        old.data.model_dump()["role"],
    )
    assert set(seconds["value"]) == set(seconds["old"]) == {"hash"}, "time is personal"
    assert "27000" not in json.dumps(detail)
    (state,) = [
        json.loads(r.value or b"") for r in read_topic(here.kafka, STATES) if here.name.encode() in (r.key or b"")
    ]
    assert (state["state"], state["event"], state["operation"]) == ("amended", event.id, control.id)
    (listed,) = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert listed["state"] == "amended"
    assert run("dlq", "list").out == "No open dead letters.\n"
    assert f"event {event.id} goes in its place" in run("dlq", "show", id).out


def test_the_second_amendment_of_a_letter_is_refused_and_so_is_its_discard(run: Run, here: Plant) -> None:
    _, id = dead(here)
    assert run("dlq", "amend", id, "--set", "role=a", "--reason", "x", "--yes").code == exits.CLEAN
    again = run("dlq", "amend", id, "--set", "role=b", "--reason", "x", "--yes")
    assert (again.code, f"{id} is amended already" in again.err) == (exits.REFUSED, True)
    assert f"{id} is amended already; nothing was asked for." in run("dlq", "discard", id, "--reason", "x").out
    assert len(audit(here)) == 1


def test_of_two_who_amend_one_letter_at_once_one_is_refused(here: Plant) -> None:
    """Both looked while it was open."""
    _, _ = dead(here)
    (letter,) = letters(here)
    (stored,) = read_topic(here.kafka, f"dlq.{here.name}")
    ready = [draft(here.codec, letter, stored, [parse(f"role={name}")]) for name in ("a", "b")]

    def act(number: int) -> str:
        try:
            return amend(here.kafka, here.codec, Operator("x", who=f"nr {number}"), ready[number]).event
        except Declined as refused:
            return str(refused)

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(act, range(2)))
    (refused,) = [answer for answer in answers if "was amended by nr" in answer]
    (done,) = [answer for answer in answers if answer != refused]
    assert [record.header("ce_id") for record in here.redone() if not is_control(record)] == [done]
    assert len(audit(here)) == 1


def test_a_letter_of_what_was_amended_can_be_amended_again_under_a_higher_revision(run: Run, here: Plant) -> None:
    _, id = dead(here)
    run("dlq", "amend", id, "--set", "worked_seconds=1", "--reason", "x", "--yes")
    first = here.redone()[-1]
    here.bury(origin(first))
    second_id = letters(here)[-1].id
    ran = run("dlq", "amend", second_id, "--set", "worked_seconds=2", "--reason", "x", "--yes", "--output", "json")
    assert ran.json["amends"] == first.header("ce_id")
    assert ran.json["revision"] > (first.header("ce_revision") or "")
    assert origin(here.redone()[-1]).coordinates == origin(first).coordinates


def test_the_receipt_of_the_owner_closes_the_letter_as_amended(run: Run, here: Plant) -> None:
    old, _ = dead(here)
    here.receipt(old.id, "terminal", receipt.amended(here.name, Amended("seen", old.id, old.model.CE_TYPE, "new")))
    assert [letter.state for letter in letters(here)] == ["amended"]


def test_what_would_change_is_shown_covered_and_nothing_is_sent_without_a_yes(run: Run, here: Plant) -> None:
    _, id = dead(here)
    act = ("dlq", "amend", id, "--set", "worked_seconds=27000", "--set", "role=Principal", "--reason", "seen")
    dry = run(*act, "--dry-run")
    assert (dry.code, "nothing was sent (--dry-run)" in dry.out) == (exits.CLEAN, True)
    assert "Principal" in dry.out
    assert "27000" not in dry.out
    assert "Worth 1.5000 h, 187.5 GBP as it is, 7.5000 h, 937.5 GBP amended." in dry.out
    body = run(*act, "--dry-run", "--output", "json").json
    assert (body["asked"], body["event"], body["patch"][0]["value"]) == (False, None, "***")
    assert body["worth"]["after"] == {"seconds": 27000, "money": "937.5", "currency": "GBP"}
    shown = run(*act, "--dry-run", "--reveal", "--output", "json").json
    assert (shown["patch"][0]["value"], shown["patch"][0]["old"]) == (27000, 5400)
    asked = run(*act)
    assert (asked.code, "Nobody can answer here: say --yes" in asked.err) == (exits.REFUSED, True)
    assert nothing_sent(here)


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ("worked_second=1", exits.USAGE, "did you mean worked_seconds?"),
        ("worked_seconds=7.5", exits.USAGE, "takes a whole number"),
        ("worked_seconds", exits.USAGE, "write path=value"),
        ("client_id=x", exits.REFUSED, "client_id cannot be amended"),
        ("enrichment.currency=gbp", exits.REFUSED, "breaks its contract at enrichment.currency"),
        ("worked_seconds=5400", exits.REFUSED, "says so already"),
    ],
)
def test_a_wrong_path_or_value_is_exit_2_and_what_may_not_be_is_exit_4(
    run: Run, here: Plant, setting: str, code: int, said: str
) -> None:
    _, id = dead(here)
    ran = run("dlq", "amend", id, "--set", setting, "--reason", "x", "--yes")
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert nothing_sent(here)


def test_what_is_no_open_letter_of_an_event_is_refused(run: Run, here: Plant) -> None:
    for wrong in (f"{here.name}/0/99", f"{here.name}/77/0", here.name, "nobody/0/0"):
        assert run("dlq", "amend", wrong, "--set", "a=b", "--reason", "x", "--yes").code == exits.USAGE
    here.bury(here.raw(b"{", "n-1"), code="malformed-json")
    (raw,) = letters(here)
    ran = run("dlq", "amend", raw.id, "--set", "a=b", "--reason", "x", "--yes")
    assert (ran.code, "mend the mapping and replay it" in ran.err) == (exits.REFUSED, True)
    event, first = dead(here)
    here.bury(here.record(event, partition=1))
    again = run("dlq", "amend", first, "--set", "role=b", "--reason", "x", "--yes")
    assert (again.code, f"failed again as {here.name}/1/1" in again.err) == (exits.REFUSED, True)
    here.deliver(event)
    closed = run("dlq", "amend", f"{here.name}/1/1", "--set", "role=b", "--reason", "x", "--yes")
    assert (closed.code, "is delivered already" in closed.err) == (exits.REFUSED, True)
    assert (here.redone(), audit(here)) == ([], [])


def test_an_amendment_needs_a_field_and_a_reason(run: Run, here: Plant) -> None:
    _, id = dead(here)
    assert run("dlq", "amend", id, "--reason", "x").code == exits.USAGE
    assert run("dlq", "amend", id, "--set", "role=b").code == exits.USAGE
    assert run("dlq", "amend", id, "--set", "role=b", "--reason", " ").code == exits.USAGE
    assert nothing_sent(here)


def test_what_is_amended_while_its_topic_says_a_higher_revision_is_refused(here: Plant) -> None:
    """The audit trail was begun anew: its numbers would make the newer state the older one."""
    high = here.time_event(revision="9" * 20)
    dead(here, high)
    (letter,) = letters(here)
    (stored,) = read_topic(here.kafka, f"dlq.{here.name}")
    ready = draft(here.codec, letter, stored, [parse("role=a")])
    with pytest.raises(Declined, match="begun anew"):
        amend(here.kafka, here.codec, Operator("x"), ready)
    assert nothing_sent(here)


def test_no_row_is_there_without_its_event(here: Plant) -> None:
    """An event that its topic does not take leaves no audit row, no state and no control record."""
    _, _ = dead(here)
    (letter,) = letters(here)
    (stored,) = read_topic(here.kafka, f"dlq.{here.name}")
    large = draft(here.codec, letter, stored, [parse(f"extensions.jira.x={random.Random(1).randbytes(4 << 20).hex()}")])
    with pytest.raises(WriteFailed):
        amend(here.kafka, here.codec, Operator("x"), large)
    assert nothing_sent(here)
