"""Formats that persist: hold, dead letter, applied; and the waits."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.engine.applied import Applied, Decision, decide
from psfabric.engine.backoff import Backoff, Breaker, TokenBucket
from psfabric.engine.deadletter import LIMIT, Failure, bounded, dead_letter_headers, origin
from psfabric.engine.hold import parse_until, until_text
from psfabric.errors import Approval, At, Earlier, Operator, Parent, Period, Until
from psfabric.event import Record, Version
from tests.engine.drive import record

FAILURE = Failure(
    code="period-closed",
    error_class="target",
    why="the period is closed",
    stage="deliver",
    component="tryton-uk",
    group="tryton-uk",
    exception="period-closed",
    delivery_count=3,
    first_failed_at="2026-01-01T00:00:00.000000Z",
    last_failed_at="2026-01-02T00:00:00.000000Z",
)


def named(headers: tuple[tuple[str, bytes | None], ...]) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers}


def test_a_dead_letter_carries_its_own_headers_first_and_untouched() -> None:
    own = (("ce_id", b"1"), ("h", b"a"), ("h", b"b"), ("nothing", None))
    headers = dead_letter_headers(record(7, headers=own), FAILURE)
    assert headers[:4] == own
    found = named(headers[4:])
    assert found["__dlq.errors.topic"] == "in"
    assert found["__dlq.errors.partition"] == "0"
    assert found["__dlq.errors.offset"] == "7"
    assert found["__dlq.errors.delivery.count"] == "3"
    assert found["fabric-dlq-class"] == "target"
    assert found["fabric-dlq-first-failed-at"] == FAILURE.first_failed_at


def test_a_second_failure_replaces_ours_and_keeps_the_first_origin_and_day() -> None:
    first = dead_letter_headers(record(7, headers=(("h", b"a"),)), FAILURE)
    later = Failure(
        "other", "data", "x", "deliver", "c", "c", "other", 1, "2026-02-01T00:00:00.000000Z", "2026-02-01T00:00:00Z"
    )
    replayed = Record("redo.c", 0, 99, b"k", b"v", first)
    headers = dead_letter_headers(replayed, later)
    names = [name for name, _ in headers]
    assert len(names) == len(set(names))
    found = named(headers)
    assert (found["__dlq.errors.topic"], found["__dlq.errors.offset"]) == ("in", "7")
    assert found["fabric-dlq-code"] == "other"
    assert found["fabric-dlq-first-failed-at"] == FAILURE.first_failed_at


def test_a_replayed_record_that_dies_keeps_the_revision_it_was_replayed_under_and_nothing_else_of_the_replay() -> None:
    replay = (("fabric-redo-plan", b"p"), ("fabric-redo-revision", b"7".zfill(20)))
    names = [name for name, _ in dead_letter_headers(record(7, headers=(("h", b"a"), *replay)), FAILURE)]
    assert [name for name in names if name.startswith("fabric-redo-")] == ["fabric-redo-revision"]


def test_names_of_dead_letters_in_a_record_that_was_never_buried_by_us_do_not_move_its_origin() -> None:
    theirs = (("__dlq.errors.topic", b"x"), ("__dlq.errors.partition", b"1"), ("__dlq.errors.offset", b"2"))
    assert origin(record(7, headers=theirs)).coordinates == "in/0/7"


@pytest.mark.parametrize("offset", [b"", b"-1", b"x", b"\xff"])
def test_an_origin_that_is_no_origin_is_not_believed(offset: bytes) -> None:
    headers = (
        ("__dlq.errors.topic", b"x"),
        ("__dlq.errors.partition", b"1"),
        ("__dlq.errors.offset", offset),
        ("fabric-redo-plan", b"p"),
    )
    assert origin(record(7, headers=headers)).coordinates == "in/0/7"


@given(st.text())
def test_header_values_are_bounded_utf8_without_control_characters(text: str) -> None:
    value = bounded(text)
    assert len(value) <= LIMIT
    assert value.decode().isprintable()


@pytest.mark.parametrize(
    "until",
    [
        Parent("project", "PRJ:1"),
        Period("UK01", "2026-01"),
        At(datetime(2026, 1, 1, 12, 30, 0, 5, tzinfo=UTC)),
        Approval("a:b"),
        Earlier("key:1"),
        Operator(),
    ],
)
def test_what_a_hold_waits_for_reads_back(until: Until) -> None:
    assert parse_until(until_text(until)) == until


def test_a_reason_to_wait_of_a_newer_release_waits_for_an_operator() -> None:
    assert parse_until("moonrise:full") == Operator()


STORED = Applied(Version("2"), "e", "hash", "ref", "N-1", 2, True, {"tax": "1.00"})


@pytest.mark.parametrize(
    ("version", "content", "decision"),
    [
        (Version("1"), "hash", Decision.SUPERSEDED),
        (Version("2"), "hash", Decision.DUPLICATE),
        (Version("2"), "other", Decision.DUPLICATE),
        (Version("3"), "hash", Decision.UNCHANGED),
        (Version("3"), "other", Decision.CORRECTION),
        (Version("2", "1" * 20), "other", Decision.CORRECTION),
    ],
)
def test_a_version_is_judged_by_what_was_applied(version: Version, content: str, decision: Decision) -> None:
    assert decide(STORED, version, content) is decision
    assert decide(None, version, content) is Decision.NEW


def test_applied_reads_back_and_a_newer_format_is_refused() -> None:
    assert Applied.from_bytes(STORED.to_bytes()) == STORED
    with pytest.raises(ValueError, match="format 2"):
        Applied.from_bytes(STORED.to_bytes().replace(b'"v":1', b'"v":2'))


def test_waits_grow_to_a_cap_and_are_drawn_evenly() -> None:
    rng, backoff = random.Random(1), Backoff(base=0.2, cap=30.0)
    assert all(0 <= backoff.wait(1, rng) <= 0.4 for _ in range(100))
    late = [backoff.wait(50, rng) for _ in range(200)]
    assert max(late) <= 30.0
    assert min(late) < 5.0


def test_the_breaker_probes_ever_more_slowly_and_closes_at_the_first_answer() -> None:
    breaker = Breaker(trip=2, pause=1.0, longest=4.0)
    breaker.failed(0.0)
    assert breaker.allows(0.0, calls_open=5)
    breaker.failed(0.0)
    assert [breaker.allows(0.5, 0), breaker.allows(1.0, 0), breaker.allows(1.0, 1)] == [False, True, False]
    for now, next_probe in ((1.0, 3.0), (3.0, 7.0), (7.0, 11.0)):
        breaker.failed(now)
        assert breaker.probe_at == next_probe
    breaker.succeeded()
    assert breaker.allows(7.0, calls_open=5)


def test_a_bucket_without_rate_never_refuses() -> None:
    bucket = TokenBucket()
    assert all(bucket.take(0.0) for _ in range(100))
