"""What `psfabric schema register` would do, and does: every schema that a record of this release may be written with.

A canonical event has one: that of the release. An enriched one has a schema for each writer's schema of its canonical
part and each enrichment (docs/adr/0009). Which writers there can be, the registry knows: a record names the schema it
was written with by an id, and only what was registered has one. So the combinations are those of every registered
version of the canonical event with every registered version of the enrichment, and with those of this release: while
old and new processes run beside each other, each meets the records of both. What git has and nobody ever registered
wrote no record.

Schemas are self-contained: none refers to another subject, so there are no references to register.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import schemas
from psfabric.errors import Transient, Unavailable
from psfabric.registry.client import Registry
from psfabric.registry.content import content, derived
from psfabric.registry.subjects import RegistryRefuses, Subjects, Version
from schemas import review
from schemas.contract import stated

LEVEL = "FULL_TRANSITIVE"
"""The compatibility level of every subject of ours (DESIGN section 3)."""


@dataclass(frozen=True)
class Subject:
    """What one event's subject lacks. `newest` is the number of its last version, 0 when there is none; `level` that
    which it has now, None for none of its own. `missing` are texts to register, that of this release last; `conflicts`
    say why the registry would refuse them."""

    event: str
    name: str
    newest: int
    level: str | None
    missing: tuple[str, ...]
    conflicts: tuple[str, ...]

    @property
    def change(self) -> str:
        """`new`, `new version`, `unchanged`."""
        return ("new version" if self.newest else "new") if self.missing else "unchanged"

    @property
    def steps(self) -> int:
        return len(self.missing) + (self.level != LEVEL)


@dataclass(frozen=True)
class Plan:
    subjects: tuple[Subject, ...]

    @property
    def steps(self) -> int:
        """Requests that change something."""
        return sum(each.steps for each in self.subjects)

    @property
    def conflicts(self) -> tuple[str, ...]:
        return tuple(text for each in self.subjects for text in each.conflicts)


def make_plan(registry: Subjects) -> Plan:
    """Compare the registry with this release. Raises Transient, RegistryRefuses."""
    return Plan(tuple(_subject(registry, event) for event in schemas.events()))


def wanted(registry: Subjects, event: str) -> tuple[list[Version], list[str]]:
    """The versions that the subject of an event has, and the texts that it shall have, that of this release last."""
    there = registry.versions(schemas.name_of(event).subject)
    if not event.startswith(schemas.ENRICHED):
        return there, [schemas.avro_text(event)]
    enrichments = list(_enrichments(there, schemas.enrichment(event)))
    texts = [
        derived(writer, event, enrichment)
        for writer, enrichment in product(_writers(registry, event.removeprefix(schemas.ENRICHED)), enrichments)
    ]
    return there, list(dict.fromkeys([*texts[:-1], schemas.avro_text(event)]))


def _writers(registry: Subjects, event: str) -> list[dict[str, Any]]:
    """Schemas with which a canonical event may have been written, that of this release last."""
    subject = schemas.name_of(event).subject
    there = registry.versions(subject)
    try:
        ours = registry.find(subject, schemas.avro_text(event)) if there else None
    except RegistryRefuses:  # of a subject that is blocked, which is told of where it stands
        ours = None
    return [*(v.schema for v in there if v.schema is not None and v.number != ours), schemas.avro(event)]


def _enrichments(there: Sequence[Version], ours: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What releases that registered the event appended to it, `ours` last."""
    seen = {content(ours, words=True)}
    for version in there:
        last = (version.schema or {}).get("fields", [None])[-1]
        found = stated(last.get("type"), "psf.enriched") if isinstance(last, dict) else None
        if isinstance(found, dict) and (last["name"], found["type"]) == ("enrichment", "record"):
            text = content(found, words=True)
            if text not in seen:
                seen.add(text)
                yield found
    yield ours


def _subject(registry: Subjects, event: str) -> Subject:
    name = schemas.name_of(event).subject
    there, texts = wanted(registry, event)
    missing, conflicts = [], []
    for text in texts:
        try:
            found = registry.find(name, text) if there else None
        except RegistryRefuses as error:
            conflicts.append(str(error))
            continue
        if found is None:
            missing.append(text)
    conflicts += _conflicts(name, there, missing)
    newest = there[-1].number if there else 0
    return Subject(event, name, newest, registry.level(name), tuple(missing), tuple(dict.fromkeys(conflicts)))


def _conflicts(subject: str, there: Sequence[Version], missing: list[str]) -> Iterator[str]:
    """Pairs that could not read each other, found here so that nothing is begun that the registry would refuse."""
    history: list[review.Version] = []
    for version in there:
        if version.schema is None:
            yield (
                f"version {version.number} of {subject} is no Avro record, and nothing can be registered beside it: "
                "have it deleted in the registry"
            )
            continue
        history.append(review.Version(f"version {version.number}", review.parse(version.schema).type))
    for number, text in enumerate(missing, (there[-1].number if there else 0) + 1):
        new = review.Version(f"version {number}", review.parse(json.loads(text)).type)
        for found in review.failures(review.Level(LEVEL), history, new):
            backward = found.direction is review.Direction.BACKWARD
            reader, writer = (new.name, found.old) if backward else (found.old, new.name)
            where = f"`{found.conflict.path}`" if found.conflict.path else "the whole"
            yield f"{subject}: {reader} could not read what {writer} writes: {where}: {found.conflict.why}"
        history.append(new)


@dataclass(frozen=True)
class Done:
    """What was done of a plan: how many steps; what the registry refused; why it was not done to its end, or ""."""

    steps: int
    refused: tuple[str, ...]
    broken_off: str


def carry_out(registry: Subjects, plan: Plan, tell: Callable[[str], None] = lambda sentence: None) -> Done:
    """Do what a plan says: of each subject first its level, then its schemas. What one subject is refused holds up no
    other; what is done stays done, so that a plan made again has the rest. `tell` is given a line of progress."""
    steps, refused = 0, list[str]()
    for subject in plan.subjects:
        try:
            for step in _steps(registry, subject):
                tell(f"{steps} of {plan.steps} done: {subject.name}")
                step()
                steps += 1
        except RegistryRefuses as error:
            refused.append(str(error))
        except Transient as error:
            return Done(steps, tuple(refused), f"{error.why}")
    return Done(steps, tuple(refused), "")


def _steps(registry: Subjects, subject: Subject) -> Iterator[Callable[[], object]]:
    if subject.level != LEVEL:
        yield partial(registry.set_level, subject.name, LEVEL)
    for number, text in enumerate(subject.missing, subject.newest + 1):
        yield partial(registry.add, subject.name, text, number)


def register_all(registry: Registry) -> dict[str, int]:
    """Register all that is missing, without a question; the id of each event's schema of this release.

    Raises Transient when it was broken off, Unavailable for what the registry refuses."""
    plan = make_plan(registry.subjects)
    done = carry_out(registry.subjects, plan)
    if done.broken_off:
        raise Transient(done.broken_off)
    if done.refused:
        raise Unavailable("; ".join(done.refused))
    return {event: registry.id_of(event) for event in schemas.events()}
