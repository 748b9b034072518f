"""`psfabric unknown`: requests that left and were not answered, where the target cannot say itself what it did."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show, waiting
from cli.options import Components, DryRun, Format, Output, Why
from cli.waiting import Id

app = typer.Typer(no_args_is_help=True, help="Unknown: requests without an answer, until somebody finds out.")

Delivered = Annotated[
    str | None, typer.Option("--delivered", metavar="REF", help="the target has it, under this reference of its own")
]
Number = Annotated[str, typer.Option(help="with --delivered: what people call the document")]
Absent = Annotated[bool, typer.Option("--absent", help="the target does not have it and will not: it is sent again")]


@app.command("list", epilog="Example: psfabric unknown list --component legacy-billing")
def list_(component: Components = None, output: Output = Format.TABLE) -> None:
    """List what has waited for an answer for more than 30 s, the longest waiting first. Exit 1 when there is any."""
    from cli import exits
    from cli.installation import installation
    from replay import held

    where = installation()
    found = [each for each in held(where.kafka, where.components(component)) if each.unknown]
    if output is Format.JSON:
        show.as_json({"unknown": [waiting.as_dict(each) for each in found]})
    elif found:
        waiting.table(found)
        show.say("The target is asked again by itself. Where it cannot tell: look, then psfabric unknown resolve ID.")
    else:
        show.say("Nothing is unknown.")
    if found:
        raise typer.Exit(exits.FINDINGS)


@app.command(
    epilog='Example: psfabric unknown resolve erp/deliver.erp/0/7 --delivered INV-88 --reason "seen in the ERP"'
)
def resolve(
    id: Id,
    reason: Why,
    delivered: Delivered = None,
    number: Number = "",
    absent: Absent = False,
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Say what you found in the target: it is there (--delivered), or it is not (--absent), and the record goes on.

    A wrong --absent posts twice: look where the target keeps what it accepted but has not shown yet, too.
    """
    from cli.installation import installation
    from psfabric.engine.control import Act
    from replay import Declined

    if absent == (delivered is not None) or delivered == "":
        raise typer.BadParameter("say either --delivered REF or --absent", param_hint="--delivered")
    if number and absent:
        raise typer.BadParameter("goes with --delivered only", param_hint="--number")
    where = installation()
    (each,) = waiting.find(where, [id])
    if not each.unknown:
        raise Declined(f"{id} waits for {each.until}, not for an answer; nothing was asked for")
    answer = (
        {"outcome": "absent"} if absent else {"outcome": "delivered", "reference": delivered or "", "number": number}
    )
    waiting.ask(where, Act.RESOLVE, [each], reason, output, dry_run=dry_run, answer=answer)
