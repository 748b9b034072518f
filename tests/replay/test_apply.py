"""Applying a plan on the real broker: canary, limit, pace, orders, signs of life, and who may apply it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import replay
from psfabric.engine import Write
from psfabric.errors import Unavailable
from psfabric.event import Event
from psfabric.kafka import Fenced, Indefinite, Transactions, WriteFailed, read_topic
from replay import Applied, Declined, Interrupted, Operator, Plan, Selection, State, Terms, alive, run
from replay.orders import order, state
from replay.progress import CANCEL, PAUSE, PREFIX, RESUME, TOPIC, Progress, Replay, all_progress, all_replays
from tests.replay.plant import Plant
from tests.waiting import eventually

NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
ANNA, BOB = Operator("person on-boarded", "anna@desk", "desk"), Operator("me too", "bob@lap", "lap")
WITHIN = 30.0


class Work:
    """Somebody who applies a plan in a thread of its own."""

    def __init__(self, plant: Plant, plan: Plan, terms: Terms, operator: Operator = ANNA) -> None:
        self.ended: Applied | BaseException | None = None

        def work() -> None:
            try:
                self.ended = replay.apply(plant.kafka, plan, operator, terms)
            except BaseException as error:  # noqa: BLE001 - looked at by the test
                self.ended = error

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(WITHIN)

    def runs(self, for_: float = 0.5) -> bool:
        """Whether it does so still, some seconds from now."""
        self._thread.join(for_)
        return self._thread.is_alive()

    def result(self) -> Applied:
        self.join()
        assert isinstance(self.ended, Applied), self.ended
        return self.ended

    def error(self) -> BaseException:
        self.join()
        assert isinstance(self.ended, BaseException), self.ended
        return self.ended


def planned(plant: Plant, count: int) -> tuple[Plan, dict[str, Event]]:
    """A plan of so many records of keys of their own, and its events by their id."""
    events = [plant.time_event() for _ in range(count)]
    plant.write(*(plant.buried(plant.record(event)) for event in events))
    letters = replay.open_dead_letters(plant.kafka, plant.components)
    fresh = [letter for letter in letters if letter.state is State.OPEN]
    made = replay.make_plan(plant.kafka, plant.codec, fresh, Selection(), plant.components, who="anna", now=NOW)
    return made, {event.id: event for event in events}


def answer(plant: Plant, events: dict[str, Event], say: Callable[[Event], None], done: set[str]) -> None:
    """Say something of every record in redo that nothing was said of."""
    for record in plant.redone():
        about = record.header("ce_id") or ""
        if about in events and about not in done:
            done.add(about)
            say(events[about])


def sent(plant: Plant, plan: Plan) -> int:
    return sum(record.header("fabric-redo-plan") == plan.hash for record in plant.redone())


def expect_sent(plant: Plant, plan: Plan, count: int) -> None:
    eventually(lambda: sent(plant, plan) >= count, WITHIN, f"{count} records are sent")
    assert sent(plant, plan) == count


def standing(plant: Plant, plan: Plan) -> Replay:
    return all_replays(plant.kafka).get(plan.hash, Replay(plan.hash))


def progress(plant: Plant, plan: Plan) -> Progress:
    found = standing(plant, plan).progress
    assert found is not None
    return found


def rows(plant: Plant, plan: Plan) -> list[str]:
    found = [json.loads(record.value or b"") for record in read_topic(plant.kafka, "fabric.operations")]
    return [row["act"].removeprefix("replay.") for row in found if row["detail"].get("plan") == plan.hash]


# ------------------------------------------------------------------------------------------------ canary and limit


def test_the_rest_goes_when_the_canary_came_home(plant: Plant) -> None:
    plan, events = planned(plant, 8)
    work = Work(plant, plan, Terms(canary=3))
    expect_sent(plant, plan, 3)
    assert progress(plant, plan).sent == 3
    answer(plant, events, plant.deliver, set())
    assert work.result().sent == 8
    assert sent(plant, plan) == 8


def test_a_canary_that_fails_again_stops_it_and_another_one_comes_before_the_rest(plant: Plant) -> None:
    plan, events = planned(plant, 9)
    said: set[str] = set()
    work = Work(plant, plan, Terms(canary=3))
    expect_sent(plant, plan, 3)
    answer(plant, events, plant.refuse, said)
    stopped = work.result()
    assert (stopped.sent, stopped.progress.status, stopped.progress.cause) == (3, "stopped", "failed")
    assert state(standing(plant, plan), datetime.now(UTC)) == "stopped"

    again = Work(plant, plan, Terms(canary=4), BOB)
    expect_sent(plant, plan, 7)
    answer(plant, events, plant.deliver, said)
    assert again.result().sent == 6
    assert rows(plant, plan) == ["apply.started", "apply.stopped", "apply.started", "apply.finished"]


def test_a_canary_that_nobody_answers_stops_it_and_is_waited_for_again(plant: Plant) -> None:
    plan, events = planned(plant, 4)
    stopped = replay.apply(plant.kafka, plan, ANNA, Terms(canary=2, canary_wait=0.2))
    assert (stopped.sent, stopped.progress.status, stopped.progress.cause) == (2, "stopped", "unanswered")
    work = Work(plant, plan, Terms(canary=2))
    answer(plant, events, plant.deliver, set())
    assert work.result().sent == 2
    assert sent(plant, plan) == 4


def test_without_a_canary_nothing_is_waited_for_also_where_one_was_not_answered(plant: Plant) -> None:
    plan, _ = planned(plant, 4)
    replay.apply(plant.kafka, plan, ANNA, Terms(canary=2, canary_wait=0.0))
    assert replay.apply(plant.kafka, plan, ANNA, Terms(canary=0)).sent == 2


def test_a_plan_no_larger_than_its_canary_is_sent_and_nothing_is_waited_for(plant: Plant) -> None:
    plan, _ = planned(plant, 2)
    assert replay.apply(plant.kafka, plan, ANNA, Terms(canary=5)).progress.status == "done"


def test_too_many_that_fail_again_on_the_way_stop_it(plant: Plant) -> None:
    plan, events = planned(plant, 300)
    said: set[str] = set()
    work = Work(plant, plan, Terms(rate=40.0, canary=0, max_failed=0.2))
    while work.ended is None:
        answer(plant, events, plant.refuse, said)
    stopped = work.result().progress
    assert (stopped.status, stopped.cause) == ("stopped", "failed")
    assert stopped.sent < 300
    assert stopped.answers["failed again"] >= 20
    assert sent(plant, plan) == stopped.sent


def test_answers_from_before_the_replay_are_none(plant: Plant) -> None:
    plan, events = planned(plant, 6)
    for event in events.values():
        plant.deliver(event)
    stopped = replay.apply(plant.kafka, plan, ANNA, Terms(canary=3, canary_wait=1.0))
    assert (stopped.progress.cause, stopped.progress.answers["home"]) == ("unanswered", 0)


# ------------------------------------------------------------------------------------------------ pace


def test_the_rate_is_kept_also_over_a_resumption(plant: Plant) -> None:
    plan, _ = planned(plant, 30)
    with pytest.raises(KeyboardInterrupt):
        replay.apply(plant.kafka, plan, ANNA, Terms(rate=10.0, canary=0), tell=interrupted_at(10))
    began = time.monotonic()
    assert replay.apply(plant.kafka, plan, ANNA, Terms(rate=10.0, canary=0)).sent == 20
    assert time.monotonic() - began >= 2.0


def interrupted_at(count: int) -> Callable[[run.Told], None]:
    def tell(told: run.Told) -> None:
        if told.progress.sent >= count:
            raise KeyboardInterrupt

    return tell


def test_an_interrupted_applier_says_so_and_the_next_one_need_not_wait(plant: Plant) -> None:
    plan, _ = planned(plant, 10)
    with pytest.raises(KeyboardInterrupt):
        replay.apply(plant.kafka, plan, ANNA, Terms(rate=4.0, canary=0), tell=interrupted_at(4))
    left = progress(plant, plan)
    assert (left.status, left.run, left.sent) == ("interrupted", "", 4)
    assert replay.apply(plant.kafka, plan, BOB, Terms(canary=0)).sent == 6
    assert sent(plant, plan) == 10


# ------------------------------------------------------------------------------------------------ orders


def test_pause_and_resume_are_obeyed_within_five_seconds(plant: Plant) -> None:
    plan, _ = planned(plant, 60)
    work = Work(plant, plan, Terms(rate=6.0, canary=0))
    eventually(lambda: sent(plant, plan), WITHIN, "it sends")
    order(plant.kafka, BOB, standing(plant, plan), PAUSE)
    eventually(lambda: progress(plant, plan).status == "paused", 5, "it pauses")
    before = sent(plant, plan)
    assert before < 60
    assert state(standing(plant, plan), datetime.now(UTC)) == "paused"
    threading.Event().wait(2.0)  # what would go on sending gets the time to
    assert sent(plant, plan) == before
    order(plant.kafka, BOB, standing(plant, plan), RESUME)
    eventually(lambda: sent(plant, plan) > before, 5, "it goes on")
    order(plant.kafka, BOB, standing(plant, plan), CANCEL)
    assert work.result().progress.status == "cancelled"
    assert rows(plant, plan) == ["apply.started", "pause", "resume", "cancel", "apply.cancelled"]


def test_cancel_is_obeyed_and_final(plant: Plant) -> None:
    plan, _ = planned(plant, 60)
    work = Work(plant, plan, Terms(rate=6.0, canary=0))
    eventually(lambda: sent(plant, plan), WITHIN, "it sends")
    order(plant.kafka, BOB, standing(plant, plan), CANCEL)
    ordered = time.monotonic()
    cancelled = work.result()
    assert time.monotonic() - ordered < 5
    assert cancelled.progress.status == "cancelled"
    assert 0 < cancelled.sent < 60
    for what in (PAUSE, RESUME):
        with pytest.raises(Declined, match="cancelled this replay"):
            order(plant.kafka, ANNA, standing(plant, plan), what)
    with pytest.raises(Declined, match=rf"bob@lap cancelled .* \(me too\): {cancelled.sent} of 60 records were sent"):
        replay.apply(plant.kafka, plan, ANNA, Terms(canary=0))
    assert sent(plant, plan) == cancelled.sent
    with pytest.raises(Declined, match="there is nothing to pause"):
        order(plant.kafka, ANNA, standing(plant, plan), PAUSE)


def test_what_was_paused_while_nobody_applied_it_is_not_applied_until_it_is_resumed(plant: Plant) -> None:
    plan, _ = planned(plant, 4)
    replay.apply(plant.kafka, plan, ANNA, Terms(canary=2, canary_wait=0.0))
    order(plant.kafka, BOB, standing(plant, plan), PAUSE)
    with pytest.raises(Interrupted, match=rf"bob@lap paused .* psfabric replay resume {plan.hash[:16]}"):
        replay.apply(plant.kafka, plan, ANNA, Terms(canary=0))
    assert sent(plant, plan) == 2
    order(plant.kafka, BOB, standing(plant, plan), RESUME)
    assert replay.apply(plant.kafka, plan, ANNA, Terms(canary=0)).sent == 2


def test_there_is_nothing_to_order_about_what_is_done_or_never_was(plant: Plant) -> None:
    plan, _ = planned(plant, 1)
    with pytest.raises(Declined, match="not applied yet; there is nothing to cancel"):
        order(plant.kafka, BOB, standing(plant, plan), CANCEL)
    replay.apply(plant.kafka, plan, ANNA)
    for what in (PAUSE, RESUME, CANCEL):
        with pytest.raises(Declined, match=f"is done: 1 of 1 records were sent; there is nothing to {what}"):
            order(plant.kafka, BOB, standing(plant, plan), what)


# ------------------------------------------------------------------------------------------------ one at a time


def test_a_second_operator_is_refused_while_the_first_is_alive(plant: Plant) -> None:
    plan, _ = planned(plant, 20)
    work = Work(plant, plan, Terms(rate=5.0, canary=0))
    eventually(lambda: sent(plant, plan), WITHIN, "it sends")
    who = r"anna@desk applies it since 20\d\d-.*, last sign of life \d s ago; nothing was sent from here"
    with pytest.raises(Declined, match=who):
        replay.apply(plant.kafka, plan, BOB, Terms(canary=0))
    assert work.result().sent == 20, "and the first goes on undisturbed"


def test_a_sign_of_life_is_given_while_it_is_paused_and_while_the_rate_holds_it_back(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BEAT", 0.3)
    plan, _ = planned(plant, 3)
    work = Work(plant, plan, Terms(rate=0.01, canary=0))
    eventually(lambda: standing(plant, plan).progress, WITHIN, "it is claimed")
    expect_signs(plant, plan)
    order(plant.kafka, BOB, standing(plant, plan), PAUSE)
    eventually(lambda: progress(plant, plan).status == "paused", 5, "it pauses")
    expect_signs(plant, plan)
    order(plant.kafka, BOB, standing(plant, plan), CANCEL)
    assert work.result().sent == 0


def expect_signs(plant: Plant, plan: Plan) -> None:
    seen: set[str] = set()
    began = time.monotonic()
    while len(seen) < 4:
        seen.add(progress(plant, plan).updated_at)
        assert time.monotonic() - began < alive.ALIVE / 3, seen


def elsewhere(plan: Plan, seconds: float) -> Progress:
    """What an applier on another machine last said, so many seconds ago by our clock."""
    at = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    return Progress(plan.hash, 0, len(plan.entries), "running", "kim@far", at, at, {}, run="r", since=at, process="")


@pytest.mark.parametrize("age", [0.0, 10.0, 29.0])
def test_a_sign_of_life_younger_than_thirty_seconds_is_believed(plant: Plant, age: float) -> None:
    plan, _ = planned(plant, 1)
    plant.write(elsewhere(plan, age).to_write())
    with pytest.raises(Declined, match="kim@far applies it since"):
        replay.apply(plant.kafka, plan, BOB)
    assert sent(plant, plan) == 0


@pytest.mark.parametrize("age", [31.0, -3600.0])
@pytest.mark.parametrize("lives", [True, False])
def test_one_that_is_old_or_from_the_future_is_watched_whatever_the_clocks_say(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, age: float, lives: bool
) -> None:
    monkeypatch.setattr(alive, "WATCHED", 3.0)
    plan, _ = planned(plant, 1)
    plant.write(elsewhere(plan, age).to_write())
    work = Work(plant, plan, Terms(), BOB)
    if lives:
        while work.runs():
            age -= 1
            plant.write(elsewhere(plan, age).to_write())
        assert "kim@far applies it since" in str(work.error())
    else:
        assert work.result().sent == 1


def test_one_whose_process_ended_on_this_machine_is_not_waited_for(plant: Plant) -> None:
    plan, _ = planned(plant, 1)
    machine, pid, began = alive.this_process().rsplit("/", 2)
    gone = replace(elsewhere(plan, 1.0), process=f"{machine}/{pid}/{int(began) - 1}")
    plant.write(gone.to_write())
    assert replay.apply(plant.kafka, plan, BOB).sent == 1
    assert not alive.ended(alive.this_process())
    assert not alive.ended(f"other-boot/1/{pid}/1")
    assert not alive.ended("")


def test_an_applier_that_is_fenced_stops_and_says_by_whom(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = planned(plant, 20)
    work = Work(plant, plan, Terms(rate=5.0, canary=0))
    eventually(lambda: sent(plant, plan), WITHIN, "it sends")
    monkeypatch.setattr(alive, "alive", lambda progress, now: False)
    assert replay.apply(plant.kafka, plan, BOB, Terms(canary=0)).progress.status == "done"
    error = work.error()
    assert isinstance(error, Declined)
    assert re.search(
        r"bob@lap appli(ed|es) it .*after this one, which sends nothing more; \d+ of 20 records", str(error)
    )
    assert sent(plant, plan) == 20


@pytest.mark.parametrize("much", [2, 6])
def test_what_somebody_else_sent_between_the_look_and_the_fence_is_not_sent_again(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, much: int
) -> None:
    """How far a plan is counts only when nobody else can go on with it."""
    plan, _ = planned(plant, 6)
    begin, others = Transactions.begin, [Terms(canary=much, canary_wait=0.0)]

    def begin_late(self: Transactions) -> None:
        while others:
            replay.apply(plant.kafka, plan, BOB, others.pop())
        begin(self)

    monkeypatch.setattr(Transactions, "begin", begin_late)
    ours = replay.apply(plant.kafka, plan, ANNA, Terms(canary=0))
    assert (ours.sent, ours.already) == (6 - much, much == 6)
    assert sent(plant, plan) == 6


# ------------------------------------------------------------------------------------------------ a broker in trouble


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What the writes of a plan end with, one after the other, None as usual; an Indefinite took effect."""
    outcomes: list[Exception | None] = []
    write = Transactions.write

    def flaky_write(self: Transactions, writes: Sequence[Write]) -> None:
        ours = any((each.key or b"").startswith(PREFIX.encode()) for each in writes)
        outcome = outcomes.pop(0) if outcomes and ours else None
        if not isinstance(outcome, WriteFailed | Fenced):
            write(self, writes)
        if outcome is not None:
            self.close()
            raise outcome

    monkeypatch.setattr(Transactions, "write", flaky_write)
    return outcomes


def test_a_batch_whose_answer_was_lost_is_not_sent_again(plant: Plant, flaky: list[Exception | None]) -> None:
    plan, _ = planned(plant, 6)
    flaky += [None, Indefinite("no answer"), WriteFailed("refused"), Indefinite("no answer")]
    assert replay.apply(plant.kafka, plan, ANNA, Terms(rate=2.0, canary=0)).progress.status == "done"
    assert sent(plant, plan) == 6


def test_the_last_batch_whose_answer_was_lost_is_not_sent_again(plant: Plant, flaky: list[Exception | None]) -> None:
    plan, _ = planned(plant, 2)
    flaky += [None, Indefinite("no answer")]
    assert replay.apply(plant.kafka, plan, ANNA).progress.status == "done"
    assert sent(plant, plan) == 2
    assert rows(plant, plan) == ["apply.started", "apply.finished"]


def test_a_broker_that_refuses_again_and_again_leaves_a_plan_that_can_be_applied_again(
    plant: Plant, flaky: list[Exception | None]
) -> None:
    plan, _ = planned(plant, 4)
    flaky += [None, None, *[WriteFailed("redo did not acknowledge a record")] * 9]
    with pytest.raises(Interrupted, match="1 of 4 were sent, then: redo did not acknowledge a record; apply the plan"):
        replay.apply(plant.kafka, plan, ANNA, Terms(rate=1.0, canary=0))
    flaky.clear()
    plant.write(replace(progress(plant, plan), run="").to_write())  # this process has not ended, as that one would
    assert replay.apply(plant.kafka, plan, ANNA, Terms(canary=0)).sent == 3
    assert sent(plant, plan) == 4


def test_a_claim_that_was_not_answered_sends_nothing(plant: Plant, flaky: list[Exception | None]) -> None:
    plan, _ = planned(plant, 1)
    flaky += [Indefinite("no answer")]
    with pytest.raises(Unavailable, match="nothing was sent"):
        replay.apply(plant.kafka, plan, ANNA)
    assert sent(plant, plan) == 0


# ------------------------------------------------------------------------------------------------ earlier formats


def test_a_replay_that_an_earlier_release_began_is_gone_on_with(plant: Plant) -> None:
    plan, _ = planned(plant, 5)
    at = "2026-11-25T07:24:44.215390+00:00"
    body: dict[str, Any] = {"v": 1, "plan": plan.hash, "sent": 2, "total": 5, "status": "running", "who": "root@vm"}
    body |= {"started_at": at, "updated_at": at, "receipts_from": {"0": 0, "1": 0, "2": 0, "3": 0}}
    plant.write(Write(TOPIC, f"{PREFIX}{plan.hash}".encode(), json.dumps(body).encode()))
    assert replay.apply(plant.kafka, plan, ANNA).sent == 3
    ids = [record.header("fabric-redo-dead-letter") for record in plant.redone()]
    assert sorted(map(str, ids)) == sorted(entry.id for entry in plan.entries[2:])
    assert all_progress(plant.kafka)[plan.hash].started_at == at
