"""What a doc and tags claim about a value: its unit, currency, zone, sign, tax basis (words.toml says by which words).

A claim is taken from words alone. It can be wrong about a sentence; `docs/schema-review.md` says how to correct it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.review.vocabulary import data, phrases

_EXAMPLE = re.compile(
    r"\(?\b(e\.\s?g\.|for example|for instance|such as|examples?:|see( also)?\b|formerly|previously|deprecated)"
    r".*?(?=[;)\n]|\.\s|\.?$)",
    re.IGNORECASE | re.DOTALL,
)
LONGEST = 20_000
"""Characters of a doc that are read."""

_SIGNED = (
    re.compile(
        r"\b(?P<sign>negative|positive)(?: values?| amounts?)? (?:for|when|if|in case of|on|means?|is|=)"
        r" (?:an? |the |it is )?(?P<what>[a-z]+)"
    ),
    re.compile(r"\b(?P<what>[a-z]+) (?:is|are|as|have|has) (?:an? )?(?P<sign>negative|positive)\b"),
)


@dataclass(frozen=True)
class Convention:
    """Something of which a field has one value, the words by which docs say which, and the finding when it moves."""

    name: str
    code: str
    severity: str
    tags: tuple[str, ...]
    ignore: re.Pattern[str] | None
    values: Mapping[str, re.Pattern[str]]
    others: re.Pattern[str] | None
    """Words that are a value of their own: a code, a name."""

    def claims(self, text: str) -> tuple[str, ...]:
        """Values claimed in a doc, in the order in which they are said, each once."""
        cleaned = self.ignore.sub(" ", text) if self.ignore else text
        named = [(value, found) for value, phrase in self.values.items() for found in phrase.finditer(cleaned)]
        named += [(found[0], found) for found in self.others.finditer(cleaned)] if self.others else []
        kept: list[str] = []
        end = -1
        for value, found in sorted(named, key=lambda each: (each[1].start(), -each[1].end())):
            if found.start() >= end:
                end = found.end()
                kept += [] if value in kept else [value]
        return tuple(kept)


@dataclass(frozen=True)
class Moved:
    """A convention of which the old side claims one value and the new side another."""

    what: str
    code: str
    severity: str
    old: str
    new: str


@cache
def conventions() -> tuple[Convention, ...]:
    """words.toml, compiled."""
    return tuple(_convention(entry) for entry in data()["convention"])


def _convention(entry: dict[str, Any]) -> Convention:
    values = {value: phrases(found) for value, found in entry["values"].items()}
    ignore = phrases(entry["ignore"]) if entry["ignore"] else None
    others = re.compile(rf"(?<!\w)(?:{entry['others']})(?!\w)") if "others" in entry else None
    return Convention(entry["name"], entry["code"], entry["severity"], tuple(entry["tags"]), ignore, values, others)


def moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Moved]:
    """Every convention that moved between the attributes (doc and tags) of one field or type, old and new."""
    before, after = plain(old.get("doc")), plain(new.get("doc"))
    for each in conventions():
        first, then = _first_move(
            each, (_tagged(each, old), each.claims(before)), (_tagged(each, new), each.claims(after))
        )
        if first:
            yield Moved(each.name, each.code, each.severity, first, then)
    first_signs, then_signs = _signs(before.lower()), _signs(after.lower())
    for what in first_signs.keys() & then_signs.keys():
        if first_signs[what] != then_signs[what]:
            yield Moved(f"sign of {what}", "sign-changed", "break", first_signs[what], then_signs[what])


Said = tuple[tuple[str, ...], tuple[str, ...]]
"""What the tags of one side claim, and what its doc does."""


def _first_move(convention: Convention, old: Said, new: Said) -> tuple[str, str]:
    """The first of tag against tag, doc against doc, and whatever there is against whatever there is that differs."""
    either = (old[0] or old[1], new[0] or new[1])
    for first, then in (*zip(old, new, strict=True), either):
        if _differ(first, then, strict=convention.severity == "break"):
            return first[0], then[0]
    return "", ""


def claimed(attributes: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What tags claim, by convention; the doc is left out."""
    found = {each.name: _tagged(each, attributes) for each in conventions()}
    return {name: claims for name, claims in found.items() if claims}


def _differ(old: tuple[str, ...], new: tuple[str, ...], strict: bool = True) -> bool:
    """Both claim something, and what the old says first the new does not say; strict: or the other way round."""
    if not old or not new or old[0] == new[0]:
        return False
    return old[0] not in new or (strict and new[0] not in old)


def plain(doc: Any) -> str:
    """A doc in one line, without its examples and asides; of a very long one the beginning."""
    text = doc[:LONGEST] if isinstance(doc, str) else ""
    return " ".join(_EXAMPLE.sub(" ", text).split())


def _tagged(convention: Convention, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """What a tag claims; a tag whose value is none of the convention's claims nothing here."""
    said = [str(attributes[tag]) for tag in convention.tags if isinstance(attributes.get(tag), str | bool)]
    found = [claim for text in said for claim in _short(convention.name, text.lower()) or convention.claims(text)]
    return tuple(dict.fromkeys(found))


def _short(name: str, text: str) -> tuple[str, ...]:
    """Abbreviations that are units in a tag, and anything else in a sentence."""
    if name == "unit of time":
        return (_TIME[text],) if text in _TIME else ()
    if name == "unit of money":
        return (_MONEY[text.partition("/")[0]],) if text.partition("/")[0] in _MONEY else ()
    return ("percent",) if name == "proportion" and text in ("%", "pct") else ()


_TIME = {
    "s": "seconds",
    "sec": "seconds",
    "h": "hours",
    "hr": "hours",
    "m": "minutes",
    "min": "minutes",
    "d": "days",
    "ms": "milliseconds",
    "us": "microseconds",
    "µs": "microseconds",
    "ns": "nanoseconds",
    "w": "weeks",
    "y": "years",
}
_MONEY = {
    "currency": "major units",
    "major": "major units",
    "minor": "minor units",
    "cent": "minor units",
    "cents": "minor units",
}


def _signs(doc: str) -> dict[str, str]:
    return {found["what"].removesuffix("s"): found["sign"] for pattern in _SIGNED for found in pattern.finditer(doc)}
