"""`psfabric hold`: what waits, and for what; and letting it go, or giving it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show, waiting
from cli.options import Components, DryRun, Format, Keys, Output, Reveal, Why, Yes
from cli.waiting import Id

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.engine.control import Act
    from replay import HeldRecord

app = typer.Typer(no_args_is_help=True, help="Hold: records that wait for something and go on by themselves.")

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="as `hold list` shows them; or choose by options")
]
For = Annotated[
    list[str] | None,
    typer.Option(
        "--until", help="only what waits for this: parent, period, parent:project:PRJ-1001 …; may be repeated"
    ),
]


@app.command("list", epilog="Example: psfabric hold list --component price-time")
def list_(component: Components = None, key: Keys = None, until: For = None, output: Output = Format.TABLE) -> None:
    """List what waits, the longest waiting first."""
    from cli.installation import installation

    found = _chosen(installation(), component, key, until)
    if output is Format.JSON:
        show.as_json({"held": [waiting.as_dict(each) for each in found]})
    elif found:
        waiting.table(found)
        show.say(f"{len(found)} in all. One of them closer: psfabric hold show {found[0].id}")
    else:
        show.say("Nothing that waits fits." if component or key or until else "Nothing waits.")


@app.command("show", epilog="Example: psfabric hold show price-time/psf.time/0/19")
def show_(id: Id, reveal: Reveal = False, output: Output = Format.TABLE) -> None:
    """Show one waiting record: for what, since when, its envelope and its content."""
    from cli import closer
    from cli.installation import installation

    where = installation()
    closer.permitted(where, reveal)
    (each,) = waiting.find(where, [id])
    body: dict[str, Any] = {
        **waiting.as_dict(each),
        "headers": closer.headers(each.record, reveal),
        "payload": closer.payload(where, each.record, reveal),
    }
    if output is Format.JSON:
        show.as_json(body)
    else:
        closer.printed(body)


@app.command(epilog='Example: psfabric hold release tryton-uk/deliver.tryton-uk/0/25 --reason "period is open again"')
def release(
    reason: Why,
    id: Ids = None,
    component: Components = None,
    key: Keys = None,
    until: For = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Let records go on now, whatever they wait for and whatever waits before them.

    One whose cause is still there comes back to hold. Chosen by options instead of ids, it asks first.
    """
    from psfabric.engine.control import Act

    _act(Act.RELEASE, "Release", reason, id, component, key, until, yes, dry_run, output)


@app.command(epilog='Example: psfabric hold bury tryton-uk/deliver.tryton-uk/0/25 --reason "the client withdrew it"')
def bury(
    reason: Why,
    id: Ids = None,
    component: Components = None,
    key: Keys = None,
    until: For = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Make waiting records dead letters (code operator-buried), so that they can be replayed or discarded.

    At a sink later records of the same key wait behind a dead letter. Chosen by options instead of ids, it asks first.
    """
    from psfabric.engine.control import Act

    _act(Act.BURY, "Bury", reason, id, component, key, until, yes, dry_run, output)


def _act(
    act: Act,
    word: str,
    reason: str,
    ids: Sequence[str] | None,
    component: Sequence[str] | None,
    key: Sequence[str] | None,
    until: Sequence[str] | None,
    yes: bool,
    dry_run: bool,
    output: Format,
) -> None:
    from cli.installation import installation

    if ids and (component or key or until):
        raise typer.BadParameter("name records by id or choose them by options, not both", param_hint="ID")
    where = installation()
    found = waiting.find(where, ids) if ids else _chosen(where, component, key, until)

    def confirm() -> None:
        if not ids:
            show.agreed(
                f"{word} {len(found)} waiting records of {', '.join(sorted({e.component for e in found}))}?", yes
            )

    waiting.ask(where, act, found, reason, output, dry_run=dry_run, confirm=confirm)


def _chosen(
    where: Installation, component: Sequence[str] | None, key: Sequence[str] | None, until: Sequence[str] | None
) -> list[HeldRecord]:
    from replay import held
    from replay.selection import key_text

    def fits(each: HeldRecord) -> bool:
        keyed = not key or key_text(each.record.key) in key or each.aggregate_id in key
        return keyed and (not until or any(each.until == u or each.until.startswith(f"{u}:") for u in until))

    return [each for each in held(where.kafka, where.components(component)) if fits(each)]
