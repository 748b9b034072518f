"""What must be there, and what must not: `""`, null and the empty list are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas.rules.operands import Kind
from schemas.rules.predicate import Check, Fault, Paths, Scope, holds, ticked

ANYTHING = tuple(Kind)
Counted = tuple[int, int | None]


class Required(Paths):
    """`required = "milestone_id"`, or a list: each has a value; through a list, each element has."""

    def fit(self, scope: Scope) -> Check:
        return _each(self.paths, scope, True, "it is missing")

    def words(self) -> str:
        return f"{ticked(self.paths)} required"


class Absent(Paths):
    """`absent = ["amount"]`: none of them has a value."""

    def fit(self, scope: Scope) -> Check:
        return _each(self.paths, scope, False, "it must be none")

    def words(self) -> str:
        return f"{ticked(self.paths)} none"


def _each(paths: Sequence[str], scope: Scope, wanted: bool, says: str) -> Check:
    operands = [scope.any(path, ANYTHING) for path in paths]
    if None in operands:
        return holds
    readers = [(each, each.values()) for each in operands if each]
    ones = [each.value() for each in operands if each and not each.many]
    lists = [each.values() for each in operands if each and each.many]

    def check(event: Any, element: Any) -> Sequence[Fault]:
        for one in ones:
            if (one(event, element) is not None) is not wanted:
                return wrong(event, element)
        for read in lists:
            for value in read(event, element):
                if (value is not None) is not wanted:
                    return wrong(event, element)
        return ()

    def wrong(event: Any, element: Any) -> Sequence[Fault]:
        return [
            Fault(place, says)
            for each, read in readers
            for place, value in zip(each.places(event, element), read(event, element), strict=True)
            if (value is not None) is not wanted
        ]

    return check


class _Count(Paths):
    """How many of the paths have a value."""

    paths: Annotated[tuple[str, ...], Field(strict=False, min_length=2)]
    says: ClassVar[str]

    def _is_right(self, there: int) -> bool:
        raise NotImplementedError

    def fit(self, scope: Scope) -> Check:
        operands = [scope.one(path, ANYTHING) for path in self.paths]
        if None in operands:
            return holds
        readers = [(each.text, each.value()) for each in operands if each]

        def check(event: Any, element: Any) -> Sequence[Fault]:
            there = [name for name, read in readers if read(event, element) is not None]
            if self._is_right(len(there)):
                return ()
            return (Fault((there or self.paths)[0], f"given: {', '.join(there) or 'none'}"),)

        return check

    def words(self) -> str:
        return f"{self.says} of {ticked(self.paths)}"


class ExactlyOne(_Count):
    """`exactly_one = ["time_entry_id", "expense_id"]`"""

    says = "exactly one"

    def _is_right(self, there: int) -> bool:
        return there == 1


class AtMostOne(_Count):
    """`at_most_one = ["cap", "fixed_fee"]`"""

    says = "at most one"

    def _is_right(self, there: int) -> bool:
        return there <= 1


class AtLeastOne(_Count):
    """`at_least_one = ["e_mail", "phone"]`"""

    says = "at least one"

    def _is_right(self, there: int) -> bool:
        return there >= 1


class AllOrNone(_Count):
    """`all_or_none = ["lender", "lending_rate"]`"""

    says = "all or none"

    def _is_right(self, there: int) -> bool:
        return there in (0, len(self.paths))
