"""`psfabric replay apply`: what it asks, shows and says, and its exit code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, planned, show
from cli.options import DryRun, Format, Output, PlanFile, Rate, Reason, Yes, per_second

if TYPE_CHECKING:
    from cli.installation import Installation
    from replay import Applied, Plan
    from replay.progress import Replay
    from replay.run import Told

Canary = Annotated[
    int, typer.Option(min=0, max=1000, help="records that are sent first, and whose answers are waited for; 0: none")
]
CanaryWait = Annotated[float, typer.Option(min=0, help="seconds to wait for the answers of the canary")]
MaxFailed = Annotated[
    str, typer.Option(help="percent of the answers that may say 'failed again'; when more do, it stops")
]


def register(app: typer.Typer) -> None:
    app.command(epilog='Example: psfabric replay apply june.json --rate 50/s --reason "person on-boarded"')(apply)


def apply(
    plan: PlanFile,
    rate: Rate = "200/s",
    canary: Canary = 5,
    canary_wait: CanaryWait = 60.0,
    max_failed: MaxFailed = "20%",
    reason: Reason = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Send exactly the records of a plan to the components they failed at, each of them once.

    A few go first, and the rest only when these were answered (exit 3 when not); too many that fail again stop it (exit
    1). Refused (exit 4): a changed file, a record that vanished or differs, a plan that somebody else applies now or
    that was cancelled. Paused: exit 3. Applied before: nothing is sent, exit 0. Killed on the way: apply it again, and
    the rest is sent, nothing twice.
    """
    import replay
    from cli.installation import installation

    terms = replay.Terms(per_second(rate), canary, canary_wait, percent(max_failed))
    made = replay.read_plan(plan)
    where = installation()
    _expect_components(where, made)
    with replay.Applier(where.kafka, made, waiting=show.progress) as applier:
        found = applier.check()
        left = len(made.entries) - (found.progress.sent if found.progress else 0)
        if left and dry_run:
            _report(output, made, None, f"{left} of {len(made.entries)} records would be sent; nothing was sent.")
            return
        if left:
            _ask(made, found, left, output, yes)
        applied = applier.apply(replay.Operator.of(where.kafka, reason), terms, _sending)
    show.progress_done()
    _report(output, made, applied, _sentence(where, made, applied, plan))
    raise typer.Exit(_code(applied))


def percent(text: str) -> float:
    """`20%` or `20`, as a share."""
    if not re.fullmatch(r"\d+(\.\d+)?%?", text) or float(text.removesuffix("%")) > 100:
        raise typer.BadParameter(f"{text!r} is no percentage; write 20%", param_hint="--max-failed")
    return float(text.removesuffix("%")) / 100


def _expect_components(where: Installation, made: Plan) -> None:
    """Raises Declined for a component that no pipeline file has any more: nobody would read what is sent to it."""
    from replay import Declined

    gone = sorted({entry.component for entry in made.entries if entry.component} - where.inputs.keys())
    if gone:
        raise Declined(f"{', '.join(gone)} is in no pipeline file any more, so nobody would read it; nothing was sent")


def _ask(made: Plan, found: Replay, left: int, output: Format, yes: bool) -> None:
    if output is Format.TABLE:
        planned.printed(made)
        if found.progress is not None and found.progress.status == "stopped":
            show.say(f"It stopped: {found.progress.why}. psfabric dlq list shows what failed again.")
    show.agreed(planned.question(made, left), yes)


def _sending(told: Told) -> None:
    show.progress(sending(told))


def sending(told: Told) -> str:
    """The line that is written over while it sends."""
    progress, parts = told.progress, []
    if told.home or told.failed or told.held:
        parts.append(f"{told.home} home, {told.failed} failed again, {told.held} held")
    if progress.status == "paused":
        parts.append("paused, waits for `psfabric replay resume`")
    elif progress.gate and progress.sent <= progress.gate < progress.total:
        parts.append("the canary's answers are waited for")
    elif told.left is not None:
        parts.append(f"{told.rate:.0f}/s, {show.age_text(round(told.left))} left")
    return "; ".join([f"{progress.sent} of {progress.total} sent", *parts])


def _code(applied: Applied) -> int:
    match applied.progress.status, applied.progress.cause:
        case "stopped", "failed":
            return exits.FINDINGS
        case "stopped", _:
            return exits.PARTIAL
        case "cancelled", _:
            return exits.REFUSED
        case _:
            return exits.CLEAN


def _sentence(where: Installation, made: Plan, applied: Applied, plan: Path) -> str:
    progress = applied.progress
    so_far = f"{progress.sent} of {progress.total} records were sent"
    if applied.already:
        return "This plan was already applied; nothing was sent."
    match progress.status, progress.cause:
        case "stopped", "failed":
            how = f"psfabric dlq list shows why; when that is mended: psfabric replay apply {plan}"
            return f"Stopped: {progress.why}, more than --max-failed allows. {so_far}; {how}"
        case "stopped", _:
            how = f"see that they run (psfabric status), then: psfabric replay apply {plan}"
            idle = "".join(f" {name} is {why}." for name, why in _idle(where, made).items())
            return f"Stopped: the canary was not answered in time ({progress.why}).{idle} {so_far}; {how}"
        case "cancelled", _:
            return f"Cancelled {progress.why}. {so_far}, the others never will be."
        case _:
            return f"{applied.sent} records sent. What became of them: psfabric replay verify {plan}"


def _idle(where: Installation, made: Plan) -> dict[str, str]:
    from cli.waiting import idle_components

    return idle_components(where, {entry.component for entry in made.entries})


def _report(output: Format, made: Plan, applied: Applied | None, sentence: str) -> None:
    if output is Format.TABLE:
        show.say(sentence)
        return
    sent, already = (applied.sent, applied.already) if applied is not None else (0, False)
    body: dict[str, Any] = {"plan": made.hash, "sent": sent, "total": len(made.entries), "already": already}
    if applied is not None:
        progress = applied.progress
        body |= {"state": progress.status, "cause": progress.cause, "answers": dict(progress.answers)}
    show.as_json({**body, "message": sentence})
