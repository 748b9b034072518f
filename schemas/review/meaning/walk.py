"""Walks two versions of a schema side by side and asks every rule about every pair, each pair of named types once."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.review.avro import Array, Enum, Field, Fixed, Map, Record, Type, below
from schemas.review.finding import Finding
from schemas.review.meaning import enums, fields, names, numbers, prose, records
from schemas.review.meaning.pairs import Pair, aligned

Met = set[tuple[int, int]]


def changes(old: Type, new: Type) -> Iterator[Finding]:
    """Every change of meaning from one version to the next, in the order of the new schema's fields."""
    yield from _types(Pair("", old, new), set())


def _types(pair: Pair[Type], met: Met) -> Iterator[Finding]:
    yield from names.union_order(pair)
    for each in aligned(pair):
        yield from _single(each, met)


def _single(pair: Pair[Type], met: Met) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    if isinstance(new, Record | Enum | Fixed):
        if (id(old), id(new)) in met:
            return
        met.add((id(old), id(new)))
    yield from numbers.changes(pair)
    match old, new:
        case Record(), Record():
            yield from names.named(pair.of(old, new))
            yield from _record(pair.of(old, new), met)
        case Enum(), Enum():
            yield from names.named(pair.of(old, new))
            yield from enums.changes(pair.of(old, new))
        case Fixed(), Fixed():
            yield from names.named(pair.of(old, new))
        case Array(), Array():
            yield from _types(pair.of(old.items, new.items, f"{pair.path}[]"), met)
        case Map(), Map():
            yield from _types(pair.of(old.values, new.values, f"{pair.path}{{}}"), met)


def _record(pair: Pair[Record], met: Met) -> Iterator[Finding]:
    yield from prose.changes(pair.path, pair.old.attributes, pair.new.attributes)
    yield from records.changes(pair)
    for old, new in records.matched(pair.old, pair.new):
        yield from _field(Pair(below(pair.path, new.name), old, new), met)


def _field(pair: Pair[Field], met: Met) -> Iterator[Finding]:
    yield from fields.changes(pair)
    yield from _types(Pair(pair.path, pair.old.type, pair.new.type, pair), met)
