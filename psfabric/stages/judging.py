"""The cross-field rules of the contract, asked of an event where it is born, and where what it names can be looked up.

Born is what a source translates, and what a processor makes of fields that it has read. What a processor passes on or
enriches is the record that came: it was judged where it was born, and is not read again for it (docs/adr/0009). What an
event names by its id is compared with it in the processor that declares so (`compares`, docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psfabric.adapters import Known
from psfabric.errors import Invalid
from psfabric.event import Event
from psfabric.violated import violated
from schemas import rules
from schemas.rules import LookUp, Violation


def judged(event: Event) -> Event:
    """The event, when it keeps its rules. Raises Invalid(rule-violated) naming the codes of those that it breaks."""
    if event.origin is None:
        found = rules.violations(event.type, event.data)
        if found:
            raise Invalid("rule-violated", violated(event, found))
    return event


def disagreements(event: Event, entities: Collection[str], known: Known) -> Sequence[Violation]:
    """Where an event and what it names of these entities do not agree. Raises Held for what is not known yet, and what
    the store raises. An event whose rules name none of them is not read."""
    asked = rules.named_by(event.type).intersection(entities)
    if not asked:
        return ()
    return rules.disagreements(event.type, event.data, {entity: _look_up(entity, known) for entity in asked})


def _look_up(entity: str, known: Known) -> LookUp:
    def look_up(id_: str) -> tuple[str, object]:
        found = known.kept(entity, id_)
        return found.EVENT, found

    return look_up
