"""When a rule speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field, model_validator

from schemas.catalogue import Entry
from schemas.rules.operands import SCALARS, Kind
from schemas.rules.predicate import Literal, Scope

Choose = Callable[[Any, Any], bool]


class Condition(Entry):
    """When a rule speaks: `{ path = "kind", is = "MILESTONE" }`, `in = [...]`, `not = ...`, or `present = true`.

    A value that is none satisfies `present = false` and nothing else.
    """

    path: str
    value: Literal | None = Field(default=None, alias="is")
    among: tuple[Literal, ...] = Field(default=(), alias="in", strict=False)
    other_than: Literal | None = Field(default=None, alias="not")
    present: bool | None = None

    @model_validator(mode="after")
    def _one(self) -> Condition:
        given = [self.value is not None, bool(self.among), self.other_than is not None, self.present is not None]
        if sum(given) != 1:
            raise ValueError("a condition has one of is, in, not, present")
        return self

    def fit(self, scope: Scope) -> Choose:
        if self.present is not None:
            there, wanted = scope.one(self.path, tuple(Kind)), self.present
            read = there.value() if there else None
            return lambda event, element: read is not None and (read(event, element) is not None) is wanted
        found = scope.one(self.path, SCALARS)
        if found is None:
            return lambda event, element: False
        given = [each for each in (self.value, self.other_than, *self.among) if each is not None]
        values, value, denied = (
            {scope.literal(each, found) for each in given},
            found.value(),
            self.other_than is not None,
        )

        def choose(event: Any, element: Any) -> bool:
            here = value(event, element)
            return here is not None and (here in values) is not denied

        return choose

    def words(self) -> str:
        if self.present is not None:
            return f"`{self.path}` is {'given' if self.present else 'none'}"
        if self.other_than is not None:
            return f"`{self.path}` is not {self.other_than}"
        return f"`{self.path}` is {' or '.join(str(each) for each in self.among or (self.value,))}"
