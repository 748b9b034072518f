"""JSON as a schema file may contain it: RFC 8259 text in UTF-8, each name of an object once, nothing nested endlessly.

Parsers disagree about a name that stands twice: one takes the first `scale`, another the last. What two readers could
understand differently is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

LIMIT = 4 << 20
"""Bytes of a schema file; the largest of this repository has 8 KiB."""

MAX_DEPTH = 200
"""Brackets inside each other; a type in a type takes two to four."""


class NotJson(ValueError):
    """The text is not JSON as a schema file may contain it; the message says where and why."""


def loads(body: bytes) -> Any:
    """Parse the bytes of a schema file. Raises `NotJson`: too large, binary, malformed, a repeated name, too deep."""
    if len(body) > LIMIT:
        raise NotJson(f"it has more than {LIMIT} bytes, which is more than a schema may have")
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise NotJson(f"it is not text in UTF-8: byte {error.start} is none") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"line {error.lineno}, column {error.colno}: it is not JSON: {error.msg}") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except ValueError as error:  # also Python's limit on the digits of one integer
        raise error if isinstance(error, NotJson) else NotJson(f"it is not JSON: {error}") from None
    _check_depth(value)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


_TOO_DEEP = f"it is nested more than {MAX_DEPTH} brackets deep"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJson("half of a character, written as \\ud800 to \\udfff, is not text") from None


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        owner = f" of {found['name']}" if isinstance(found.get("name"), str) else ""
        raise NotJson(f"{twice!r}{owner} is given twice, and readers differ in which one counts; keep one")
    return found


def _check_depth(value: Any) -> None:
    waiting = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise NotJson(_TOO_DEEP)
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting.extend((child, depth + 1) for child in children if isinstance(child, dict | list))
