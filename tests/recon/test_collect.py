"""The stages between source and target, read from the fabric's own topic."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from psfabric.connection import Kafka
from psfabric.engine import Write
from psfabric.errors import Misconfigured
from psfabric.event import Event, sequence
from psfabric.kafka import Admin, Producer
from recon.collect import _amounts, stages_of_time
from schemas import Topic
from tests.contracts.given import example
from tests.hosts.calling import FolderSink, codec


@pytest.fixture
def entry() -> str:
    return f"jira-acme:worklog:{uuid.uuid4().hex[:8]}"


def said(event: str, case: str, entry: str, second: int, **fields: Any) -> Event:
    one = example(event, case)
    return example(event, case, aggregate_id=entry, sequence=sequence(one.time.replace(second=second)), **fields)


def stages(kafka: Kafka, entry: str, *events: Event | bytes) -> dict[str, int | None]:
    Admin(kafka).apply([Topic(name="psf.time", partitions=1, config={}, rule="test", tombstones=False)])
    producer, writes = Producer(kafka, "tests"), []
    for event in events:
        value = event if isinstance(event, bytes) else codec().value(event.data)
        writes.append(Write("psf.time", entry.encode(), value, (), 0))
    producer.write_and_wait(writes)
    producer.close()
    return {stage: entries.get(entry) for stage, entries in stages_of_time(kafka, codec()).items()}


def test_the_newest_version_speaks_at_each_stage(kafka: Kafka, entry: str) -> None:
    events = [
        said("time.TimeSubmitted", "complete", entry, 1, worked_seconds=60),
        said("time.TimeApproved", "complete", entry, 1, worked_seconds=60),
        said("time.TimePosted", "complete", entry, 1, worked_seconds=60),
        said("time.TimeSubmitted", "complete", entry, 3, worked_seconds=90),
        said("time.TimeApproved", "complete", entry, 3, worked_seconds=90),
        said("time.TimeSubmitted", "complete", entry, 2, worked_seconds=75),
    ]
    assert stages(kafka, entry, *events) == {"submitted": 90, "approved": 90, "posted": 60}


def test_what_is_rejected_or_removed_counts_nothing_from_there_on(kafka: Kafka, entry: str) -> None:
    rejected: list[Event | bytes] = [
        said("time.TimeSubmitted", "complete", entry, 1, worked_seconds=60),
        b"not ours",
        said("time.TimeRejected", "complete", entry, 1),
    ]
    assert stages(kafka, entry, *rejected) == {"submitted": 60, "approved": 0, "posted": 0}
    removed = said("time.TimeRemoved", "deleted", entry, 2)
    assert stages(kafka, entry, removed) == {"submitted": 0, "approved": 0, "posted": 0}


def test_without_a_sink_that_bills_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(Misconfigured, match="bills time"):
        _amounts([])


def test_each_legal_entity_is_rounded_by_its_own_target() -> None:
    class Whole(FolderSink):
        company: str

        def amount(self, seconds: int, hourly_rate: Decimal, currency: str) -> Decimal:
            return Decimal(len(self.company))

    sinks = [Whole(name="a", folder=".", company="UK01"), Whole(name="b", folder=".", company="US-02")]
    amount = _amounts(sinks)
    assert [amount(entity, 1, Decimal(1), "GBP") for entity in ("UK01", "US-02", "FR03")] == [4, 5, 4]
