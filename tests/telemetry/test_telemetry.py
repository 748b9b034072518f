"""What one process says of itself, number by number."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from psfabric.engine import Result, Work
from psfabric.engine.snapshot import KINDS
from psfabric.engine.work import State, TopicPartition, Write
from psfabric.errors import Parent
from psfabric.event import Record
from psfabric.outcomes import Delivered, Duplicate, Held, Outcome, Rejected, Superseded
from psfabric.telemetry import ComponentState, PartitionState, Telemetry
from psfabric.telemetry.metrics import OUTCOMES
from tests.telemetry.scraping import Samples, scraped, value

AT = TopicPartition("in", 0)
NOW = 1_790_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Component:
    """One component of a process whose state the test says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.state = ComponentState(ready=True)
        self.telemetry = Telemetry("test", env={}, clock=self.clock)
        self.meter = self.telemetry.component("c", lambda: self.state)

    def scrape(self) -> Samples:
        return scraped(self.telemetry)

    def says(self, name: str, **labels: str) -> float | None:
        return value(self.scrape(), name, **labels)

    def at(self, reached: int | None, processed: int | None, committed: int | None) -> None:
        self.state = ComponentState(ready=True, partitions=[PartitionState(AT, reached, processed, committed)])


@pytest.fixture
def c() -> Component:
    return Component()


def work(outcome: Outcome | None, state: State = State.WRITING, **record: object) -> Work:
    made = Work(Record("in", 0, 7, b"k", b"v", **record), 0, (AT, 7), state=state)  # type: ignore[arg-type]
    made.result = None if outcome is None else Result(outcome)
    return made


def test_each_outcome_is_counted_under_its_name_and_a_dead_letter_under_its_code(c: Component) -> None:
    held = Held("waits", Parent("project", "P-1"))
    for outcome in (Delivered("1"), Delivered("2"), Duplicate("1"), Superseded(), Rejected("wrong-magic", "x"), held):
        c.meter.decided([work(outcome)])
    c.meter.decided([work(None, State.QUEUED), work(None, State.CALLED)])
    samples = c.scrape()
    counts = {name: value(samples, "psf_records_handled_total", component="c", outcome=name) for name in OUTCOMES}
    assert counts == {
        "delivered": 2, "duplicate": 1, "superseded": 1, "rejected": 1, "held": 1, "unknown": 0, "discarded": 0,
        "amended": 0,
    }  # fmt: skip
    assert value(samples, "psf_records_retried_total", component="c") == 1, "a try that is repeated is no outcome"
    assert value(samples, "psf_dead_letters_total", component="c", code="wrong-magic") == 1


def test_ages_are_since_the_event_and_since_the_record(c: Component) -> None:
    hour_ago = datetime.fromtimestamp(NOW - 3600, UTC).isoformat().encode()
    one = work(Delivered("1"), headers=(("ce_time", hour_ago),), timestamp_ms=int((NOW - 20) * 1000))
    c.meter.worked([one], time.perf_counter())
    samples = c.scrape()
    assert value(samples, "psf_records_age_seconds_sum", component="c", since="event") == pytest.approx(3600)
    assert value(samples, "psf_records_age_seconds_sum", component="c", since="record") == pytest.approx(20)
    labels = {"messaging_consumer_group_name": "c", "messaging_destination_name": "in"}
    assert value(samples, "messaging_process_duration_seconds_count", **labels) == 1


@pytest.mark.parametrize("bad", [b"", b"yesterday", b"\xff", b"2026-02-30T00:00:00Z"])
def test_an_age_that_nobody_can_tell_is_not_told(c: Component, bad: bytes) -> None:
    c.meter.worked([work(Delivered("1"), headers=(("ce_time", bad),))], time.perf_counter())
    assert c.says("psf_records_age_seconds_count", since="event") is None


def test_lag_is_what_is_not_done_and_a_marker_at_the_end_is_none(c: Component) -> None:
    c.at(reached=7, processed=7, committed=5)
    assert c.says("psf_lag") is None, "the end is not known yet"
    c.telemetry.offsets({AT: 10}, {})
    assert c.says("psf_lag", component="c", topic="in", partition="0") == 3
    c.at(reached=10, processed=9, committed=9)  # the record at 8 was the last; 9 is a transaction marker
    assert c.says("psf_lag") == 0
    c.at(reached=12, processed=12, committed=12)  # read on since the end was asked for
    assert c.says("psf_lag") == 0


def test_before_anything_is_read_lag_counts_from_the_commit(c: Component) -> None:
    c.at(None, None, None)
    c.telemetry.offsets({AT: 10}, {"c": {AT: 4}})
    samples = c.scrape()
    assert (value(samples, "psf_lag"), value(samples, "psf_offset_committed")) == (6, 4)


def test_a_lease_ages_from_when_something_is_done_and_no_commit_is_accepted(c: Component) -> None:
    c.at(5, 5, 5)
    c.clock.now += 3600
    assert c.says("psf_lease_age_seconds") == 0, "an hour without work is no delay"
    c.at(9, 9, 5)
    assert c.says("psf_lease_age_seconds") == 0
    c.clock.now += 12
    assert c.says("psf_lease_age_seconds") == 12
    c.meter.committed()
    c.clock.now += 2
    assert c.says("psf_lease_age_seconds") == 2, "a commit was accepted, though there is more by now"
    for nothing_due in ((9, 9, 9), (9, 9, 12), (0, 0, None), (None, None, None)):
        c.at(*nothing_due)
        c.clock.now += 100
        assert c.says("psf_lease_age_seconds") == 0, "where reading stands after a marker is committed, or nothing yet"


def test_the_state_of_a_component_is_shown(c: Component) -> None:
    c.state = ComponentState(
        queued=4, in_flight=3, retrying=2, held={"parent": 5, "unknown": 1}, oldest_held={"parent": 90.0},
        unknown=2, oldest_unknown=61.0, barriers=6, breaker_open=True, paused=True, stopped=True, tokens=1.5,
    )  # fmt: skip
    samples = c.scrape()
    flags = ("component_ready", "component_paused", "component_stopped", "breaker_open", "rate_tokens")
    assert [value(samples, f"psf_{name}", component="c") for name in flags] == [0, 1, 1, 1, 1.5]
    counts = ("records_queued", "records_in_flight", "records_retrying", "unknowns", "barriers")
    assert [value(samples, f"psf_{name}", component="c") for name in counts] == [4, 3, 2, 2, 6]
    assert value(samples, "psf_unknown_oldest_age_seconds") == 61
    assert {kind: value(samples, "psf_holds", kind=kind) for kind in KINDS if kind != "parent"} == {
        kind: float(kind == "unknown") for kind in KINDS if kind != "parent"
    }
    assert value(samples, "psf_hold_oldest_age_seconds", component="c", kind="parent") == 90


def test_what_was_read_and_sent_is_counted_by_topic(c: Component) -> None:
    c.meter.read("in", 20)
    c.meter.read("redo.c", 1)
    c.meter.wrote([Write("out", b"k", b"v"), Write("out", b"k", b"v"), Write("psf.delivery", b"k", b"v")])
    c.telemetry.source("s").paged(4)
    c.telemetry.intake.acknowledged("jira-acme", time.perf_counter())
    samples = c.scrape()
    read = {"messaging_consumer_group_name": "c", "messaging_system": "kafka"}
    name = "messaging_client_consumed_messages_total"
    assert value(samples, name, messaging_destination_name="redo.c", **read) == 1
    name = "messaging_client_sent_messages_total"
    sent = {
        topic: value(samples, name, messaging_destination_name=topic) for topic in ("out", "raw.s", "raw.jira-acme")
    }
    assert sent == {"out": 2, "raw.s": 4, "raw.jira-acme": 1}


def test_a_source_ages_from_its_start_and_an_empty_page_is_a_page(c: Component) -> None:
    source = c.telemetry.source("s")
    c.clock.now += 100
    assert c.says("psf_source_page_age_seconds", source="s") == 100
    source.paged(0)
    c.clock.now += 5
    assert c.says("psf_source_page_age_seconds", source="s") == 5


def test_only_a_source_that_is_read_here_can_be_silent(c: Component) -> None:
    source = c.telemetry.source("s")
    source.state = lambda: "stands by"
    c.clock.now += 100
    assert (c.says("psf_source_page_age_seconds"), c.says("psf_source_stopped")) == (0, 0)
    source.state = lambda: "stopped"
    assert (c.says("psf_source_page_age_seconds"), c.says("psf_source_stopped")) == (0, 1)


def test_the_process_says_what_it_uses_and_how_full_its_disk_is() -> None:
    telemetry = Telemetry("test", env={}, free=lambda folder: 0.25)
    samples = scraped(telemetry)
    assert value(samples, "process_memory_usage_bytes") > 10_000_000  # type: ignore[operator]
    assert value(samples, "process_unix_file_descriptor_count") >= 3  # type: ignore[operator]
    assert value(samples, "process_uptime_seconds") >= 0  # type: ignore[operator]
    assert value(samples, "psf_disk_free") == 0.25
    assert 0 < value(scraped(Telemetry("test", env={})), "psf_disk_free") <= 1  # type: ignore[operator]


def test_numbers_are_those_of_the_last_refresh(c: Component) -> None:
    """What another thread reads is whole, and taken in the loop."""
    c.scrape()
    c.meter.counted(Delivered("1"), 5)
    assert b'psf_records_handled_total{component="c",outcome="delivered"} 0.0' in c.telemetry.exposition()
    c.telemetry.refresh()
    assert b'psf_records_handled_total{component="c",outcome="delivered"} 5.0' in c.telemetry.exposition()


def test_counting_costs_little_more_than_nothing_a_record(c: Component) -> None:
    """In bursts of 256, histograms and clocks included, as the pure host does it."""
    header = ("ce_time", b"2026-10-01T14:07:51.237000Z")
    burst = [work(Delivered("1"), headers=(header,), timestamp_ms=1) for _ in range(256)]
    writes = [Write("out", b"k", b"v")] * 256

    def spent() -> float:
        used, begun = time.thread_time(), time.perf_counter()
        for _ in range(40):
            c.meter.read("in", 256)
            c.meter.worked(burst, begun)
            c.meter.wrote(writes)
            c.meter.acknowledged(begun)
        return (time.thread_time() - used) / 40 / 256

    assert min(spent() for _ in range(5)) < 3e-6  # of processor time, a busy core's; measured on an idle one: 0.4 µs
