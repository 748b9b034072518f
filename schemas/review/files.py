"""Schema files on disk: read, checked, and completed with the records that other files define.

A name that a file does not define is looked for in the other `.avsc` files of its folder, then in the schemas of this
repository. Found twice with different content, it is refused: nobody could say which is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.review.definitions import definitions, outline
from schemas.review.json_text import LIMIT, NotJson, loads
from schemas.review.parse import Definition, Parsed, parse

BUNDLED = Path(__file__).resolve().parent.parent / "avro"
MOST_FILES = 2000
"""Files of a folder in which a missing name is looked for."""


class BadSchema(ValueError):
    """A file cannot be reviewed; `mistakes` has a sentence for each reason, which names the file and the place."""

    exit_code = 2

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def read(path: Path, not_in: Sequence[Path] = ()) -> Parsed:
    """The schema of a file with its tolerable mistakes. Raises `BadSchema`: not there, not JSON, not Avro, ambiguous.

    not_in: files in which a missing name is not looked for, such as the other version of the same schema.
    """
    value = read_json(path)
    folder = Folder.of(path, not_in)
    try:
        parsed = parse(value, folder.find)
    except RecursionError:
        raise BadSchema(f"{path}: its types refer to each other in a chain too long to follow") from None
    if parsed.fatal:
        raise BadSchema(*(f"{path}: {each}{folder.hint(each.sentence)}" for each in parsed.fatal))
    return parsed


def read_json(path: Path) -> Any:
    """JSON of a file. Raises `BadSchema`."""
    if path.is_dir():
        raise BadSchema(f"{path}: this is a folder; name an .avsc file")
    try:
        with path.open("rb") as file:
            body = file.read(LIMIT + 1)
    except FileNotFoundError:
        raise BadSchema(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadSchema(f"{path}: it cannot be read: {reason}") from None
    if not body.strip():
        raise BadSchema(f"{path}: it is empty; an .avsc file holds one schema as JSON")
    try:
        return loads(body)
    except NotJson as error:
        raise BadSchema(f"{path}: {error}") from None


@dataclass
class Folder:
    """Where names that a file does not define are looked for: its own folder, then the schemas of this repository."""

    folders: tuple[Path, ...]
    but: frozenset[Path]
    known: dict[Path, dict[str, list[Definition]]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, not_in: Sequence[Path]) -> Folder:
        folder = path.resolve().parent
        bundled = () if folder == BUNDLED else (BUNDLED,)
        return cls((folder, *bundled), frozenset(each.resolve() for each in (path, *not_in)))

    def find(self, name: str) -> Definition | None:
        """The definition of a full name. Raises `BadSchema` where two files of one folder define it differently."""
        near = next((found for folder in self.folders if (found := self._inside(folder).get(name))), [])
        if any(outline(each) != outline(near[0]) for each in near[1:]):
            files = " and ".join(sorted({each.file for each in near}))
            raise BadSchema(f"{name!r} is defined in {files}, and not alike; define it in one of them")
        return near[0] if near else None

    def _inside(self, folder: Path) -> dict[str, list[Definition]]:
        if folder not in self.known:
            found: dict[str, list[Definition]] = {}
            for name, each in _definitions(folder, self.but):
                found.setdefault(name, []).append(each)
            self.known[folder] = found
        return self.known[folder]

    def hint(self, sentence: str) -> str:
        if "nothing before it defines it" not in sentence:
            return ""
        return f", nor does another .avsc file of {self.folders[0]} or this repository"


def _definitions(folder: Path, but: frozenset[Path]) -> Iterator[tuple[str, Definition]]:
    """Every named type that the files of a folder define, by full name; files that are no schema have none."""
    for path in sorted(folder.glob("*.avsc"))[:MOST_FILES]:
        if path.resolve() in but:
            continue
        try:
            yield from definitions(read_json(path), path.name)
        except BadSchema:
            continue
