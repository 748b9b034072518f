"""words.toml as sets: what the review knows of the words people use. A word is added there, without code."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "words.toml"


@dataclass(frozen=True)
class Vocabulary:
    """The lists of words.toml besides its conventions."""

    subjects: dict[str, re.Pattern[str]]
    identity: frozenset[str]
    generic: frozenset[str]
    personal: re.Pattern[str]
    denies: frozenset[str]
    presence: frozenset[str]
    filler: frozenset[str]
    same: dict[str, str]
    """Word -> the one that stands for its group."""


@cache
def data() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def phrases(found: list[str]) -> re.Pattern[str]:
    """One pattern for several phrases, each of which stands as whole words."""
    return re.compile(rf"(?i)(?<!\w)(?:{'|'.join(found)})(?!\w)")


@cache
def vocabulary() -> Vocabulary:
    names, sentences = data()["names"], data()["sentences"]
    return Vocabulary(
        subjects={subject: phrases(found) for subject, found in data()["subjects"].items()},
        identity=frozenset(names["identity"]),
        generic=frozenset(names["generic"]),
        personal=phrases(names["personal"]),
        denies=frozenset(sentences["denies"]),
        presence=frozenset(sentences["presence"]),
        filler=frozenset(sentences["filler"]),
        same={word: group[0] for group in sentences["same"] for word in group},
    )
