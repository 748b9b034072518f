"""W3C Trace Context at the border: keep a caller's trace when it is well formed, begin a new one when it is not.

Rules: W3C Trace Context level 2, sections 3.2 (traceparent), 3.3 (tracestate) and 4 (processing). What does not parse
is dropped, never repaired: a forged or cut trace must not reach our own spans.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

TRACESTATE_LIMIT = 1024
"""Characters of tracestate that are passed on; the specification asks for at least 512, our headers allow 1 KiB."""

MAX_MEMBERS = 32
LONG_MEMBER = 128

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}", re.ASCII)
_VALUE = re.compile(r"[ -+\--<>-~]{0,255}[!-+\--<>-~]", re.ASCII)
_KNOWN_FLAGS = 0x03  # sampled, random trace id; other bits are reserved and must be sent as 0
_SPACE = " \t"


@dataclass(frozen=True, slots=True)
class Trace:
    """The two headers to store with a record; `tracestate` is "" when there is none. `parent` is the caller's own
    `traceparent` where it was well formed, for a span of ours to hang on."""

    traceparent: str
    tracestate: str = ""
    parent: str = ""


def enter(headers: Iterable[tuple[str, str]], new_id: Callable[[int], str]) -> Trace:
    """The trace that our own work belongs to, given the headers as received (repeated names kept).

    `new_id(n)` gives n random bytes as lower-case hex (`secrets.token_hex`): the span id is always ours, the trace id
    is new only when the caller's `traceparent` is missing, repeated or malformed; then its tracestate goes as well.
    """
    received = [(name.lower(), value) for name, value in headers]
    parents = [value for name, value in received if name == "traceparent"]
    found = _parse(parents[0]) if len(parents) == 1 else None
    if found is None:
        return Trace(f"00-{_nonzero(new_id, 16)}-{_nonzero(new_id, 8)}-00")
    trace_id, parent_id, flags = found
    state = _state([value for name, value in received if name == "tracestate"])
    ours = f"00-{trace_id}-{_nonzero(new_id, 8)}-{flags:02x}"
    return Trace(ours, state, f"00-{trace_id}-{parent_id}-{flags:02x}")


def _parse(value: str) -> tuple[str, str, int] | None:
    match = _PARENT.fullmatch(value.strip(_SPACE))
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace_id, 16) or not int(parent_id, 16):
        return None
    return trace_id, parent_id, int(flags, 16) & _KNOWN_FLAGS


def _state(values: list[str]) -> str:
    members: dict[str, str] = {}
    parts = [part.strip(_SPACE) for value in values for part in value.split(",")]
    filled = [part for part in parts if part]
    if len(filled) > MAX_MEMBERS:
        return ""
    for part in filled:
        key, equals, value = part.partition("=")
        if not equals or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            return ""
        members.setdefault(key, part)  # the first (newest) entry of a repeated key stands
    return _fit(list(members.values()))


def _fit(members: list[str]) -> str:
    """Drop whole members, long ones first, then the oldest (rightmost), until the limit is met."""
    if len(",".join(members)) > TRACESTATE_LIMIT:
        members = [member for member in members if len(member) <= LONG_MEMBER]
    while len(",".join(members)) > TRACESTATE_LIMIT:
        members.pop()
    return ",".join(members)


def _nonzero(new_id: Callable[[int], str], size: int) -> str:
    while True:
        found = new_id(size)
        if int(found, 16):
            return found
