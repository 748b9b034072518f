"""An event as the system that says it knows it; and the same read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas import Model


@dataclass(frozen=True, slots=True)
class Draft:
    """One event, without what the fabric's rules say.

    `type`: `time.TimeSubmitted`, its ce_type or its class. `data`: its fields as Python values; `event_id`,
    `partition_key` and `revision` are filled in, `legal_entity`, `client_id` and `project_id` are "" when left out.
    `changed_at`: the aware instant of the change in the source, `tie_break` its number where instants repeat; together
    they are the version, `sequence`, unless the data has one. `native_id`: the object's id in the source, the aggregate
    id when left out. The trace begins anew when none is given.
    """

    type: str | type[Model]
    data: Mapping[str, Any]
    changed_at: datetime | None = None
    tie_break: int = 0
    native_id: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""
    source: str = ""
    """Who says it, where that is not the publisher's own source."""
    json: bool = False
    """Whether the values of `data` are as JSON has them: a decimal, a date and an instant are texts."""
    said: Mapping[str, str] = field(default_factory=dict)
    """Fields of the head that were said beside the data as well, by field: they must say the same."""


_HEAD = {
    "id": "event_id",
    "subject": "aggregate_id",
    "partitionkey": "partition_key",
    "sequence": "sequence",
    "revision": "revision",
    "legalentity": "legal_entity",
}
"""Attributes that repeat the head."""

_OURS = {
    "nativeid": "native_id",
    "correlationid": "correlation_id",
    "causationid": "causation_id",
    "traceparent": "traceparent",
    "tracestate": "tracestate",
    "source": "source",
}

_FIXED = {"specversion": ("1.0",), "datacontenttype": ("application/json", "application/avro")}
_IGNORED = ("dataclassification", "dataschema")
ATTRIBUTES = ("type", "time", "tiebreak", "data", *_HEAD, *_OURS, *_FIXED, *_IGNORED)


def draft_of(body: Any) -> Draft | list[tuple[str, str]]:
    """A CloudEvents 1.0 JSON object as a draft, or every mistake of its own attributes: (name, why).

    `{"type": "time.TimeSubmitted", "time": "2026-06-03T16:20:11Z", "data": {…}}` is enough; further attributes are
    those of the envelope without `ce_`, and `nativeid`, `tiebreak`.
    """
    if not isinstance(body, dict):
        return [("line", "is no JSON object")]
    wrong = [(name, f"is no attribute; there is {', '.join(ATTRIBUTES)}") for name in body if name not in ATTRIBUTES]
    if "type" not in body:
        wrong.append(("type", "is missing: name the event, e.g. time.TimeSubmitted"))
    if not isinstance(body.get("data"), dict):
        wrong.append(("data", "is missing" if "data" not in body else "is no object"))
    for name in ("type", *_HEAD, *_OURS):
        if not isinstance(body.get(name, ""), str):
            wrong.append((name, "is no text"))
    wrong += [
        (name, f"is not {' or '.join(allowed)}")
        for name, allowed in _FIXED.items()
        if body.get(name, allowed[0]) not in allowed
    ]
    changed_at = _instant(body.get("time"), wrong)
    tie_break = body.get("tiebreak", 0)
    if type(tie_break) is not int:
        wrong.append(("tiebreak", "is no whole number"))
    if wrong:
        return wrong
    said = {field: body[name] for name, field in _HEAD.items() if name in body}
    ours = {field: body.get(name, "") for name, field in _OURS.items()}
    return Draft(body["type"], {**said, **body["data"]}, changed_at, tie_break, json=True, said=said, **ours)


def _instant(text: Any, wrong: list[tuple[str, str]]) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        wrong.append(("time", "is no instant; write 2026-06-03T16:20:11.482Z"))
        return None
