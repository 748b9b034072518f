"""`psfabric operations`: who did what, when and why; taking it out, and proving that nobody changed it since."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from cli import exits, show
from cli.options import Format, Output, instant

if TYPE_CHECKING:
    from cli.installation import Installation
    from psfabric.event import Record
    from replay.chain import Stored, Verified
    from replay.operations import Operation

app = typer.Typer(no_args_is_help=True, help="Audit trail: who did what, when, from where and why, as a hash chain.")

SHORTEST = 16
"""Digits of a noted hash: fewer could be another row's by chance, or by design."""


def _noted(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(f"[0-9a-fA-F]{{{SHORTEST},64}}", text):
        raise typer.BadParameter(f"{text!r} is no hash, nor the first {SHORTEST} digits or more of one")
    return text.lower() if text else None


Since = Annotated[str | None, typer.Option(help="done at or after: 2026-06-30, an instant, or 90m, 2h, 3d ago")]
Until = Annotated[str | None, typer.Option(help="done before: as --since")]
Acts = Annotated[
    list[str] | None, typer.Option("--act", help="only this act, or how it begins: record, replay; may be repeated")
]
Who = Annotated[str, typer.Option(help="only by whom this is part of the name")]
Components = Annotated[
    list[str] | None, typer.Option("--component", help="only about this component, source or record; may be repeated")
]
Ids = Annotated[list[str] | None, typer.Option("--id", help="only this id, or number of a row; may be repeated")]
To = Annotated[str, typer.Option("--to", metavar="FILE", help="file to write; - is standard output")]
Head = Annotated[
    str | None, typer.Option("--head", metavar="HASH", callback=_noted, help="a head that was noted earlier")
]
File = Annotated[Path | None, typer.Option("--file", help="an exported file, instead of the log")]
SHOWN = 50
"""Findings in the table; one that takes the chain apart can make very many."""

COLUMNS = ("row", "at", "who", "act", "about", "reason", "result", "where")


@app.command("list", epilog="Example: psfabric operations list --since 7d --act replay --component tryton-uk")
def list_(
    since: Since = None,
    until: Until = None,
    act: Acts = None,
    who: Who = "",
    component: Components = None,
    id: Ids = None,
    output: Output = Format.TABLE,
) -> None:
    """List acts, the newest last. A row without a number was written by a release that had no hash chain yet."""
    from cli.installation import installation
    from replay.audited import Choice, rows

    times = instant(since, "--since"), instant(until, "--until")
    chosen, unreadable = Choice(*times, act or (), who, component or (), id or ()), list[str]()
    found = filter(chosen.fits, rows(_records(installation()), unreadable))
    if output is Format.JSON:
        show.as_json_list("operations", map(_as_dict, found))
    elif not show.long_table(COLUMNS, map(_cells, found)):
        show.say("No act is recorded." if chosen == Choice() else "No act fits.")
    if unreadable:
        show.tell(f"{len(unreadable)} records are no rows; `psfabric operations verify` says which.")


@app.command(epilog="Example: psfabric operations export --to operations-2026-06.jsonl")
def export(to: To = "-") -> None:
    """Write the whole audit trail as JSON Lines: each line a row as it is stored, with its hash.

    `operations verify --file` proves the file. Note the head that is told: it proves later that nothing was cut off.
    """
    from cli.installation import installation

    records = _records(installation())
    if to == "-":
        count, head = _write(sys.stdout.buffer, records)
    else:
        with _new_file(Path(to)) as file:
            count, head = _write(file, records)
    show.tell(f"{count} records. {_head(head)}")


@app.command(epilog="Example: psfabric operations verify --head 5f2c81d09a7be634")
def verify(head: Head = None, file: File = None, output: Output = Format.TABLE) -> None:
    """Prove that no row was altered, removed, moved or put in. Exit 1 when one was; it is named.

    Nothing in the log can show that its last rows were cut off, or that all of it was written anew. A head that was
    noted earlier, outside of Kafka, shows it (--head; its first 16 digits do).
    """
    from replay import chain

    found = chain.verify(_stored() if file is None else _in_file(file), head or "")
    if output is Format.JSON:
        show.as_json(_verified(found, head))
    else:
        _tell(found, head)
    if found.findings:
        raise typer.Exit(exits.FINDINGS)


def _records(where: Installation) -> Iterator[Record]:
    from replay.operations import TOPIC
    from replay.reading import scan

    return scan(where.kafka, [TOPIC])


def _stored() -> Iterator[Stored]:
    from cli.installation import installation
    from replay.lines import stored

    return stored(_records(installation()))


def _in_file(path: Path) -> Iterator[Stored]:
    from replay.lines import exported

    try:
        with path.open("rb") as lines:
            yield from exported(lines)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read ({error.strerror})", param_hint="--file") from None


def _write(file: BinaryIO, records: Iterable[Record]) -> tuple[int, str]:
    """Returns how many records there were, and the hash of the last row."""
    from replay.lines import hash_of, line

    count, head = 0, ""
    for record in records:
        file.write(line(record) + b"\n")
        count, head = count + 1, hash_of(record) or head
    file.flush()
    return count, head


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """There when all of it is written: half an audit trail would prove itself. An older one is never written over."""
    if path.exists():
        raise typer.BadParameter(f"{path} is there already; name a file that is not", param_hint="--to")
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.rename(path)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written ({error.strerror})", param_hint="--to") from None
    finally:
        part.unlink(missing_ok=True)


def _as_dict(row: Operation) -> dict[str, Any]:
    """Rows before the chain have no number, previous hash, hash and OS user: null."""
    names = ("id", "at", "who", "who_is", "where", "act", "reason", "result")
    chained = {name: getattr(row, name) or None for name in ("prev", "hash", "os_user")}
    return {"seq": row.seq or None, **{name: getattr(row, name) for name in names}, "detail": row.detail, **chained}


def _cells(row: Operation) -> list[Any]:
    from replay.audited import in_short
    from replay.operations import CLAIMED

    who = f"{row.who} (claimed)" if row.who_is == CLAIMED else row.who
    return [row.seq or "-", row.at, who, row.act, in_short(row), row.reason, row.result, row.where]


def _head(head: str) -> str:
    return f"Head: {head}" if head else "There is no hash chain yet."


def _verified(found: Verified, noted: str | None) -> dict[str, Any]:
    of_noted = {"hash": noted, "row": found.noted, "rows_since": found.last - found.noted if found.noted else None}
    findings = [
        {"what": str(f.what), "row": f.row, "where": f.place or None, "sentence": f.sentence} for f in found.findings
    ]
    return {
        "intact": not found.findings,
        "rows": found.rows,
        "earlier": found.earlier,
        "head": found.head or None,
        "noted": of_noted if noted else None,
        "findings": findings,
    }


def _tell(found: Verified, noted: str | None) -> None:
    if found.findings:
        cells = [(f.what, f.row or "-", f.place or "-", f.sentence) for f in found.findings[:SHOWN]]
        show.table(("finding", "row", "where", "what it is"), cells)
        count, more = len(found.findings), len(found.findings) - SHOWN
        rest = f" ({more} more with --output json)" if more > 0 else ""
        show.say(f"{count} finding{'' if count == 1 else 's'}: not as written{rest}.")
        return
    if found.rows:
        as_then = f" What stands before it ({found.earlier} of earlier releases) is as it was." if found.earlier else ""
        show.say(f"{found.rows} rows; the chain is intact from row 1 to row {found.last}.{as_then}")
    else:
        show.say(f"No row is in a hash chain yet; {found.earlier} of earlier releases are there.")
    if found.noted:
        show.say(f"The head that was noted is row {found.noted}; {found.last - found.noted} rows were written since.")
    if found.head:
        show.say(_head(found.head))
