"""What a record of `ref.*` means, without Redis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psfabric.event import Record
from psfabric.reference.stamp import Item, Stamp, Stored, Tp, chunks, item_of, newest, parse_stored


def test_the_key_says_what_is_kept() -> None:
    assert item_of(Record("ref.project", 2, 7, b"project:PRJ-1", b"v")) == Item("project:PRJ-1", 2, 7, b"v")


def test_an_id_may_hold_colons() -> None:
    item = item_of(Record("ref.xref", 0, 1, b"xref:tryton-uk:project:PRJ-1", b"v"))
    assert item is not None
    assert item.key == "xref:tryton-uk:project:PRJ-1"


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        ("ref.project", None),
        ("ref.project", b"\xff\xfe"),
        ("ref.project", b"PRJ-1"),
        ("ref.project", b"client:1"),
        ("ref.project", b"project:"),
        ("psf.project", b"project:1"),
        ("ref.#token", b"#token:1"),
    ],
)
def test_a_record_that_nobody_could_look_up_is_refused(topic: str, key: bytes | None) -> None:
    assert item_of(Record(topic, 0, 0, key, b"v")) is None


def test_of_several_values_of_a_key_the_highest_offset_stays() -> None:
    items = [Item("p:1", 0, 3, b"new"), Item("p:1", 0, 2, b"old"), Item("p:2", 0, 1, None)]
    assert newest(items) == [Item("p:1", 0, 3, b"new"), Item("p:2", 0, 1, None)]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 5), st.integers(1, 200))
def test_chunks_keep_order_and_lose_nothing(values: list[bytes], count: int, size: int) -> None:
    items = [Item(f"p:{n}", 0, n, value) for n, value in enumerate(values)]
    runs = list(chunks(items, count, size))
    assert [item for run in runs for item in run] == items
    assert all(0 < len(run) <= count for run in runs)
    assert all(len(run) == 1 or sum(i.size for i in run) <= size for run in runs)


@given(st.integers(0, 500), st.integers(0, 2**53), st.binary())
def test_a_stored_value_gives_its_bytes_back(partition: int, offset: int, value: bytes) -> None:
    raw = b"%d %d 1\n" % (partition, offset) + value
    assert parse_stored(raw) == Stored(value, partition, offset)


def test_a_stored_deletion_is_nothing() -> None:
    assert parse_stored(b"0 4 0\n") is None


@pytest.mark.parametrize("raw", [b"", b"x", b"1 2 3\n", b"1 2 1", b" 1 2 1\n"])
def test_a_foreign_value_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="reference store"):
        parse_stored(raw)


def test_the_stamp_has_passed_what_lies_below_its_position() -> None:
    stamp = Stamp("t", True, {Tp("ref.project", 0): 5})
    assert stamp.passed("ref.project", 0, 4)
    assert not stamp.passed("ref.project", 0, 5)
    assert not stamp.passed("ref.project", 1, 0)


def test_a_topic_partition_reads_back() -> None:
    assert Tp.parse(str(Tp("ref.project", 11))) == Tp("ref.project", 11)
