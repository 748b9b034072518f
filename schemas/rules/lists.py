"""Values and lists: unique in one, taken from one, one of those that standards keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

from schemas.codebook import codes
from schemas.currencies import CURRENCIES
from schemas.rules.operands import SCALARS, Kind
from schemas.rules.predicate import Check, Fault, Paths, Predicate, Scope, holds, ticked
from schemas.zones import zone_of

Standard = Literal["iso-4217", "iso-3166", "zone", "codes"]


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, as the time zone database has them."""
    text = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text(encoding="utf-8")
    return frozenset(line[:2] for line in text.splitlines() if line and not line.startswith("#"))


_LISTS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "iso-4217": ("a currency of ISO 4217", lambda value: value in CURRENCIES),
    "iso-3166": ("a country of ISO 3166-1", lambda value: value in countries()),
    "zone": ("an IANA time zone or a fixed offset", lambda value: zone_of(value) is not None),
    "codes": ("a code of codes.toml", lambda value: value in codes()),
}


class Listed(Predicate):
    """`listed = { path = "currency", in = "iso-4217" }`; the lists are iso-4217, iso-3166, zone (IANA or a fixed
    offset) and codes (codes.toml)."""

    path: str
    standard: Standard = Field(alias="in")

    def fit(self, scope: Scope) -> Check:
        found = scope.any(self.path, (Kind.TEXT,))
        if found is None:
            return holds
        values, (what, is_in) = found.values(), _LISTS[self.standard]

        def check(event: Any, element: Any) -> Sequence[Fault]:
            faults = []
            for index, each in enumerate(values(event, element)):
                if each is not None and not is_in(each):
                    faults.append(Fault(found.places(event, element)[index], f"{found.shown(each)} is not {what}"))
            return faults

        return check

    def words(self) -> str:
        return f"`{self.path}` is {_LISTS[self.standard][0]}"


class Among(Predicate):
    """`among = { path = "lines[].tax_code", of = "taxes[].tax_code" }`: each value is one of the others."""

    path: str
    of: str

    def fit(self, scope: Scope) -> Check:
        found, others = scope.any(self.path, SCALARS), scope.many(self.of, SCALARS)
        if not scope.alike(found, others) or not (found and others):
            return holds
        values, allowed = found.values(), others.values()

        def check(event: Any, element: Any) -> Sequence[Fault]:
            there = set(allowed(event, element))
            return [
                Fault(found.places(event, element)[index], f"{found.shown(each)} is none of {others.text}")
                for index, each in enumerate(values(event, element))
                if each is not None and each not in there
            ]

        return check

    def words(self) -> str:
        return f"`{self.path}` is one of `{self.of}`"


class Unique(Paths):
    """`unique = "rates[].role"`, or a list of paths through one list, which are unique together. An element of which
    all of them are none is not compared."""

    def fit(self, scope: Scope) -> Check:
        operands = [scope.many(path) for path in self.paths]
        found = [each for each in operands if each]
        if len(found) < len(operands):
            return holds
        first, *rest = found
        for each in rest:
            if each.list_name != first.list_name:
                scope.mistakes.append(f"{each.text} and {first.text} are not of one list")
                return holds
        readers = [each.values() for each in found]

        def check(event: Any, element: Any) -> Sequence[Fault]:
            seen: dict[tuple[Any, ...], int] = {}
            faults = []
            for index, key in enumerate(zip(*(read(event, element) for read in readers), strict=True)):
                if any(part is not None for part in key) and seen.setdefault(key, index) != index:
                    places = first.places(event, element)
                    faults.append(Fault(places[index], f"the same as {places[seen[key]]}"))
            return faults

        return check

    def words(self) -> str:
        return f"{ticked(self.paths, ' with ')} unique"
