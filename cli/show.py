"""What a person or a program sees: tables, stable JSON on standard output, questions on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from textwrap import indent
from typing import Any, TypeVar

WIDE = 220
"""Columns where there is no terminal, so that nothing is cut in a file or a pipe."""

T = TypeVar("T")

PAGE = 1000
"""Rows whose columns are as wide as the widest of them."""


def as_json(body: Any) -> None:
    print(_json(body))


def as_json_list(name: str, items: Iterable[Any]) -> None:
    """The same text as `as_json({name: [...]})`, item by item, for lists that may be long."""
    separator = "\n"
    print(f'{{\n  "{name}": [', end="")
    for item in items:
        print(separator + indent(_json(item), "    "), end="")
        separator = ",\n"
    print("]\n}" if separator == "\n" else "\n  ]\n}")


def _json(body: Any) -> str:
    """Bytes of a command line that were no text are JSON escapes: they cannot be printed."""
    return json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def long_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """A table for each `PAGE` rows, so that as many as there are can be shown; returns how many."""
    rest, count = iter(rows), 0
    while page := list(islice(rest, PAGE)):
        table(columns, page)
        count += len(page)
    return count


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Numbers go right. Text from records is shown harmlessly: no markup, no control characters."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    cells = [list(row) for row in rows]
    drawn = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for at, name in enumerate(columns):
        numbers = bool(cells) and all(isinstance(row[at], int) for row in cells)
        drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        drawn.add_row(*map(plain, row))
    width = None if sys.stdout.isatty() else WIDE
    Console(markup=False, highlight=False, emoji=False, width=width).print(drawn)


def say(sentence: str) -> None:
    print(plain(sentence))


def tell(sentence: str) -> None:
    """To standard error: what is not the result."""
    print(plain(sentence), file=sys.stderr)


def progress(sentence: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{plain(sentence)}", end="", file=sys.stderr, flush=True)


def progress_done() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def counted(found: Iterable[T], sentence: Callable[[int], str]) -> Iterator[T]:
    """Hands on what is found; `sentence` tells, at each thousand, how many that were by now."""
    for count, each in enumerate(found):
        if count % 1000 == 0:
            progress(sentence(count))
        yield each
    progress_done()


def agreed(question: str, yes: bool) -> None:
    """Ask, unless told not to. Raises Declined when the answer is no, or when nobody is there to answer."""
    from replay.errors import Declined

    if yes:
        return
    if not sys.stdin.isatty():
        raise Declined(f"{question} Nobody can answer here: say --yes. Nothing was done")
    print(f"{plain(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Declined("not confirmed; nothing was done")


def plain(value: Any) -> str:
    """Text without control characters; a line feed stays."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in str(value))


def age(since: str | int | None, now: datetime | None = None) -> int | None:
    """Whole seconds since an ISO instant or epoch milliseconds; None when there is none."""
    if not since:
        return None
    at = datetime.fromtimestamp(since / 1000, UTC) if isinstance(since, int) else datetime.fromisoformat(since)
    return max(0, int(((now or datetime.now(UTC)) - at).total_seconds()))


def age_text(seconds: int | None) -> str:
    """`3d 4h`, `12m`, `40s`: two units at most."""
    if seconds is None:
        return "-"
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count) or "0s"
