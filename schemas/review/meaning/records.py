"""The fields of a record as a set: renamed, removed, added, moved."""

from __future__ import annotations

from collections.abc import Iterator

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
    gone = [each for each in old.fields if not any(each is before for before, _ in same)]
    come = [each for each in new.fields if not any(each is after for _, after in same)]
    renamed = _guessed(old, new, gone, come)
    for before, after in renamed:
        yield _without_alias(pair.path, before, after)
    yield from _removed(pair.path, [each for each in gone if not any(each is before for before, _ in renamed)])
    for each in come:
        yield from invalid_default(below(pair.path, each.name), each, None)
        if not any(each is after for _, after in renamed):
            yield from deciding_default(below(pair.path, each.name), each)
    yield from _order(pair, [each for each in come if not any(each is after for _, after in renamed)])


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


def _guessed(old: Record, new: Record, gone: list[Field], come: list[Field]) -> list[tuple[Field, Field]]:
    """Pairs of a field that is gone and one that came which are probably the same, the likeliest first."""
    found: list[tuple[Field, Field]] = []
    likely = sorted(
        ((_likeness(old, new, before, after), before, after) for before in gone for after in come),
        key=lambda each: -each[0],
    )
    for score, before, after in likely:
        free = not any(before is b or after is a for b, a in found)
        if score >= 1 and free:
            found.append((before, after))
    return found


def _likeness(old: Record, new: Record, before: Field, after: Field) -> float:
    """1 or more: probably one field. By type (must be alike), then name, place and doc."""
    if not _like_types(before.type, after.type):
        return 0.0
    first, then = ({stem(part) for part in parts(each.name)} for each in (before, after))
    named = 1.0 if first == then or spelt_alike(before.name.lower(), after.name.lower()) else 0.0
    telling = {word for word in first & then if word not in vocabulary().generic}
    if not named and telling and (first <= then or then <= first):
        named = 0.8
    placed = 0.3 if old.fields.index(before) == new.fields.index(after) else 0.0
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
    names = [each.name for each in pair.new.fields]
    kept = [each for each in names if pair.old.get(each)]
    moved = kept != [each.name for each in pair.old.fields if each.name in kept]
    inserted = [each.name for each in come if any(other in kept for other in names[names.index(each.name) + 1 :])]
    if moved or inserted:
        what = f"{', '.join(inserted)} stand before older fields" if inserted else "the fields stand in another order"
        yield Finding(
            "field-order-changed",
            NOTE,
            pair.path,
            f"{pair.where}: {what}. Avro resolves that; whoever reads the "
            "bytes without the writer's schema, or appends to them as enriching does, does not.",
        )
