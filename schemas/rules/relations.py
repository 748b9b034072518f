"""Relations between values: the same, in order, inside a period, one after another. None is never compared."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas.rules import predicate
from schemas.rules.operands import ORDERED, SCALARS, Kind, Operand
from schemas.rules.predicate import Check, Fault, Predicate, Scope, holds, ticked
from schemas.zones import zone_of

Order = Literal["<", "<=", "==", "!=", ">=", ">"]
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_DATES = (Kind.DATE, Kind.INSTANT)


Reader = Callable[[Any, Any], Any]


def _always(value: Any) -> Reader:
    return lambda event, element: value


class Same(Predicate):
    """`same = ["currency", "lines[].amount.currency"]`: all these values are equal."""

    paths: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _list(cls, given: Any) -> Any:
        return {"paths": given} if isinstance(given, list) else given

    def fit(self, scope: Scope) -> Check:
        operands = [scope.any(path, SCALARS) for path in self.paths]
        if not scope.alike(*operands):
            return holds
        found = [each for each in operands if each]
        if len(found) == 1 and not found[0].many:
            scope.mistakes.append(f"{found[0].text}: one value is always the same; name another path")
        readers = [(each, each.values()) for each in found]
        ones, lists = [e.value() for e in found if not e.many], [e.values() for e in found if e.many]

        def check(event: Any, element: Any) -> Sequence[Fault]:
            first: Any = None
            for one in ones:
                value = one(event, element)
                if first is None:
                    first = value
                elif value is not None and value != first:
                    return _others(event, element)
            for read in lists:
                for value in read(event, element):
                    if first is None:
                        first = value
                    elif value is not None and value != first:
                        return _others(event, element)
            return ()

        def _others(event: Any, element: Any) -> Sequence[Fault]:
            told = [
                (each, place, value)
                for each, read in readers
                for place, value in zip(each.places(event, element), read(event, element), strict=True)
                if value is not None
            ]
            first, _, common = told[0]
            return [
                Fault(place, f"it is {each.shown(value)}, {first.text} is {first.shown(common)}")
                for each, place, value in told
                if value != common
            ]

        return check

    def words(self) -> str:
        return f"{ticked(self.paths)} are the same"


class Compare(Predicate):
    """`compare = { left = "ends_on", is = ">=", right = "starts_on" }`, or `value = 0` in place of `right`."""

    left: str
    order: Order = Field(alias="is")
    right: str = ""
    value: predicate.Literal | None = None

    def fit(self, scope: Scope) -> Check:
        kinds = SCALARS if self.order in ("==", "!=") else ORDERED
        left, name = scope.any(self.left, kinds), ""
        read_right: Reader | None = None
        shown: Callable[[Any], str] = str
        if bool(self.right) == (self.value is not None):
            scope.mistakes.append("compare needs right (a path) or value, one of them")
        elif self.right:
            right = scope.one(self.right, kinds)
            if scope.alike(left, right) and right:
                read_right, name = right.value(), f"{right.text}, "
                shown = right.shown
        elif left and self.value is not None:
            constant = scope.literal(self.value, left)
            read_right = _always(constant)
        if left is None or read_right is None or scope.mistakes:
            return holds
        is_so, values, right_of, order = _ORDERS[self.order], left.values(), read_right, self.order

        def check(event: Any, element: Any) -> Sequence[Fault]:
            other = right_of(event, element)
            if other is None:
                return ()
            found = values(event, element)
            if all(each is None or is_so(each, other) for each in found):
                return ()
            return [
                Fault(place, f"it is {left.shown(each)}, and must be {order} {name}{shown(other)}")
                for place, each in zip(left.places(event, element), found, strict=True)
                if each is not None and not is_so(each, other)
            ]

        return check

    def words(self) -> str:
        right = f"`{self.right}`" if self.right else f"{self.value}"
        return f"`{self.left}` {self.order} {right}"


class Inside(Predicate):
    """`inside = { path = "days[].on", first = "starts_on", last = "ends_on" }`: both ends belong to it; an end that is
    none is open."""

    path: str
    first: str
    last: str

    def fit(self, scope: Scope) -> Check:
        found, first, last = (
            scope.any(self.path, ORDERED),
            scope.one(self.first, ORDERED),
            scope.one(self.last, ORDERED),
        )
        if not scope.alike(found, first, last) or not (found and first and last):
            return holds
        values, begin, end = found.values(), first.value(), last.value()

        def check(event: Any, element: Any) -> Sequence[Fault]:
            low, high = begin(event, element), end(event, element)
            faults = []
            for index, each in enumerate(values(event, element)):
                if each is None or ((low is None or low <= each) and (high is None or each <= high)):
                    continue
                place = found.places(event, element)[index]
                faults.append(Fault(place, f"{found.shown(each)} is outside {first.shown(low)} to {last.shown(high)}"))
            return faults

        return check

    def words(self) -> str:
        return f"`{self.path}` from `{self.first}` to `{self.last}`, ends included"


class Ascending(Predicate):
    """`ascending = { path = "milestones[].due_on", strictly = true }`: in the order of the list."""

    path: str
    strictly: bool = False

    def fit(self, scope: Scope) -> Check:
        found = scope.many(self.path, ORDERED)
        if found is None:
            return holds
        values, is_wrong = found.values(), operator.ge if self.strictly else operator.gt

        def check(event: Any, element: Any) -> Sequence[Fault]:
            before, faults = None, []
            for index, each in enumerate(values(event, element)):
                if each is None:
                    continue
                if before is not None and is_wrong(before, each):
                    said = f"{found.shown(each)} comes after {found.shown(before)}"
                    faults.append(Fault(found.places(event, element)[index], said))
                before = each
            return faults

        return check

    def words(self) -> str:
        return f"`{self.path}` ascending{', none twice' if self.strictly else ''}"


class Apart(Predicate):
    """`apart = { first = "rates[].valid_from", last = "rates[].valid_to", by = ["rates[].role"] }`: the periods of one
    key do not overlap; both ends belong to a period, an end that is none is open."""

    first: str
    last: str
    by: Annotated[tuple[str, ...], Field(strict=False)] = ()

    def fit(self, scope: Scope) -> Check:
        first, last = scope.many(self.first, _DATES), scope.many(self.last, _DATES)
        keys = [scope.many(path) for path in self.by]
        if not scope.alike(first, last) or None in keys or not (first and last):
            return holds
        if not _of_one_list([first, last, *(each for each in keys if each)], scope):
            return holds
        begins, ends, reads = first.values(), last.values(), [each.values() for each in keys if each]

        def check(event: Any, element: Any) -> Sequence[Fault]:
            starts, stops = begins(event, element), ends(event, element)
            names = list(zip(*(read(event, element) for read in reads), strict=True)) or [()] * len(starts)
            groups: dict[Any, list[int]] = defaultdict(list)
            for index, name in enumerate(names):
                groups[name].append(index)
            return [
                Fault(first.places(event, element)[later], f"it overlaps {first.places(event, element)[earlier]}")
                for group in groups.values()
                for earlier, later in _overlaps(group, starts, stops)
            ]

        return check

    def words(self) -> str:
        of = f" of one {ticked(self.by)}" if self.by else ""
        return f"periods `{self.first}` to `{self.last}`{of} do not overlap"


def _overlaps(group: Sequence[int], starts: Sequence[Any], stops: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs of positions whose periods share a day: each with the one before it that ends last."""
    ordered = sorted(group, key=lambda i: (starts[i] is not None, starts[i] if starts[i] is not None else 0))
    found: list[tuple[int, int]] = []
    longest = ordered[0]
    for index in ordered[1:]:
        if starts[index] is None or stops[longest] is None or starts[index] <= stops[longest]:
            found.append((longest, index))
        if stops[longest] is not None and (stops[index] is None or stops[index] > stops[longest]):
            longest = index
    return found


class LocalDate(Predicate):
    """`local_date = { of = "started_at", zone = "zone", equals = "work_date" }`: the day of an instant in a zone. It
    holds where the zone is none of the list; `listed` judges that."""

    of: str
    zone: str
    equals: str

    def fit(self, scope: Scope) -> Check:
        instant, zone = scope.one(self.of, (Kind.INSTANT,)), scope.one(self.zone, (Kind.TEXT,))
        day = scope.one(self.equals, (Kind.DATE,))
        if not (instant and zone and day):
            return holds
        at, where, on = instant.value(), zone.value(), day.value()

        def check(event: Any, element: Any) -> Sequence[Fault]:
            moment, name, said = at(event, element), where(event, element), on(event, element)
            known = None if name is None else zone_of(name)
            if moment is None or known is None or said is None:
                return ()
            try:
                local = moment.astimezone(known).date()
            except OverflowError:
                return ()
            if local == said:
                return ()
            return (Fault(day.text, f"it is {day.shown(said)}, the day of {instant.text} is {instant.shown(local)}"),)

        return check

    def words(self) -> str:
        return f"`{self.equals}` is the day of `{self.of}` in `{self.zone}`"


def _of_one_list(operands: Sequence[Operand], scope: Scope) -> bool:
    for each in operands[1:]:
        if each.list_name != operands[0].list_name:
            scope.mistakes.append(f"{each.text} and {operands[0].text} are not of one list")
            return False
    return True
