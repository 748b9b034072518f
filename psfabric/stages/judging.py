"""The cross-field rules of the contract, asked of an event where it is born.

Born is what a source translates, and what a processor makes of fields that it has read. What a processor passes on or
enriches is the record that came: it was judged where it was born, and is not read again for it (docs/adr/0009).
"""

from __future__ import annotations

from psfabric.errors import Invalid
from psfabric.event import Event
from schemas import rules

TOLD = 3
"""Violations that a dead letter tells, so that its reason stays readable."""


def judged(event: Event) -> Event:
    """The event, when it keeps its rules. Raises Invalid(rule-violated) naming the codes of those that it breaks."""
    if event.origin is None:
        found = rules.violations(event.type, event.data)
        if found:
            more = f" And {len(found) - TOLD} more." if len(found) > TOLD else ""
            told = " ".join(f"{each.code}: {each.message}" for each in found[:TOLD])
            raise Invalid("rule-violated", f"{event.type} {event.aggregate_id}: {told}{more}")
    return event
