"""What Redis decides, asked by hand: the bounds hold for any sequence of words from any workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psfabric.errors import Transient
from psfabric.pacing.scripts import EXCHANGE, LEAVE
from psfabric.pacing.told import Answer, Report, Terms
from psfabric.reference.link import Link
from tests.psfabric.reference.server import Server

KEY = "psf:pace:{c}"
TERMS = Terms(rate=1000.0, in_flight=5, trip=5, pause=0.5, longest=5.0)
QUIETLY = Report(
    speaks_in=0.5, keep=0, demand=0, ask=0, back=0, failed=0, answered=False, probing=False, would_probe=False,
    quiet=0.0, resumed=False, believed=0,
)  # fmt: skip


@dataclass
class Redis:
    """`client` for what a test does behind the workers' back."""

    link: Link
    client: redis.Redis

    def says(self, worker: str, terms: Terms = TERMS, **told: object) -> Answer:
        report = replace(QUIETLY, **told)  # type: ignore[arg-type]
        return Answer.of(self.link.run(EXCHANGE, KEY, report.arguments(worker, terms)))

    def set(self, **fields: object) -> None:
        self.client.hset(KEY, mapping={name: str(value) for name, value in fields.items()})

    def long_in_use(self) -> None:
        now = time.time() * 1000
        self.client.delete(KEY)
        self.set(born=now - 60_000, seen=now, at=now)


@pytest.fixture
def there(empty: Server) -> Iterator[Redis]:
    link = Link(empty.url, 1.0)
    with redis.Redis.from_url(empty.url) as client:
        yield Redis(link, client)
    link.close()


words = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 8), st.integers(0, 8), st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=words, flushed=st.sets(st.integers(0, 39), max_size=3))
def test_slots_and_tokens_never_exceed_what_is_declared(
    there: Redis, words: list[tuple[str, int, int, int, bool]], flushed: set[int]
) -> None:
    begun, taken, has, target = time.monotonic(), 0, dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    there.long_in_use()
    for at, (worker, demand, ask, ended, gone) in enumerate(words):
        if at in flushed:
            there.client.flushall()
        if gone:
            there.link.run(LEAVE, KEY, [worker, 0])
            has[worker] = target[worker] = 0
            continue
        keep = max(has[worker] - ended, min(has[worker], target[worker]), 0)
        answer = there.says(worker, keep=keep, demand=demand, ask=ask)
        has[worker], target[worker] = answer.slots, answer.target
        taken += answer.granted
        assert sum(has.values()) <= TERMS.in_flight
        assert answer.granted <= ask
    assert taken <= TERMS.rate * (time.monotonic() - begun) + 1


def test_an_empty_redis_begins_without_tokens_and_gives_no_slots_at_first(there: Redis) -> None:
    first = there.says("a", demand=5, ask=1000)
    assert (first.granted, first.slots) == (0, 0)
    assert there.says("b", keep=3, demand=5).slots == 3, "what a worker has it keeps"
    there.set(born=time.time() * 1000 - 2000)
    assert there.says("a", demand=5).slots == 2, "three are b's"


def test_a_clock_that_was_set_begins_anew(there: Redis) -> None:
    there.long_in_use()
    there.set(tokens=800, seen=time.time() * 1000 + 3_600_000, quiet_until=time.time() * 1000 + 3_600_000)
    answer = there.says("a", ask=1000)
    assert answer.granted < 100
    assert answer.quiet == 0.0


def test_who_waits_for_tokens_gets_an_equal_part(there: Redis) -> None:
    there.long_in_use()
    there.set(tokens=100, at=time.time() * 1000)
    assert there.says("a", ask=1000).granted >= 100
    there.says("b", ask=1000)
    there.set(tokens=100, at=time.time() * 1000)
    assert 50 <= there.says("a", ask=1000).granted < 70


def test_a_silent_worker_keeps_its_part_of_the_rate_and_its_slots_until_its_mark_goes(there: Redis) -> None:
    there.long_in_use()
    now = time.time() * 1000
    there.set(**{"w:silent": f"{now + 9000} {now - 1} 3 5 0", "w:gone": f"{now - 1} {now - 8000} 5 5 1"})
    answer = there.says("a", demand=5, ask=1)
    assert (answer.slots, answer.workers) == (2, 2)
    there.set(tokens=0, at=time.time() * 1000 - 100)
    assert 50 <= there.says("a", demand=5, ask=1000).granted <= 75, "half of 100 tokens"


def test_who_comes_back_begins_without_tokens(there: Redis) -> None:
    there.long_in_use()
    there.set(tokens=800)
    assert there.says("a", ask=1000, resumed=True).granted == 0


def test_failures_of_all_workers_count_together_and_an_answer_to_any_closes(there: Redis) -> None:
    there.long_in_use()
    there.says("a", failed=3)
    opened = there.says("b", failed=2)
    assert (opened.failures, round(opened.probe_in, 1), opened.probe) == (5, 0.5, False)
    assert there.says("c", failed=4).failures == 5, "what was under way says nothing new"
    assert there.says("c", answered=True).failures == 0


def test_a_failed_probe_doubles_the_wait_and_an_unused_one_goes_to_the_next(there: Redis) -> None:
    there.long_in_use()
    there.says("a", failed=5)
    there.set(probe_at=time.time() * 1000 - 1)
    assert there.says("b", would_probe=True).probe
    assert not there.says("c", would_probe=True).probe
    assert there.says("b", probing=True).probe
    failed = there.says("b", failed=1)
    assert (failed.probe, round(failed.probe_in)) == (False, 1)
    there.set(probe_at=time.time() * 1000 - 1)
    assert there.says("c", would_probe=True).probe
    assert not there.says("c").probe, "given back unused"
    assert there.says("b", would_probe=True).probe


def test_who_leaves_frees_slots_and_the_right_to_probe(there: Redis) -> None:
    there.long_in_use()
    there.says("a", failed=5)
    there.set(probe_at=time.time() * 1000 - 1)
    assert there.says("a", demand=5, would_probe=True).probe
    there.link.run(LEAVE, KEY, ["a", 0])
    answer = there.says("b", demand=5, would_probe=True)
    assert (answer.probe, answer.slots, answer.workers) == (True, 5, 1)


def test_who_leaves_with_calls_open_keeps_their_slots_and_nothing_of_the_rate(there: Redis) -> None:
    there.long_in_use()
    there.says("a", demand=5)
    there.link.run(LEAVE, KEY, ["a", 2])
    assert there.says("b", demand=5).slots == 3
    there.set(tokens=0, at=time.time() * 1000 - 100)
    assert there.says("b", keep=3, demand=5, ask=1000).granted >= 100


def test_a_key_that_is_none_of_ours_is_said(there: Redis) -> None:
    there.client.set(KEY, "x")
    with pytest.raises(Transient, match="ResponseError"):
        there.says("a")
