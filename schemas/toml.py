"""TOML files as models that forbid unknown keys; a misspelt key names the nearest right one.

`read(text, Model, "topics.toml")` is all there is. Other rooms may use it for their own files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class FileError(ValueError):
    """A catalogue or settings file is wrong; the message has one line for every mistake in it."""


def read(text: str, kind: type[M], file: str) -> M:
    """TOML text as a model. Raises `FileError` naming file, place and the nearest right key, all mistakes at once."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{file}: not TOML: {error}") from error
    return checked(data, kind, file)


def checked(data: dict[str, Any], kind: type[M], file: str) -> M:
    """What a TOML file holds, as a model. Raises `FileError` as `read` does."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise FileError("\n".join(_mistake(file, kind, data, dict(part)) for part in error.errors())) from error


def _mistake(file: str, kind: type[BaseModel], data: Any, part: dict[str, Any]) -> str:
    place = _place(data, part["loc"])
    if part["type"] != "extra_forbidden":
        return f"{file}: {place}: {part['msg'][0].lower()}{part['msg'][1:]}"
    allowed = _keys(kind, part["loc"][:-1])
    near = get_close_matches(str(part["loc"][-1]), allowed, n=1, cutoff=0.0)
    hint = f"did you mean {near[0]!r}?" if near else "no key is allowed here"
    return f"{file}: {place}: unknown key; {hint}"


def _place(data: Any, loc: Sequence[int | str]) -> str:
    """`topic[3] (raw.<source>).retention`: an entry of a list is shown with its name where it has one."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
        inside = (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int))
        data = data[step] if inside else None
        label = data.get("name", data.get("code")) if isinstance(step, int) and isinstance(data, dict) else None
        text += f" ({label})" if label else ""
    return text or "the file"


def _keys(kind: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """Keys allowed at a place: follows the location through nested models, lists and tables."""
    current: Any = kind
    for step in loc:
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {info.alias or name: info.annotation for name, info in current.model_fields.items()}
            current = fields.get(str(step))
        else:
            current = next((a for a in reversed(get_args(current)) if a is not Ellipsis), None)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return [info.alias or name for name, info in current.model_fields.items()]
