"""Broken rules of the contract in one sentence, as dead letters tell them."""

from __future__ import annotations

from collections.abc import Sequence

from psfabric.event import Event
from schemas.rules import Violation

TOLD = 3
"""Violations that are told, so that the reason stays readable."""


def violated(event: Event, found: Sequence[Violation]) -> str:
    """Which event breaks which rules, and where; values of protected fields are not told."""
    more = f" And {len(found) - TOLD} more." if len(found) > TOLD else ""
    told = " ".join(f"{each.code}: {each.message}" for each in found[:TOLD])
    return f"{event.type} {event.aggregate_id}: {told}{more}"
