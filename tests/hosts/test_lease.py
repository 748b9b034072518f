"""The sending lease, by a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from psfabric.engine import Write
from psfabric.hosts.lease import MARGIN, Awake, Lease, LeasedWriter, session_of
from psfabric.kafka import Producer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Written(Producer):
    def __init__(self) -> None:
        self.keys: list[bytes | None] = []

    def write(self, writes: Sequence[Write], done: Callable[[Exception | None], None]) -> None:
        self.keys += [write.key for write in writes]
        done(None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_request_leaves_only_if_it_ends_before_anybody_else_can_begin(clock: Clock) -> None:
    lease = Lease(session=20.0, timeout=10.0, clock=clock)
    assert not lease.sends, "nothing was committed yet"
    lease.renewed(clock.now)
    clock.now += 20.0 - 10.0 - MARGIN - 0.01
    assert lease.sends
    clock.now += 0.02
    assert not lease.sends
    assert lease.writes, "what is written now needs no ten seconds"
    clock.now += 10.0
    assert not lease.writes


def test_it_counts_from_the_sending_of_the_commit_not_from_its_answer(clock: Clock) -> None:
    lease = Lease(session=20.0, timeout=10.0, clock=clock)
    sent = clock.now
    clock.now += 9.0
    lease.renewed(sent)
    assert not lease.sends


def test_an_older_commit_that_is_answered_late_takes_nothing_back(clock: Clock) -> None:
    lease = Lease(session=20.0, timeout=10.0, clock=clock)
    lease.renewed(clock.now)
    lease.renewed(clock.now - 15.0)
    assert lease.sends


def test_lost_partitions_end_it_at_once(clock: Clock) -> None:
    lease = Lease(session=20.0, timeout=10.0, clock=clock)
    lease.renewed(clock.now)
    lease.lost()
    assert not lease.sends
    assert not lease.writes


async def test_whoever_wants_to_send_waits_for_the_next_accepted_commit(clock: Clock) -> None:
    lease = Lease(session=20.0, timeout=10.0, clock=clock)
    sending = asyncio.create_task(lease.to_send())
    await asyncio.sleep(0)
    assert not sending.done()
    lease.renewed(clock.now - 15.0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sending.done(), "that commit was too long ago"
    lease.renewed(clock.now)
    await asyncio.wait_for(sending, 1)


def test_a_session_that_leaves_no_time_to_send_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves no time"):
        Lease(session=10.0, timeout=8.0)
    for timeout in (0.0, 1.0, 10.0, 30.0, 120.0):
        Lease(session=session_of(timeout), timeout=timeout)


def test_records_wait_in_order_for_the_lease_and_go_with_the_partitions(clock: Clock) -> None:
    lease, producer = Lease(session=20.0, timeout=10.0, clock=clock), Written()
    writer, told = LeasedWriter(producer, lease), list[Exception | None]()
    writer.write([Write("applied.x", b"1", b"")], told.append)
    writer.write([Write("applied.x", b"2", b"")], told.append)
    assert (producer.keys, told) == ([], [])
    lease.renewed(clock.now)
    writer.go_on()
    assert (producer.keys, told) == ([b"1", b"2"], [None, None])
    clock.now += 60.0
    writer.write([Write("applied.x", b"3", b"")], told.append)
    writer.drop()
    lease.renewed(clock.now)
    writer.go_on()
    assert producer.keys == [b"1", b"2"], "what a sleeper had in hand is never written over the new owner's"


def test_a_process_that_slept_through_its_session_knows_it_for_good(clock: Clock) -> None:
    awake = Awake(10.0, clock)
    clock.now += 9.0
    awake.tick()
    clock.now += 9.0
    assert not awake.slept
    clock.now += 2.0
    assert awake.slept
    awake.tick()
    assert awake.slept, "a tick after waking must not hide it"
