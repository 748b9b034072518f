"""Arithmetic of rules: exact in decimals, never in binary fractions.

A difference below one minor unit of the currency is allowed only where a rule says `within = "minor-unit"`, because a
document rounds its amounts. None adds nothing; where everything that is added, or what it is compared with, is none,
the rule holds. A list without elements adds up to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.currencies import minor_units
from schemas.rules.operands import Kind
from schemas.rules.predicate import Check, Fault, Predicate, Scope, holds, ticked

EXACT = Context(prec=500)
"""More digits than any sum or product of Avro decimals of this house can have, so that nothing is ever rounded."""

ZERO = Decimal(0)
NUMBER = (Kind.NUMBER,)
Reader = Callable[[Any, Any], Any]


@cache
def _minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


class Rounded(Predicate):
    """A predicate that may allow for rounding."""

    within: Literal["minor-unit"] | None = None
    currency: str = ""
    """Path of the currency whose minor unit it is."""

    def _slack(self, scope: Scope) -> Reader | None:
        """The difference that must not be reached; None where it must be nothing."""
        if bool(self.within) != bool(self.currency):
            scope.mistakes.append("within and currency belong together: the minor unit is that of a currency")
            return None
        found = scope.one(self.currency, (Kind.TEXT,)) if self.currency else None
        if found is None:
            return None
        currency = found.value()
        return lambda event, element: _minor_unit(currency(event, element) or "")

    def _rounding(self) -> str:
        return ", give or take less than a minor unit" if self.within else ""


def _beyond(difference: Decimal, slack: Decimal | None) -> bool:
    return difference != 0 if slack is None else abs(difference) >= slack


class Sum(Rounded):
    """`sum = { of = ["net.amount", "tax.amount"], equals = "gross.amount" }`; a path may go through a list, and a minus
    before it takes its values away."""

    of: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    equals: str

    def fit(self, scope: Scope) -> Check:
        terms = [scope.any(path.lstrip("-"), NUMBER) for path in self.of]
        result, slack = scope.one(self.equals, NUMBER), self._slack(scope)
        if not scope.alike(result, *terms) or result is None:
            return holds
        pairs = zip(terms, self.of, strict=True)
        signed = [(each.values(), path.startswith("-"), each.many) for each, path in pairs if each]
        expected = result.value()

        def check(event: Any, element: Any) -> Sequence[Fault]:
            wanted = expected(event, element)
            if wanted is None:
                return ()
            total, told = ZERO, False
            for read, minus, many in signed:
                told = told or many
                for value in read(event, element):
                    if value is not None:
                        told = True
                        total = EXACT.subtract(total, value) if minus else EXACT.add(total, value)
            limit = None if slack is None else slack(event, element)
            if not told or not _beyond(EXACT.subtract(total, wanted), limit):
                return ()
            return (Fault(result.text, f"it is {result.shown(wanted)}, they add up to {result.shown(total)}"),)

        return check

    def words(self) -> str:
        return f"{_added(self.of)} = `{self.equals}`{self._rounding()}"


class Product(Rounded):
    """`product = { of = ["quantity", "unit_price.amount"], equals = "amount.amount" }`; `divisor = 100` for a
    percentage, 3600 for seconds at a price of an hour."""

    of: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    equals: str
    divisor: Annotated[int, Field(ge=1)] = 1

    def fit(self, scope: Scope) -> Check:
        factors = [scope.one(path, NUMBER) for path in self.of]
        result, slack = scope.one(self.equals, NUMBER), self._slack(scope)
        if result is None or None in factors:
            return holds
        readers = [each.value() for each in factors if each]
        expected, divisor = result.value(), self.divisor

        def check(event: Any, element: Any) -> Sequence[Fault]:
            wanted = expected(event, element)
            if wanted is None:
                return ()
            total = Decimal(1)
            for read in readers:
                value = read(event, element)
                if value is None:
                    return ()
                total = EXACT.multiply(total, value)
            limit = None if slack is None else EXACT.multiply(slack(event, element), divisor)
            if not _beyond(EXACT.subtract(total, EXACT.multiply(wanted, divisor)), limit):
                return ()
            return (Fault(result.text, f"it is {result.shown(wanted)}, {' × '.join(self.of)} is another amount"),)

        return check

    def words(self) -> str:
        divided = f" / {self.divisor}" if self.divisor != 1 else ""
        return f"{ticked(self.of, ' × ')}{divided} = `{self.equals}`{self._rounding()}"


class SumsBy(Rounded):
    """`sums_by = { of = "lines[].amount.amount", by = "lines[].tax_code", equals = "taxes[].base.amount", key =
    "taxes[].tax_code" }`: for each key, what is added up on both sides is the same. A key that only one side has counts
    as zero on the other; an element without a key is not compared."""

    of: str
    by: str
    equals: str
    key: str

    def fit(self, scope: Scope) -> Check:
        keyed = (Kind.TEXT, Kind.DATE)
        left, left_key = scope.many(self.of, NUMBER), scope.many(self.by, keyed)
        right, right_key = scope.many(self.equals, NUMBER), scope.many(self.key, keyed)
        slack = self._slack(scope)
        alike = scope.alike(left, right) & scope.alike(left_key, right_key)
        if not alike or not (left and left_key and right and right_key):
            return holds
        for value, key in ((left, left_key), (right, right_key)):
            if value.list_name != key.list_name:
                scope.mistakes.append(f"{value.text} and {key.text} are not of one list")
                return holds
        sides = ((left_key.values(), left.values()), (right_key.values(), right.values()))

        def check(event: Any, element: Any) -> Sequence[Fault]:
            one, other = (_totals(keys(event, element), amounts(event, element)) for keys, amounts in sides)
            limit = None if slack is None else slack(event, element)
            wrong = [
                key
                for key in {**one, **other}
                if _beyond(EXACT.subtract(one.get(key, ZERO), other.get(key, ZERO)), limit)
            ]
            return [
                Fault(
                    right.text,
                    f"for {right_key.shown(key)} it is {right.shown(other.get(key, ZERO))}, "
                    f"{left.text} adds up to {left.shown(one.get(key, ZERO))}",
                )
                for key in wrong
            ]

        return check

    def words(self) -> str:
        return f"for each `{self.key}`: Σ `{self.of}` of that `{self.by}` = Σ `{self.equals}`{self._rounding()}"


def _added(paths: Sequence[str]) -> str:
    """`a` + Σ `lines[].b` − `c`"""
    text = ""
    for path in paths:
        sign = " − " if path.startswith("-") else " + "
        text += f"{sign}{'Σ ' if '[]' in path else ''}`{path.lstrip('-')}`"
    return text.removeprefix(" + ").strip()


def _totals(keys: Sequence[Any], amounts: Sequence[Any]) -> dict[Any, Decimal]:
    totals: dict[Any, Decimal] = defaultdict(Decimal)
    for key, amount in zip(keys, amounts, strict=True):
        if key is not None and amount is not None:
            totals[key] = EXACT.add(totals[key], amount)
    return totals
