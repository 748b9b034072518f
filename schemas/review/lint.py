"""Lint of schema files: whether they are Avro, and whether they keep the rules of this house (schemas/README.md).

A file that is no JSON is no schema at all and raises `BadSchema`; whatever else is wrong is a finding with its file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from schemas.review import beside
from schemas.review.avro import Enum, Fixed, Record, Type, below, walk
from schemas.review.definitions import definitions, outline
from schemas.review.files import BadSchema, Folder, read_json
from schemas.review.finding import BREAK, HAZARD, Code, Severity
from schemas.review.house import RULES, TYPE_RULES
from schemas.review.parse import parse

CODES: dict[str, Code] = {
    "schema-invalid": Code((BREAK,), "Avro does not allow it: no reader or writer can be made of the file"),
    "schema-sloppy": Code(
        (HAZARD,), "readers get over it until they need it: a default that fits no type, an odd namespace"
    ),
    "name-defined-twice": Code((BREAK,), "two of the files define one full name, and not alike"),
    "namespace-missing": Code((HAZARD,), "a nested type takes the namespace around it, and is another one elsewhere"),
    "doc-missing": Code((HAZARD,), "nobody can tell what it means, or when it is none"),
    "unit-missing": Code((HAZARD,), "a number without a unit: seconds or hours, cents or euros"),
    "unit-unknown": Code((HAZARD,), "a unit that is not of the list: s, h, currency, currency/h, 1"),
    "unit-needless": Code((HAZARD,), "a unit on what is no number"),
    "float-used": Code((HAZARD,), "amounts and hours in binary fractions do not add up to the cent"),
    "logical-type-ignored": Code((HAZARD,), "the logical type is not valid where it stands, so readers ignore it"),
    "personal-untagged": Code((HAZARD,), "what is about a person may show in logs, traces and screens"),
    "money-untagged": Code((HAZARD,), "an amount may show in logs, traces and screens"),
    "classification-unknown": Code((HAZARD,), "a classification that nothing here protects by"),
    "currency-unchecked": Code((HAZARD,), "a currency that may be anything: three capitals are not asked for"),
    **beside.CODES,
}


@dataclass(frozen=True)
class Remark:
    """A finding of the lint: a file, a place in it, what is wrong and what to do."""

    file: str
    code: str
    path: str
    message: str

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severities[0]

    def as_dict(self) -> dict[str, str | bool]:
        """As `--output json` gives it; these keys are a promise."""
        rest = {"code": self.code, "severity": self.severity.value, "path": self.path, "message": self.message}
        return {"file": self.file, **rest, "accepted": False}


def lint(paths: Iterable[Path], today: date | None = None, adapters: Collection[str] = ()) -> list[Remark]:
    """Everything wrong with files, and with the `.avsc` files in folders and what lies beside these.

    today: sunsets before it have passed (none has without it). adapters: names that a sunset may give as readers.
    Raises `BadSchema` for what is no JSON or no TOML.
    """
    paths = list(paths)
    files, unreadable = _files(paths)
    values: dict[Path, Any] = {}
    for path in files:
        try:
            values[path] = read_json(path)
        except BadSchema as error:
            unreadable += error.mistakes
    if unreadable:
        raise BadSchema(*unreadable)
    found = [each for path, value in values.items() for each in remarks(str(path), value, Folder.of(path, ()))]
    found += twice(values)
    for folder in paths:
        if folder.is_dir():
            found += [Remark(*each) for each in beside.found_in(folder, today or date.min, adapters)]
    return found


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    found: list[Path] = []
    wrong: list[str] = []
    for path in paths:
        inside = sorted(path.rglob("*.avsc")) if path.is_dir() else [path]
        found += inside
        wrong += [] if inside else [f"{path}: there is no .avsc file in this folder"]
    return list(dict.fromkeys(found)), wrong


def remarks(file: str, value: Any, folder: Folder) -> Iterator[Remark]:
    """What is wrong with the JSON of one file; names that it does not define are looked for in a folder."""
    parsed = parse(value, folder.find)
    for each in parsed.mistakes:
        code = "schema-sloppy" if each.tolerable else "schema-invalid"
        yield Remark(file, code, each.path, f"{each}{folder.hint(each.sentence)}.")
    if not parsed.fatal:
        own = {name for name, _ in definitions(value, file)}
        for code, place, message in _house(parsed.type, own):
            yield Remark(file, code, place, f"{place or 'the record'}: {message}.")


def _house(root: Type, own: set[str]) -> Iterator[tuple[str, str, str]]:
    """The rules of the house on every type and field that the file itself defines."""
    for path, node in walk(root):
        if isinstance(node, Record | Enum | Fixed) and node.name not in own:
            continue
        yield from ((code, path, message) for rule in TYPE_RULES for code, message in rule(node))
        if isinstance(node, Record):
            for each in node.fields:
                yield from ((code, below(path, each.name), said) for rule in RULES for code, said in rule(each))


def twice(values: Mapping[Path, Any]) -> Iterator[Remark]:
    """Full names that two files (path -> JSON) define, and not alike."""
    seen: dict[str, tuple[Path, Any]] = {}
    for path, value in values.items():
        for name, found in definitions(value, path.name):
            first, other = seen.setdefault(name, (path, outline(found)))
            if other != outline(found):
                yield Remark(
                    str(path),
                    "name-defined-twice",
                    name,
                    f"{name} is defined otherwise in {first}; a reader of both takes one for the other. Make them "
                    "alike, or give one another name.",
                )
