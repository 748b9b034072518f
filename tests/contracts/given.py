"""Events to test with: the contract's own examples, with what a test wants to be different."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import schemas
from psfabric.event import Event

EXAMPLES = Path(schemas.__file__).parent / "examples"


def example(event: str, case: str = "complete", **changes: Any) -> Event:
    """`schemas/examples/<event>.<case>.pass.json` as an event; `changes` are fields, given as Python values."""
    model = schemas.model(event)
    data = model.model_validate_json((EXAMPLES / f"{event}.{case}.pass.json").read_bytes())
    fields = {name: getattr(data, name) for name in model.model_fields}
    data = model.model_validate({**fields, **changes})
    return Event(
        data=data,
        time=datetime.fromisoformat(data.sequence.partition("/")[0]).astimezone(UTC),
        source="salesforce-acme",
        correlation_id="c-0001",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def version(day: int) -> str:
    """A sequence on that day of June 2026."""
    return f"2026-06-{day:02d}T16:20:11.482000Z/{0:020d}"
