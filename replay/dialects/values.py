"""Header values of others, read without trust. Each reader raises ValueError with what is wrong, to follow the name."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Value = str | int
Reader = Callable[[bytes], Value]

LIMIT = 64 * 1024
"""Bytes of a text that are worth reading; stack traces, the longest there are, stay far below."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def text(value: bytes) -> str:
    """UTF-8, possibly empty."""
    if len(value) > LIMIT:
        raise ValueError(f"has {len(value):,} bytes, of which up to {LIMIT:,} are read")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None


def word(value: bytes) -> str:
    """UTF-8 that says something."""
    found = text(value)
    if not found:
        raise ValueError("is empty")
    return found


def class_name(value: bytes) -> str:
    """The class of what Throwable.toString() gives, which is the class alone or `class: message`."""
    return word(value).partition(": ")[0]


def number(value: bytes) -> int:
    """Decimal digits, as offsets are written in text."""
    if not re.fullmatch(rb"-?[0-9]{1,19}", value):
        raise ValueError("is no whole number")
    return _place(int(value), 8)


def partition(value: bytes) -> int:
    return _place(number(value), 4)


def int32(value: bytes) -> int:
    return _place(_signed(value, range(4, 5)), 4)


def int64(value: bytes) -> int:
    return _place(_signed(value, range(8, 9)), 8)


def count(value: bytes) -> int:
    """Big-endian, of one byte in older releases and of four in newer ones."""
    return value[0] if len(value) == 1 else int32(value)


def millis(value: bytes) -> str:
    """Big-endian epoch milliseconds of minimal or full length, as ISO text in UTC."""
    found = instant(_signed(value, range(1, 9)))
    if found is None:
        raise ValueError("is no instant")
    return found


BINARY: tuple[Reader, ...] = (int32, int64, count, millis)
"""Readers of what is no text."""


def instant(epoch_ms: int) -> str | None:
    """ISO text in UTC; None for Kafka's "no timestamp" and for what no calendar has."""
    try:
        return None if epoch_ms < 0 else (_EPOCH + timedelta(milliseconds=epoch_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return None


def _signed(value: bytes, lengths: range) -> int:
    if len(value) not in lengths:
        wanted = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else f"{lengths[0]}"
        raise ValueError(f"has {len(value)} bytes, not {wanted}")
    return int.from_bytes(value, "big", signed=True)


def _place(found: int, size: int) -> int:
    """A partition, an offset or a count of `size` bytes. Frameworks write -1 where there was none."""
    if not 0 <= found < 1 << (size * 8 - 1):
        raise ValueError(f"is {found}")
    return found
