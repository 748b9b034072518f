"""Rules between an event and an object that it names by its id: the work lies inside its assignment.

A rule file says once what its events name, and its rules say `@assignment.end_date`:

    [names.assignment]
    by = "assignment_id"
    kept_as = ["assignment.ResourceAssigned", "assignment.AssignmentChanged", "assignment.AssignmentEnded"]

The object is in its latest state, whichever of those events that was. Who asks brings the look-up; where an id is
none, or nobody can look up, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated, Any

from pydantic import Field, model_validator

from schemas.catalogue import Entry
from schemas.rules.operands import NAMED, Kind, Misfit, Shape, operand

LookUp = Callable[[str], tuple[str, Any] | None]
"""The latest state of an object by its id: its event and its data, as model or as fields; None when there is none. May
raise."""

LookUps = Mapping[str, LookUp]
"""By entity."""


class Named(Entry):
    """What events of a rule file name by its id."""

    by: str
    """Path of the id."""
    kept_as: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """Events of one entity that may be its latest state; a rule fits all of them, and is asked in these states only."""

    @model_validator(mode="after")
    def _one_entity(self) -> Named:
        if len({event.partition(".")[0] for event in self.kept_as}) > 1:
            raise ValueError(f"these are of several entities: {', '.join(self.kept_as)}")
        return self

    @property
    def entity(self) -> str:
        return self.kept_as[0].partition(".")[0]


States = tuple[str, ...]
"""An event for each object that a rule speaks of."""


@dataclass(frozen=True)
class Names:
    """The objects that a rule speaks of, fitted to one event: where their ids are, and what it all looks like."""

    asked: Mapping[str, Named]
    ids: Mapping[str, Callable[[Any, Any], Any]]
    shapes: Mapping[States, Shape]
    """The event with the objects beside its own fields, by the states that these are in."""

    @cached_property
    def entities(self) -> frozenset[str]:
        return frozenset(what.entity for what in self.asked.values())

    def beside(self, event: Any, look_ups: LookUps) -> tuple[States, dict[str, Any]] | None:
        """The fields of an event with the objects that it names beside them; None when it names none, or one that is
        not there."""
        states, view = [], dict(event)
        for name, id_of in self.ids.items():
            id_ = id_of(event, event)
            found = None if id_ is None else look_ups[self.asked[name].entity](id_)
            if found is None:
                return None
            state, view[NAMED + name] = found
            states.append(state)
        return tuple(states), view


def names(asked: Mapping[str, Named], shape: Shape, shape_of: Callable[[str], Shape]) -> Names:
    """The objects fitted to the event of `shape`. Raises `Misfit`, and `LookupError` for an event that is none."""
    ids = {}
    for name, what in asked.items():
        where = operand(what.by, shape, shape)
        if where.many or where.kind is not Kind.TEXT:
            raise Misfit(f"names.{name}: {what.by} is no id; write the path of one text")
        ids[name] = where.value()
    shapes = {}
    for states in product(*(what.kept_as for what in asked.values())):
        wide = shape
        for name, state in zip(asked, states, strict=True):
            wide = wide.beside(name, shape_of(state))
        shapes[states] = wide
    return Names(asked, ids, shapes)


def said(asked: Mapping[str, Named]) -> str:
    """`With @assignment the assignment that assignment_id names: `, for the catalogue."""
    told = [f"`{NAMED}{name}` the {what.entity} that `{what.by}` names" for name, what in asked.items()]
    return f"With {' and '.join(told)}: " if told else ""
