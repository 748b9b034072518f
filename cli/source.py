"""`psfabric source`: the polled sources, how far each has been read, and setting that by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.options import DryRun, Format, Output, Reason, Yes

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.hosts.cursors import Standing

app = typer.Typer(no_args_is_help=True, help="Sources that are polled: who reads them, how far, and from where on.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="source of the pipeline files")]
Set = Annotated[str | None, typer.Option("--set", metavar="VALUE", help="read on from just after this cursor")]
Reset = Annotated[bool, typer.Option("--reset", help="forget the cursor: read what the source still has")]


@app.command("list", epilog="Example: psfabric source list")
def list_(output: Output = Format.TABLE) -> None:
    """List the polled sources with their cursors and readers."""
    from cli.installation import installation

    where = installation()
    _print(where, _polled(where), output)


@app.command(epilog='Example: psfabric source cursor salesforce-acme --reset --reason "position expired" --yes')
def cursor(
    name: Name,
    set: Set = None,
    reset: Reset = False,
    reason: Reason = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Show the cursor of a source; with --set or --reset move it. Whoever reads the source goes on there by itself.

    What was read before and is read again is recognised downstream. What lies between an old cursor and a later new
    one is not read at all.
    """
    from cli.installation import installation
    from replay.errors import nearest

    where = installation()
    if name not in _polled(where):
        raise nearest("polled source", name, _polled(where))
    if set is None and not reset:
        _print(where, [name], output)
        return
    if set == "" or (set is not None and reset):
        raise typer.BadParameter("say either --set VALUE or --reset", param_hint="--set")
    if not reason:
        raise typer.BadParameter("say why: it is kept in the audit trail", param_hint="--reason")
    before = _standings(where, [name])[name].cursor
    if dry_run:
        _moved(name, before, set, "would be", output)
        return
    show.agreed(f"Read {name} from {_named(set)} on, instead of {_named(before)}?", yes)
    _move(where, name, before, set, reason)
    _moved(name, before, set, "is", output)


def _move(where: Installation, name: str, before: str | None, after: str | None, reason: str) -> None:
    """The cursor and the row that says who moved it are one transaction."""
    from psfabric.hosts.cursors import move
    from replay.acts import DONE, Operator
    from replay.ledger import append

    row = Operator.of(where.kafka, reason).row(
        "source-cursor", DONE, {"source": name, "before": before, "after": after}
    )
    move(where.kafka, name, after, lambda writes: append(where.kafka, row, writes))


def _polled(where: Installation) -> list[str]:
    return [source.name for source in where.pipelines.polled()]


def _standings(where: Installation, names: list[str]) -> dict[str, Standing]:
    from psfabric.hosts.cursors import CURSORS, standings
    from psfabric.kafka import read_settled

    return standings(read_settled(where.kafka, CURSORS), names)


def _print(where: Installation, names: list[str], output: Format) -> None:
    rows = [_row(name, each) for name, each in _standings(where, names).items()]
    if output is Format.JSON:
        show.as_json({"sources": rows})
    elif rows:
        columns = ("source", "state", "cursor", "reader", "seen", "why")
        show.table(columns, [["-" if row[name] is None else row[name] for name in columns] for row in rows])
    else:
        show.say("No source is polled.")


def _row(name: str, found: Standing) -> dict[str, Any]:
    """`seen` is the reader's last sign of life; `state` is reads, stopped, or nobody."""
    reader = found.reader
    return {
        "source": name,
        "state": "nobody" if reader is None else reader.state,
        "cursor": found.cursor,
        "reader": None if reader is None else reader.who,
        "seen": None if reader is None else reader.at,
        "why": None if reader is None else reader.why or None,
    }


def _moved(name: str, before: str | None, after: str | None, how: str, output: Format) -> None:
    if output is Format.JSON:
        show.as_json({"source": name, "before": before, "after": after, "moved": how == "is"})
    else:
        show.say(f"{name} {how} read from {_named(after)} on; it was {_named(before)}.")


def _named(cursor: str | None) -> str:
    return "the beginning" if cursor is None else cursor
