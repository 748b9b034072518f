"""Every framework's dead letter is read alike; nothing is invented, and no header can break the reader."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import pytest

from psfabric.event import HeaderList, Record
from replay.dialects import DIALECTS, Failure, Letter, letter_of, own_headers
from replay.dialects.values import LIMIT
from tests.replay import strangers
from tests.replay.strangers import DESERIALIZATION, OWN, REFUSED, STRANGERS, Stranger

NEUTRAL = ("stage", "code", "exception", "message", "first_failed_at")


def read(headers: HeaderList) -> Letter:
    return letter_of(Record("shop.dead", 0, 0, b"k", b"v", headers))


def told(failure: Failure) -> dict[str, Any]:
    """What a failure says, without what it does not know."""
    origin = failure.origin
    place = {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset, "group": origin.group}
    said = {**place, **{name: getattr(failure, name) for name in NEUTRAL}}
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_each_dialect_says_what_it_carries_and_nothing_else(stranger: Stranger) -> None:
    letter = letter_of(stranger.record())
    assert letter.failure.dialect == stranger.dialect
    assert told(letter.failure) == stranger.expected
    assert letter.failure.notes == ()
    assert letter.first is None


def test_every_dialect_has_a_record_here() -> None:
    assert {stranger.dialect for stranger in STRANGERS.values()} == {each.name for each in DIALECTS} | {"unknown"}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_own_headers_are_those_the_record_had_before_in_their_order(stranger: Stranger) -> None:
    own = own_headers(stranger.headers)
    if stranger.dialect == "unknown":
        assert own == stranger.headers
    else:
        assert own == (OWN if OWN[0] in stranger.headers else ())


def test_what_only_a_dialect_knows_is_a_detail() -> None:
    def details(name: str) -> dict[str, Any]:
        return dict(letter_of(STRANGERS[name].record()).failure.details)

    assert details("connect") == {"connector": "ledger", "task": 0, "executing_class": "example.shop.OrderConverter"}
    assert details("share") == {"delivery_count": 5}
    assert details("rules") == {"rule": "articleKnown", "subject": "orders-value", "mode": "WRITE"}
    assert details("spring retry topic")["attempts"] == 3, "the newest of several"
    assert details("spring retry topic")["backoff_until"] == "2026-03-04T15:53:09.649+00:00"
    assert details("spring")["original_timestamp"] == "2026-03-04T15:30:47.627+00:00"


def test_what_follows_from_others_is_marked_as_derived() -> None:
    derived = {name: letter_of(stranger.record()).failure.derived for name, stranger in STRANGERS.items()}
    assert {name: fields for name, fields in derived.items() if fields} == {
        "connect": ("group",),
        "spring": ("stage",),
        "spring retry topic": ("stage",),
        "spring key": ("stage",),
        "share": ("stage",),
    }


def test_of_appended_headers_the_last_failure_counts_and_the_first_is_kept() -> None:
    letter = read((*strangers.connect(), *strangers.connect("shop.dead", "0", "7", "second", exception_message=None)))
    assert told(letter.failure)["topic"] == "shop.dead"
    assert letter.failure.message is None, "null, not the first failure's"
    assert letter.failure.notes == ("__connect.errors.exception.message is null",)
    assert letter.first is not None
    assert told(letter.first) == STRANGERS["connect"].expected
    assert letter.source.offset == 41


def test_a_part_that_the_second_failure_does_not_repeat_is_not_taken_from_the_first() -> None:
    second = strangers.connect("shop.dead", "0", "7", "second")
    letter = read((*strangers.connect(), *(pair for pair in second if "exception" not in pair[0])))
    assert (letter.failure.exception, letter.failure.message) == (None, None)


def test_spring_renews_the_cause_so_that_of_the_first_failure_is_not_known() -> None:
    cause = strangers.spring_cause(message="second failure")
    letter = read((*strangers.spring_origin(), *cause, *strangers.spring_origin("shop.dead", 1, 9, "second")))
    assert told(letter.failure) == {
        "topic": "shop.dead", "partition": 1, "offset": 9, "group": "second",
        "stage": "LISTENER", "exception": REFUSED, "message": "second failure",
    }  # fmt: skip
    assert letter.first is not None
    assert told(letter.first) == {"topic": "orders", "partition": 2, "offset": 41, "group": "shipping"}


def test_what_spring_left_over_of_an_earlier_failure_is_not_told_of_the_newest() -> None:
    left_over = (("kafka_dlt-exception-cause-fqcn", b"old.Cause"), ("kafka_dlt-exception-message", b"old"))
    newest = strangers.spring_cause(thrown="example.shop.Odd", cause=None, message=None)
    place = strangers.spring_origin("shop.dead", 1, 9, group=None)
    letter = read((*left_over, *strangers.spring_origin(), *newest, *place))
    assert told(letter.failure) == {"topic": "shop.dead", "partition": 1, "offset": 9, "exception": "example.shop.Odd"}


def test_of_a_header_and_its_twin_of_a_retry_topic_the_last_counts() -> None:
    retried, dead = ("kafka_exception-message", b"retried"), ("kafka_dlt-exception-message", b"dead")
    assert read((retried, dead)).failure.message == "dead"
    assert read((dead, retried)).failure.message == "retried"


def test_the_order_of_the_headers_of_one_failure_does_not_matter() -> None:
    letter = read(tuple(reversed(strangers.connect())))
    assert told(letter.failure) == STRANGERS["connect"].expected


def test_a_key_and_a_value_that_spring_could_not_read_are_one_failure() -> None:
    key = (("kafka_dlt-key-exception-fqcn", DESERIALIZATION.encode()),)
    letter = read((*key, *strangers.spring_cause(DESERIALIZATION, DESERIALIZATION), *strangers.spring_origin()))
    assert letter.failure.stage == "DESERIALIZATION_VALUE"
    assert letter.first is None


APPENDED = ("connect", "streams", "spring", "rules", "arroyo")
"""Dialects that append to the headers that they find."""


@pytest.mark.parametrize(
    ("first", "newest"),
    [(a, b) for a in STRANGERS for b in APPENDED if STRANGERS[a].dialect not in ("unknown", STRANGERS[b].dialect)],
)
def test_of_two_dialects_in_one_record_the_one_that_came_last_counts(first: str, newest: str) -> None:
    older, younger = STRANGERS[first], STRANGERS[newest]
    headers = (*older.headers, *younger.headers[len(OWN) :])
    letter = read(headers)
    assert (letter.failure.dialect, told(letter.failure)) == (younger.dialect, younger.expected)
    assert letter.first is not None
    assert (letter.first.dialect, told(letter.first)) == (older.dialect, older.expected)
    assert own_headers(headers) == (OWN if OWN[0] in older.headers else ())


def test_what_failed_with_us_and_then_elsewhere_keeps_when_it_first_failed() -> None:
    letter = read((*strangers.fabric(), *strangers.connect("erp.dead", "0", "3")))
    assert letter.failure.dialect == "connect"
    assert letter.first is not None
    assert letter.first.code == "resource-unknown"
    assert letter.first_failed_at == "2026-06-03T17:00:00.000000Z"


def test_names_that_others_use_too_make_no_arroyo() -> None:
    only_one = read((("original_partition", b"2"),))
    no_number = read((("original_partition", b"2"), ("original_offset", b"\x00\x00\x00\x29")))
    assert (only_one.failure.dialect, no_number.failure.dialect) == ("unknown", "unknown")
    beside = (("original_partition", b"mine"), *strangers.connect())
    assert own_headers(beside) == (("original_partition", b"mine"),)


def test_the_class_is_told_without_the_message_that_early_streams_put_behind_it() -> None:
    letter = read((("__streams.errors.exception", b"java.lang.IllegalStateException: period: closed"),))
    assert letter.failure.exception == "java.lang.IllegalStateException"


def test_a_streams_punctuation_came_from_no_record() -> None:
    letter = read(strangers.streams(None, "-1", "-1"))
    assert (letter.failure.origin.topic, letter.failure.origin.partition, letter.failure.origin.offset) == (None,) * 3
    assert letter.failure.notes == (
        "__streams.errors.topic is null",
        "__streams.errors.partition is -1",
        "__streams.errors.offset is -1",
    )


HOSTILE: dict[str, bytes | None] = {
    "null": None,
    "empty": b"",
    "not UTF-8": b"\xff\xfe\x80",
    "a megabyte": b"7" * (1 << 20),
    "control characters": b"\x1b[2J\x00\r\n",
    "a negative number": b"-7",
    "beyond int64": b"9" * 19,
    "digits of another script": "\u0663\u0664".encode(),
    "three bytes": b"\x00\x00\x01",
    "nine bytes": b"\x7f" * 9,
    "all ones": b"\xff" * 8,
    "all ones, short": b"\xff" * 4,
    "the largest": b"\x7f" + b"\xff" * 7,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", [name for name in STRANGERS if name != "unknown"])
def test_no_header_value_can_break_the_reader(name: str, value: bytes | None) -> None:
    honest = STRANGERS[name].headers
    for at, (header, _) in enumerate(honest):
        letter = read((*honest[:at], (header, value), *honest[at + 1 :]))
        origin = letter.failure.origin
        assert origin.partition is None or 0 <= origin.partition < 1 << 31
        assert origin.offset is None or 0 <= origin.offset < 1 << 63
        assert len(letter.failure.message or "") <= LIMIT


@pytest.mark.parametrize("value", ["null", "empty", "not UTF-8", "a megabyte", "three bytes", "a negative number"])
def test_a_number_that_cannot_be_read_is_unknown_and_a_note_says_why(value: str) -> None:
    for name, header in (("connect", "__connect.errors.offset"), ("spring", "kafka_dlt-original-offset")):
        headers = tuple((n, HOSTILE[value] if n == header else v) for n, v in STRANGERS[name].headers)
        letter = read(headers)
        assert letter.failure.origin.offset is None
        (note,) = letter.failure.notes
        assert note.startswith(header)
        rest = {k: v for k, v in STRANGERS[name].expected.items() if k != "offset"}
        assert told(letter.failure) == rest, "the others are read all the same"


def test_binary_numbers_have_the_length_of_their_type() -> None:
    def offset(value: bytes) -> tuple[int | None, tuple[str, ...]]:
        failure = read((("kafka_dlt-original-offset", value),)).failure
        return failure.origin.offset, failure.notes

    assert offset(struct.pack(">q", (1 << 63) - 1)) == ((1 << 63) - 1, ())
    assert offset(b"\x01\x2c") == (None, ("kafka_dlt-original-offset has 2 bytes, not 8",))
    assert offset(struct.pack(">q", -1)) == (None, ("kafka_dlt-original-offset is -1",))


def test_a_timestamp_that_no_calendar_has_is_none() -> None:
    def at(ms: int) -> str | None:
        return letter_of(Record("t", 0, 0, None, None, (), ms)).timestamp

    assert at(1_772_640_000_000) == "2026-03-04T16:00:00.000+00:00"
    assert (at(-1), at((1 << 63) - 1)) == (None, None)


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    page = Path(__file__).parents[2] / "docs/dialects.md"
    rows = re.findall(r"^\| `\w+`: .*\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [row(each) for each in DIALECTS], "\n" + "\n".join(map(row, DIALECTS))


def row(dialect: Any) -> str:
    """A dialect's line in docs/dialects.md."""
    fields = [each.name for part in dialect.parts for each in part.fields]
    neutral = ("topic", "partition", "offset", "group", *NEUTRAL)
    carried = [name for name in neutral if name in fields]
    details = [name for name in dict.fromkeys(fields) if name not in neutral]
    lost = [name for name in neutral if name not in (*carried, *dialect.derives)]
    cells = (
        f"`{dialect.name}`: {dialect.title}",
        ", ".join(f"`{family}`" for family in dialect.families),
        ", ".join(carried),
        ", ".join(dialect.derives),
        ", ".join(lost),
        ", ".join(details),
        "; ".join(trap.says for trap in dialect.traps),
    )
    return f"| {' | '.join(cells)} |"
