"""`psfabric schema impact`: whom a change of an event reaches. It touches no system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import exits, show
from cli.options import Format, Output
from cli.review import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.review.consumers import Consumer
    from schemas.review.reach import Hit, Reach

What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[EVENT [FIELD] | OLD.avsc NEW.avsc]",
        help="an event, one field of it by path, or a change between two files; everybody when nothing is given",
    ),
]
External = Annotated[
    Path | None,
    typer.Option("--consumers", metavar="FILE", help="consumers outside of this repository; schemas/consumers.toml"),
]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric schema impact time.TimeApproved worked_seconds")(impact)


def impact(what: What = None, consumers: External = None, output: Output = Format.TABLE) -> None:
    """Name who reads an event or a field, and who breaks by a change, also by way of processors that hand a value on.

    For OLD and NEW: exit 1 when something graver than a note reaches somebody.
    """
    from psfabric.reach import consumers as declared
    from schemas.review.consumers import FILE, external
    from schemas.review.reach import Reach

    if consumers is not None and not consumers.is_file():
        raise typer.BadParameter(f"there is no file {consumers}", param_hint="--consumers")
    reach = Reach((*declared(), *external(consumers or FILE)))
    match what or []:
        case []:
            _hits([hit for each in reach.consumers for event in each.reads for hit in _reading(each, event)], output)
        case [old, new] if old.endswith(".avsc") or new.endswith(".avsc"):
            _change(reach, Path(old), Path(new), output)
        case [event]:
            known(event)
            _hits([each for hit in reach.of_event(event) for each in _reading(hit.consumer, hit.event)], output)
        case [event, path]:
            known(event, path)
            _hits(reach.of_field(event, path), output)
        case more:
            raise typer.BadParameter(f"{len(more)} words are too many: EVENT, EVENT FIELD, or OLD.avsc NEW.avsc")


def _reading(consumer: Consumer, event: str) -> list[Hit]:
    """That it decodes an event, with every field of it that it reads."""
    from schemas.review.reach import Hit

    return [Hit(consumer, event, path) for path in consumer.reads[event] or ("",)]


def known(event: str, path: str = "") -> None:
    """Refuses what is no event, and no field of it, with the nearest ones."""
    from difflib import get_close_matches

    import schemas
    from schemas.review.parse import parse
    from schemas.review.reach import paths_of, plain_path

    try:
        paths = paths_of(parse(schemas.avro(event)).type)
    except schemas.UnknownEvent as error:
        raise typer.BadParameter(str(error), param_hint="EVENT") from None
    if path and plain_path(path) not in paths:
        near = get_close_matches(plain_path(path), paths, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise typer.BadParameter(f"{event} has no field {path!r}{hint}", param_hint="FIELD")


def _hits(found: Sequence[Hit], output: Format) -> None:
    if output is Format.JSON:
        show.as_json({"consumers": [each.as_dict() for each in found]})
        return
    if found:
        show.table(
            ("consumer", "kind", "event", "reads", "by way of", "owner", "contact"), [_row(each) for each in found]
        )
    names = {each.consumer.name for each in found}
    show.say(f"{len(names)} consumer{'' if len(names) == 1 else 's'}." if names else "Nobody declares to read it.")


def _row(hit: Hit) -> tuple[str, ...]:
    who = hit.consumer
    via = ", ".join(hit.via) or "-"
    return who.name, who.kind, hit.event, hit.field or "(the record)", via, who.owner or "-", who.contact or "-"


def _change(reach: Reach, old: Path, new: Path, output: Format) -> None:
    from schemas import review
    from schemas.review.finding import NOTE
    from schemas.review.reach import About

    before, after = review.read(old, not_in=(new,)).type, review.read(new, not_in=(old,)).type
    about = About.record(getattr(before, "name", "")) or About.file(old)
    diff = review.diff([review.Version(str(old), before)], review.Version(str(new), after), review.Level("FULL"))
    found = [(each, reach.of_finding(about, each.code, each.path, after) if about else []) for each in diff.findings]
    if output is Format.JSON:
        rows = [{**each.as_dict(), "consumers": [hit.as_dict() for hit in hits]} for each, hits in found]
        show.as_json({"event": about.event if about else None, "findings": rows})
    else:
        cells = [
            (each.severity.value, each.code, each.path or "-", hit.way, f"{hit.event} {hit.field}".strip())
            for each, hits in found
            for hit in hits
        ]
        if cells:
            show.table(("severity", "code", "path", "reaches", "where it is read"), cells)
        reached = [hit for _, hits in found for hit in hits]
        show.say(f"{counted([each.severity for each, _ in found])}; {_sentence(about, reached)}")
    if any(hits and each.severity is not NOTE for each, hits in found):
        raise typer.Exit(exits.FINDINGS)


def _sentence(about: object, hits: Sequence[Hit]) -> str:
    if about is None:
        return "the record is no event of the contract, so nobody declares to read it."
    names = dict.fromkeys(each.consumer.name for each in hits)
    return f"reaches {', '.join(names)}." if names else "nobody declares to read what has changed."
