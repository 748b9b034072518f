"""`psfabric where`: the road of one business object so far, and where it is now."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.options import Format, Output

if TYPE_CHECKING:
    from replay import Road

Id = Annotated[str, typer.Argument(metavar="BUSINESS-ID", help="aggregate id, or the id in the source system")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric where 10066")(where)


def where(id: Id, output: Output = Format.TABLE) -> None:
    """Where a worklog, opportunity, project, milestone or invoice is now. Exit 1 when nothing is known of it."""
    from cli.installation import installation
    from replay import NotThere, road

    if not id.strip():
        raise NotThere("an empty id stands for nothing; give a worklog id, an opportunity id or a project code")
    here = installation()
    found = road(here.kafka, here.codec, list(here.components()), [topic.name for topic in here.topics], id)
    if output is Format.JSON:
        show.as_json(_as_dict(found))
    else:
        _print(found)
    if not found.steps:
        raise typer.Exit(exits.FINDINGS)


def _as_dict(found: Road) -> dict[str, Any]:
    steps = [{**asdict(step), "place": str(step.place)} for step in found.steps]
    waits = [
        {"id": each.id, "until": each.until, "since": each.since, "behind": [str(place) for place in each.behind]}
        for each in found.held
    ]
    dead = [{"id": letter.id, "code": letter.code, "since": letter.last_failed_at} for letter in found.dead]
    now = {"now": found.now, "held": waits, "dead": dead}
    return {"asked": found.asked, "ids": sorted(found.ids), **now, "steps": steps}


def _print(found: Road) -> None:
    if found.steps:
        columns = ("stage", "place", "what", "of", "version", "outcome", "reference")
        rows = [(s.stage, s.place, s.what, s.aggregate_id, s.version, s.outcome, s.reference) for s in found.steps]
        show.table(columns, rows)
    if len(found.ids) > 1:
        show.say(f"{found.asked} stands for {len(found.ids)} objects: {', '.join(sorted(found.ids))}.")
    show.say(found.now)
