"""`psfabric dlq export` and `import`: dead letters in files, as they were, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import show
from cli.filters import Filters, filtered
from cli.options import DryRun, Format, Output, Reason, Reveal, Why

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.event import Record
    from replay import Selection
    from replay.exported import Written

To = Annotated[str, typer.Option("--to", help="file.jsonl, a folder that ends in /, or - for standard output")]
All = Annotated[bool, typer.Option("--all", help="closed ones as well")]
From = Annotated[Path, typer.Argument(metavar="EXPORT", help="file or folder that `psfabric dlq export` wrote")]
Hash = Annotated[str | None, typer.Option("--sha256", help="refuse an export with another hash than this")]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric dlq export --code erp-refused --to june.jsonl --reveal")(export)
    app.command("import", epilog='Example: psfabric dlq import june.jsonl --reason "retention had removed them"')(
        import_
    )


@filtered
def export(
    filters: Filters,
    to: To,
    all: All = False,
    reveal: Reveal = False,
    reason: Reason = "",
    dry_run: DryRun = False,
    output: Output = Format.TABLE,
) -> None:
    """Write open dead letters as they are, with hashes that show any change: JSON Lines, or a file for each.

    Nothing is masked, so it needs --reveal. A row in `fabric.operations` says who exported what.
    """
    from cli import closer
    from cli.choosing import unsettled
    from cli.installation import installation
    from replay import Declined

    if not reveal:
        raise Declined(
            "an export holds personal and confidential values as they are: say --reveal. Nothing was exported"
        )
    if to == "-" and output is Format.JSON:
        raise typer.BadParameter("the records go to standard output; leave out --output", param_hint="--output")
    where = installation()
    closer.permitted(where, reveal)
    wanted = filters.selection() if all else unsettled(filters.selection())
    count, written = _exported(where, wanted, to, reason, dry_run)
    if output is Format.JSON:
        hashed = written.sha256 if written else None
        show.as_json({"file": to, "exported": not dry_run, "records": count, "sha256": hashed})
    elif written is None:
        show.say(f"{count} dead letters would be exported; nothing was written.")
    else:
        show.tell(f"{count} dead letters exported to {to}. Hash of the export: {written.sha256}")


def import_(
    export: From, reason: Why, sha256: Hash = None, dry_run: DryRun = False, output: Output = Format.TABLE
) -> None:
    """Write exported dead letters back to where they were, those that are not there any more.

    Every hash is checked first; an export that was changed is refused (exit 4) and nothing is written.
    """
    from cli.installation import installation
    from replay import Declined, Operator
    from replay.importing import import_, verified

    found = verified(export)
    if sha256 is not None and sha256.lower() != found.written.sha256:
        raise Declined(f"{export} has the hash {found.written.sha256}, not the one asked for; nothing was imported")
    where = installation()
    components = where.components()
    operator = Operator.of(where.kafka, reason)
    done = import_(where.kafka, found, components, operator, dry_run=dry_run, tell=_progress)
    show.progress_done()
    there = done.total - done.written
    if output is Format.JSON:
        told = {"imported": not dry_run, "records": done.written, "already_there": there}
        show.as_json({**told, "sha256": found.written.sha256})
    else:
        what = "would be imported; nothing was written" if dry_run else "imported"
        show.say(f"{done.written} dead letters {what}; {there} are there already.")


def _exported(
    where: Installation, wanted: Selection, to: str, reason: str, dry_run: bool
) -> tuple[int, Written | None]:
    from cli.choosing import catalogued
    from replay import Operator
    from replay.acts import DONE
    from replay.deadletters import originals
    from replay.ledger import append

    with catalogued(where, wanted) as found:
        count = sum(1 for _ in found.letters(wanted))
        if dry_run:
            return count, None
        records = originals(where.kafka, found.by_place(wanted))
        written = _write(to, show.counted(records, lambda done: f"{done} of {count} exported"))
    if written.records < count:
        show.tell(f"{count - written.records} are missing: retention removed them meanwhile.")
    detail = {
        "to": to,
        "components": [*where.components(wanted.component)],
        "selection": wanted.described(),
        "records": written.records,
        "sha256": written.sha256,
    }
    append(where.kafka, Operator.of(where.kafka, reason).row("dlq.export", DONE, detail))
    return written.records, written


def _write(to: str, records: Iterator[Record]) -> Written:
    from replay import exported_folder, exported_lines

    if to == "-":
        return exported_lines.write(records, sys.stdout.buffer)
    if to.endswith("/") or Path(to).is_dir():
        return exported_folder.write(records, Path(to))
    return exported_lines.write_file(records, Path(to))


def _progress(done: int, total: int) -> None:
    show.progress(f"{done} of {total} imported")
