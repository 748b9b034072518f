"""JSON as the fabric accepts it from outside, and the one canonical form in which it stores what it read.

Parsers disagree about NaN, duplicate names, lone surrogates and very large numbers; a record that two readers could
understand differently must not become money. So `loads` takes RFC 8259 text in UTF-8 without a byte order mark and
refuses everything that is legal in some parser only. Numbers stay exact: `int` or `Decimal`, never float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

NOTICE_LIMIT = 1 << 20
"""Bytes a notice may have; intake refuses more."""

ANSWER_LIMIT = 16 << 20
"""Bytes an upstream's answer may have."""

MAX_DEPTH = 64
MAX_DIGITS = 400
"""Digits of a number written out in full: beyond it, arithmetic alone can exhaust a machine (`1e999999999`)."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotJson(ValueError):
    """The bytes are not JSON as the fabric accepts it; the message says why and never quotes the content."""


def loads(body: bytes, *, limit: int = NOTICE_LIMIT) -> Any:
    """Parse `body`. Raises NotJson: too large, not UTF-8, malformed, NaN/Infinity, a duplicate name, too deep (64),
    a lone surrogate, or a number of more than 400 digits."""
    if len(body) > limit:
        raise NotJson(f"{len(body)} bytes are more than the {limit} allowed")
    try:
        text = body.decode()
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_no_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise NotJson(f"nested deeper than {MAX_DEPTH}") from None
    _check_depth(value)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def dumps(value: Any) -> bytes:
    """Canonical JSON: names sorted, no spaces, UTF-8, numbers with the digits they came with. Raises TypeError for a
    float (it has no exact text) and for anything that is not JSON."""
    return "".join(_pieces(value)).encode()


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NotJson(f"a number of more than {MAX_DIGITS} digits") from None
    if len(text) > MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise NotJson(f"a number of more than {MAX_DIGITS} digits")
    return number


def _integer(text: str) -> int | Decimal:
    if len(text) > MAX_DIGITS:
        raise NotJson(f"a number of more than {MAX_DIGITS} digits")
    return Decimal(text) if text == "-0" else int(text)


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("an object has the same name twice")
    return found


def _check_depth(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if children and depth > MAX_DEPTH:
            raise NotJson(f"nested deeper than {MAX_DEPTH}")
        waiting.extend((child, depth + 1) for child in children if isinstance(child, dict | list))


def _check_surrogates(value: Any) -> None:
    try:
        dumps(value)
    except UnicodeEncodeError:
        raise NotJson("a lone surrogate is not text") from None


def _pieces(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            yield "{"
            for position, name in enumerate(sorted(value)):
                yield f"{',' if position else ''}{_text(name)}:"
                yield from _pieces(value[name])
            yield "}"
        case list() | tuple():
            yield "["
            for position, item in enumerate(value):
                if position:
                    yield ","
                yield from _pieces(item)
            yield "]"
        case Decimal() if value.is_finite():
            yield str(value)
        case str():
            yield _text(value)
        case None | bool() | int():
            yield json.dumps(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no exact JSON text")


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError("a name in JSON is text")
    return json.dumps(value, ensure_ascii=False)
