"""What is stored about a dead letter, and what of it is refused."""

from __future__ import annotations

import json

import pytest

from psfabric.errors import Misconfigured
from psfabric.event import Record
from psfabric.stored import understood
from replay.reading import Place
from replay.states import State, Stored, is_state, read_state

ACT = Stored(
    Place("dlq.tryton-uk", 2, 17), State.REPLAYED, "2026-07-01T09:00:00.000000Z", "anna@desk", "act-1", "c0ffee"
)


def stored(value: bytes | None, key: bytes = b"dlq.tryton-uk/2/17") -> Record:
    return Record("fabric.dlq-state", 0, 5, key, value)


def test_an_act_is_read_back_as_it_was_written() -> None:
    written = ACT.to_write()
    assert (written.topic, written.key, written.partition) == ("fabric.dlq-state", b"dlq.tryton-uk/2/17", None)
    assert json.loads(written.value or b"") == {
        "v": 1,
        "state": "replayed",
        "at": "2026-07-01T09:00:00.000000Z",
        "who": "anna@desk",
        "operation": "act-1",
        "plan": "c0ffee",
    }
    assert read_state(stored(written.value)) == ACT


def test_a_null_value_takes_the_act_back() -> None:
    assert read_state(stored(None)) is None


def test_the_progress_of_a_plan_is_no_state_of_a_dead_letter() -> None:
    assert is_state(stored(b"{}"))
    assert is_state(stored(b"{}", b"orders.DLT/0/3")), "a dead letter of another framework"
    assert not is_state(stored(b"{}", b"plan/c0ffee"))
    assert read_state(stored(b"{}", b"plan/c0ffee")) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b'{"state":"replayed","at":"","who":""}',
        b'{"v":2,"state":"replayed","at":"","who":""}',
        b'{"v":1,"state":"lost","at":"","who":""}',
        b'{"v":1,"state":"delivered","at":"","who":""}',
        b'{"v":1,"state":"replayed"}',
        b'{"v":1,"state":"replayed","at":"","who":"","more":1}',
    ],
)
def test_what_is_no_act_is_named_with_what_to_do(value: bytes) -> None:
    with pytest.raises(Misconfigured, match=r"fabric\.dlq-state/0/5 is no record that this release can read"):
        understood(stored(value), read_state)
