"""From the name of an event to its class. Generated models are imported only when asked, so they can be generated."""

from __future__ import annotations

from functools import cache

from schemas.base import Model
from schemas.contract import EventName, UnknownEvent, events
from schemas.majors import all_superseded


def model(name: str) -> type[Model]:
    """The class of an event by event name, `ce_type` or Avro record name; `UnknownEvent` when there is none.

    The names of an older major give the class of the current one: as that its records are read.
    """
    try:
        return _models()[name]
    except KeyError:
        raise UnknownEvent(name, tuple(_models())) from None


@cache
def _models() -> dict[str, type[Model]]:
    from schemas import models

    found: dict[str, type[Model]] = {}
    for event in events():
        kind, name = event.rpartition(".")[::2]
        cls = getattr(models, f"Enriched{name}" if kind.startswith("enriched.") else name)
        found |= {cls.EVENT: cls, cls.CE_TYPE: cls, cls.SUBJECT: cls}
    older = {key: found[each.name.event] for each in all_superseded().values() for key in _names(each.name)}
    return older | found


def _names(name: EventName) -> tuple[str, str]:
    return name.ce_type, name.subject
