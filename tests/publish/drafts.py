"""Drafts to publish: the contract's examples as another team would say them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import schemas
from psfabric.event import Event
from psfabric.publish import Draft, Judged, judged
from tests.contracts.given import EXAMPLES

SOURCE = "payroll-acme"
AT = datetime(2026, 6, 3, 16, 20, 11, 482000, tzinfo=UTC)
LEFT_OUT = ("event_id", "partition_key", "revision", "sequence")
"""What the rules fill in."""

OPEN = schemas.topics().open_to_systems()


def time_entry(entry: str = "", **changes: Any) -> Draft:
    """Submitted time, of an entry of its own unless one is named."""
    data = {
        "aggregate_id": entry or f"{SOURCE}:entry:{uuid.uuid4().hex[:8]}",
        "project_id": "PRJ-1001",
        "resource_id": "5b10ac8d82e05b22cc7d4ef5",
        "work_date": date(2026, 6, 3),
        "zone": "Europe/London",
        "started_at": AT,
        "worked_seconds": 5400,
        "role": "Consultant",
        "task": "BRI-12",
        "submitted_at": AT,
        "extensions": {},
    }
    return Draft("time.TimeSubmitted", {**data, **changes}, changed_at=AT)


def line(entry: str = "", **changes: Any) -> dict[str, Any]:
    """The same as a JSON object of a file; `changes` are attributes beside the data."""
    model = schemas.model("time.TimeSubmitted")
    body = example("time.TimeSubmitted")
    data = {name: body[name] for name in model.model_fields if name not in LEFT_OUT}
    data["aggregate_id"] = entry or f"{SOURCE}:entry:{uuid.uuid4().hex[:8]}"
    return {"type": "time.TimeSubmitted", "time": "2026-06-03T16:20:11.482Z", "data": data, **changes}


def example(event: str, case: str = "complete") -> dict[str, Any]:
    body: dict[str, Any] = json.loads((EXAMPLES / f"{event}.{case}.pass.json").read_text())
    return body


def passing() -> list[Path]:
    """The passing examples of all events that systems may publish."""
    return [path for path in sorted(EXAMPLES.glob("*.pass.json")) if ".".join(path.name.split(".")[:2]) in OPEN]


def example_of(path: Path) -> Event:
    """An example as the publisher makes it."""
    body = json.loads(path.read_text())
    data = {name: value for name, value in body.items() if name not in ("event_id", "partition_key", "revision")}
    found = judged(Draft(".".join(path.name.split(".")[:2]), data, json=True), SOURCE)
    assert isinstance(found, Judged), found
    return found.event
