"""`psfabric hold`: what waits, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli import show
from cli.options import Components, Format, Output

if TYPE_CHECKING:
    from replay import HeldRecord

app = typer.Typer(no_args_is_help=True, help="Hold: records that wait for something and go on by themselves.")


@app.callback()
def _group() -> None:
    """Keeps `list` a verb of its own while it is the only one."""


@app.command("list", epilog="Example: psfabric hold list --component price-time")
def list_(component: Components = None, output: Output = Format.TABLE) -> None:
    """List what waits, the longest waiting first."""
    from cli.installation import installation
    from replay import held

    where = installation()
    waiting = [_as_dict(each) for each in held(where.kafka, where.components(component))]
    if output is Format.JSON:
        show.as_json({"held": waiting})
    elif waiting:
        columns = ("component", "until", "why", "since", "type", "key", "origin")
        show.table(columns, [[each[name] for name in columns] for each in waiting])
    else:
        show.say("Nothing waits.")


def _as_dict(each: HeldRecord) -> dict[str, Any]:
    from replay.selection import key_text

    return {
        "component": each.component,
        "until": each.until,
        "why": each.why,
        "since": each.since,
        "attempted_at": each.attempted_at,
        "about": each.about,
        "type": each.type,
        "aggregate_id": each.aggregate_id,
        "key": key_text(each.record.key),
        "origin": str(each.origin),
    }
