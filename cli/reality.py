"""`--against-topic` and `--against-dlq` of `psfabric schema diff` and `check`: the change tried on what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show

if TYPE_CHECKING:
    from psfabric.trial import Proposal
    from replay.stranding import Tally
    from schemas.review.parse import Definition
    from schemas.review.reality import Changed, Looked, Strand

Topics = Annotated[
    list[str] | None,
    typer.Option("--against-topic", metavar="TOPIC", help="try the change on the records of it; may be repeated"),
]
DeadLetters = Annotated[bool, typer.Option("--against-dlq", help="try the change on unresolved dead letters")]
Components = Annotated[
    list[str] | None, typer.Option("--component", help="only the dead letters of this one; may be repeated")
]
Most = Annotated[
    int, typer.Option("--sample", metavar="N", min=1, help="try at most N of each topic and component, spread evenly")
]
MOST = 10_000

Find = Callable[[str], "Definition | None"]


@dataclass
class Asked:
    """What shall be tried. After a look `away` says why it ended early; "" when it did not."""

    topics: Sequence[str]
    dead_letters: bool
    components: Sequence[str]
    most: int
    tallies: list[Tally] = field(default_factory=list)
    away: str = ""
    untried: list[str] = field(default_factory=list)
    """Files that were not tried, because nothing here can read with them."""

    @classmethod
    def of(cls, topics: list[str] | None, dead_letters: bool, components: list[str] | None, most: int) -> Asked:
        if components and not dead_letters:
            raise typer.BadParameter("goes with --against-dlq only", param_hint="--component")
        return cls(list(dict.fromkeys(topics or ())), dead_letters, list(dict.fromkeys(components or ())), most)

    @property
    def anything(self) -> bool:
        return bool(self.topics) or self.dead_letters

    def look(self, proposals: Sequence[Proposal]) -> None:
        """Try them. Raises NotThere for a topic or component that is none; what is away is told by `away`."""
        from psfabric.errors import Transient, Unavailable
        from psfabric.trial import readable

        can = [(each, readable(each.schema)) for each in proposals]
        self.untried = [each.label for each, is_readable in can if not is_readable]
        tried = [each for each, is_readable in can if is_readable]
        if not (self.anything and tried):
            return
        try:
            self.tallies.extend(self._tallies(tried))
        except (Unavailable, Transient) as error:
            self.away = str(error)
        show.progress_done()

    def _tallies(self, proposals: Sequence[Proposal]) -> Iterator[Tally]:
        from cli.installation import ANSWER_WITHIN, installation, parts
        from psfabric.trial import Trial
        from replay.stranding import in_dead_letters, in_topic

        where = parts()
        where.admin.wait(time.monotonic() + ANSWER_WITHIN)
        components = installation().components(self.components) if self.dead_letters else ()
        trial = Trial(where.registry, proposals)
        for topic in self.topics:
            yield in_topic(where.kafka, topic, trial, self.most, show.progress)
        yield from in_dead_letters(where.kafka, components, trial, self.most, show.progress)

    def strands(self, label: str) -> list[Strand]:
        """What would strand by one proposal."""
        from schemas.review.reality import Strand

        return [
            Strand(
                "dead-letters-strand" if each.dead_letters else "records-strand",
                each.where,
                each.stranded[label],
                each.tried,
                each.whole,
                tuple(each.samples[label]),
            )
            for each in self.tallies
            if each.stranded[label]
        ]

    def told(self) -> tuple[str, ...]:
        """A sentence for each place that was tried, and for what was not."""
        if not self.anything:
            return ()
        untried = [f"{each} was not tried on records: nothing here can read with it." for each in self.untried]
        untried += [f"Not all was tried on records: {self.away}."] if self.away else []
        return (*(_sentence(each) for each in self.tallies if each.kept or not each.dead_letters), *untried)

    def as_dict(self) -> dict[str, Any]:
        return {"tried": [_as_dict(each) for each in self.tallies], "away": self.away or None}


def _sentence(tally: Tally) -> str:
    from psfabric.trial import VERDICTS

    what = f"Unresolved dead letters of {tally.where}" if tally.dead_letters else f"Records of {tally.where}"
    how = f"all {tally.tried}" if tally.whole else f"a sample of {tally.tried}, evenly out of {tally.kept},"
    found = [(tally.verdicts[verdict], text) for verdict, text in VERDICTS.items()]
    counts = ", ".join(f"{count} {text}" for count, text in found if count)
    return f"{what}: {how} tried: {counts}." if tally.tried else f"{what}: there are none."


def _as_dict(tally: Tally) -> dict[str, Any]:
    from psfabric.trial import Verdict

    return {
        "where": tally.where,
        "dead_letters": tally.dead_letters,
        "kept": tally.kept,
        "tried": tally.tried,
        "sampled": not tally.whole,
        **{verdict.replace(" ", "_"): tally.verdicts[verdict] for verdict in Verdict},
        "samples": [
            {"place": sample.place, "cause": sample.cause} for found in tally.samples.values() for sample in found
        ],
    }


# ------------------------------------------------------------------------------------------------ proposals


def of_files(old: Path, new: Path) -> list[Proposal]:
    """A changed file, and what the enrichment beside it, or of this release, makes of it."""
    from schemas.review.files import Folder, read_json

    changed = _Versions(read_json(new), read_json(old))
    find = Folder.of(new, (old,)).find
    enrichment = _Versions(*[_enrichment(new, changed.now)] * 2)
    return list(_proposals(str(new), changed, enrichment, find))


def look_of(asked: Asked) -> Callable[[Path, Sequence[Changed]], Looked]:
    """For `schema check`: tries the changed files of a branch."""
    from schemas.review.reality import Looked

    def look(top: Path, changed: Sequence[Changed]) -> Looked:
        asked.look(list(_of_branch(top, changed)))
        found = {each.path: asked.strands(each.path.as_posix()) for each in changed}
        return Looked(found, asked.told())

    return look


@dataclass(frozen=True)
class _Versions:
    """JSON of a schema as it shall be, and as it is; None where there is none."""

    now: Any
    base: Any


def _of_branch(top: Path, changed: Sequence[Changed]) -> Iterator[Proposal]:
    """Each changed file, and each enriched event of which a part is changed, once."""
    from schemas.review.files import Folder

    by_path: Mapping[Path, Changed] = {each.path: each for each in changed}
    for each in changed:
        find = Folder.of(top / each.path, ()).find
        own = _Versions(_sound(each.value, find), _sound(each.base, find))
        if each.path.parent.name == "enrichment":
            canonical = each.path.parent.parent / each.path.name
            if canonical not in by_path:
                yield from _enriched(each.path.as_posix(), _unchanged(top / canonical), own, find)
        else:
            path = each.path.parent / "enrichment" / each.path.name
            there = by_path.get(path)
            enrichment = _Versions(_sound(there.value, find), there.base) if there else _unchanged(top / path)
            yield from _proposals(each.path.as_posix(), own, enrichment, find)


def _sound(schema: Any, find: Find) -> Any:
    """None for what is no Avro: of that the review tells."""
    from schemas.review import parse

    return None if schema is None or parse(schema, find).fatal else schema


def _unchanged(path: Path) -> _Versions:
    from schemas.review.files import read_json

    return _Versions(*[read_json(path) if path.is_file() else None] * 2)


def _enrichment(new: Path, schema: Any) -> Any:
    import schemas
    from schemas.review.files import read_json
    from schemas.review.reach import About

    beside = new.parent / "enrichment" / new.name
    if beside.is_file():
        return read_json(beside)
    about = About.record(_name(schema))
    try:
        return schemas.enrichment(about.event) if about and not about.inside else None
    except schemas.UnknownEvent:
        return None


def _proposals(label: str, own: _Versions, enrichment: _Versions, find: Find) -> Iterator[Proposal]:
    from psfabric.registry.content import completed, is_record
    from psfabric.trial import Proposal

    if is_record(own.now):
        names = frozenset(filter(None, (_name(own.now), _name(own.base), *_aliases(own.now))))
        today = completed(own.base, find) if is_record(own.base) else None
        yield Proposal(label, names, completed(own.now, find), today)
        yield from _enriched(label, own, enrichment, find)


def _enriched(label: str, canonical: _Versions, enrichment: _Versions, find: Find) -> Iterator[Proposal]:
    from psfabric.trial import Proposal

    now = _joined(canonical.now, enrichment.now, find)
    if now is not None:
        yield Proposal(label, frozenset({_name(now)}), now, _joined(canonical.base, enrichment.base, find))


def _joined(canonical: Any, enrichment: Any, find: Find) -> Any:
    import schemas
    from psfabric.registry.content import completed, is_record

    if not (is_record(canonical) and is_record(enrichment)):
        return None
    joined = schemas.enriched({"doc": "", **canonical}, {"doc": "", **enrichment})
    return completed(joined, find)


def _name(schema: Any) -> str:
    from schemas.review.definitions import full_name

    return full_name(schema, "") if isinstance(schema, dict) else ""


def _aliases(schema: dict[str, Any]) -> Iterable[str]:
    space = _name(schema).rpartition(".")[0]
    return (each if "." in each or not space else f"{space}.{each}" for each in schema.get("aliases", ()))
