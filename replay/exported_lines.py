"""An export as JSON Lines: a line for each record, then `{"manifest": …}` with the SHA-256 of all bytes before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Literal

from psfabric.event import Record
from replay.errors import Declined, NotThere
from replay.exported import (
    VERSION,
    Entry,
    Part,
    Written,
    canonical,
    changed,
    entry,
    from_text,
    new,
    to_text,
    understood,
    writing,
)

_END = b'{"manifest":'


class _Line(Entry):
    value: str | None


class _Manifest(Part):
    v: Literal[1]
    records: int
    sha256: str


class _End(Part):
    manifest: _Manifest


def write(records: Iterable[Record], out: IO[bytes]) -> Written:
    digest, count = sha256(), 0
    for record in records:
        line = canonical({**entry(record), "value": to_text(record.value)}) + b"\n"
        digest.update(line)
        out.write(line)
        count += 1
    written = Written(count, digest.hexdigest())
    end = {"v": VERSION, "records": count, "sha256": written.sha256}
    out.write(canonical({"manifest": end}) + b"\n")
    return written


def write_file(records: Iterable[Record], path: Path) -> Written:
    """The file has its name only when it is whole. Raises NotThere when there is one already."""
    part = path.with_name(f"{path.name}.part")
    with writing(path):
        if path.exists():
            raise NotThere(f"{path} is there already: name a file that is not; nothing was exported")
        part.unlink(missing_ok=True)
        with new(part) as file:
            written = write(records, file)
        part.rename(path)
    return written


def verified(path: Path) -> Written:
    """Read it all, compare every hash. Raises Declined."""
    digest, count, end = sha256(), 0, None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if end is not None:
                raise changed(str(path), "more follows its end")
            if line.startswith(_END):
                end = understood(_End, line, f"{path}, line {number},").manifest
                continue
            _record(line, path, number)
            digest.update(line)
            count += 1
    if end is None:
        raise Declined(f"{path} is no whole export of dead letters: its end is missing; nothing was imported")
    if (end.records, end.sha256) != (count, digest.hexdigest()):
        raise changed(str(path), "its hash does not fit its lines")
    return Written(count, end.sha256)


def records(path: Path, written: Written) -> Iterator[Record]:
    """Once more what was verified."""
    with path.open("rb") as file:
        for number in range(1, written.records + 1):
            yield _record(file.readline(), path, number)


def _record(line: bytes, path: Path, number: int) -> Record:
    found = understood(_Line, line, f"{path}, line {number},")
    return found.record(from_text(found.value, found.place))
