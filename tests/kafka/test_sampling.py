"""A sample of a topic: even over partitions and offsets, bounded, and all where that is no more."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.connection import Kafka
from psfabric.errors import Unavailable
from psfabric.kafka import Admin, sampling
from psfabric.kafka.sampling import RUNS, Span, read_spans, spans
from tests.kafka.topics import Transaction, put, topic
from tests.psfabric.reference.server import free_port

PARTITIONS = st.dictionaries(
    st.integers(0, 5).map(lambda number: ("t", number)),
    st.tuples(st.integers(0, 10_000), st.integers(0, 5_000)).map(lambda at: (at[0], at[0] + at[1])),
    max_size=6,
)


def planned(partitions: dict[tuple[str, int], tuple[int, int]], limit: int) -> list[Span]:
    begins, ends = ({tp: at[side] for tp, at in partitions.items()} for side in (0, 1))
    return spans(begins, ends, limit)


@given(partitions=PARTITIONS, limit=st.integers(1, 3_000))
def test_no_more_than_the_limit_is_read_no_offset_twice_and_every_partition(
    partitions: dict[tuple[str, int], tuple[int, int]], limit: int
) -> None:
    found = planned(partitions, limit)
    offsets = {tp: [] for tp in partitions}  # type: dict[tuple[str, int], list[int]]
    for span in found:
        offsets[span.topic, span.partition] += range(span.first, span.end)
    for tp, (begin, end) in partitions.items():
        assert offsets[tp] == sorted(set(offsets[tp])), "in order, none twice"
        assert all(begin <= offset < end for offset in offsets[tp])
        assert bool(offsets[tp]) == (end > begin), "a partition that has records is never left out"
    total, read = sum(end - begin for begin, end in partitions.values()), sum(map(len, offsets.values()))
    assert read == total if total <= limit else read <= max(limit, len(partitions))


@given(count=st.integers(1, 100_000), limit=st.integers(RUNS, 2_000))
def test_a_partition_is_read_at_its_beginning_its_end_and_evenly_between(count: int, limit: int) -> None:
    found = planned({("t", 0): (7, 7 + count)}, limit)
    assert (found[0].first, found[-1].end) == (7, 7 + count)
    gaps = [after.first - before.first for before, after in pairwise(found)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert sum(span.end - span.first for span in found) >= min(count, limit) * 3 // 4


def test_runs_are_read_from_the_real_broker(kafka: Kafka) -> None:
    name = topic(kafka, 3)
    put(kafka, name, *(f"{n}" for n in range(3000)))
    put(kafka, name, *(f"{n}" for n in range(600)), partition=1)
    admin = Admin(kafka)
    wanted = spans(admin.begin_offsets([name]), admin.end_offsets([name]), 384)
    found = [(record.partition, record.offset) for record in read_spans(kafka, wanted)]
    assert sorted(found) == [(span.partition, at) for span in wanted for at in range(span.first, span.end)]
    assert {(0, 0), (0, 2999), (1, 0), (1, 599)} <= set(found)
    assert [sum(partition == number for partition, _ in found) for number in range(3)] == [320, 64, 0]


def test_offsets_without_records_end_a_run(kafka: Kafka) -> None:
    """Aborted records and the marks of transactions are offsets that nobody is given."""
    name = topic(kafka)
    put(kafka, name, "a")
    Transaction(kafka, name, *"bcd").abort()
    put(kafka, name, "e")
    Transaction(kafka, name, "f").commit()
    ends = Admin(kafka).end_offsets([name])
    assert ends == {(name, 0): 8}
    assert [r.offset for r in read_spans(kafka, [Span(name, 0, 0, 3), Span(name, 0, 3, 5), Span(name, 0, 5, 8)])] == [
        0,
        5,
        6,
    ]


def test_a_broker_that_gives_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "STALLED", 1.0)
    with pytest.raises(Unavailable, match="gave nothing"):
        list(read_spans(Kafka(f"127.0.0.1:{free_port()}"), [Span("t", 0, 0, 1)]))
