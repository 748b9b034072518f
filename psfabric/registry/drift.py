"""Where the registry differs from this release and its main line: what is missing, what nobody reviewed.

Registries write schemas down in a form of their own, and Apicurio does not take a change of `doc` or `aliases` alone
(it answers with the id of the old text). That changes no byte and is no difference; it is counted and said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import schemas
from psfabric.registry.content import content, derived
from psfabric.registry.planning import LEVEL, wanted
from psfabric.registry.subjects import RegistryRefuses, Subjects, Version

OURS = "psf."
"""What the subjects of the fabric begin with."""

KINDS: dict[str, str] = {
    "subject-missing": "the registry has no such subject",
    "schema-missing": "the subject has other versions, not the one of the repository",
    "schema-differs": "the registry takes a version for ours, and it says something else",
    "version-unknown": "a version that no commit of the main line had",
    "version-unreadable": "a version that is no Avro record: nothing can be registered beside it",
    "level-differs": "the compatibility level is another, so the registry takes what breaks readers",
    "subject-unknown": f"a subject {OURS}* that no schema of the repository has",
}
"""Every kind of difference. A kind is never renamed once used."""

Schemas = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class History:
    """What the main line had: for each canonical event its schemas, and its enrichments; this release's may lack."""

    canonical: Mapping[str, Schemas]
    enrichments: Mapping[str, Schemas]


@dataclass(frozen=True)
class Difference:
    """`version` is the number of the version in the registry, None where it is about none."""

    kind: str
    subject: str
    version: int | None
    message: str


@dataclass(frozen=True)
class Drift:
    """`subjects` is how many were compared; `reworded` counts schemas that the registry keeps with other docs or
    aliases, `rewritten` those that it keeps in a form of its own. `judged`: whether unknown versions were looked for.
    """

    differences: tuple[Difference, ...]
    subjects: int
    reworded: int
    rewritten: int
    judged: bool


def drift(registry: Subjects, history: History | None) -> Drift:
    """Compare. Without a history it cannot be said which versions nobody reviewed. Raises Transient."""
    known = {schemas.name_of(event).subject: event for event in schemas.events()}
    found: list[Difference] = []
    reworded = rewritten = 0
    for subject, event in known.items():
        there, texts = wanted(registry, event)
        judged = _Judged(registry, subject, there)
        if there:
            found += judged.missing(texts)
            found += judged.others(None if history is None else _contents(registry, event, history))
            found += judged.level()
        else:
            found.append(_difference("subject-missing", subject))
        reworded, rewritten = reworded + judged.reworded, rewritten + judged.rewritten
    others = [
        name for name in registry.names() if name.startswith(OURS) and not (name in known or schemas.superseded(name))
    ]
    found += [_difference("subject-unknown", name) for name in others]
    return Drift(tuple(found), len(known), reworded, rewritten, history is not None)


class _Judged:
    """One subject that is compared."""

    def __init__(self, registry: Subjects, subject: str, there: Sequence[Version]) -> None:
        self._registry, self._subject, self._there = registry, subject, there
        self.reworded = self.rewritten = 0

    def missing(self, texts: Sequence[str]) -> Iterator[Difference]:
        """What is to be registered and is not, or not so."""
        by_number = {version.number: version for version in self._there}
        for text in texts:
            try:
                number = self._registry.find(self._subject, text)
            except RegistryRefuses as error:
                yield _difference("schema-missing", self._subject, None, str(error))
                continue
            if number is None:
                what = "this release" if text == texts[-1] else "an earlier schema or enrichment, combined"
                yield _difference("schema-missing", self._subject, None, f"that of {what}")
            elif number in by_number:
                yield from self._same(by_number[number], text)

    def _same(self, version: Version, text: str) -> Iterator[Difference]:
        """Whether what the registry takes for ours is ours."""
        ours = json.loads(text)
        if content(version.schema) != content(ours):
            yield _difference("schema-differs", self._subject, version.number)
        elif content(version.schema, words=True) != content(ours, words=True):
            self.reworded += 1
        elif version.text != text:
            self.rewritten += 1

    def others(self, known: frozenset[str] | None) -> Iterator[Difference]:
        """What is there and should not be. `known`: contents that the main line had; None where nobody can say."""
        for version in self._there:
            if version.schema is None:
                yield _difference("version-unreadable", self._subject, version.number)
            elif known is not None and content(version.schema) not in known:
                yield _difference("version-unknown", self._subject, version.number)

    def level(self) -> Iterator[Difference]:
        level = self._registry.level(self._subject)
        if level != LEVEL:
            told = f"{level or 'none of its own'} instead of {LEVEL}"
            yield _difference("level-differs", self._subject, None, told)


def _contents(registry: Subjects, event: str, history: History) -> frozenset[str]:
    """What the main line had for a subject. Of enriched events every combination, also with canonical schemas that the
    registry alone has: those are told of where they stand."""
    canonical = event.removeprefix(schemas.ENRICHED)
    writers = [*history.canonical.get(canonical, ()), schemas.avro(canonical)]
    if canonical == event:
        return frozenset(map(content, writers))
    writers += [v.schema for v in registry.versions(schemas.name_of(canonical).subject) if v.schema is not None]
    enrichments = [*history.enrichments.get(canonical, ()), schemas.enrichment(event)]
    pairs = product({content(each): each for each in writers}.values(), enrichments)
    return frozenset(content(json.loads(derived(writer, event, each))) for writer, each in pairs)


def _difference(kind: str, subject: str, version: int | None = None, more: str = "") -> Difference:
    return Difference(kind, subject, version, f"{KINDS[kind]}{f' ({more})' if more else ''}")
