"""`psfabric status`: whether each component runs, how far it is, what waits and what is dead."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.options import Components, Format, Output

if TYPE_CHECKING:
    from cli.installation import Installation


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric status tryton-uk")(status)


COLUMNS = (
    *("component", "kind", "state", "behind", "held", "held for", "oldest held"),
    *("unknown", "dead", "oldest dead", "breaker"),
)
Named = Annotated[list[str] | None, typer.Argument(metavar="[COMPONENT]...", help="only these")]


def status(name: Named = None, component: Components = None, output: Output = Format.TABLE) -> None:
    """State, lag, held and dead records of each component, and how old the oldest of them are."""
    from cli.installation import installation

    where = installation()
    rows = _rows(where, list(where.components([*(name or ()), *(component or ())])))
    if output is Format.JSON:
        show.as_json({"components": rows})
        return
    show.table(COLUMNS, [_cells(row) for row in rows])
    for row in rows:
        if row["state"] != "running":
            name, since = row["component"], f"{row['state']} since {row['since']} by {row['who']}: {row['why']}"
            show.say(f"{name} is {since}. It goes on with psfabric resume {name} --reason ...")


def _rows(where: Installation, names: list[str]) -> list[dict[str, Any]]:
    from psfabric.pacing.looking import breakers
    from psfabric.standing import Standing
    from replay import Selection, catalogue, held, standings
    from replay.states import UNSETTLED

    lags = where.admin.lag({name: (*where.inputs[name], f"redo.{name}") for name in names})
    waiting = held(where.kafka, names)
    with catalogue(where.kafka, names, tell=show.progress) as found:
        unsettled = found.groups(Selection(state=tuple(UNSETTLED)), ["component"])
    show.progress_done()
    dead = {group.by["component"]: group for group in unsettled}
    breaker = breakers(where.settings.redis_url, (name for name in names if where.kind(name) in ("sink", "hydrate")))
    stand = {name: Standing() for name in names} | standings(where.kafka)
    return [
        {
            "component": name,
            "kind": where.kind(name),
            "state": stand[name].state,
            "why": stand[name].why,
            "who": stand[name].who,
            "since": stand[name].at,
            "behind": sum(lag.behind for lag in lags[name]),
            "lag": {lag.topic: lag.behind for lag in lags[name]},
            "held": sum(1 for each in waiting if each.component == name),
            "held_for": dict(Counter(each.kind for each in waiting if each.component == name)),
            "oldest_held_seconds": show.age(min((x.since for x in waiting if x.component == name), default=None)),
            "unknown": sum(1 for each in waiting if each.component == name and each.unknown),
            "oldest_unknown_seconds": show.age(
                min((x.since for x in waiting if x.component == name and x.unknown), default=None)
            ),
            "dead": dead[name].records if name in dead else 0,
            "oldest_dead_seconds": show.age(dead[name].oldest_ms) if name in dead else None,
            "breaker": {True: "open", False: "closed", None: None}[breaker.get(name)],
        }
        for name in names
    ]


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    oldest_held, oldest_dead = show.age_text(row["oldest_held_seconds"]), show.age_text(row["oldest_dead_seconds"])
    held_for = ", ".join(f"{kind} {count}" for kind, count in sorted(row["held_for"].items())) or "-"
    counts = row["behind"], row["held"], held_for, oldest_held, row["unknown"], row["dead"], oldest_dead
    return row["component"], row["kind"], row["state"], *counts, row["breaker"] or "-"
