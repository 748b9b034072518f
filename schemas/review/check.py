"""The review of a whole repository against the main line: what this branch changes, and nothing that was so before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from schemas.review import beside, lint, reality, ruled, sunsets, topics
from schemas.review.accepted import Acceptance
from schemas.review.avro import Type
from schemas.review.checked import Checked, Report
from schemas.review.consumers import NAME as CONSUMERS
from schemas.review.consumers import Consumer, external
from schemas.review.diff import explained
from schemas.review.files import BadSchema, Folder, read_json
from schemas.review.finding import BREAK, HAZARD, NOTE, ORDER, Code, Finding
from schemas.review.json_text import NotJson, loads
from schemas.review.levels import Failure, Level, Version, failures
from schemas.review.lint import Remark, remarks, twice
from schemas.review.mainline import SHORT, Mainline, Stored
from schemas.review.meaning import changes
from schemas.review.parse import parse
from schemas.review.reach import About, Reach
from schemas.review.reality import Changed, Look, Strand

CODES: dict[str, Code] = {
    "schema-removed": Code((BREAK,), "a schema of the main line is gone: nobody can say what its records hold"),
    "history-unreadable": Code((NOTE,), "an earlier version is no schema, so nothing was compared with it"),
    "acceptance-expired": Code((HAZARD,), "a finding was accepted until a day that has passed"),
    "acceptance-unused": Code((NOTE,), "an acceptance of a finding that is not there: remove it"),
    "sunset-moved": Code((BREAK,), "the last day of a superseded major was put off, and nobody said why"),
}
LOOKED_FOR = [[code] for code in reality.CODES]
"""Findings that are there only when somebody looked for them, so their acceptance may rest unused."""


def check(
    folder: Path,
    against: str,
    level: Level,
    accepted: Mapping[str, Acceptance],
    today: date,
    consumers: Iterable[Consumer] = (),
    look: Look = reality.nothing,
) -> Report:
    """Review the `.avsc` files of a folder, with the topics, rules and examples beside them, as they lie there, against
    the main line.

    What is unchanged since the merge base is not looked at; what was wrong on the main line already is not told again.
    Findings name those of the consumers, and of the `consumers.toml` beside the folder, that read what has changed.
    `look` tries the changed schemas on records. Raises `BadSchema`: no merge base, a file that cannot be read.
    """
    reach = Reach((*consumers, *external(folder.parent / CONSUMERS)))
    line = Mainline.of(folder, against)
    stored = line.versions(folder)
    contents = line.contents(each.blob for versions in stored.values() for each in versions)
    here = sorted(path.resolve().relative_to(line.top) for path in folder.rglob("*.avsc"))
    bases = {path: contents[versions[-1].blob] for path, versions in stored.items()}
    changed = [path for path in here if bases.get(path) != (line.top / path).read_bytes()]
    values = _values(line.top, changed)
    found: list[Checked] = []
    compared = 0
    for path in changed:
        history = list(_history(path, stored.get(path, []), contents))
        compared += sum(isinstance(each, Version) for each in history)
        found += _file(line.top, path, values[path], history, bases.get(path), level, reach)
    looked = look(line.top, [Changed(path, values[path], _json(bases.get(path, b""))) for path in changed])
    found += [_stranded(path, each, reach) for path, strands in looked.strands.items() for each in strands]
    found += _named_twice(line.top, here, bases) if changed else []
    found += [_reached(_removed(path), reach, None) for path in stored if path not in here]
    catalogue = (folder.parent / topics.NAME).resolve().relative_to(line.top)
    before, now = line.file(catalogue), _bytes(line.top / catalogue)
    if before != now:
        changed.append(catalogue)
        told = topics.findings(catalogue, before, now)
        found += [replace(each, reaches=tuple(reach.of_topic(each.events))) for each in told]
    found += _ruled(line, folder.resolve(), changed)
    found += _beside(line, folder)
    judged = _judged(found, accepted, today)
    return Report(line.base, line.top, tuple(changed), compared, judged, looked.told)


def _ruled(line: Mainline, folder: Path, changed: list[Path]) -> list[Checked]:
    """What is new in the rules and examples beside a folder of schemas; rule files that differ are noted as changed."""
    if folder.name != ruled.AVRO:
        return []
    parent = folder.parent
    where = parent.relative_to(line.top)
    before, now = line.files(parent, ruled.wanted), ruled.here(parent)
    changed += [where / path for path in now if path.parts[0] == ruled.RULES and before.get(path) != now[path]]
    return ruled.findings(where, before, now)


def _beside(line: Mainline, folder: Path) -> Iterator[Checked]:
    """Upgrade rules, sunsets and consumers as they lie there. That a day has passed is for the lint to say: no branch
    has done that."""
    for file, code, place, message in beside.found_in(folder, date.min):
        yield Checked(Path(file).resolve().relative_to(line.top), code, lint.CODES[code].severities[0], place, message)
    path = (folder.parent / sunsets.NAME).resolve().relative_to(line.top)
    before, now = line.file(path), _bytes(line.top / path)
    if before is not None and now is not None and before != now:
        for each in sunsets.moved(sunsets.parse(before, path.name), sunsets.parse(now, path.name)):
            text = f"{each.key} is read until {each.until} now. Add [[sunset.prolonged]]: which day it was, and why."
            yield Checked(path, "sunset-moved", BREAK, each.key, text)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _values(top: Path, paths: Sequence[Path]) -> dict[Path, Any]:
    values: dict[Path, Any] = {}
    unreadable: list[str] = []
    for path in paths:
        try:
            values[path] = read_json(top / path)
        except BadSchema as error:
            unreadable += error.mistakes
    if unreadable:
        raise BadSchema(*unreadable)
    return values


def _history(path: Path, stored: Sequence[Stored], contents: Mapping[str, bytes]) -> Iterator[Version | str]:
    """The versions of a file, the oldest first; the name alone of one that is no schema."""
    for each in stored:
        name = f"{path.name} of {each.commit[:SHORT]}"
        value = _json(contents[each.blob])
        parsed = parse(value) if value is not None else None
        yield Version(name, parsed.type) if parsed and not parsed.fatal else name


def _json(body: bytes) -> Any:
    try:
        return loads(body)
    except NotJson:
        return None


def _file(
    top: Path, path: Path, value: Any, history: Sequence[Version | str], base: bytes | None, level: Level, reach: Reach
) -> Iterator[Checked]:
    """Findings about one changed file."""
    folder = Folder.of(top / path, ())
    known = {(each.code, each.path) for each in remarks("", _json(base), folder)} if base else set()
    told = [each for each in remarks(str(path), value, folder) if (each.code, each.path) not in known]
    yield from (_remarked(path, each) for each in told)
    for each in history:
        if isinstance(each, str):
            yield Checked(path, "history-unreadable", NOTE, "", f"{each} is no schema; nothing was compared with it.")
    versions = [each for each in history if isinstance(each, Version)]
    parsed = parse(value, folder.find)
    if parsed.fatal or not versions:
        return
    for found in (
        *_conflicts(versions, Version(path.name, parsed.type), level),
        *changes(versions[-1].type, parsed.type),
    ):
        yield _reached(Checked(path, found.code, found.severity, found.path, found.message), reach, parsed.type)


def _reached(found: Checked, reach: Reach, root: Type | None) -> Checked:
    """The finding with the consumers that read what it is about."""
    about = About.file(found.file)
    hits = reach.of_finding(about, found.code, found.path, root) if about else ()
    return replace(found, reaches=tuple(hits))


def _stranded(path: Path, strand: Strand, reach: Reach) -> Checked:
    """Records that strand are lost to all that decode the event."""
    about = About.file(path)
    hits = reach.of_finding(about, strand.code, "", None) if about else ()
    return Checked(path, strand.code, strand.severity, strand.path, strand.message, reaches=tuple(hits))


def _conflicts(history: Sequence[Version], new: Version, level: Level) -> Iterator[Finding]:
    """Pairs that cannot read each other, once for each place, with the versions of which it is true."""
    known = {_place(each) for each in failures(level, history[:-1], history[-1])}
    places: dict[object, list[Failure]] = {}
    for each in failures(level, history, new):
        if _place(each) not in known:
            places.setdefault(_place(each)[1:], []).append(each)
    for same in places.values():
        first = explained(same[0])
        others = ", ".join(each.old for each in same[1:])
        yield replace(first, message=f"{first.message} So it is with {others}.") if others else first


def _place(failure: Failure) -> tuple[str, ...]:
    return failure.old, failure.direction, failure.conflict.rule, failure.conflict.path


def _named_twice(top: Path, here: Sequence[Path], bases: Mapping[Path, bytes]) -> Iterator[Checked]:
    before = {(each.file, each.path) for each in twice({path: _json(body) for path, body in bases.items()})}
    for each in twice({path: _json((top / path).read_bytes()) for path in here}):
        if (each.file, each.path) not in before:
            yield _remarked(Path(each.file), each)


def _remarked(path: Path, remark: Remark) -> Checked:
    return Checked(path, remark.code, remark.severity, remark.path, remark.message)


def _removed(path: Path) -> Checked:
    return Checked(
        path,
        "schema-removed",
        BREAK,
        "",
        f"{path.name} is gone. Its records are still in their topics, and in "
        "dead letters; nothing says any more how they are read.",
    )


def _judged(found: Sequence[Checked], accepted: Mapping[str, Acceptance], today: date) -> tuple[Checked, ...]:
    """Findings with who accepted them, the gravest first; and acceptances that have run out or accept nothing."""
    judged = [replace(each, accepted=accepted[each.id]) if _is_valid(accepted, each, today) else each for each in found]
    ids = {each.id for each in found}
    for each in accepted.values():
        stem, *rest = each.id.split("/")
        file = Path(f"{stem}.avsc")
        if each.id not in ids and rest[:1] not in LOOKED_FOR:
            text = f"{each.id} is accepted by {each.approver} and is not found; remove the acceptance."
            judged.append(Checked(file, "acceptance-unused", NOTE, each.id, text))
        elif each.id in ids and each.expiry < today:
            text = f"{each.id} was accepted by {each.approver} until {each.expiry}; mend it, or have it accepted again."
            judged.append(Checked(file, "acceptance-expired", HAZARD, each.id, text))
    return tuple(sorted(judged, key=lambda each: (ORDER.index(each.severity), each.file.as_posix())))


def _is_valid(accepted: Mapping[str, Acceptance], found: Checked, today: date) -> bool:
    return found.id in accepted and accepted[found.id].expiry >= today
