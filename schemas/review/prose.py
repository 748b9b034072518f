"""How two docs of one thing differ as sentences: what is denied in one and said in the other, and what symbols mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any

from schemas.review.vocabulary import vocabulary
from schemas.review.words import moved, plain

_WORD = re.compile(r"[a-z][a-z'’]*[a-z]|[a-z]|\d+")
_MAPPING = re.compile(
    r"(?<![\w-])[`'\"]?(?P<symbol>-?\w+)[`'\"]?\s*(?P<apart>:|=|means|is when|-|–|—|→|->|\()\s*"
    r"(?=(?P<text>[^;.)\n]{1,200}))"
)
_NEXT = re.compile(r",\s*[`'\"]?\w+[`'\"]?\s*(?::|=|-|–|—|means)")
_CLEARLY = (":", "=", "means", "is when")
"""What stands between a number and its meaning; a dash would be a range."""

LONGEST = 30
"""Words of a meaning that are compared each with each."""

MOST = 200
"""Symbols up to which the meaning of one is looked for among the old ones of all others."""

NEAR = 0.5
"""How much two docs must be alike before a word that only one of them denies is a contradiction."""

REACH = 3
"""Words without meaning that may stand between a denial and what it denies: `not to be posted`."""


def words(text: str) -> list[str]:
    """Words that carry meaning, in lower case, without endings, synonyms made one."""
    found = _WORD.findall(re.sub(r"\bnon-", "non ", text.lower()))
    known = vocabulary()
    return [stem(word) for word in found if word not in known.filler and word not in known.denies]


def stem(word: str) -> str:
    """A word without its ending, roughly: `posted`, `posting` and `posts` are one; a synonym is its group's first."""
    same = vocabulary().same
    if word in same or word.removesuffix("s") in same:
        return same.get(word, same.get(word.removesuffix("s"), word))
    for ending in ("ations", "ation", "ings", "ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)].removesuffix("e")
    return word.removesuffix("e") if len(word) > 3 else word


def alike(old: str, new: str) -> float:
    """How much of two texts is the same words: 0 nothing, 1 all; two that say nothing are alike."""
    first, then = set(words(old)), set(words(new))
    return len(first & then) / len(first | then) if first | then else 1.0


def denied(doc: str) -> tuple[set[str], set[str]]:
    """Words that a doc denies (`not billable`), and words that it says without denying them."""
    known = vocabulary()
    denying: set[str] = set()
    plainly: set[str] = set()
    left = 0
    for word in _WORD.findall(
        re.sub(r"\b(non|un)-?(?=bill|approv|tax|paid|post|sign|invoic)", "not ", plain(doc).lower())
    ):
        if word in known.denies or word.endswith("n't"):
            left = REACH
        elif word in known.filler:
            left = left - 1 if left else 0
        else:
            (denying if left > 0 else plainly).add(stem(word))
            left = 0
    return denying, plainly


def turned(old: str, new: str) -> str:
    """A word that one doc denies and the other says; "" when there is none."""
    (denied_old, said_old), (denied_new, said_new) = denied(old), denied(new)
    turned_off = (said_old - denied_old) & (denied_new - said_new)
    turned_on = (denied_old - said_old) & (said_new - denied_new)
    turned_words = (turned_off | turned_on) - {stem(word) for word in vocabulary().presence}
    return min(turned_words, default="") if alike(old, new) >= NEAR else ""


_WAY = re.compile(r"\bfrom (?:the )?(?P<begin>\w+)[\w ]*? to (?:the )?(?P<end>\w+)")


def turned_round(old: str, new: str) -> bool:
    """Whether one doc goes from A to B and the other from B to A, as rates of exchange do."""
    before, after = (
        {(found["begin"], found["end"]) for found in _WAY.finditer(plain(doc).lower())} for doc in (old, new)
    )
    return any((end, begin) in after and (end, begin) not in before for begin, end in before if begin != end)


def meanings(symbols: Iterable[str], attributes: Mapping[str, Any]) -> dict[str, str]:
    """What each symbol means, as far as it is said: in a tag with a text for each, or in the doc as `SYMBOL: text`."""
    names = set(symbols)
    for value in attributes.values():
        if isinstance(value, Mapping) and set(value) & names:
            return {name: str(text) for name, text in value.items() if name in names}
    doc = attributes.get("doc")
    return _told(names, doc) if isinstance(doc, str) else {}


def _told(names: set[str], doc: str) -> dict[str, str]:
    """What a doc says after each name and a colon or the like; what it says first counts."""
    found: dict[str, str] = {}
    for said in _MAPPING.finditer(doc):
        symbol, clear = said["symbol"], said["apart"] in _CLEARLY
        text = _NEXT.split(said["text"], 1)[0].strip()
        if symbol in names and text and (clear or symbol[-1].isalpha()):
            found.setdefault(symbol, text)
    return found


def re_meant(symbol: str, old: Mapping[str, str], new: Mapping[str, str], exchange: bool = True) -> bool:
    """Whether a symbol means something else now: a contradiction, another symbol's meaning, or (exchange) words put in
    the place of others."""
    before, after = old[symbol], new[symbol]
    if turned(before, after) or any(moved({"doc": before}, {"doc": after})):
        return True
    own = alike(before, after)
    others = (text for name, text in old.items() if name != symbol) if len(old) <= MOST else ()
    if any(alike(text, after) > max(own, 0.5) for text in others):
        return True
    return exchange and own < 1 and _exchanged(words(before), words(after))


def _exchanged(old: list[str], new: list[str]) -> bool:
    """Whether words were replaced by others that are no respelling of them, rather than added or left out."""
    gone, come = ([w for w in one if w not in other][:LONGEST] for one, other in ((old, set(new)), (new, set(old))))
    return bool(gone and come) and not any(spelt_alike(a, b) for a in gone for b in come)


def spelt_alike(a: str, b: str) -> bool:
    return SequenceMatcher(None, a, b).ratio() >= 0.75
