"""The fields of a record as a set: renamed, removed, added, moved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from schemas.review.avro import Field, Record, Type, Union, below
from schemas.review.finding import BREAK, HAZARD, NOTE, Finding
from schemas.review.logical import logical
from schemas.review.meaning.fields import DECIDING, deciding_default, invalid_default, is_deprecated, protection
from schemas.review.meaning.pairs import Pair
from schemas.review.prose import alike, spelt_alike, stem
from schemas.review.resolve import written_as
from schemas.review.subject import key_fields, parts, subjects
from schemas.review.vocabulary import vocabulary


def matched(old: Record, new: Record) -> Iterator[tuple[Field, Field]]:
    """Fields that are one: of the same name, or found by an alias of the new one."""
    for each in new.fields:
        source = written_as(each, new, old)
        if source is not None:
            yield source, each


def changes(pair: Pair[Record]) -> Iterator[Finding]:
    """Findings about which fields there are; what is in them is asked field by field."""
    old, new = pair.old, pair.new
    same = list(matched(old, new))
    yield from protection(pair.path, old.attributes, new.attributes)
    yield from _keyed(pair, same)
    for before, after in same:
        yield from _alias(pair.path, before, after, new)
    known = {id(each) for both in same for each in both}
    gone = [each for each in old.fields if id(each) not in known]
    come = [each for each in new.fields if id(each) not in known]
    renamed = _guessed(old, new, gone, come)
    for before, after in renamed:
        yield _without_alias(pair.path, before, after)
    guessed = {id(each) for both in renamed for each in both}
    yield from _removed(pair.path, [each for each in gone if id(each) not in guessed])
    for each in come:
        yield from invalid_default(below(pair.path, each.name), each, None)
        if id(each) not in guessed:
            yield from deciding_default(below(pair.path, each.name), each)
    yield from _order(pair, [each for each in come if id(each) not in guessed])


def _keyed(pair: Pair[Record], same: list[tuple[Field, Field]]) -> Iterator[Finding]:
    """A field that could be missing and that the tags of the record call its key now."""
    come = key_fields(pair.new.attributes) - key_fields(pair.old.attributes)
    for before, after in same:
        if after.name in come and before.optional:
            here = below(pair.path, after.name)
            yield Finding(
                "optional-made-identity",
                HAZARD,
                here,
                f"`{here}` could be missing and is the key now. Old records without it share one key: each "
                "overwrites the one before, and their order among others is lost.",
            )


def _alias(path: str, old: Field, new: Field, record: Record) -> Iterator[Finding]:
    here = below(path, new.name)
    if old.name != new.name:
        yield Finding(
            "field-renamed",
            HAZARD,
            here,
            f"`{old.name}` is called `{new.name}` now. New readers find it by its alias; old "
            f"readers, and systems that know no aliases, {_get(old)} instead of the value. Keep `{old.name}` and fill "
            "both until nobody reads it.",
        )
    lost = [each for each in old.aliases if each not in (*new.aliases, new.name)]
    if lost:
        yield Finding(
            "alias-removed",
            HAZARD,
            here,
            f"`{here}` has no alias {', '.join(lost)} any more. Records that were "
            f"written under that name {_get(new)} instead of the value.",
        )
    taken = [each for each in new.aliases if record.get(each) and each not in old.aliases]
    if taken:
        yield Finding(
            "alias-taken",
            HAZARD,
            here,
            f"`{here}` has the alias {', '.join(taken)}, which is another field of "
            "the record. Implementations differ in which of the two gets the value.",
        )


def _get(field: Field) -> str:
    from schemas.review.defaults import spoken

    return f"get {spoken(field.type, field.default)}" if field.has_default else "fail"


def _without_alias(path: str, old: Field, new: Field) -> Finding:
    return Finding(
        "field-renamed-without-alias",
        BREAK,
        below(path, new.name),
        f"`{old.name}` is gone and `{new.name}` looks like it. "
        f"New readers of old records {_get(new)}, old readers of new records {_get(old)}: the values that are already "
        f"recorded silently become the default. Keep `{old.name}`, or give `{new.name}` the alias {old.name}.",
    )


MOST = 40
"""Fields that go and fields that come up to which each is compared with each; beyond, only those at the same place."""


def _guessed(old: Record, new: Record, gone: list[Field], come: list[Field]) -> list[tuple[Field, Field]]:
    """Pairs of a field that is gone and one that came which are probably the same, the likeliest first."""
    places = {id(each): at for record in (old, new) for at, each in enumerate(record.fields)}
    all_pairs = len(gone) <= MOST and len(come) <= MOST
    likely = [
        (_likeness(before, after, places[id(before)] == places[id(after)]), before, after)
        for before, after in (product(gone, come) if all_pairs else zip(gone, come, strict=False))
    ]
    found: list[tuple[Field, Field]] = []
    taken: set[int] = set()
    for score, before, after in sorted(likely, key=lambda each: -each[0]):
        if score >= 1 and taken.isdisjoint((id(before), id(after))):
            taken |= {id(before), id(after)}
            found.append((before, after))
    return found


def _likeness(before: Field, after: Field, same_place: bool) -> float:
    """1 or more: probably one field. By type (must be alike), then name, place and doc."""
    if not _like_types(before.type, after.type):
        return 0.0
    first, then = ({stem(part) for part in parts(each.name)} for each in (before, after))
    named = 1.0 if first == then or spelt_alike(before.name.lower(), after.name.lower()) else 0.0
    telling = {word for word in first & then if word not in vocabulary().generic}
    if not named and telling and (first <= then or then <= first):
        named = 0.8
    placed = 0.3 if same_place else 0.0
    told = 0.7 * alike(before.doc, after.doc) if before.doc and after.doc else 0.0
    return named + placed + told


def _like_types(old: Type, new: Type) -> bool:
    first, then = (each.others[0] if isinstance(each, Union) and len(each.others) == 1 else each for each in (old, new))
    numbers = ("int", "long", "float", "double")
    return (first.kind == then.kind or (first.kind in numbers and then.kind in numbers)) and (
        logical(first) == logical(then) or not logical(first) or not logical(then)
    )


def _removed(path: str, gone: list[Field]) -> Iterator[Finding]:
    for each in gone:
        here = below(path, each.name)
        grave = subjects(each) & (DECIDING | {"time"}) and not is_deprecated(each)
        yield Finding(
            "field-removed",
            HAZARD if grave else NOTE,
            here,
            f"`{here}` is gone. Old readers {_get(each)}"
            + (", and go on to invoice, pay or report with that." if grave else "."),
        )


def _order(pair: Pair[Record], come: list[Field]) -> Iterator[Finding]:
    kept = [each.name for each in pair.new.fields if pair.old.get(each.name)]
    moved = kept != [each.name for each in pair.old.fields if pair.new.get(each.name)]
    places = {each.name: at for at, each in enumerate(pair.new.fields)}
    last = places[kept[-1]] if kept else -1
    inserted = [each.name for each in come if places[each.name] < last]
    if moved or inserted:
        what = f"{', '.join(inserted)} stand before older fields" if inserted else "the fields stand in another order"
        yield Finding(
            "field-order-changed",
            NOTE,
            pair.path,
            f"{pair.where}: {what}. Avro resolves that; whoever reads the "
            "bytes without the writer's schema, or appends to them as enriching does, does not.",
        )
