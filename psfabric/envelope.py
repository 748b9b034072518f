"""The envelope: CloudEvents 1.0 attributes in Kafka's binary mode, our extensions, the trace; to headers and back.

Headers are copies of the head. A copy that says something else than the head is refused: whoever routed or filtered
by it would have acted on another record than the one that is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from psfabric.errors import Invalid
from psfabric.event import Appended, Event, Framed, Head, HeaderList, utc_text
from schemas import Model

CONTENT_TYPE = b"application/avro"
HEADER_LIMIT = 1024
"""Bytes a header value may have (DESIGN section 3)."""

_COPIES = ("ce_id", "ce_subject", "ce_partitionkey", "ce_sequence", "ce_revision", "ce_legalentity")
"""The headers that repeat the head, in its order."""

_TRACE = ("traceparent", "tracestate")


def opened(state: Model | Framed | Appended, head: Head, ce_type: str, headers: HeaderList) -> Event:
    """The event of a record with these headers. Raises Invalid(header-invalid)."""
    found = {name: value for name, value in headers if value is not None}  # of a repeated name the last stands
    if not found:
        return Event(state, _instant("", head), "", head.event_id)
    if max(map(len, found.values())) > HEADER_LIMIT:
        _bounded(found, head)
    _agree(found, head, ce_type)
    return Event(
        state,
        _instant(_text(found, "ce_time"), head),
        _text(found, "ce_source"),
        _text(found, "ce_correlationid") or head.event_id,
        _text(found, "ce_causationid"),
        _text(found, "traceparent"),
        _text(found, "tracestate"),
    )


def headers(event: Event, classification: str) -> HeaderList:
    """The envelope of an event as headers. Raises Invalid(header-invalid) for a value that is too long."""
    head = event.head
    pairs = [
        ("content-type", CONTENT_TYPE),
        ("ce_specversion", b"1.0"),
        ("ce_id", head.event_id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.model.CE_TYPE.encode()),
        ("ce_time", utc_text(event.time).encode()),
        ("ce_subject", head.aggregate_id.encode()),
        ("ce_correlationid", event.correlation_id.encode()),
        ("ce_causationid", event.causation_id.encode()),
        ("ce_partitionkey", head.partition_key.encode()),
        ("ce_sequence", head.sequence.encode()),
        ("ce_revision", head.revision.encode()),
        ("ce_legalentity", head.legal_entity.encode()),
        ("ce_dataclassification", classification.encode()),
        ("traceparent", event.traceparent.encode()),
        ("tracestate", event.tracestate.encode()),
    ]
    short = sum([len(value) for _, value in pairs]) <= HEADER_LIMIT  # all of them, so each of them
    return tuple([pair for pair in pairs if pair[1] and (short or _fits(event, *pair))])


def _fits(event: Event, name: str, value: bytes) -> bool:
    """False for a trace that is too long: it is telemetry. Raises Invalid(header-invalid) for anything else."""
    if len(value) <= HEADER_LIMIT:
        return True
    if name in _TRACE:
        return False
    raise Invalid("header-invalid", f"{name} of a {event.type} has {len(value)} bytes; {HEADER_LIMIT} are allowed")


def _bounded(found: Mapping[str, bytes], head: Head) -> None:
    for name, value in found.items():
        if len(value) > HEADER_LIMIT and name not in _TRACE:
            raise Invalid(
                "header-invalid", f"{name[:64]} of {head.event_id} has {len(value)} bytes; {HEADER_LIMIT} are allowed"
            )


def _agree(found: Mapping[str, bytes], head: Head, ce_type: str) -> None:
    if found.get("ce_type", b"") not in (b"", ce_type.encode()):
        raise Invalid("header-invalid", f"ce_type of {head.event_id} says another type than its schema, {ce_type}")
    for name, text in zip(_COPIES, head, strict=False):
        if name in found and found[name] != text.encode():
            raise Invalid("header-invalid", f"{name} of {head.event_id} says something else than the record's head")


def _text(found: Mapping[str, bytes], name: str) -> str:
    """The header as text, "" when it is missing. A trace that is no text is left out."""
    value = found.get(name)
    if value is None:
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError:
        if name in _TRACE:
            return ""
        raise Invalid("header-invalid", f"{name} is not UTF-8") from None


def _instant(text: str, head: Head) -> datetime:
    """The upstream instant: `ce_time`, or the one in the sequence when the header is missing."""
    try:
        at = datetime.fromisoformat(text or head.sequence.partition("/")[0])
        if at.tzinfo is not None:
            return at if at.tzinfo is UTC else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("header-invalid", f"ce_time of {head.event_id} is not an instant") from None
    raise Invalid("header-invalid", f"ce_time of {head.event_id} has no zone")
