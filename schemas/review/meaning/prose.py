"""Doc and tags: unit, currency, zone, sign and tax basis that moved, and docs that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.review.finding import HAZARD, NOTE, Finding, Severity
from schemas.review.prose import alike, turned, turned_round
from schemas.review.subject import KEY_TAGS, LADDERS
from schemas.review.words import claimed, conventions, moved, plain

SAYS = {
    "unit-changed": "The same number now stands for another quantity: invoices and pay would be wrong by the factor.",
    "currency-changed": "Amounts already recorded would count as the other currency, without conversion.",
    "tax-basis-changed": "Whoever adds or takes off tax would do so twice or not at all.",
    "value-basis-changed": "Invoices would be made from what we pay instead of what the client pays, or the reverse.",
    "sign-changed": "Credits would be added as charges, or the other way round.",
    "zone-changed": "Work near midnight or a period end would fall on another day, and perhaps into a closed period.",
    "bounds-changed": "The first or last day, or the limit itself, would be counted by one side and not by the other.",
    "doc-contradicts": "Two teams that each follow the doc they know would book the same record differently.",
}
"""Code -> what could go wrong, and to whose money or time."""

LONG = 4
"""Words below which a doc is too short to say that most of it changed."""


def changes(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings about the attributes of one field or type: `doc` and tags."""
    if old == new:
        return
    told = False
    for each in moved(old, new):
        told = True
        yield Finding(
            each.code,
            Severity(each.severity),
            path,
            f"{_at(path)}: the {each.what} was {each.old} and is {each.new} now. {SAYS[each.code]}",
        )
    before, after = plain(old.get("doc")), plain(new.get("doc"))
    word = turned(before, after)
    if turned_round(before, after):
        told = True
        yield Finding(
            "doc-contradicts",
            HAZARD,
            path,
            f'{_at(path)}: the way is turned round: "{_cut(before)}" became "{_cut(after)}". {SAYS["doc-contradicts"]}',
        )
    if word and not told:
        yield Finding(
            "doc-contradicts",
            HAZARD,
            path,
            f"{_at(path)}: one doc says and the other denies "
            f'"{word}…": "{_cut(before)}" became "{_cut(after)}". {SAYS["doc-contradicts"]}',
        )
    elif not told and min(len(before.split()), len(after.split())) >= LONG and alike(before, after) < 0.4:
        yield Finding(
            "doc-changed", NOTE, path, f'{_at(path)}: "{_cut(before)}" became "{_cut(after)}". Does it mean the same?'
        )
    yield from _tags(path, old, new, told)


KNOWN = {
    "doc",
    "name",
    "type",
    "logicalType",
    "precision",
    "scale",
    "order",
    "default",
    "fields",
    "symbols",
    "pattern",
    "minimum",
    "maximum",
}


def _tags(path: str, old: Mapping[str, Any], new: Mapping[str, Any], told: bool) -> Iterator[Finding]:
    """Tags whose values no convention knows: said, not judged, unless it is the tag of a unit, zone or currency."""
    for tag in sorted((old.keys() | new.keys()) - KNOWN - _protecting()):
        if old.get(tag) == new.get(tag) or (told and tag in _weighty()):
            continue
        both = tag in old and tag in new
        grave = both and tag in _weighty() and not _one_meaning(tag, old, new)
        yield Finding(
            "tag-changed",
            HAZARD if grave else NOTE,
            path,
            f"{_at(path)}: {tag} was {_value(old, tag)} and is {_value(new, tag)} now."
            + (_gravity(tag) if grave else ""),
        )


def _gravity(tag: str) -> str:
    if tag in KEY_TAGS:
        return " Which records are one and the same, and which stay in order, goes by another value."
    return f" {SAYS['unit-changed']}"


def _one_meaning(tag: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether both values are known and claim the same (`s`, `seconds`): otherwise `moved` would have told."""
    return bool(claimed({tag: old[tag]})) and claimed({tag: old[tag]}) == claimed({tag: new[tag]})


def _weighty() -> set[str]:
    """Tags by which a value is read, or by which records are told apart."""
    return {tag for each in conventions() for tag in each.tags} | set(KEY_TAGS)


def _protecting() -> set[str]:
    return {tag for tag, _ in LADDERS}


def _value(attributes: Mapping[str, Any], tag: str) -> str:
    return _cut(repr(attributes[tag])) if tag in attributes else "not there"


def _at(path: str) -> str:
    return f"`{path}`" if path else "the record"


def _cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}…"
