"""SOQL, the subset that the simulated org answers:

    SELECT field [, field …] FROM Object [WHERE condition [AND condition …]] [ORDER BY field [ASC | DESC]] [LIMIT n]
    condition: field (= | != | < | <= | > | >=) literal, or field IN (literal, …)

Texts stand in single quotes with backslash escapes; dates, date-times, numbers, true, false and null stand bare. Text
is compared without regard to case, as in the real thing. Whatever else is asked is refused, not guessed.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.salesforce.objects import OBJECTS, Kind, SObject, checked
from sandbox.salesforce.org import Problem, Record

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>!=|<>|<=|>=|[=<>,()]))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    name: str
    sign: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Query:
    """A parsed query; names are spelt as the object spells them."""

    made: SObject
    names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    order: str
    descending: bool
    limit: int | None

    def run(self, records: Iterable[Record]) -> list[Record]:
        """The records it selects, in order of the query or else of the id."""
        kinds = self.made.fields
        found = [r for r in records if all(_holds(kinds[c.name], c, r[c.name]) for c in self.conditions)]
        found.sort(key=lambda record: str(record["Id"]))
        if self.order:
            found.sort(key=lambda record: _rank(kinds[self.order], record[self.order]), reverse=self.descending)
        return found[: self.limit]


def parse(text: str) -> Query:
    """Raises Problem MALFORMED_QUERY, INVALID_TYPE or INVALID_FIELD."""
    return _Parser(text).query()


def _malformed(message: str) -> Problem:
    return Problem(400, "MALFORMED_QUERY", message)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].strip()
            raise _malformed(f"unexpected token: '{rest[:20]}'" if rest[0] != "'" else "unterminated string literal")
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        place = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0

    def query(self) -> Query:
        self._expect("SELECT")
        names = self._list(self._word)
        self._expect("FROM")
        made = self._object()
        fields = {name.lower(): name for name in made.fields}
        conditions = self._conditions(made, fields) if self._accept("WHERE") else ()
        order, descending = self._order(made, fields) if self._accept("ORDER") else ("", False)
        limit = self._limit() if self._accept("LIMIT") else None
        if self._place < len(self._tokens):
            raise _malformed(f"unexpected token: '{self._peek()}'")
        return Query(made, tuple(_column(made, fields, name) for name in names), conditions, order, descending, limit)

    def _object(self) -> SObject:
        name = self._word()
        for known, made in OBJECTS.items():
            if known.lower() == name.lower():
                return made
        raise Problem(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")

    def _conditions(self, made: SObject, fields: dict[str, str]) -> tuple[Condition, ...]:
        found = [self._condition(made, fields)]
        while self._accept("AND"):
            found.append(self._condition(made, fields))
        return tuple(found)

    def _condition(self, made: SObject, fields: dict[str, str]) -> Condition:
        name = _column(made, fields, self._word())
        if self._accept("IN"):
            self._expect("(")
            values = self._list(lambda: self._literal(made.fields[name], name))
            self._expect(")")
            return Condition(name, "IN", tuple(values))
        sign = self._take("sign")
        if sign not in _OPERATORS:
            raise _malformed(f"unexpected token: '{sign}'")
        return Condition(name, sign, (self._literal(made.fields[name], name),))

    def _order(self, made: SObject, fields: dict[str, str]) -> tuple[str, bool]:
        self._expect("BY")
        name = _column(made, fields, self._word())
        descending = self._accept("DESC")
        if not descending:
            self._accept("ASC")
        return name, descending

    def _limit(self) -> int:
        text = self._take("number")
        if not text.isdigit():
            raise _malformed(f"unexpected token: '{text}'")
        return int(text)

    def _literal(self, kind: Kind, name: str) -> Any:
        form, text = self._next()
        if form == "word" and text.lower() == "null":
            return None
        value = _read(form, text)
        wanted = {"date": date, "datetime": datetime, "currency": Decimal, "double": Decimal, "boolean": bool}.get(
            kind, str
        )
        if type(value) is not wanted:
            quoted = " and should not be enclosed in quotes" if form == "text" else ""
            message = f"value of filter criterion for field '{name}' must be of type {kind}{quoted}"
            raise Problem(400, "INVALID_FIELD", message)
        return value

    def _list(self, item: Callable[[], Any]) -> list[Any]:
        found = [item()]
        while self._accept(","):
            found.append(item())
        return found

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else "<EOF>"

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise _malformed("unexpected token: '<EOF>'")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, form: str) -> str:
        found, text = self._next()
        if found != form:
            raise _malformed(f"unexpected token: '{text}'")
        return text

    def _word(self) -> str:
        return self._take("word")

    def _accept(self, wanted: str) -> bool:
        if self._peek().upper() != wanted:
            return False
        self._place += 1
        return True

    def _expect(self, wanted: str) -> None:
        if not self._accept(wanted):
            raise _malformed(f"unexpected token: '{self._peek()}' (expecting {wanted})")


def _column(made: SObject, fields: dict[str, str], name: str) -> str:
    if "." in name:
        raise Problem(400, "INVALID_FIELD", f"Didn't understand relationship '{name.partition('.')[0]}' in field path")
    if name.lower() not in fields:
        raise Problem(400, "INVALID_FIELD", f"No such column '{name}' on entity '{made.name}'.")
    return fields[name.lower()]


def _read(form: str, text: str) -> Any:
    if form == "text":
        return re.sub(r"\\(.)", _unescape, text[1:-1], flags=re.DOTALL)
    if form == "datetime":
        return datetime.fromisoformat(text)
    if form == "date":
        return date.fromisoformat(text)
    if form == "number":
        return Decimal(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise _malformed(f"unexpected token: '{text}'")


def _unescape(match: re.Match[str]) -> str:
    if match[1] not in _ESCAPES:
        raise _malformed(f"Illegal character sequence '{match[0]}' in string literal")
    return _ESCAPES[match[1]]


def _plain(kind: Kind, value: Any) -> Any:
    if isinstance(value, str):
        return checked(value) if kind == "id" else value.casefold()
    return value


def _holds(kind: Kind, condition: Condition, value: Any) -> bool:
    held, values = _plain(kind, value), [_plain(kind, wanted) for wanted in condition.values]
    if condition.sign == "IN":
        return held in values
    if condition.sign not in ("=", "!=", "<>") and (held is None or values[0] is None):
        return False
    return _OPERATORS[condition.sign](held, values[0])


def _rank(kind: Kind, value: Any) -> tuple[bool, Any]:
    return (value is not None, _plain(kind, value) if value is not None else "")
