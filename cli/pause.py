"""`psfabric pause` and `resume`: whether a component runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.options import DryRun, Format, Output, Why

if TYPE_CHECKING:
    from psfabric.standing import Standing, State

Component = Annotated[str, typer.Argument(metavar="COMPONENT", help="as `psfabric status` shows it")]


def register(app: typer.Typer) -> None:
    app.command(epilog='Example: psfabric pause tryton-uk --reason "month end, finance asked"')(pause)
    app.command(epilog='Example: psfabric resume tryton-uk --reason "month end is over"')(resume)


def pause(component: Component, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Let a component begin nothing new until `resume`: within 5 s, in all its workers, over restarts.

    What is under way ends as always. Records stay in their topics; nothing is lost and nothing is late in its order.
    """
    _turn(component, "paused", reason, dry_run, output)


def resume(component: Component, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Let a paused component go on, or one that its dead-letter limit stopped (repair the cause first)."""
    _turn(component, "running", reason, dry_run, output)


def _turn(component: str, wanted: State, reason: str, dry_run: bool, output: Format) -> None:
    from cli.installation import installation
    from psfabric.standing import Standing
    from replay import Operator, stand, standings

    where = installation()
    where.components([component])
    before = standings(where.kafka).get(component, Standing())
    # One that was stopped begins nothing either, and stays so for a better reason.
    done = before.state == wanted or (wanted == "paused" and before.state == "stopped")
    after = before if done or dry_run else stand(where.kafka, Operator.of(where.kafka, reason), component, wanted)
    if output is Format.JSON:
        show.as_json(
            {"component": component, "before": _as_dict(before), "after": _as_dict(after), "changed": not done}
        )
    else:
        show.say(_sentence(component, before, wanted, done, dry_run))


def _sentence(component: str, before: Standing, wanted: State, done: bool, dry_run: bool) -> str:
    stood = f"{component} is {before.state}{f' since {before.at}' if before.at else ''}"
    by = f" ({before.why}; {before.who})" if before.state != "running" else ""
    if done:
        return f"{stood}{by}; nothing was written."
    if dry_run:
        return f"{stood}{by} and would be {wanted}; nothing was written (--dry-run)."
    was = f"It was {before.state}: {before.why}." if before.state != "running" else "It ran."
    return f"{component} is to be {wanted} within 5 s. {was}"


def _as_dict(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state, "why": standing.why, "who": standing.who, "at": standing.at}
