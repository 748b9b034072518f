"""`psfabric topics`: make the topics what schemas/topics.toml and the pipeline files declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import exits, show
from cli.options import DryRun, Format, Output, Yes

if TYPE_CHECKING:
    from psfabric.kafka.admin import Change

app = typer.Typer(
    no_args_is_help=True,
    help="Topics: compare with what is declared, create and alter.",
)

Replication = Annotated[int, typer.Option(min=1, help="copies of each new topic")]


@app.command(epilog="Example: psfabric topics plan")
def plan(output: Output = Format.TABLE) -> None:
    """Show what apply would do. Exit 1 when there is something to do."""
    from cli.installation import installation

    where = installation()
    changes = where.admin.plan(where.topics)
    _print(changes, output, "All topics are as declared.")
    if changes:
        raise typer.Exit(exits.FINDINGS)


@app.command(epilog="Example: psfabric topics apply --yes --replication 3")
def apply(
    replication: Replication = 1, yes: Yes = False, dry_run: DryRun = False, output: Output = Format.TABLE
) -> None:
    """Create missing topics, alter settings that differ; partition counts never: exit 1 when one differs."""
    from cli.installation import installation

    where = installation()
    changes = where.admin.plan(where.topics)
    new, other = (sum(change.action == action for change in changes) for action in ("create", "alter"))
    if new + other and not dry_run:
        if output is Format.TABLE:
            _print(changes, output, "")
        show.agreed(f"Create {new} topics and alter {other}?", yes)
        changes = where.admin.apply(where.topics, replication)
    if output is Format.JSON or dry_run or not new + other:
        _print(changes, output, "All topics are as declared.")
    if output is Format.TABLE and new + other:
        show.say("Nothing was done (--dry-run)." if dry_run else f"{new} topics created, {other} altered.")
    if any(change.action == "conflict" for change in changes):
        raise typer.Exit(exits.FINDINGS)


def _print(changes: list[Change], output: Format, nothing: str) -> None:
    rows = [(change.action, change.topic, change.detail) for change in changes]
    if output is Format.JSON:
        show.as_json({"changes": [{"action": a, "topic": t, "detail": d} for a, t, d in rows]})
    elif rows:
        show.table(("action", "topic", "detail"), rows)
    elif nothing:
        show.say(nothing)
