"""`sunsets.toml`: until when a superseded major of an event is kept, who still reads it, and why it was prolonged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas import toml
from schemas.review.declared import Words, refusing
from schemas.review.files import BadSchema

NAME = "sunsets.toml"


class Prolonged(BaseModel):
    """The last day was moved once, from `was`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    was: date
    reason: Words
    approver: Words


class Sunset(BaseModel):
    """The last day of one major of an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    event: Words
    major: Annotated[int, Field(ge=1)]
    until: date
    """The last day on which the major is read."""
    consumers: tuple[str, ...]
    """Who still reads it, by name."""
    prolonged: tuple[Prolonged, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.event}_v{self.major}"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sunset: tuple[Sunset, ...] = ()


def read(path: Path) -> dict[str, Sunset]:
    """The sunsets of a file by `<event>_v<major>`; none where it is not there. Raises `BadSchema`."""
    try:
        return parse(path.read_bytes(), path.name)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadSchema(f"{path}: it cannot be read: {error.strerror}") from None


def parse(body: bytes, file: str) -> dict[str, Sunset]:
    """The sunsets in the text of a file. Raises `BadSchema`: a mistake, a major twice."""
    try:
        with refusing():
            found = toml.read(body.decode("utf-8"), _File, file).sunset
    except UnicodeDecodeError as error:
        raise BadSchema(f"{file}: not TOML: {error}") from None
    keys = [each.key for each in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise BadSchema(*(f"{file}: {key} has two sunsets" for key in twice))
    return {each.key: each for each in found}


def moved(before: dict[str, Sunset], now: dict[str, Sunset]) -> Iterator[Sunset]:
    """Sunsets that are later than they were, and do not say why."""
    for key, sunset in now.items():
        was = before.get(key)
        if was and sunset.until > was.until and was.until not in {each.was for each in sunset.prolonged}:
            yield sunset
