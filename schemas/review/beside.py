"""Lint of what lies beside a folder of schemas: upgrade rules, sunsets of superseded majors, declared consumers.

`<folder>/../upgrades`, `../sunsets.toml` and `../consumers.toml`; where there is none of them and every event has one
major, nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

from schemas.contract import EventName
from schemas.majors import rule_file
from schemas.review import purity, sunsets
from schemas.review.consumers import NAME as CONSUMERS
from schemas.review.consumers import external, stale
from schemas.review.files import BUNDLED, BadSchema, Folder, read_json
from schemas.review.finding import BREAK, HAZARD, Code
from schemas.review.parse import parse
from schemas.review.reach import paths_of

CODES: dict[str, Code] = {
    "upgrade-missing": Code((BREAK,), "an event has a later major, and no rule takes records of this one there"),
    "upgrade-impure": Code((BREAK,), "an upgrade rule rests on more than the record: a replay would read it otherwise"),
    "upgrade-unshown": Code((HAZARD,), "an upgrade rule has no example of a record before and after it"),
    "upgrade-wrong": Code((BREAK,), "an upgrade rule makes something else of an example than it says"),
    "upgrade-stray": Code((HAZARD,), "an upgrade rule, or an example, of majors that are not there"),
    "sunset-missing": Code((BREAK,), "a superseded major without a last day: it would be carried for ever"),
    "sunset-passed": Code((BREAK,), "the last day of a superseded major is over: remove it, or say why not"),
    "sunset-stray": Code((HAZARD,), "a last day of a major that is not there, or is the current one"),
    "sunset-consumer-unknown": Code((HAZARD,), "who is said to read a superseded major is declared nowhere"),
    "consumer-stale": Code((HAZARD,), "a system is declared to read an event or field that is not there"),
}

_FILE = re.compile(r"(?P<event>[a-z]+\.[A-Z][A-Za-z]+)_v(?P<major>[1-9][0-9]*)")

Found = tuple[str, str, str, str]
"""File, code, place in it, what is wrong."""


def found_in(folder: Path, today: date, known: Collection[str] = ()) -> Iterator[Found]:
    """What is wrong beside a folder of schemas. `known`: names of adapters, which may be said to read an old major.

    Raises `BadSchema`: a file that is no TOML, or says something impossible.
    """
    majors = _majors(folder)
    yield from _rules(folder.parent / "upgrades", majors)
    yield from _sunsets(folder.parent / sunsets.NAME, majors, today, {*known, *_external(folder)})
    yield from _consumers(folder)
    if folder.resolve() == BUNDLED:
        yield from _examples()


def _majors(folder: Path) -> dict[str, list[EventName]]:
    """Event -> its majors, the lowest first."""
    found: dict[str, list[EventName]] = {}
    for path in folder.glob("*_v*.avsc"):
        if match := _FILE.fullmatch(path.stem):
            entity, _, name = match["event"].partition(".")
            found.setdefault(match["event"], []).append(EventName(entity, name, int(match["major"])))
    return {event: sorted(names, key=lambda each: each.major) for event, names in sorted(found.items())}


def _superseded(majors: dict[str, list[EventName]]) -> dict[str, EventName]:
    return {f"{event}_v{name.major}": name for event, names in majors.items() for name in names[:-1]}


def _rules(folder: Path, majors: dict[str, list[EventName]]) -> Iterator[Found]:
    there = {path.name: path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"}
    wanted: set[str] = set()
    for name in _superseded(majors).values():
        file = rule_file(name)
        wanted |= {file, rule_file(name, enrichment=True)}
        if file not in there:
            text = (
                f"{name.event} has a major {name.major + 1}. Write `upgrade(old)` in {folder.name}/{file}, so that "
                f"records of major {name.major} are read as it."
            )
            yield str(folder / file), "upgrade-missing", "", text
    for file, path in there.items():
        if file not in wanted:
            yield str(path), "upgrade-stray", "", f"{file}: no event has both of these majors; remove it."
            continue
        for place, text in purity.impurities(path):
            yield str(path), "upgrade-impure", place, f"{file}, {place}: {text}."
        if not list(folder.glob(f"{path.stem}.*.json")):
            text = f'{file} has no example. Put one beside it: {path.stem}.<case>.json with {{"old": …, "new": …}}.'
            yield str(path), "upgrade-unshown", "", text
    for path in sorted(folder.glob("*.json")):
        if f"{path.name.partition('.')[0]}.py" not in there:
            yield str(path), "upgrade-stray", "", f"{path.name}: there is no rule that it would be an example of."


def _sunsets(file: Path, majors: dict[str, list[EventName]], today: date, known: Collection[str]) -> Iterator[Found]:
    said, superseded = sunsets.read(file), _superseded(majors)
    for key, name in superseded.items():
        if key not in said:
            text = f"{name.event} v{name.major} is superseded. Say in {file.name} until when it is read, and by whom."
            yield str(file), "sunset-missing", key, text
    for key, sunset in said.items():
        if key not in superseded:
            text = f"{key} is no superseded major of these schemas; remove its entry."
            yield str(file), "sunset-stray", key, text
            continue
        if sunset.until < today:
            readers = f", still read by {', '.join(sunset.consumers)}" if sunset.consumers else ""
            text = f"{key} was to be read until {sunset.until}{readers}. Remove it, or prolong it with a reason."
            yield str(file), "sunset-passed", key, text
        for each in sunset.consumers:
            if known and each not in known:
                text = f"{key}: {each} is no adapter and not in {CONSUMERS}; declare it, so that its owner is told."
                yield str(file), "sunset-consumer-unknown", f"{key}/{each}", text


def _external(folder: Path) -> set[str]:
    return {each.name for each in external(folder.parent / CONSUMERS)}


def _consumers(folder: Path) -> Iterator[Found]:
    file = folder.parent / CONSUMERS
    declared = external(file)
    fields = _fields(folder) if declared else {}
    for each in declared:
        for event, path in stale(each, fields):
            what = f"{event} has no field {path}" if path else f"there is no event {event}"
            yield str(file), "consumer-stale", f"{each.name}/{event}/{path}".rstrip("/"), f"{each.name}: {what}."


def _fields(folder: Path) -> dict[str, frozenset[str]]:
    """Paths of each event of a folder, and of those that are enriched."""
    found: dict[str, frozenset[str]] = {}
    for names in _majors(folder).values():
        name = names[-1]
        paths = _paths(folder / f"{name.event}_v{name.major}.avsc")
        found[name.event] = paths
        added = folder / "enrichment" / f"{name.event}_v{name.major}.avsc"
        if added.is_file():
            inner = {f"enrichment.{path}" for path in _paths(added)} | {"enrichment"}
            found[f"enriched.{name.event}"] = frozenset(paths | inner)
    return found


def _paths(file: Path) -> frozenset[str]:
    parsed = parse(read_json(file), Folder.of(file, ()).find)
    return frozenset() if parsed.fatal else paths_of(parsed.type)


def _examples() -> Iterator[Found]:
    """Examples of the rules of this release, run."""
    from schemas.upgrade_examples import wrong

    try:
        yield from ((str(path), "upgrade-wrong", "", f"{path.name}: {why}.") for path, why in wrong())
    except ValueError as error:
        if isinstance(error, BadSchema):
            raise
        yield str(BUNDLED.parent / "upgrades"), "upgrade-wrong", "", f"{error}."
