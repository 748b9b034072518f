"""`psfabric dlq`: what failed and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import closer, show
from cli.options import Codes, Components, DryRun, Format, Keys, Limit, Output, Reveal, Since, Types, Until, Why

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.event import Record
    from replay import DeadLetter

app = typer.Typer(no_args_is_help=True, help="Dead letters: what failed, why, and what it is worth.")

All = Annotated[bool, typer.Option("--all", help="closed ones as well")]
Id = Annotated[str, typer.Argument(metavar="ID", help="<component>/<partition>/<offset>, as `dlq list` shows it")]
Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="<component>/<partition>/<offset>, as `dlq list` shows")
]


@app.command("list", epilog="Example: psfabric dlq list --component tryton-uk --since 2h")
def list_(
    component: Components = None,
    code: Codes = None,
    type: Types = None,
    key: Keys = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    all: All = False,
    output: Output = Format.TABLE,
) -> None:
    """List dead letters that are still open, the oldest first; one per event, however often it failed."""
    from cli.choosing import chosen, selection
    from cli.installation import installation

    wanted = selection(component, code, type, key, since, until, limit)
    letters = chosen(installation(), wanted, closed=all)
    if output is Format.JSON:
        show.as_json({"dead_letters": [as_dict(letter) for letter in letters]})
    elif letters:
        columns = ("id", "state", "code", "type", "key", "failed at", "times", "message")
        show.table(columns, map(_row, letters))
        show.say(f"{len(letters)} in all. One of them closer: psfabric dlq show {letters[0].id}")
    else:
        show.say("No dead letter fits." if wanted.described() else "No open dead letters.")


@app.command("show", epilog="Example: psfabric dlq show tryton-uk/2/17")
def show_(id: Id, reveal: Reveal = False, output: Output = Format.TABLE) -> None:
    """Show one dead letter: why it failed, what to do, its envelope and its content."""
    from cli.installation import installation

    where = installation()
    body = _closer(where, id, reveal)
    if output is Format.JSON:
        show.as_json(body)
    else:
        closer.printed(body)


@app.command(epilog='Example: psfabric dlq discard tryton-uk/2/17 --reason "test data of the vendor"')
def discard(id: Ids, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Close dead letters for good: they are not to be delivered, and what waits behind them goes on.

    The owner of the partition writes a receipt `Discarded`. The record stays readable (`dlq list --all`, `dlq show`).
    """
    from cli import waiting
    from cli.installation import installation
    from psfabric.engine.control import Act
    from replay import Asked, Operator, ask

    where = installation()
    found = [_found(where, each) for each in dict.fromkeys(id)]
    closed = _closed(where, (letter for _, letter in found))
    asked = [
        Asked(x.component, x.partition, x.key, x.origin, x.about, record.header("ce_type") or x.origin.topic)
        for record, x in found
        if x.id not in closed
    ]
    if asked and not dry_run:
        ask(where.kafka, Operator(reason), Act.DISCARD, asked)
    idle = waiting.idle_components(where, {each.component for each in asked})
    if output is Format.JSON:
        ids = [x.id for _, x in found if x.id not in closed]
        show.as_json({"act": "discard", "asked": not dry_run, "records": ids, "closed": closed, "idle": idle})
        return
    for each, state in closed.items():
        show.say(f"{each} is {state} already; nothing was asked for.")
    if asked:
        show.say(waiting.sentence("discard", len(asked), dry_run))
    waiting.tell_idle(idle)


@app.command(epilog="Example: psfabric dlq stats --output json")
def stats(
    component: Components = None,
    code: Codes = None,
    type: Types = None,
    key: Keys = None,
    since: Since = None,
    until: Until = None,
    output: Output = Format.TABLE,
) -> None:
    """Count open dead letters by cause, with the time and money they stand for."""
    from cli.choosing import chosen, selection
    from cli.installation import installation

    where = installation()
    letters = chosen(where, selection(component, code, type, key, since, until, None))
    causes, worth = _causes(letters), _worth(where, letters)
    if output is Format.JSON:
        show.as_json({"causes": causes, "worth": worth, "total": len(letters)})
    elif letters:
        show.table(list(causes[0]), [list(cause.values()) for cause in causes])
        show.table(list(worth[0]) if worth else ["worth"], [list(each.values()) for each in worth])
    else:
        show.say("No open dead letters.")


def as_dict(letter: DeadLetter) -> dict[str, Any]:
    from replay.selection import key_text

    return {
        "id": letter.id,
        "state": letter.state,
        "component": letter.component,
        "code": letter.code,
        "class": letter.error_class,
        "stage": letter.stage,
        "message": letter.message,
        "exception": letter.exception,
        "origin": letter.origin._asdict(),
        "about": letter.about,
        "type": letter.type,
        "aggregate_id": letter.aggregate_id,
        "key": key_text(letter.key),
        "first_failed_at": letter.first_failed_at,
        "last_failed_at": letter.last_failed_at,
        "failures": letter.failures,
        "value_hash": letter.value_hash,
    }


def _row(letter: DeadLetter) -> tuple[Any, ...]:
    from replay.selection import key_text

    at = letter.last_failed_at[:19]
    kind = letter.type or f"as received, {letter.origin.topic}"
    return letter.id, letter.state, letter.code, kind, key_text(letter.key), at, letter.failures, letter.message


def _found(where: Installation, id: str) -> tuple[Record, DeadLetter]:
    """The stored dead letter of an id, as it lies there. Raises NotThere when there is none."""
    from replay import NotThere
    from replay.deadletters import of_record
    from replay.reading import Place, fetch

    component, _, rest = id.partition("/")
    partition, _, offset = rest.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise NotThere(f"{id!r} is no dead letter id; it is <component>/<partition>/<offset>, as `dlq list` shows it")
    where.components([component])
    place = Place(f"dlq.{component}", int(partition), int(offset))
    if (place.topic, place.partition) not in where.admin.end_offsets([place.topic]):
        raise NotThere(f"{place.topic} has no partition {partition}")
    record = fetch(where.kafka, [place]).get(place)
    if record is None:
        raise NotThere(f"there is no dead letter {id}: it was never written, or retention has removed it")
    return record, of_record(record)


def _closer(where: Installation, id: str, reveal: bool) -> dict[str, Any]:
    """Everything about one dead letter."""
    import schemas
    from replay import dead_letters

    record, letter = _found(where, id)
    newest = next((x for x in dead_letters(where.kafka, [letter.component]) if x.subject == letter.subject), letter)
    code = schemas.codes().get(letter.code)
    state = newest.state if newest.id == letter.id else f"failed again as {newest.id}, {newest.state}"
    return {
        **as_dict(letter),
        "state": state,
        "failures": newest.failures,
        "meaning": code.meaning if code else "",
        "do": code.do if code else "",
        "headers": closer.headers(record, reveal),
        "payload": closer.payload(where, record, reveal),
    }


def _closed(where: Installation, letters: Iterable[DeadLetter]) -> dict[str, str]:
    """Of these, the ids that need nobody any more, and why."""
    from replay import dead_letters

    wanted = {letter.subject: letter.id for letter in letters}
    components = {subject.component for subject in wanted}
    states = {each.subject: each.state for each in dead_letters(where.kafka, components) if not each.open}
    return {id: states[subject] for subject, id in wanted.items() if subject in states}


def _causes(letters: Iterable[DeadLetter]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault((letter.component, letter.code, letter.exception), []).append(letter)
    return [
        {
            "component": component,
            "code": code,
            "exception": exception,
            "records": len(group),
            "oldest": min(letter.first_failed_at for letter in group),
            "newest": max(letter.last_failed_at for letter in group),
        }
        for (component, code, exception), group in sorted(groups.items())
    ]


def _worth(where: Installation, letters: Iterable[DeadLetter]) -> list[dict[str, Any]]:
    from replay import records_of, worth
    from replay.plan import value
    from replay.worth import total

    found = (worth(where.codec, record) for _, record in records_of(where.kafka, letters) if record is not None)
    return [value(each).model_dump() for each in total(each for each in found if each is not None)]
