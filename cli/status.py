"""`psfabric status`: how far each component is, what waits and what is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from cli import show
from cli.options import Components, Format, Output

if TYPE_CHECKING:
    from cli.installation import Installation


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric status --component tryton-uk")(status)


def status(component: Components = None, output: Output = Format.TABLE) -> None:
    """Lag, held and dead records of each component, and how old the oldest of them are."""
    from cli.installation import installation

    where = installation()
    rows = _rows(where, list(where.components(component)))
    if output is Format.JSON:
        show.as_json({"components": rows})
        return
    columns = ("component", "kind", "behind", "held", "oldest held", "dead", "oldest dead")
    show.table(columns, [_cells(row) for row in rows])


def _rows(where: Installation, names: list[str]) -> list[dict[str, Any]]:
    from replay import held, open_dead_letters

    lags = where.admin.lag({name: (*where.inputs[name], f"redo.{name}") for name in names})
    waiting, dead = held(where.kafka, names), open_dead_letters(where.kafka, names)
    return [
        {
            "component": name,
            "kind": where.kind(name),
            "behind": sum(lag.behind for lag in lags[name]),
            "lag": {lag.topic: lag.behind for lag in lags[name]},
            "held": sum(1 for each in waiting if each.component == name),
            "oldest_held_seconds": show.age(min((x.since for x in waiting if x.component == name), default=None)),
            "dead": sum(1 for each in dead if each.component == name),
            "oldest_dead_seconds": show.age(min((x.buried_ms for x in dead if x.component == name), default=None)),
        }
        for name in names
    ]


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    oldest_held, oldest_dead = show.age_text(row["oldest_held_seconds"]), show.age_text(row["oldest_dead_seconds"])
    return row["component"], row["kind"], row["behind"], row["held"], oldest_held, row["dead"], oldest_dead
