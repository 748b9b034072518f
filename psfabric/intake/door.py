"""What passes the door, as functions of the request: size limits, the headers that are kept, the record to store."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from psfabric.adapters import Notice, Request
from psfabric.event import Raw
from psfabric.trace import Trace, enter

BODY_LIMIT = 1 << 20
HEADER_COUNT = 100
HEADER_BYTES = 16 << 10
VALUE_LIMIT = 1024
"""Bytes of any header of a stored record (DESIGN, envelope)."""

_CONTENT_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(?:; ?[A-Za-z0-9-]{1,20}=[A-Za-z0-9.-]{1,40})?")
_PLAIN = "application/octet-stream"

Headers = Sequence[tuple[bytes, bytes]]


def too_many(headers: Headers) -> bool:
    """Whether the headers are more, or larger, than any honest sender's."""
    size = sum(len(name) + len(value) for name, value in headers)
    return len(headers) > HEADER_COUNT or size > HEADER_BYTES


def declared_length(headers: Headers) -> int:
    """Bytes that the caller announces; 0 when it does not say. The HTTP parser refused anything but one number."""
    found = [value for name, value in headers if name == b"content-length"]
    return int(found[0]) if found else 0


def request(method: str, path: str, headers: Headers, body: bytes) -> Request:
    """As an adapter sees it. A name sent twice holds both values, so that no signature is picked out of several."""
    together: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        together[name] = f"{together[name]}, {value}" if name in together else value
    return Request(method, path, together, body)


def context(headers: Headers, new_id: Callable[[int], str]) -> Trace:
    """The trace that the request belongs to, its caller's where that is well formed."""
    return enter([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers], new_id)


def stamped(source: str, notice: Notice, headers: Headers, body: bytes, now: datetime, trace: Trace) -> Raw:
    """The exact bytes under our own headers, and no other: `fabric-*`, a content type, a trace."""
    types = [value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"]
    known = len(types) == 1 and _CONTENT_TYPE.fullmatch(types[0])
    kept = {
        "fabric-source": source,
        "fabric-notice-id": notice.id,
        "fabric-received-at": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "content-type": types[0] if known else _PLAIN,
        "traceparent": trace.traceparent,
    }
    if trace.tracestate:
        kept["tracestate"] = trace.tracestate
    return Raw(key=notice.key, body=body, headers={name: value[:VALUE_LIMIT] for name, value in kept.items()})
