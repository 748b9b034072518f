"""What an applier does next: canary, limit, pace, orders; also over deaths at any moment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.applying import (
    BATCH,
    ENOUGH,
    FAILED,
    LOOK,
    UNANSWERED,
    Allowance,
    Cancel,
    Pause,
    Send,
    Stop,
    Tally,
    Terms,
    View,
    Wait,
    canary,
    decide,
    sequence,
)

FAST = Allowance(0.0, 0.0, 0.0)
NEW = View(0, 1000, 5, Tally(5), Tally(1000))


@dataclass(frozen=True)
class Entry:
    component: str
    key: str
    code: str = "resource-unknown"
    to_partition: int | None = 0

    @property
    def to(self) -> str:
        return f"redo.{self.component}"


def view(**changes: object) -> View:
    return replace(NEW, **changes)  # type: ignore[arg-type]


def test_the_canary_goes_first_and_the_rest_waits_for_all_of_its_answers() -> None:
    assert decide(NEW, Terms(), FAST) == Send(5)
    assert decide(view(sent=3), Terms(), FAST) == Send(2)
    for answered in range(5):
        sent = view(sent=5, canary=Tally(5, answered), since=Tally(1000, answered))
        assert decide(sent, Terms(), FAST) == Wait(LOOK)
    assert decide(view(sent=5, canary=Tally(5, 5), since=Tally(1000, 5)), Terms(), FAST) == Send(BATCH)


def test_a_canary_that_nobody_answers_stops_it() -> None:
    silent = view(sent=5, canary=Tally(5, 4), waited=60.0)
    assert decide(silent, Terms(canary_wait=60.0), FAST) == Stop(UNANSWERED, Tally(5, 4))
    assert decide(replace(silent, waited=59.9), Terms(canary_wait=60.0), FAST) == Wait(LOOK)
    assert decide(replace(silent, canary=Tally()), Terms(canary_wait=0.0), FAST) == Send(BATCH), "nobody is to answer"


@pytest.mark.parametrize(("failed", "stops"), [(0, False), (1, False), (2, True), (5, True)])
def test_a_canary_of_which_more_than_the_limit_fails_again_stops_it_at_once(failed: int, stops: bool) -> None:
    found = decide(view(sent=5, canary=Tally(5, 5, failed)), Terms(max_failed=0.2), FAST)
    assert found == (Stop(FAILED, Tally(5, 5, failed)) if stops else Send(BATCH))
    early = decide(view(sent=5, canary=Tally(5, failed, failed)), Terms(max_failed=0.2), FAST)
    assert isinstance(early, Stop) is stops, "the others cannot make it good"


def test_behind_the_canary_the_share_of_all_answers_counts_once_there_are_enough() -> None:
    through = {"sent": 300, "canary": Tally(5, 5)}
    few = view(**through, since=Tally(1000, ENOUGH - 1, ENOUGH - 1))
    assert decide(few, Terms(), FAST) == Send(BATCH)
    assert decide(view(**through, since=Tally(1000, 100, 20)), Terms(), FAST) == Send(BATCH)
    assert decide(view(**through, since=Tally(1000, 100, 21)), Terms(), FAST) == Stop(FAILED, Tally(1000, 100, 21))
    assert decide(view(**through, since=Tally(1000, 100, 100)), Terms(max_failed=1.0), FAST) == Send(BATCH)
    assert isinstance(decide(view(**through, since=Tally(1000, 100, 1)), Terms(max_failed=0.0), FAST), Stop)


def test_orders_come_before_all_else_and_cancel_before_pause() -> None:
    failing = view(sent=5, canary=Tally(5, 5, 5), paused=True)
    assert decide(failing, Terms(), FAST) == Pause()
    assert decide(replace(failing, cancelled=True), Terms(), FAST) == Cancel()


# ------------------------------------------------------------------------------------------------ pace


@given(
    rate=st.floats(0.1, 5000),
    steps=st.lists(st.tuples(st.floats(0, 20), st.integers(0, BATCH)), max_size=50),
)
def test_in_no_stretch_of_time_more_is_sent_than_the_rate_and_two_portions(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    allowance, now, sent = Allowance(rate, 0.0, 0.0), 0.0, [(0.0, 0)]
    for seconds, wanted in steps:
        now += seconds
        allowance = allowance.by(now)
        count = min(wanted, allowance.portion)
        if allowance.until(count) <= 0:
            allowance = allowance.less(count)
            sent.append((now, sent[-1][1] + count))
    for at, (start, before) in enumerate(sent):
        for end, after in sent[at:]:
            assert after - before <= rate * (end - start) + max(1.0, rate / 10) + 1e-6
    assert sent[-1][1] <= rate * now + 1e-6, "nothing is given before its time"


def test_a_long_wait_is_followed_by_two_portions_and_no_more() -> None:
    waited = Allowance(200.0, 0.0, 0.0).by(60.0)
    assert (waited.tokens, waited.portion) == (20.0, 10)


def test_a_wait_is_cut_so_that_orders_are_seen() -> None:
    slow = Allowance(0.01, 0.0, 0.0)
    assert decide(NEW, Terms(), slow) == Wait(LOOK)
    assert decide(NEW, Terms(), slow.by(100.0)) == Send(1)
    assert decide(view(sent=5, canary=Tally(5, 5)), Terms(), Allowance(200.0, 5.0, 0.0)) == Wait(0.025)


# ------------------------------------------------------------------------------------------------ order


entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from("ab"),
        st.sampled_from(["", "k1", "k2", "k3", "k4"]),
        st.sampled_from(["x", "y"]),
        st.integers(0, 1),
    ),
    max_size=30,
)


@given(entries, st.integers(0, 12))
def test_whatever_goes_first_each_key_keeps_the_order_of_its_source(found: Sequence[Entry], size: int) -> None:
    first = canary(found, size)
    order = sequence(len(found), first)
    assert sorted(order) == list(range(len(found))), "each once"
    assert len(first) == min(size, len(found))
    for key in {(e.to, e.to_partition, e.key) for e in found}:
        own = [index for index in order if (found[index].to, found[index].to_partition, found[index].key) == key]
        assert own == sorted(own)


def test_a_canary_is_of_several_keys_components_and_codes_where_there_are_any() -> None:
    many = [Entry("a", f"k{n // 10}", "x") for n in range(100)] + [Entry("b", "k", "y"), Entry("b", "l", "z")]
    chosen = [many[index] for index in canary(many, 5)]
    assert len({(entry.component, entry.key) for entry in chosen}) == 5
    assert {entry.code for entry in chosen} == {"x", "y", "z"}
    assert canary([Entry("a", "k")] * 7, 3) == (0, 1, 2), "of one key the first ones"


# ------------------------------------------------------------------------------------------------ a whole replay


@dataclass
class World:
    """What is durable (`sent`, orders) and what an applier forgets when it dies."""

    total: int
    gate: int
    terms: Terms
    sent: int = 0
    answered: int = 0
    failed: int = 0
    now: float = 0.0
    began: float = 0.0
    gate_at: float = 0.0
    paused: bool = False
    cancelled: bool = False
    ended: str = ""

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.terms.rate, 0.0, 0.0)
        self.early = 0

    def view(self) -> View:
        canary = Tally(self.gate, min(self.answered, self.gate), min(self.failed, self.gate))
        since = Tally(self.total, self.answered, self.failed)
        waited = self.now - self.gate_at
        return View(self.sent, self.total, self.gate, canary, since, waited, self.paused, self.cancelled)

    def step(self) -> None:
        self.allowance = self.allowance.by(self.now)
        match decide(self.view(), self.terms, self.allowance):
            case Send(count):
                assert count > 0
                assert not self.paused
                assert not self.cancelled
                assert self.sent + count <= self.gate or min(self.answered, self.gate) == self.gate
                self.sent += count
                self.allowance = self.allowance.less(count)
                self.gate_at = self.now
            case Wait(seconds):
                self.now += seconds
            case Pause():
                self.now += LOOK
                self.gate_at = self.now
            case Stop(cause, _):
                self.ended = cause
            case Cancel():
                self.ended = "cancelled"
        if self.sent == self.total:
            self.ended = self.ended or "done"

    def die(self) -> None:
        """The next applier starts with no allowance and waits anew."""
        self.gate_at = self.now
        self.allowance = Allowance(self.terms.rate, 0.0, self.now)


events = st.lists(st.sampled_from(["step"] * 6 + ["answer", "fail", "die", "pause", "resume", "cancel"]), max_size=120)


@given(
    total=st.integers(1, 40), gate=st.integers(0, 8), rate=st.sampled_from([0.0, 0.5, 3.0, 50.0]), happening=events
)  # fmt: skip
def test_no_step_breaks_a_promise_whatever_happens_between_them(
    total: int, gate: int, rate: float, happening: list[str]
) -> None:
    world = World(total, min(gate, total), Terms(rate=rate, canary=gate))
    for event in happening:
        before = world.sent
        if world.ended:
            break
        match event:
            case "step":
                world.step()
            case "answer" | "fail" if world.answered < world.sent:
                world.answered += 1
                world.failed += event == "fail"
            case "die":
                world.die()
            case "pause" | "resume":
                world.paused = event == "pause"
            case "cancel":
                world.cancelled = True
        assert world.sent <= total
        assert world.sent == before or not (world.cancelled or world.paused)
        assert not rate or world.sent <= rate * world.now + 1e-6, "also over deaths"


@given(total=st.integers(1, 300), gate=st.integers(0, 8), rate=st.sampled_from([0.0, 7.0, 90.0]))
def test_what_is_answered_comes_to_its_end_in_the_time_that_the_rate_says(total: int, gate: int, rate: float) -> None:
    world = World(total, min(gate, total), Terms(rate=rate, canary=gate))
    for _ in range(10_000):
        if world.ended:
            break
        world.step()
        world.answered = world.sent
    assert world.ended == "done"
    assert not rate or world.now <= total / rate + 2 * LOOK


@given(total=st.integers(10, 300), gate=st.integers(1, 8))
def test_where_all_fail_again_nothing_is_sent_behind_the_canary(total: int, gate: int) -> None:
    world = World(total, gate, Terms(canary=gate))
    while not world.ended:
        world.step()
        world.answered = world.failed = world.sent
    assert (world.ended, world.sent <= gate) == (FAILED, True)
