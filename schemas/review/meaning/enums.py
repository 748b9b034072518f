"""Symbols of an enum: added, removed, renamed, reordered, given another meaning."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.review.avro import Enum
from schemas.review.defaults import is_neutral
from schemas.review.finding import BREAK, HAZARD, NOTE, Finding
from schemas.review.meaning import prose
from schemas.review.meaning.pairs import Pair
from schemas.review.prose import meanings, re_meant, spelt_alike


def changes(pair: Pair[Enum]) -> Iterator[Finding]:
    """Findings about one enum."""
    renamed = _renamed(pair.old, pair.new)
    for old, new in renamed.items():
        yield Finding(
            "enum-symbol-renamed",
            BREAK,
            pair.path,
            f"{pair.where}: {old} became {new}. Symbols have no aliases: records "
            f"with {old} {_read_as(pair.new)}, and old readers do not know {new}. Keep {old}, and add {new} beside it.",
        )
    known, kept = {*pair.old.symbols, *renamed.values()}, {*pair.new.symbols, *renamed}
    yield from _added(pair, [each for each in pair.new.symbols if each not in known])
    yield from _removed(pair, [each for each in pair.old.symbols if each not in kept])
    yield from _order(pair)
    yield from _default(pair)
    yield from _meant(pair)


MOST = 40
"""Symbols that go and that come up to which each is compared with each; beyond, only those at the same place."""


def _renamed(old: Enum, new: Enum) -> dict[str, str]:
    """A symbol that is gone -> the one that took its place: at its position, or spelt much like it."""
    known, kept = set(old.symbols), set(new.symbols)
    come = [each for each in new.symbols if each not in known]
    gone = [each for each in old.symbols if each not in kept]
    found: dict[str, str] = {}
    if len(old.symbols) == len(new.symbols):
        found = {a: b for a, b in zip(old.symbols, new.symbols, strict=True) if a not in kept and b not in known}
    if len(gone) <= MOST and len(come) <= MOST:
        for symbol in gone:
            free = (each for each in come if each not in found.values())
            like = next((each for each in free if spelt_alike(symbol.lower(), each.lower())), None)
            if like and symbol not in found:
                found[symbol] = like
    return found


def _read_as(enum: Enum) -> str:
    return f"read as {enum.default}" if enum.default is not None else "cannot be read"


def _added(pair: Pair[Enum], added: list[str]) -> Iterator[Finding]:
    if not added:
        return
    old, new = pair.old, ", ".join(added)
    if old.default is None:
        what, severity = (
            "Old readers have no default for it and fail on the record, which then waits as a dead letter",
            HAZARD,
        )
    else:
        what = f"Old readers read it as {old.default}, without a word"
        severity = NOTE if is_neutral(old, old.default) else HAZARD
    yield Finding("enum-symbol-added", severity, pair.path, f"{pair.where} may be {new} now. {what}.")


def _removed(pair: Pair[Enum], removed: list[str]) -> Iterator[Finding]:
    if removed:
        gone = ", ".join(removed)
        yield Finding(
            "enum-symbol-removed",
            HAZARD,
            pair.path,
            f"{pair.where} can no longer be {gone}. Records that say so "
            f"{_read_as(pair.new)}: what they stand for is booked as something else, or not at all.",
        )


def _order(pair: Pair[Enum]) -> Iterator[Finding]:
    both = set(pair.old.symbols) & set(pair.new.symbols)
    old, new = ([each for each in enum.symbols if each in both] for enum in (pair.old, pair.new))
    if old != new:
        yield Finding(
            "enum-order-changed",
            HAZARD,
            pair.path,
            f"{pair.where}: the symbols were {', '.join(old)} and are "
            f"{', '.join(new)} now. Whoever sorts by it, compares with < or keeps the position gets another one.",
        )


def _default(pair: Pair[Enum]) -> Iterator[Finding]:
    old, new = pair.old.default, pair.new.default
    if old is not None and old != new:
        yield Finding(
            "enum-default-changed",
            HAZARD,
            pair.path,
            f"{pair.where}: a symbol that a reader does not know was read as "
            f"{old} and {'is read as ' + new if new is not None else 'fails'} now.",
        )


def _meant(pair: Pair[Enum]) -> Iterator[Finding]:
    around = pair.field
    old = meanings(pair.old.symbols, pair.old.attributes) or (
        meanings(pair.old.symbols, around.old.attributes) if around else {}
    )
    new = meanings(pair.new.symbols, pair.new.attributes) or (
        meanings(pair.new.symbols, around.new.attributes) if around else {}
    )
    changed = [each for each in old if each in new and re_meant(each, old, new)]
    for symbol in changed:
        yield Finding(
            "enum-symbol-re-meant",
            HAZARD,
            pair.path,
            f'{pair.where}: {symbol} meant "{old[symbol]}" and means '
            f'"{new[symbol]}" now. Records already there say {symbol} in the old sense. Add a new symbol instead.',
        )
    if not (old and new):
        yield from prose.changes(pair.path, pair.old.attributes, pair.new.attributes)
