"""Whatever is done to one row of the audit trail is found, and the row is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from psfabric.event import Record
from replay import lines as files
from replay.chain import Stored, Verified, What, verify
from replay.operations import Operation, hash_before, read_operation

AT = "2026-06-30T18:00:00.000000Z"

Pair = tuple[bytes | None, bytes | None]


def row(number: int, reason: str = "month end") -> Operation:
    return Operation(f"act-{number}", "test", "User:mara", AT, reason, {"n": number, "of": ["a/0/1"]}, "desk", "done")


def earlier(number: int) -> Pair:
    """A row as earlier releases wrote it."""
    write = replace(row(number), id=f"old-{number}").to_write()
    return write.key, write.value


def chained(rows: Sequence[Operation], before: Sequence[Pair] = ()) -> list[Pair]:
    found: list[Pair] = []
    prev = hash_before(before)
    for seq, each in enumerate(rows, 1):
        link = each.chained(seq, prev)
        found.append((link.to_write().key, link.to_value()))
        prev = link.hash
    return found


def log(rows: int = 5, before: int = 0) -> list[Pair]:
    old = [earlier(number) for number in range(before)]
    return [*old, *chained([row(number) for number in range(rows)], old)]


def stored(pairs: Sequence[Pair]) -> list[Stored]:
    return [Stored(f"offset {at}", *pair) for at, pair in enumerate(pairs)]


def look(pairs: Sequence[Pair], noted: str = "") -> Verified:
    return verify(stored(pairs), noted)


def said(pairs: Sequence[Pair], noted: str = "") -> list[tuple[str, int | None, str]]:
    return [(str(f.what), f.row, f.place) for f in look(pairs, noted).findings]


def hash_of(pair: Pair) -> str:
    return read_operation(*pair).hash


def altered(pair: Pair) -> Pair:
    return pair[0], (pair[1] or b"").replace(b"month end", b"month and")


def rewritten(pair: Pair) -> Pair:
    """Altered by somebody who knows how a hash is made."""
    known = read_operation(*pair)
    changed = replace(known, reason="something else").chained(known.seq, known.prev)
    return pair[0], changed.to_value()


JUNK: Pair = (b"?", b"\xff{")


@pytest.mark.parametrize(("rows", "before"), [(0, 0), (0, 3), (1, 0), (5, 0), (5, 3)])
def test_what_nobody_touched_is_intact(rows: int, before: int) -> None:
    pairs = log(rows, before)
    found = look(pairs, hash_of(pairs[-1]) if rows else "")
    head = hash_of(pairs[-1]) if rows else ""
    assert found == Verified(rows, before, rows, head, rows or None, [])


def test_a_head_noted_earlier_is_found_by_how_it_begins() -> None:
    pairs = log(5)
    assert look(pairs, hash_of(pairs[2])[:16]).noted == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p: [*p[:2], altered(p[2]), *p[3:]], [("altered", 3, "offset 2")]),
        (lambda p: [*p[:2], JUNK, *p[3:]], [("altered", 3, "offset 2")]),
        (lambda p: [*p[:2], (b"other", p[2][1]), *p[3:]], [("altered", 3, "offset 2")]),
        (lambda p: [*p[:2], rewritten(p[2]), *p[3:]], [("replaced", 3, "offset 2")]),
        (lambda p: [*p[:2], *p[3:]], [("missing", 3, "")]),
        (lambda p: p[2:], [("missing", 1, "")]),
        (lambda p: [*p[:2], p[3], p[2], p[4]], [("out of order", 3, "offset 3")]),
        (lambda p: [p[1], p[0], *p[2:]], [("out of order", 1, "offset 1")]),
        (lambda p: [*p, p[1]], [("doubled", 2, "offset 5")]),
        (lambda p: [*p[:3], rewritten(p[1]), *p[3:]], [("doubled", 2, "offset 3")]),
        (lambda p: [*p[:3], JUNK, *p[3:]], [("outside the chain", None, "offset 3")]),
        (lambda p: [*p[:3], earlier(1), *p[3:]], [("outside the chain", None, "offset 3")]),
        (lambda p: [*p, earlier(1)], [("outside the chain", None, "offset 5")]),
        (lambda p: [*p, JUNK], [("unreadable", 6, "offset 5")]),
        (lambda p: [*p[:4], altered(p[4])], [("altered", 5, "offset 4")]),
        (lambda p: [altered(p[0]), *p[1:]], [("altered", 1, "offset 0")]),
        (lambda p: [JUNK, *p[1:]], [("altered", 1, "offset 0")]),
    ],
)
def test_the_row_is_named(change, expected) -> None:  # type: ignore[no-untyped-def]
    assert said(change(log(5))) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda p: [p[0], altered(p[1]), *p[2:]],
        lambda p: [p[0], *p[2:]],
        lambda p: [p[1], p[0], *p[2:]],
        lambda p: [p[0], *p],
        lambda p: p[3:],
        lambda p: [earlier(7), *p],
    ],
)
def test_what_stands_before_the_chain_is_kept_by_its_first_row(change) -> None:  # type: ignore[no-untyped-def]
    (finding,) = look(change(log(4, before=3))).findings
    assert (finding.what, finding.row) == (What.REPLACED, None)
    assert "before the chain" in finding.sentence


def test_what_was_no_row_before_the_chain_began_is_told_and_the_chain_is_intact() -> None:
    pairs = [earlier(0), JUNK, (b"k", None)]
    findings = look([*pairs, *chained([row(1)], pairs)]).findings
    assert [(f.what, f.place) for f in findings] == [(What.UNREADABLE, "offset 1"), (What.UNREADABLE, "offset 2")]


def test_a_row_of_a_newer_release_is_told_as_one() -> None:
    (finding,) = look([*log(2), (b"act-9", b'{"v":3,"detail":{}}')]).findings
    assert "of a newer release" in finding.sentence


def test_a_log_that_was_cut_off_or_written_anew_does_not_have_the_head_that_was_noted() -> None:
    pairs = log(5, before=2)
    noted = hash_of(pairs[-1])
    assert look(pairs[:-2]).findings == [], "which nothing in the log can show"
    anew = [*pairs[:2], *chained([row(n, "another story") for n in range(5)], pairs[:2])]
    assert look(anew).findings == []
    for wrong in (
        pairs[:-2],
        anew,
        [],
        pairs[:2],
        [*pairs[:-1], rewritten(pairs[-1])],
        [*pairs[:-1], altered(pairs[-1])],
    ):
        assert What.CUT in {finding.what for finding in look(wrong, noted).findings}


def test_several_missing_neighbours_are_one_finding() -> None:
    pairs = log(9)
    sentences = [finding.sentence for finding in look([pairs[0], *pairs[4:7], pairs[8]]).findings]
    assert sentences == ["rows 2 to 4 are missing", "row 8 is missing"]


# ------------------------------------------------------------------------------------------------ any one change

sizes = st.tuples(st.integers(1, 8), st.integers(0, 3))
texts = st.text(max_size=8)


def assert_found(pairs: Sequence[Pair], changed: Sequence[Pair]) -> None:
    """By the log alone, or, where only its end is concerned, by the head noted before; and the file tells the same."""
    noted = hash_of(pairs[-1])
    assert look(pairs, noted).findings == []
    found = look(changed, noted).findings
    assert found
    lines = [files.line(Record("t", 0, at, *pair, ())) for at, pair in enumerate(changed)]
    again = verify(files.exported(each + b"\n" for each in lines), noted).findings
    assert [(f.what, f.row) for f in again] == [(f.what, f.row) for f in found]


@given(sizes, st.data())
def test_any_altered_byte_is_found(size: tuple[int, int], data: st.DataObject) -> None:
    pairs = log(*size)
    at = data.draw(st.integers(0, len(pairs) - 1))
    key, value = pairs[at]
    part = data.draw(st.sampled_from(["key", "value"]))
    old = (key if part == "key" else value) or b""
    place, byte = data.draw(st.integers(0, len(old) - 1)), data.draw(st.binary(max_size=2))
    new = old[:place] + byte + old[place + data.draw(st.integers(0, 2)) :]
    assume(new != old)
    assert_found(pairs, [*pairs[:at], (new, value) if part == "key" else (key, new), *pairs[at + 1 :]])


@given(sizes, st.data())
def test_any_row_that_says_something_else_under_a_hash_of_its_own_is_found(
    size: tuple[int, int], data: st.DataObject
) -> None:
    pairs = log(*size)
    at = data.draw(st.integers(size[1], len(pairs) - 1))
    known = read_operation(*pairs[at])
    name = data.draw(st.sampled_from(["act", "who", "at", "reason", "where", "result", "who_is", "os_user"]))
    text = data.draw(texts)
    assume(getattr(known, name) != text)
    forged = replace(known, **{name: text}).chained(known.seq, known.prev)  # type: ignore[arg-type]
    assert_found(pairs, [*pairs[:at], (pairs[at][0], forged.to_value()), *pairs[at + 1 :]])


@given(sizes, st.data())
def test_any_removed_row_is_found(size: tuple[int, int], data: st.DataObject) -> None:
    pairs = log(*size)
    at = data.draw(st.integers(0, len(pairs) - 1))
    assert_found(pairs, [*pairs[:at], *pairs[at + 1 :]])


@given(sizes, st.data())
def test_any_two_swapped_rows_are_found(size: tuple[int, int], data: st.DataObject) -> None:
    pairs = log(*size)
    one, other = data.draw(st.integers(0, len(pairs) - 1)), data.draw(st.integers(0, len(pairs) - 1))
    assume(one != other)
    changed = list(pairs)
    changed[one], changed[other] = changed[other], changed[one]
    assert_found(pairs, changed)


@given(sizes, st.data())
def test_anything_put_in_is_found(size: tuple[int, int], data: st.DataObject) -> None:
    """Rubbish, a copy, a row of an earlier release, or one that fits where it stands."""
    pairs = log(*size)
    at = data.draw(st.integers(0, len(pairs)))
    known = next((read_operation(*pair) for pair in reversed(pairs[:at])), row(0))
    forged = row(99).chained(known.seq + 1, known.hash or hash_before(pairs[:at]))
    more = st.sampled_from([*pairs, earlier(50), (b"act-99", forged.to_value())])
    put = data.draw(st.one_of(more, st.tuples(st.none() | st.binary(), st.none() | st.binary())))
    assume(at < len(pairs) or put[1] != forged.to_value())  # behind the last: that is how rows are written
    assert_found(pairs, [*pairs[:at], put, *pairs[at:]])


# ------------------------------------------------------------------------------------------------ files


@given(st.lists(st.tuples(st.none() | st.binary(), st.none() | st.binary())), st.integers(0, 3))
def test_a_file_has_the_very_bytes_of_the_log(junk: list[Pair], rows: int) -> None:
    pairs = [*junk, *log(rows)]
    lines = [files.line(Record("t", 0, at, *pair, ())) for at, pair in enumerate(pairs)]
    assert not any(b"\n" in line for line in lines)
    assert [(each.key, each.value) for each in files.exported(lines)] == pairs


@given(st.lists(st.binary(max_size=40)))
def test_a_file_that_is_none_of_ours_is_read_to_its_end(lines: list[bytes]) -> None:
    found = verify(files.exported(lines))
    assert found.rows == 0
    assert len(found.findings) == len(lines)


@pytest.mark.parametrize(
    "line",
    [
        b'{"no_row_at":"offset 1","key_base64":"?","value_base64":null}',
        b'{"no_row_at":"offset 1","key_base64":7,"value_base64":null}',
        b'{"id":7}',
        b"[" * 100_000,
    ],
)
def test_a_spoilt_line_is_a_finding(line: bytes) -> None:
    assert len(verify(files.exported([line])).findings) == 1
