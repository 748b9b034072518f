"""`psfabric dlq`: what failed and why."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import exchange, show
from cli.filters import Filters, filtered
from cli.options import DryRun, Format, Output, Reveal, Topic, Why, Yes

app = typer.Typer(no_args_is_help=True, help="Dead letters: what failed, why, and what it is worth.")
exchange.register(app)

All = Annotated[bool, typer.Option("--all", help="closed ones as well")]
By = Annotated[
    list[str] | None,
    typer.Option("--by", help="count by cause, component, client, entity, period or currency; may be repeated"),
]
Id = Annotated[
    str, typer.Argument(metavar="ID", help="<component or topic>/<partition>/<offset>, as `dlq list` shows it")
]
Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="<component>/<partition>/<offset>, as `dlq list` shows")
]
Sets = Annotated[list[str], typer.Option("--set", metavar="PATH=VALUE", help="a field and its value; may be repeated")]
COLUMNS = ("id", "state", "code", "type", "key", "failed at", "times", "message")


@app.command("list", epilog="Example: psfabric dlq list --component tryton-uk --since 2h")
@filtered
def list_(filters: Filters, topic: Topic = None, all: All = False, output: Output = Format.TABLE) -> None:
    """List dead letters that are still open, the oldest first; one per event, however often it failed.

    Of a topic (--topic) all are listed, since nobody keeps a state of them: by partition and offset, or with --limit
    the oldest by timestamp.
    """
    from cli import foreign, letters
    from cli.choosing import catalogued, unsettled
    from cli.installation import installation

    asked = filters.selection()
    if topic is not None:
        foreign.list_(installation(), topic, asked, output)
        return
    wanted = asked if all else unsettled(asked)
    with catalogued(installation(), wanted) as catalogue:
        found = catalogue.letters(wanted)
        if output is Format.JSON:
            show.as_json_list("dead_letters", map(letters.as_dict, found))
            return
        first = next(found, None)
        if first is None:
            show.say("No dead letter fits." if asked.described() else "No open dead letters.")
            return
        count = show.long_table(COLUMNS, letters.rows(first, found))
    show.say(f"{count} in all. One of them closer: psfabric dlq show {first.id}")


@app.command("show", epilog="Example: psfabric dlq show tryton-uk/2/17")
def show_(id: Id, topic: Topic = None, reveal: Reveal = False, output: Output = Format.TABLE) -> None:
    """Show one dead letter: why it failed, what to do, where it stands, its history, its envelope and its content."""
    from cli import closer, foreign, letters
    from cli.installation import installation

    where = installation()
    closer.permitted(where, reveal)
    place = foreign.place_of(where, id, topic)
    if place is not None:
        foreign.show_(where, place, reveal, output)
        return
    body = letters.closer(where, id, reveal)
    if output is Format.JSON:
        show.as_json(body)
    else:
        closer.printed(body)


@app.command(epilog='Example: psfabric dlq discard tryton-uk/2/17 --reason "test data of the vendor"')
def discard(id: Ids, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Close dead letters for good: they are not to be delivered, and what waits behind them goes on.

    The owner of the partition writes a receipt `Discarded`. The record stays readable (`dlq list --all`, `dlq show`).
    """
    from cli import letters, waiting
    from cli.installation import installation
    from psfabric.engine.control import Act
    from replay import Asked, Operator, ask

    where = installation()
    found = [letters.stored(where, each) for each in dict.fromkeys(id)]
    closed = letters.closed(where, [letter for _, letter in found])
    asked = [
        Asked(x.component, x.partition, x.key, x.origin, x.about, record.header("ce_type") or x.origin.topic, x.place)
        for record, x in found
        if x.id not in closed
    ]
    if asked and not dry_run:
        ask(where.kafka, Operator.of(where.kafka, reason), Act.DISCARD, asked)
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


@app.command(epilog='Example: psfabric dlq amend tryton-uk/2/17 --set worked_seconds=27000 --reason "typed 75 h"')
def amend(
    id: Id,
    reason: Why,
    set: Sets,
    yes: Yes = False,
    dry_run: DryRun = False,
    reveal: Reveal = False,
    output: Output = Format.TABLE,
) -> None:
    """Mend fields of a dead letter that is an event: it is closed, and the same business object goes in its place.

    A path names a field: amount.currency, lines[0].amount.amount, extensions.jira.issue_type; null empties what may be
    empty. Nothing that identity, order or routing rests on can be amended. What came later of the key waits behind it.
    """
    from cli import amending
    from cli.installation import installation

    amending.amend(installation(), id, set, reason, output, yes=yes, dry_run=dry_run, reveal=reveal)


@app.command(epilog="Example: psfabric dlq stats --by client --by period --output json")
@filtered
def stats(
    filters: Filters, topic: Topic = None, by: By = None, all: All = False, output: Output = Format.TABLE
) -> None:
    """Count open dead letters by cause, with the time and money they stand for; of a topic by dialect and cause."""
    from cli import counted, foreign
    from cli.choosing import catalogued, unsettled
    from cli.installation import installation

    wanted, columns = filters.selection(), counted.columns(by or [])
    if wanted.limit is not None:
        raise typer.BadParameter("stats counts all that fit", param_hint="--limit")
    if topic is not None:
        if columns:
            raise typer.BadParameter("goes not with --topic, which is counted by dialect and cause", param_hint="--by")
        foreign.stats(installation(), topic, wanted, output)
        return
    wanted = wanted if all else unsettled(wanted)
    with catalogued(installation(), wanted, worth=True) as catalogue:
        causes, (total,) = catalogue.groups(wanted, ["cause"]), catalogue.groups(wanted, [])
        groups = catalogue.groups(wanted, columns) if columns else None
    if output is Format.JSON:
        show.as_json(counted.as_dict(causes, groups, total, catalogue.away))
    elif causes:
        counted.printed(groups or causes, total)
    else:
        show.say("No open dead letters.")
