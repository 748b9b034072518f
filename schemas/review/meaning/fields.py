"""One field, old and new: its default, its protection, its limits, whether it identifies something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.review.avro import Field, Record, Type, text
from schemas.review.defaults import branch, fits, is_neutral, spoken
from schemas.review.finding import BREAK, HAZARD, NOTE, Finding
from schemas.review.logical import logical
from schemas.review.meaning import prose
from schemas.review.meaning.pairs import Pair, said
from schemas.review.meaning.prose import SAYS
from schemas.review.prose import meanings, re_meant
from schemas.review.subject import LADDERS, claims_identity, is_identity, subjects
from schemas.review.words import plain

DECIDING = {"money", "tax", "billability", "approval", "currency"}
ASSENT = ("approved", "accepted", "authorised", "authorized", "confirmed", "signed", "released")
ASSERTS_TAX = re.compile("able|incl", re.IGNORECASE)
"""Flags of which false says as much as true: taxable, tax included; of tax exempt it says what was so anyway."""

INTERNAL = {"classification": "internal"}
"""What a field without the tag counts as, where that is not the least of the ladder (schemas/README.md)."""


def changes(pair: Pair[Field]) -> Iterator[Finding]:
    """Findings about a field that both versions have."""
    old, new = said(pair.old), said(pair.new)
    swapped = list(_special(pair))
    yield from swapped or prose.changes(pair.path, old, new)
    yield from protection(pair.path, old, new)
    yield from _beside(pair)
    yield from _limits(pair)
    yield from _identity(pair)
    yield from _default(pair)


def _beside(pair: Pair[Field]) -> Iterator[Finding]:
    """A logical type beside the type, where Avro ignores it and people and generators do not."""
    for name in ("logicalType", "precision", "scale"):
        was, now = pair.old.attributes.get(name), pair.new.attributes.get(name)
        if was != now and was is not None and now is not None:
            yield Finding(
                "logical-type-changed",
                HAZARD,
                pair.path,
                f"`{pair.path}`: {name} was {was} and is {now} now. It stands "
                "beside the type, where Avro ignores it; whoever goes by it reads other amounts or times.",
            )


SPECIAL = ("true", "false", "null", "empty", "zero", "0", "-1")
"""Values whose meaning docs tell: `True: it is billed; false: it is not`, `0 means unlimited`."""


ABSENT = ("null", "empty")
"""Values for which many words say the same: none, not set, not known."""


def _special(pair: Pair[Field]) -> Iterator[Finding]:
    """What true, false, null and zero stand for, where the doc says it."""
    if pair.old.doc == pair.new.doc:
        return
    old, new = (meanings(SPECIAL, {"doc": plain(each.doc).lower()}) for each in (pair.old, pair.new))
    told = SAYS["doc-contradicts"]
    for value in [each for each in old if each in new and re_meant(each, old, new, each not in ABSENT)]:
        text = f'`{pair.path}`: {value} meant "{old[value]}" and means "{new[value]}" now. {told}'
        yield Finding("doc-contradicts", HAZARD, pair.path, text)
    for value, other in (("true", "false"), ("false", "true")):
        if value in old and other in new and value not in new and not re_meant(value, old, {value: new[other]}):
            text = f'`{pair.path}`: "{old[value]}" was {value} and is {other} now. {told}'
            yield Finding("doc-contradicts", HAZARD, pair.path, text)


def protection(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    """Tags that protect: lowered, dropped, raised, or exchanged for words that this review does not know."""
    for tag, ladder in LADDERS:
        if tag not in old and tag not in new:
            continue
        floor = INTERNAL.get(tag, ladder[0])
        before, after = (str(each.get(tag, floor)).lower() for each in (old, new))
        if before == after:
            continue
        if before not in ladder or after not in ladder:
            yield Finding(
                "classification-changed",
                HAZARD,
                path,
                f"`{path}`: {tag} was {before} and is {after} now; is it protected as before?",
            )
        elif ladder.index(after) < ladder.index(before):
            yield Finding(
                "classification-lowered",
                BREAK,
                path,
                f"`{path}`: {tag} was {before} and is {after} now. What a person "
                "earns, or a client pays, may show in logs, traces, screens and pull requests.",
            )
        else:
            yield Finding(
                "classification-changed",
                NOTE,
                path,
                f"`{path}`: {tag} was {before} and is {after} now: more protected than before.",
            )


def _limits(pair: Pair[Field]) -> Iterator[Finding]:
    old, new = said(pair.old), said(pair.new)
    tightened = [
        f"{name} was {old.get(name, 'not there')} and is {new[name]} now"
        for name, tighter in (("minimum", _above), ("maximum", _below), ("pattern", _other))
        if name in new and tighter(new[name], old.get(name))
    ]
    for what in tightened:
        yield Finding(
            "constraint-tightened",
            HAZARD,
            pair.path,
            f"`{pair.path}`: {what}. Records that were right when "
            "they were written are refused when they are read or replayed.",
        )


def _above(new: Any, old: Any) -> bool:
    return isinstance(new, int | float) and (not isinstance(old, int | float) or new > old)


def _below(new: Any, old: Any) -> bool:
    return isinstance(new, int | float) and (not isinstance(old, int | float) or new < old)


def _other(new: Any, old: Any) -> bool:
    return isinstance(new, str) and new != old


def _identity(pair: Pair[Field]) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    if new.optional and not old.optional and (is_identity(old) or is_identity(new) or claims_identity(old)):
        yield Finding(
            "identity-made-optional",
            HAZARD,
            pair.path,
            f"`{pair.path}` may be missing now. What has no id is taken for "
            "one and the same thing, or for nothing: time, invoices or payments end up together, or nowhere.",
        )
    becomes = claims_identity(new) and not (claims_identity(old) or is_identity(old))
    required = not new.optional and (is_identity(new) or claims_identity(new))
    if old.optional and (becomes or required):
        yield Finding(
            "optional-made-identity",
            HAZARD,
            pair.path,
            f"`{pair.path}` could be missing and says which object is meant "
            "now. Old records without it all look like the same object: one would overwrite the other.",
        )


def _default(pair: Pair[Field]) -> Iterator[Finding]:
    old, new = pair.old, pair.new
    yield from invalid_default(pair.path, new, old)
    if old.has_default and not new.has_default:
        yield Finding(
            "default-removed",
            NOTE,
            pair.path,
            f"`{pair.path}` has no default any more: versions before the last that lack the field cannot be read.",
        )
    if not (old.has_default and new.has_default) or _same(old, new):
        return
    was, now = spoken(old.type, old.default), spoken(new.type, new.default)
    about = sorted(_decides(old) | _decides(new))
    if about and not (is_neutral(old.type, old.default) and is_neutral(new.type, new.default) and about == ["money"]):
        yield Finding(
            "default-decides",
            HAZARD,
            pair.path,
            f"`{pair.path}`: records without it were read as {was} and are "
            f"read as {now} now. That decides about {' and '.join(about)} of what is already recorded.",
        )
    else:
        yield Finding(
            "default-changed",
            NOTE,
            pair.path,
            f"`{pair.path}`: records without it were read as {was} and are read as {now} now.",
        )


def _same(old: Field, new: Field) -> bool:
    return type(old.default) is type(new.default) and bool(old.default == new.default)


def _decides(field: Field) -> set[str]:
    return subjects(field) & DECIDING


def invalid_default(path: str, new: Field, old: Field | None) -> Iterator[Finding]:
    """A default that its type cannot take; a note where the old version had it already."""
    if not new.has_default or fits(new.type, new.default):
        return
    known = old is not None and old.has_default and not fits(old.type, old.default)
    yield Finding(
        "default-invalid",
        NOTE if known else BREAK,
        path,
        f"`{path}`: the default {spoken(new.type, new.default)} "
        f"is no value of {new.type.label}. Readers fail when they meet a record without the field.",
    )


def deciding_default(path: str, new: Field) -> Iterator[Finding]:
    """A new field whose default says something about money, tax, billability, approval or currency of old records."""
    about = sorted(each for each in _decides(new) if new.has_default and _is_decision(each, new))
    if about:
        yield Finding(
            "default-decides",
            HAZARD,
            path,
            f"`{path}` is new, and every record that lacks it reads as "
            f"{spoken(new.type, new.default)}. That decides about {' and '.join(about)} of what is already recorded; "
            'a default that says nothing (null, "", UNKNOWN) does not.',
        )


def _is_decision(subject: str, new: Field) -> bool:
    node: Type = branch(new.type, new.default)
    if subject == "billability":
        return node.kind == "boolean" or not is_neutral(new.type, new.default)
    if subject == "tax" and node.kind == "boolean" and ASSERTS_TAX.search(new.name):
        return True
    if is_neutral(new.type, new.default):
        return False
    if subject == "approval":
        return new.default is True or any(word in str(new.default).lower().split("_") for word in ASSENT)
    if subject == "money":
        number = node.kind in ("int", "long", "float", "double") or logical(node) == "decimal"
        return number or isinstance(node, Record)
    return True


def is_deprecated(field: Field) -> bool:
    return "deprecated" in text(field.attributes, "doc").lower() or bool(field.attributes.get("deprecated"))
