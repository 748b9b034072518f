"""`psfabric replay pause`, `resume`, `cancel` and `status`: for everybody, while somebody applies a plan elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show
from cli.options import DryRun, Format, Output, Why

if TYPE_CHECKING:
    from replay.progress import Replay

Named = Annotated[str, typer.Argument(metavar="PLAN|HASH", help="plan file, or how its hash begins (8 digits or more)")]
MaybeNamed = Annotated[str | None, typer.Argument(metavar="[PLAN|HASH]", help="only this plan")]

SHOWN = ("plan", "state", "sent", "total", "who", "since", "last sign of life", "home", "failed again", "why")


def register(app: typer.Typer) -> None:
    app.command(epilog='Example: psfabric replay pause june.json --reason "the ERP is slow"')(pause)
    app.command(epilog='Example: psfabric replay resume june.json --reason "the ERP is well again"')(resume)
    app.command(epilog='Example: psfabric replay cancel june.json --reason "the wrong month"')(cancel)
    app.command(epilog="Example: psfabric replay status")(status)


def pause(plan: Named, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Let a replay send nothing more until `resume`: within 5 s, whoever applies it, also after a restart.

    Its applier waits. When that is killed meanwhile, applying the plan again is refused (exit 3) until `resume`.
    """
    _order(plan, "pause", reason, dry_run, output)


def resume(plan: Named, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Let a paused replay go on. One whose applier is gone, or that stopped by itself, goes on when it is applied."""
    _order(plan, "resume", reason, dry_run, output)


def cancel(plan: Named, reason: Why, dry_run: DryRun = False, output: Output = Format.TABLE) -> None:
    """Never send the rest of a plan: its applier ends within 5 s, and applying it again is refused (exit 4).

    What was sent stays sent. What was not sent is still open, for another plan.
    """
    _order(plan, "cancel", reason, dry_run, output)


def status(plan: MaybeNamed = None, output: Output = Format.TABLE) -> None:
    """How far each plan was applied, by whom, and what was answered while it was sent.

    Of a plan that is given as a file the answers are those given by now.
    """
    import replay
    from cli.installation import installation
    from replay.orders import hash_of
    from replay.progress import all_replays
    from replay.verify import answered

    kafka = installation().kafka
    found = all_replays(kafka)
    only = hash_of(plan, found) if plan is not None else None
    rows = [_as_dict(each) for each in found.values() if only in (None, each.plan)]
    if plan is not None and Path(plan).exists() and rows:
        rows = [{**row, "answers": answered(kafka, replay.read_plan(Path(plan))), "answers_at": _now()} for row in rows]
    if output is Format.JSON:
        show.as_json({"plans": rows})
    elif rows:
        show.table(SHOWN, map(_row, rows))
    else:
        show.say("This plan was not applied yet." if plan else "No plan was applied yet.")


def _order(named: str, what: str, reason: str, dry_run: bool, output: Format) -> None:
    import replay
    from cli.installation import installation
    from replay.orders import expect_open, hash_of, order
    from replay.progress import Replay, all_replays

    kafka = installation().kafka
    known = all_replays(kafka)
    plan = hash_of(named, known)
    found = known.get(plan, Replay(plan))
    changes = expect_open(found, what)
    if changes and not dry_run:
        order(kafka, replay.Operator.of(kafka, reason), found, what)
    row = _as_dict(found)
    if output is Format.JSON:
        show.as_json({"order": what, "before": row, "changed": changes, "ordered": changes and not dry_run})
    else:
        show.say(_ordered(what, row, changes, dry_run))


def _ordered(what: str, row: Mapping[str, Any], changes: bool, dry_run: bool) -> str:
    stands = f"This replay is {row['state']}, {row['sent']} of {row['total']} records were sent"
    if not changes:
        return f"{stands}; nothing was written."
    if dry_run:
        return f"{stands}; {what} would be ordered, nothing was written (--dry-run)."
    alive = row["state"] == "running" or (row["state"] == "paused" and row["alive"])
    by = f"{row['who']} is to obey within 5 s" if alive else "nobody applies it now"
    then = {
        "pause": "until `psfabric replay resume` it cannot be applied",
        "resume": "it goes on" if alive else "it goes on when somebody applies the plan again",
        "cancel": "the rest never will be",
    }
    return f"{stands}. {what.capitalize()} is ordered: {by}; {then[what]}."


def _as_dict(found: Replay) -> dict[str, Any]:
    from replay import alive
    from replay.orders import state

    progress, now = found.progress, datetime.now(UTC)
    if progress is None:
        return {"plan": found.plan, "state": "", "sent": 0, "total": 0}
    order = found.cancel or (found.order if found.paused else None)
    return {
        "plan": found.plan,
        "state": state(found, now),
        "sent": progress.sent,
        "total": progress.total,
        "who": progress.who,
        "where": progress.where,
        "reason": progress.reason,
        "started_at": progress.started_at,
        "since": progress.since or progress.started_at,
        "last_sign_of_life": progress.updated_at,
        "alive": bool(progress.run) and bool(alive.alive(progress, now)),
        "answers": dict(progress.answers),
        "answers_at": progress.updated_at,
        "why": f"{order.order} by {order.who}: {order.reason}" if order is not None else progress.why,
    }


def _row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    life = f"{show.age_text(show.age(row['last_sign_of_life']))} ago" if row["alive"] else row["last_sign_of_life"][:19]
    sent = (row["sent"], row["total"], row["who"], row["since"][:19], life)
    answers = (row["answers"].get("home", "-"), row["answers"].get("failed again", "-"))
    return row["plan"][:16], row["state"], *sent, *answers, row["why"]


def _now() -> str:
    return datetime.now(UTC).isoformat()
