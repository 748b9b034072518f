"""Dead letters in files: original bytes, headers in their order, and hashes that show any change. The format persists.

As JSON Lines (`exported_lines`) or as a folder (`exported_folder`), both version 1. Whoever can write the files can
write fitting hashes, too: that of the whole export is told when it is made, kept in `fabric.operations`, and may be
asked for at import. What is refused is refused before anything was done with it.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from psfabric.event import Record
from replay.errors import Declined, NotThere
from replay.reading import Place

VERSION = 1
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True)
class Written:
    """How many records an export holds, and its hash, hex of SHA-256."""

    records: int
    sha256: str


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Part)


class Entry(Part):
    """A record but for its value. Bytes are base64, None is null; `sha256` is that of the value."""

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    timestamp_ms: int
    key: str | None
    headers: list[tuple[str, str | None]]
    sha256: str | None

    @property
    def place(self) -> Place:
        return Place(self.topic, self.partition, self.offset)

    def record(self, value: bytes | None) -> Record:
        """Raises Declined for what cannot be a record, or whose value is not what it was."""
        if not _TOPIC.fullmatch(self.topic):
            raise Declined(f"{self.topic!r} is no topic; nothing was imported")
        if self.sha256 != value_sha256(value):
            raise changed(str(self.place), "its hash does not fit its value")
        headers = tuple((name, from_text(text, self.place)) for name, text in self.headers)
        return Record(*self.place, from_text(self.key, self.place), value, headers, self.timestamp_ms)


def entry(record: Record) -> dict[str, Any]:
    """What `Entry` holds, as JSON-able."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": to_text(record.key),
        "headers": [[name, to_text(value)] for name, value in record.headers],
        "sha256": value_sha256(record.value),
    }


def canonical(body: Any) -> bytes:
    """JSON with sorted keys and no spaces, in UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")


def understood(model: type[P], text: bytes, where: str) -> P:
    """Raises Declined for text that is no such part of an export."""
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        mistake = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, mistake["loc"])) or "the text"
        raise Declined(f"{where} is no export of dead letters: {at}: {mistake['msg']}; nothing was imported") from None


def changed(what: str, why: str) -> Declined:
    return Declined(f"{what} was changed after it was exported: {why}; nothing was imported")


def value_sha256(value: bytes | None) -> str | None:
    return None if value is None else sha256(value).hexdigest()


def to_text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def from_text(text: str | None, place: Place) -> bytes | None:
    """Raises Declined for what is no base64 of `place`."""
    try:
        return None if text is None else b64decode(text, validate=True)
    except ValueError:
        raise changed(str(place), "it has text that is no base64") from None


@contextmanager
def new(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, and that was not there before."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        yield file


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says into a sentence. Raises NotThere."""
    try:
        yield
    except OSError as error:
        raise NotThere(f"the export cannot be written to {path}: {error.strerror}") from None
