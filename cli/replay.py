"""`psfabric replay`: send dead letters again, exactly those of a plan, and see what became of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import applying, exits, ordering, planned, show
from cli.filters import Filters, filtered
from cli.options import DryRun, Format, Output, PlanFile, Topic

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

applying.register(app)
ordering.register(app)


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
        planned.printed(made)
        show.say("Nothing was written (--dry-run)." if dry_run else f"Written. Next: psfabric replay apply {path}")


def _answers(counts: Mapping[Answer, int]) -> None:
    show.progress(", ".join(f"{count} {answer}" for answer, count in counts.items() if count))


@app.command(epilog="Example: psfabric replay verify june.json --wait 120")
def verify(plan: PlanFile, wait: Wait = 60.0, output: Output = Format.TABLE) -> None:
    """Wait for the receipts of an applied plan. Exit 0: all are home. 1: some failed again. 3: some gave no answer.

    Of a plan to a topic of others there are no receipts: exit 0 when all was sent, 3 when not.
    """
    import replay
    from cli import foreign, from_source
    from cli.installation import installation
    from replay.foreign import is_elsewhere

    made = replay.read_plan(plan)
    where = installation()
    if is_elsewhere(made):
        foreign.verify(where, made, output)
        return
    deadline = time.monotonic() + wait
    found = replay.verify(where.kafka, where.codec, made, deadline=deadline, tell=_answers)
    followed = from_source.followed(where, made, found, deadline, _answers)
    show.progress_done()
    if output is Format.JSON:
        show.as_json({**_verified(made, found), **from_source.answered(followed)})
    else:
        show.table(("answer", "records"), [(str(answer), count) for answer, count in found.counts.items()])
        rest = [(id, str(answer)) for id, answer in found.answers.items() if answer not in replay.HOME]
        if rest:
            show.table(("dead letter", "answer"), rest[:50])
        show.say(_sentence(found, wait))
        from_source.targets(followed)
    in_time = found.in_time and (followed is None or followed.in_time)
    if not found.home or (followed is not None and not followed.home):
        raise typer.Exit(exits.FINDINGS if in_time else exits.PARTIAL)


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
