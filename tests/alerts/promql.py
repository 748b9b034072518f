"""Reads PromQL: as much of the language as the alerts use, and nothing that is not understood.

By the language's documentation (prometheus.io, "Querying basics", "Operators", "Functions"): instant and range
selectors, comparison filters, arithmetic, `and`, `or`, `unless` with `on`, aggregation `by`, and a few functions.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

NAME = "__name__"
FUNCTIONS: Final = ("absent", "delta", "increase", "rate", "max_over_time", "min_over_time")
AGGREGATIONS: Final = ("sum", "max", "min", "count")

_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<duration>\d+(?:ms|[smhdw]))|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r'|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<sign>==|!=|>=|<=|=~|!~|[-+*/()\[\]{},=<>])'
)
_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_LEVELS: Final = (("or",), ("and", "unless"), tuple(COMPARE), ("+", "-"), ("*", "/"))


class NotUnderstood(ValueError):
    """PromQL, perhaps, but none that this evaluator knows: nothing is guessed."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Selector:
    matchers: tuple[tuple[str, str, str], ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    argument: Expr


@dataclass(frozen=True, slots=True)
class Aggregation:
    name: str
    by: tuple[str, ...]
    argument: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    on: tuple[str, ...] | None
    left: Expr
    right: Expr


Expr = Number | Selector | Call | Aggregation | Binary


def parse(text: str) -> Expr:
    """Raises NotUnderstood."""
    reader = _Reader(text)
    found = reader.binary(0)
    reader.expect("")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise NotUnderstood(f"{text[at : at + 20]!r}")
            at = match.end()
            if match.lastgroup is not None:
                self.tokens.append((match.lastgroup, match[0]))
        self.tokens.append(("end", ""))

    @property
    def next(self) -> str:
        return self.tokens[0][1]

    def take(self, kind: str | None = None) -> str:
        found, text = self.tokens.pop(0)
        if kind is not None and found != kind:
            raise NotUnderstood(f"{text!r} where a {kind} should be")
        return text

    def expect(self, text: str) -> None:
        if self.next != text:
            raise NotUnderstood(f"{self.next!r} where {text!r} should be")
        self.take()

    def binary(self, level: int) -> Expr:
        """All of these bind to the left."""
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.next in _LEVELS[level]:
            sign = self.take()
            on = self.names() if self.next == "on" and self.take() else None
            left = Binary(sign, on, left, self.binary(level + 1))
        return left

    def unary(self) -> Expr:
        if self.next == "-":
            self.take()
            return Number(-float(self.take("number")))
        if self.next == "(":
            self.take()
            found = self.binary(0)
            self.expect(")")
            return found
        if self.tokens[0][0] == "number":
            return Number(float(self.take()))
        return self.word()

    def word(self) -> Expr:
        if self.next == "{":
            return self.selector("")
        word = self.take("word")
        if word in AGGREGATIONS and self.next in ("by", "("):
            by = self.names() if self.next == "by" and self.take() else ()
            return Aggregation(word, by, self.argument())
        if self.next == "(":
            if word not in FUNCTIONS:
                raise NotUnderstood(f"function {word}")
            return Call(word, self.argument())
        return self.selector(word)

    def argument(self) -> Expr:
        self.expect("(")
        found = self.binary(0)
        self.expect(")")
        return found

    def names(self) -> tuple[str, ...]:
        self.expect("(")
        found = []
        while self.next != ")":
            found.append(self.take("word"))
            if self.next == ",":
                self.take()
        self.expect(")")
        return tuple(found)

    def selector(self, name: str) -> Selector:
        matchers = [(NAME, "=", name)] if name else []
        if self.next == "{":
            self.take()
            while self.next != "}":
                matchers.append((self.take("word"), self.take("sign"), self.take("text")[1:-1]))
                if self.next == ",":
                    self.take()
            self.expect("}")
        seconds = None
        if self.next == "[":
            self.take()
            seconds = duration(self.take("duration"))
            self.expect("]")
        if any(sign not in MATCH for _, sign, _ in matchers):
            raise NotUnderstood(f"a matcher in {matchers}")
        return Selector(tuple(matchers), seconds)


MATCH: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


def duration(text: str) -> float:
    match = re.fullmatch(r"(\d+)(ms|[smhdw])", text)
    if match is None:
        raise NotUnderstood(f"duration {text}")
    return int(match[1]) * _UNIT[match[2]]
