"""`psfabric replay`: send dead letters again, exactly those of a plan, and see what became of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.filters import Filters, filtered
from cli.options import DryRun, Format, Output, PlanFile, Rate, Reason, Topic, Yes, per_second

if TYPE_CHECKING:
    from cli.installation import Installation
    from replay import Plan, Selection
    from replay.verify import Answer, Verification

app = typer.Typer(no_args_is_help=True, help="Replay: plan what to send again, apply it, verify what came of it.")

From = Annotated[
    str | None,
    typer.Option("--from", metavar="TOPIC", help="full.<source> (or raw.<source>): map what was received again"),
]
To = Annotated[Path | None, typer.Option("--to", help="file to write; default replay-<time>.json here")]
ToTopic = Annotated[
    str | None, typer.Option("--to-topic", help="with --topic: whereto these are sent, e.g. the topic they came from")
]
Wait = Annotated[float, typer.Option(min=0, help="seconds to wait for receipts")]
MaybePlan = Annotated[Path | None, typer.Argument(metavar="[PLAN]", help="only this plan")]


@app.command(epilog="Example: psfabric replay plan --component tryton-uk --code resource-unknown --to june.json")
@filtered
def plan(
    filters: Filters,
    from_: From = None,
    topic: Topic = None,
    to_topic: ToTopic = None,
    to: To = None,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Freeze the open dead letters that fit into a plan file; nothing is sent. Exit 1 when there is nothing to send.

    With --topic T --to-topic D: those in any topic T, whichever framework wrote them, to be sent to D. With --from: of
    what a source received, what its mapping of today says otherwise than was said; since and until mean when it was
    stored.
    """
    import replay
    from cli import foreign
    from cli.installation import installation

    foreign.expect_both(topic, to_topic)
    where = installation()
    now = datetime.now(UTC)
    if from_ is not None:
        made = _from_source(where, filters, from_, topic, now, dry_run, output)
    elif topic is not None and to_topic is not None:
        made = foreign.plan(where, topic, to_topic, filters.selection())
    else:
        made = _own(where, filters.selection())
    path = to or Path(f"replay-{now:%Y%m%dT%H%M%SZ}.json")
    if not dry_run:
        replay.write_plan(made, path)
    if output is Format.JSON:
        show.as_json({"file": None if dry_run else str(path), "plan": made.model_dump(mode="json")})
    else:
        _print(made)
        show.say("Nothing was written (--dry-run)." if dry_run else f"Written. Next: psfabric replay apply {path}")


@app.command(epilog='Example: psfabric replay apply june.json --rate 50/s --reason "person on-boarded"')
def apply(
    plan: PlanFile,
    rate: Rate = "200/s",
    reason: Reason = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Send exactly the records of a plan to the components they failed at.

    Refused (exit 4) when the file was changed or a record vanished or differs. Applied before: nothing is sent, exit 0.
    Stopped on the way: apply it again and the rest is sent (a batch that was under way may be sent twice; targets
    recognise that).
    """
    import replay
    from cli.installation import installation
    from replay.operations import claimed_user
    from replay.sending import check

    pace = per_second(rate)
    made = replay.read_plan(plan)
    where = installation()
    before = check(where.kafka, made)
    left = len(made.entries) - (before.sent if before else 0)
    if left and dry_run:
        _report(output, made, 0, f"{left} of {len(made.entries)} records would be sent; nothing was sent.")
        return
    if left:
        if output is Format.TABLE:
            _print(made)
        show.agreed(_question(made, left), yes)
    applied = replay.apply(where.kafka, made, who=claimed_user(), reason=reason, rate=pace, tell=_sending)
    show.progress_done()
    already = "This plan was already applied; nothing was sent."
    _report(
        output, made, applied.sent, already if applied.already else f"{applied.sent} records sent.", applied.already
    )


def _question(made: Plan, left: int) -> str:
    from cli.from_source import corrections

    corrected = corrections(made.remapped) if made.remapped is not None else ""
    return (f"{corrected}. " if corrected else "") + f"Send {left} of {len(made.entries)} records again?"


def _sending(sent: int, total: int) -> None:
    show.progress(f"{sent} of {total} sent")


def _answers(counts: Mapping[Answer, int]) -> None:
    show.progress(", ".join(f"{count} {answer}" for answer, count in counts.items() if count))


@app.command(epilog="Example: psfabric replay verify june.json --wait 120")
def verify(plan: PlanFile, wait: Wait = 60.0, output: Output = Format.TABLE) -> None:
    """Wait for the receipts of an applied plan. Exit 0: all are home. 1: some failed again. 3: some gave no answer.

    Of a plan to a topic of others there are no receipts: exit 0 when all was sent, 3 when not.
    """
    import replay
    from cli import foreign
    from cli.installation import installation
    from replay.foreign import is_elsewhere

    made = replay.read_plan(plan)
    where = installation()
    if is_elsewhere(made):
        foreign.verify(where, made, output)
        return
    deadline = time.monotonic() + wait
    found = replay.verify(where.kafka, where.codec, made, deadline=deadline, tell=_answers)
    show.progress_done()
    if output is Format.JSON:
        show.as_json(_verified(made, found))
    else:
        show.table(("answer", "records"), [(str(answer), count) for answer, count in found.counts.items()])
        rest = [(id, str(answer)) for id, answer in found.answers.items() if answer not in replay.HOME]
        if rest:
            show.table(("dead letter", "answer"), rest[:50])
        show.say(_sentence(found, wait))
    if not found.home:
        raise typer.Exit(exits.FINDINGS if found.in_time else exits.PARTIAL)


@app.command(epilog="Example: psfabric replay status")
def status(plan: MaybePlan = None, output: Output = Format.TABLE) -> None:
    """How far each plan was applied."""
    import replay
    from cli.installation import installation
    from replay.progress import all_progress

    made = replay.read_plan(plan) if plan else None
    found = all_progress(installation().kafka)
    rows = [each for each in found.values() if made is None or each.plan == made.hash]
    columns = ("plan", "status", "sent", "total", "who", "started_at", "updated_at")
    cells = [[getattr(each, name) for name in columns] for each in rows]
    if output is Format.JSON:
        show.as_json({"plans": [dict(zip(columns, row, strict=True)) for row in cells]})
    elif rows:
        show.table(columns, cells)
    else:
        show.say("This plan was not applied yet." if made else "No plan was applied yet.")


def _own(where: Installation, wanted: Selection) -> Plan:
    """Of the fabric's own dead letters, back to the components that they failed at."""
    import replay
    from cli.choosing import chosen
    from replay.operations import claimed_user

    letters = chosen(where, wanted)
    if not letters:
        show.tell(f"Nothing to replay: {_nothing(where.components(wanted.component))}. No plan was written.")
        raise typer.Exit(exits.FINDINGS)
    who, now = claimed_user(), datetime.now(UTC)
    return replay.make_plan(where.kafka, where.codec, letters, wanted, where.sinks, who=who, now=now)


def _from_source(
    where: Installation, filters: Filters, name: str, topic: str | None, now: datetime, dry_run: bool, output: Format
) -> Plan:
    from cli import from_source

    if topic is not None:
        raise typer.BadParameter("the record of a source or dead letters in a topic, not both", param_hint="--topic")
    made = from_source.planned(where, name, from_source.selection(filters), now, dry_run=dry_run)
    if made.plan is not None:
        return made.plan
    if output is Format.JSON:
        show.as_json({"file": None, "plan": None, "remapped": made.remapped.model_dump(mode="json")})
    else:
        from_source.table(made.remapped)
    show.tell(from_source.nothing(made.remapped))
    raise typer.Exit(exits.FINDINGS)


def _nothing(components: Any) -> str:
    names = ", ".join(components)
    return f"no open dead letter of {names} fits (psfabric dlq list shows what there is)"


def _print(made: Plan) -> None:
    from cli import from_source

    show.table(("component", "code", "records"), [(c.component or "-", c.code or "-", c.records) for c in made.counts])
    if made.remapped is not None:
        from_source.table(made.remapped)
    if made.worth:
        columns = ("legal entity", "client", "currency", "period", "records", "seconds", "hours", "money")
        show.table(columns, [list(each.model_dump().values()) for each in made.worth])
    if made.without_worth:
        show.say(f"{made.without_worth} records are no events, or cannot be read: their time and money is not known.")
    show.say(f"Targets touched: {', '.join(made.targets) or 'none directly'}. Plan {made.hash[:16]}.")
    for warning in made.warnings:
        show.say(f"Note: {warning}.")


def _report(output: Format, made: Plan, sent: int, sentence: str, already: bool = False) -> None:
    if output is Format.JSON:
        total = len(made.entries)
        show.as_json({"plan": made.hash, "sent": sent, "total": total, "already": already, "message": sentence})
    else:
        show.say(sentence)


def _verified(made: Plan, found: Verification) -> dict[str, Any]:
    counts = {str(answer): count for answer, count in found.counts.items()}
    answers = {id: str(answer) for id, answer in found.answers.items()}
    return {"plan": made.hash, "home": found.home, "in_time": found.in_time, "counts": counts, "answers": answers}


def _sentence(found: Verification, wait: float) -> str:
    if found.home:
        return "All are home."
    if found.in_time:
        return "Some failed again: psfabric dlq list shows why."
    return f"Within {wait:g} s not all had a lasting answer; verify again later."
