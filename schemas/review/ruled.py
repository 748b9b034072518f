"""What a branch changes in rules and examples: rules that do not fit, codes that are gone, examples that break them.

The folder of the schemas has `rules/` and `examples/` beside it, or has not.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from schemas import toml
from schemas.contract import ENRICHED, Schema, enriched
from schemas.review.checked import Checked
from schemas.review.finding import BREAK, HAZARD, NOTE, Code
from schemas.rules.book import Book, Rule, book
from schemas.rules.plain import decoded

CODES: dict[str, Code] = {
    "rule-invalid": Code((BREAK,), "a rule does not fit its schema, or is none: no event would be judged any more"),
    "rule-removed": Code((HAZARD,), "a code is gone or renamed that is in dead letters and in people's runbooks"),
    "rule-re-meant": Code((HAZARD,), "a code that is in dead letters asks something else than it did"),
    "rule-added": Code((NOTE,), "a rule is new: what breaks it becomes a dead letter from now on"),
    "example-breaks-rule": Code((HAZARD,), "an example that is right breaks a rule"),
    "example-keeps-rule": Code((HAZARD,), "an example that shall break a rule breaks another one, or none"),
}
RULES, EXAMPLES, AVRO = "rules", "examples", "avro"
_EXAMPLE = re.compile(r"(?P<event>(enriched\.)?[a-z]+\.[A-Za-z]+)\.(?P<case>[a-z0-9_-]+)\.(?P<verdict>pass|fail)\.json")
_EVENT = re.compile(r"(?P<event>[a-z]+\.[A-Z][A-Za-z]+)_v(?P<major>[1-9][0-9]*)\.avsc")

Files = Mapping[PurePath, bytes]
"""Path from the folder that holds them, e.g. `rules/time.toml` -> content."""


@dataclass(frozen=True)
class Tree:
    """Schemas, rules and examples as they are at one time."""

    files: Files

    def schema(self, event: str) -> Schema:
        """The schema of an event, of its highest major. Raises `LookupError` when there is none that can be read."""
        if event not in self._schemas:
            name = event.removeprefix(ENRICHED)
            canonical = self._avro(PurePath(AVRO), name)
            added = None if name == event else self._avro(PurePath(AVRO, "enrichment"), name)
            self._schemas[event] = canonical if added is None else enriched(canonical, added)
        return self._schemas[event]

    def _avro(self, folder: PurePath, name: str) -> Schema:
        try:
            schema: Schema = json.loads(self.files[self._newest[folder, name]])
        except (LookupError, ValueError):
            raise LookupError(f"no schema of {name} that can be read") from None
        return schema

    @cached_property
    def _newest(self) -> dict[tuple[PurePath, str], PurePath]:
        """The schema file of each event and enrichment, that of its highest major."""
        found: dict[tuple[PurePath, str], tuple[int, PurePath]] = {}
        for path in self.files:
            if path.parts[0] == AVRO and (match := _EVENT.fullmatch(path.name)):
                place, major = (path.parent, match["event"]), int(match["major"])
                found[place] = max(found.get(place, (0, path)), (major, path))
        return {place: path for place, (_, path) in found.items()}

    @cached_property
    def _schemas(self) -> dict[str, Schema]:
        return {}

    def book(self) -> tuple[Book | None, tuple[str, ...]]:
        """The rules, or the mistakes in them."""
        try:
            texts = {path.stem: text.decode() for path, text in sorted(self._rules().items())}
            return book(texts, self.schema), ()
        except toml.FileError as error:
            return None, tuple(str(error).splitlines())
        except UnicodeDecodeError:
            return None, ("a rule file is no UTF-8",)

    def listed(self) -> dict[str, Path]:
        """Every code of a rule, and its file, as far as the files can be read."""
        found: dict[str, Path] = {}
        for path, text in self._rules().items():
            found |= {code: Path(path) for code in _codes(text) or ()}
        return found

    def unread(self) -> set[Path]:
        """The rule files whose codes cannot be read."""
        return {Path(path) for path, text in self._rules().items() if _codes(text) is None}

    def _rules(self) -> Files:
        return {path: text for path, text in self.files.items() if path.parts[0] == RULES and path.suffix == ".toml"}

    def example(self, path: PurePath, match: re.Match[str]) -> dict[str, Any] | None:
        """An example as Avro decodes it; None when it is no record of its schema."""
        try:
            return decoded(json.loads(self.files[path]), self.schema(match["event"]))
        except (LookupError, ValueError):
            return None

    def examples(self) -> Iterator[tuple[PurePath, re.Match[str]]]:
        for path in self.files:
            if path.parts[0] == EXAMPLES and (match := _EXAMPLE.fullmatch(path.name)):
                yield path, match


def _codes(text: bytes) -> list[str] | None:
    try:
        return [str(entry["code"]) for entry in tomllib.loads(text.decode()).get("rule", [])]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def wanted(path: PurePath) -> bool:
    """Whether a file beside the schemas, by its path from their common folder, belongs to a tree."""
    suffixes = {RULES: ".toml", EXAMPLES: ".json", AVRO: ".avsc"}
    return path.suffix == suffixes.get(path.parts[0], "-")


def findings(where: Path, before: Files, now: Files) -> list[Checked]:
    """What is new in rules and examples. `where` is the folder that holds them, from the top of the repository."""
    if before == now:
        return []
    old, new = Tree(before), Tree(now)
    (old_book, old_mistakes), (book_, mistakes) = old.book(), new.book()
    found = [_invalid(where, new, text) for text in mistakes if text not in old_mistakes]
    there, unread = new.listed(), new.unread()
    gone = {code: file for code, file in sorted(old.listed().items()) if code not in there and file not in unread}
    found += [_removed(where / file, code) for code, file in gone.items()]
    if book_ is None:
        return found
    if old_book is not None:
        found += _changed(where, new, old_book.rules, book_.rules)
    told = {(each.file, each.code, each.path) for each in _judged(where, old, old_book)} if old_book else set()
    return found + [each for each in _judged(where, new, book_) if (each.file, each.code, each.path) not in told]


def _invalid(where: Path, tree: Tree, mistake: str) -> Checked:
    """`time.toml: <code> on <event>: …`, or `time.toml: rule[3] (<code>)…`"""
    file, colon, rest = mistake.partition(".toml: ")
    code = re.search(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", rest if colon else mistake)
    path = PurePath(RULES, f"{file}.toml") if colon else tree.listed().get(code[0] if code else "", Path(RULES))
    return Checked(where / path, "rule-invalid", BREAK, code[0] if code else "", f"{mistake}.")


def _removed(file: Path, code: str) -> Checked:
    text = (
        f"The rule {code} is gone. Dead letters and runbooks name it, and nobody can look up any more what it asked. A "
        "code is never renamed; put it back, or have its end accepted with a reason."
    )
    return Checked(file, "rule-removed", HAZARD, code, text)


def _changed(where: Path, tree: Tree, old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[Checked]:
    before = {rule.code: rule for rule in old}
    files = tree.listed()
    for rule in new:
        known = before.get(rule.code)
        if known is None:
            text = f"The rule {rule.code} is new on {', '.join(rule.events)}: {rule.words()}"
            yield Checked(where / files[rule.code], "rule-added", NOTE, rule.code, text)
        elif known.words() != rule.words():
            text = f"The rule {rule.code} asked: {known.words()} Now: {rule.words()} Give what is new another code."
            yield Checked(where / files[rule.code], "rule-re-meant", HAZARD, rule.code, text)


def _judged(where: Path, tree: Tree, rules: Book) -> Iterator[Checked]:
    """Examples that do not do what they are named for. What is no record of its schema is for the tests to tell."""
    codes = {rule.code for rule in rules.rules}
    read = [(path, match, example) for path, match in tree.examples() if (example := tree.example(path, match))]
    right = ((match["event"], example) for _, match, example in read if match["verdict"] == "pass")
    look_ups = rules.among(right)
    for path, match, example in read:
        names = dict.fromkeys((match["event"].removeprefix(ENRICHED), match["event"]))
        found = [each for name in names for each in rules.violations(name, example)]
        found += [each for name in names for each in rules.disagreements(name, example, look_ups)]
        broken = list(dict.fromkeys(each.code for each in found))
        if match["verdict"] == "pass":
            for code in broken:
                text = next(each.message for each in found if each.code == code)
                yield Checked(where / path, "example-breaks-rule", HAZARD, code, f"It breaks {code}: {text}")
        elif match["case"] in codes and broken != [match["case"]]:
            text = f"It shall break {match['case']}, and breaks {', '.join(broken) or 'no rule'}."
            yield Checked(where / path, "example-keeps-rule", HAZARD, match["case"], text)


def here(folder: Path) -> dict[PurePath, bytes]:
    """The files of a folder that belong to a tree, as they lie there."""
    paths = [path for part in (AVRO, EXAMPLES, RULES) for path in sorted((folder / part).rglob("*")) if path.is_file()]
    return {name: path.read_bytes() for path in paths if wanted(name := PurePath(path.relative_to(folder)))}
