"""Reads what the fabric itself has stored; what cannot be read is named, with what to do, never passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from psfabric.errors import Held, Invalid, Misconfigured, Transient
from psfabric.event import Record

T = TypeVar("T")

_UNREADABLE = (Invalid, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


def understood(record: Record, read: Callable[[Record], T]) -> T:
    """What `read` makes of a record of hold, applied, ref or the fabric's own state. Raises Misconfigured when it
    cannot: whoever left it out could lose a waiting record, or post one twice. Raises Transient when its schema cannot
    be looked up now."""
    try:
        return read(record)
    except Held as error:  # its schema: what is stored is needed whole, so this waits for it
        raise Transient(error.why) from None
    except _UNREADABLE as error:
        why = str(error) if isinstance(error, Invalid) else type(error).__name__
        raise Misconfigured(
            [
                f"{record.coordinates} is no record that this release can read ({why}): run the release that wrote it, "
                f"or, if none of ours did, write a record without a value under its key"
            ]
        ) from None
