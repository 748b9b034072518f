"""`psfabric demo`: the working day on real parts, from opportunity and worklog to posted invoice, and its statement."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.options import Format, Output

if TYPE_CHECKING:
    from cli.rehearsal import Told

ROOT = Path(__file__).resolve().parent.parent
STACK = "demo"

Seed = Annotated[int, typer.Option(min=0, help="which month is invented; the same seed gives the same month")]
Chaos = Annotated[bool, typer.Option("--chaos", help="also SIGKILL a random fabric process every few seconds")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric demo --seed 7 --output json")(demo)


def demo(seed: Seed = 1, chaos: Chaos = False, output: Output = Format.TABLE) -> None:
    """Start everything, play a month of work, print the statement, stop everything. Exit 1: it does not balance.

    Progress goes to standard error. Nothing of a `make up` in this checkout is touched.
    """
    from deploy.local import ALL, Console, LocalError, Stack

    if not (ROOT / "Makefile").exists():
        show.tell(
            f"`psfabric demo` needs a checkout of the project; {ROOT} is none. Clone it and run `make demo` there."
        )
        raise typer.Exit(exits.USAGE)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended_by)
    begun = time.monotonic()
    _title(f"psfabric demo, seed {seed}{', with chaos' if chaos else ''}")
    stack = Stack(ROOT, STACK, list(ALL), on_progress=Console())
    try:
        with stack:
            started = time.monotonic() - begun
            from cli.rehearsal import Rehearsal

            told = Rehearsal(stack, seed, chaos, _title).play()
            told.seconds_starting = round(started, 1)
            _explain_dead(told) if output is Format.TABLE else None
            _title("stopping everything")
    except LocalError as error:
        show.tell(f"\n{error}")
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        show.tell("\nInterrupted; everything this demo had started is stopped again.")
        raise typer.Exit(exits.INTERRUPTED) from None
    told.seconds = round(time.monotonic() - begun, 1)
    _print(told, output)
    if not told.good:
        raise typer.Exit(exits.FINDINGS)


def _ended_by(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _title(sentence: str) -> None:
    print(f"\n{time.strftime('%H:%M:%S')}  {sentence}", file=sys.stderr, flush=True)


def _explain_dead(told: Told) -> None:
    show.table(
        ("dead letters of the day", "code", "count", "now"),
        [(d["component"], d["code"], d["count"], d["state"]) for d in told.dead_letters],
    )


def _print(told: Told, output: Format) -> None:
    from cli.statement import as_json, print_statement

    if output is Format.JSON:
        body: dict[str, Any] = {
            "balanced": told.good,
            "seed": told.seed,
            **{k: v for k, v in as_json(told.statement).items() if k != "balanced"},
            "dead_letters": told.dead_letters,
            "replayed": told.replayed,
            "second_run_changed": told.changed_by_second_run,
            "killed": told.killed,
            "seconds": told.seconds,
            "seconds_starting": told.seconds_starting,
        }
        show.as_json(body)
        return
    print_statement(told.statement)
    for sentence in told.changed_by_second_run:
        show.say(f"  ! the second run of the day changed something: {sentence}")
    if not told.changed_by_second_run:
        show.say("Replaying the whole day once more changed nothing.")
    show.say(f"{told.seconds:.0f} s in all, {told.seconds_starting:.0f} s of it until everything ran.")
    show.say("")
    show.say("Next:  make up              leaves all of this running, to play with")
    show.say("       psfabric status      lag, held and dead records of each component (in .venv/bin)")
    show.say("       psfabric where ID    where a worklog, project or opportunity is now")
    show.say("       docs/tour.md         one event on its road; README.md says where everything is")
    log = os.path.relpath(ROOT / ".local" / STACK / "log")
    show.say(f"       {log}/    what each part said during this demo")
