"""An export as a folder: the value of each record in a file of its own, byte for byte, the rest in `manifest.json`.

The manifest has the SHA-256 of each file, and one over itself (canonical JSON without its `sha256`). It is held in
memory when it is read, so an export of very many records is better made as JSON Lines.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Literal

from psfabric.event import Record
from replay.errors import Declined, NotThere
from replay.exported import VERSION, Entry, Part, Written, canonical, changed, entry, new, understood, writing
from replay.reading import Place

MANIFEST = "manifest.json"


class _Filed(Entry):
    file: str | None


class _Manifest(Part):
    v: Literal[1]
    records: list[_Filed]
    sha256: str


def write(records: Iterable[Record], folder: Path) -> Written:
    """The folder is made; its manifest gets its name when all is written. Raises NotThere when it is not empty."""
    part = folder / f"{MANIFEST}.part"
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise NotThere(f"{folder} is not empty: name a folder that is not there; nothing was exported")
        with new(part) as file:
            written = _manifest((_put(folder, record) for record in records), file)
        part.rename(folder / MANIFEST)
    return written


def verified(folder: Path) -> Written:
    """Compare every hash, and that nothing is missing, added or a link. Raises Declined."""
    manifest = _read(folder)
    body = manifest.model_dump(mode="json", exclude={"sha256"})
    if sha256(canonical(body)).hexdigest() != manifest.sha256:
        raise changed(str(folder / MANIFEST), "its hash does not fit")
    _named(folder, manifest)
    _complete(folder, {each.file for each in manifest.records if each.file is not None})
    count = sum(1 for _ in _records(folder, manifest))
    return Written(count, manifest.sha256)


def records(folder: Path) -> Iterator[Record]:
    """Once more what was verified."""
    return _records(folder, _read(folder))


def _manifest(entries: Iterable[dict[str, Any]], out: IO[bytes]) -> Written:
    """Entry by entry, so that they need not be held; the hash is of the same text without the line feeds and itself."""
    digest, count = sha256(b'{"records":['), 0
    out.write(b'{"records":[\n')
    for count, each in enumerate(entries, 1):
        text = canonical(each)
        digest.update(text if count == 1 else b"," + text)
        out.write(text if count == 1 else b",\n" + text)
    digest.update(b'],"v":%d}' % VERSION)
    out.write(b'\n],"sha256":"%s","v":%d}\n' % (digest.hexdigest().encode(), VERSION))
    return Written(count, digest.hexdigest())


def _put(folder: Path, record: Record) -> dict[str, Any]:
    if record.value is None:
        return {**entry(record), "file": None}
    name = _name(Place(record.topic, record.partition, record.offset))
    with new(folder / name) as file:
        file.write(record.value)
    return {**entry(record), "file": name}


def _name(place: Place) -> str:
    """A name that no other place has, and that leads nowhere else: a topic has no slash."""
    return f"{place.topic}-{place.partition}-{place.offset}.bin"


def _read(folder: Path) -> _Manifest:
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise Declined(f"{folder} is no export of dead letters: it has no {MANIFEST}; nothing was imported")
    return understood(_Manifest, _content(path), str(path))


def _named(folder: Path, manifest: _Manifest) -> None:
    """Each record once, and its file under the one name that it can have."""
    seen: set[Place] = set()
    for each in manifest.records:
        expected = None if each.sha256 is None else _name(each.place)
        if each.place in seen or each.file != expected:
            raise changed(str(folder / MANIFEST), f"it names {each.file!r} for {each.place}")
        seen.add(each.place)


def _complete(folder: Path, files: set[str]) -> None:
    there = {found.name: found for found in os.scandir(folder)}
    for name, found in there.items():
        if not found.is_file(follow_symlinks=False):
            raise changed(str(folder), f"{name} is a link or a folder")
    extra, missing = sorted(there.keys() - files - {MANIFEST}), sorted(files - there.keys())
    if extra or missing:
        raise changed(str(folder), f"{extra[0]} was added" if extra else f"{missing[0]} is missing")


def _records(folder: Path, manifest: _Manifest) -> Iterator[Record]:
    for each in manifest.records:
        yield each.record(None if each.file is None else _content(folder / each.file))


def _content(path: Path) -> bytes:
    """What a file holds, never what a link leads to."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()
