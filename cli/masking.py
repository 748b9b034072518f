"""Personal and confidential fields stay covered until somebody asks for them (`--reveal`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import schemas
from replay.patch import COVERED

SHOWN_HEADERS = ("ce_", "fabric-", "__dlq.errors.", "traceparent", "tracestate", "content-type")


def masked(event: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON-able state of an event with every classified field covered; "" and empty ones say nothing and stay."""
    return _masked(body, "", schemas.classified(event))


def _masked(body: Mapping[str, Any], path: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {name: _field(value, f"{path}.{name}" if path else name, tags) for name, value in body.items()}


def _field(value: Any, path: str, tags: Mapping[str, str]) -> Any:
    if tags.get(path, "internal") != "internal":
        return COVERED if value not in ("", None, [], {}) else value
    if isinstance(value, Mapping):
        return _masked(value, path, tags)
    if isinstance(value, list):
        return [_field(each, path, tags) for each in value]
    return value


def masked_header(name: str, value: str) -> str:
    """Ours and the envelope's are shown; what a caller sent along may be anything."""
    return value if name.startswith(SHOWN_HEADERS) else COVERED
