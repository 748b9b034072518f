"""`codes.toml` as typed data: the one list of stable codes in dead letters, receipts and rejections."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas import toml
from schemas.catalogue import Entry, Words

FILE = Path(__file__).parent / "codes.toml"

CodeClass = Literal[
    "undecodable", "invalid", "reference", "refused", "waiting", "expired", "superseded", "intake", "bug"
]


class Code(Entry):
    """One stable code; never renamed once used."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]
    kind: CodeClass = Field(alias="class")
    """What sort of fault it is: the `fabric-dlq-class` header."""
    meaning: Words
    do: Words
    """What the person who meets it does next."""


class _Codes(Entry):
    code: tuple[Code, ...] = Field(strict=False)


@cache
def codes() -> Mapping[str, Code]:
    """codes.toml by code, checked; `toml.FileError` lists what is wrong with it."""
    return parse(FILE.read_text(encoding="utf-8"))


def parse(text: str) -> Mapping[str, Code]:
    """The text of a codes.toml, checked; `toml.FileError` lists what is wrong with it, a code given twice included."""
    found = toml.read(text, _Codes, FILE.name).code
    listed = [entry.code for entry in found]
    twice = sorted({code for code in listed if listed.count(code) > 1})
    if twice:
        raise toml.FileError(f"{FILE.name}: listed twice: {', '.join(twice)}")
    return {entry.code: entry for entry in found}
