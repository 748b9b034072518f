"""`psfabric statement`: time and money at source, on the way, and in the ERP; exit 1 when they do not balance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import exits, show
from cli.options import Format, Output

if TYPE_CHECKING:
    from cli.installation import Installation
    from recon import Statement
    from replay import DeadLetter


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: psfabric statement --output json")(statement)


def statement(
    output: Output = Format.TABLE,
    all_differences: Annotated[bool, typer.Option("--all", help="list every difference")] = False,
) -> None:
    """Compare what the sources hold with what the ERP holds, to the second and the cent. Exit 1: not balanced."""
    from cli.installation import installation

    where = installation()
    found = take(where)
    if output is Format.JSON:
        show.as_json(as_json(found))
    else:
        print_statement(found, None if all_differences else 20)
    if not found.balanced:
        raise typer.Exit(exits.FINDINGS)


def take(where: Installation) -> Statement:
    """Read both sides now and compare them. Raises Unavailable or Transient when a system does not answer."""
    import asyncio

    from psfabric.pipelines import load
    from recon import Trouble, collect, state
    from replay import Selection, State, catalogue, held

    names = list(where.components())
    with catalogue(where.kafka, names) as found:
        dead = {s for letter in found.letters() if letter.open for s in _subjects(letter.aggregate_id, letter.key)}
        closed = list(found.letters(Selection(state=(State.DISCARDED, State.AMENDED))))
    waiting = {s for each in held(where.kafka, names) for s in _subjects(each.aggregate_id, each.record.key)}
    trouble = Trouble(frozenset(dead), frozenset(waiting))
    fresh = load(where.settings.pipelines, where.settings.values)  # adapters keep connections of the loop they served
    books, amount = asyncio.run(collect(fresh, where.kafka, where.codec, trouble))
    told = state(books, amount)
    return replace(told, differences=tuple(explained(told.differences, closed)))


def explained(differences: Iterable[str], closed: Iterable[DeadLetter]) -> Iterator[str]:
    """A dead letter that was discarded or amended keeps its difference from the source, which is there for good; the
    sentence says where it comes from."""
    letters = {subject: letter for letter in closed for subject in _subjects(letter.aggregate_id, letter.key)}
    for sentence in differences:
        letter = letters.get(sentence.partition(": ")[0])
        yield f"{sentence} (an operator {letter.state} it: psfabric dlq show {letter.id})" if letter else sentence


def _subjects(aggregate_id: str, key: bytes | None) -> list[str]:
    """What a record is about: its aggregate, or for one as received the upstream object that keys it."""
    return [aggregate_id] if aggregate_id else [key.decode(errors="replace")] if key else []


def as_json(found: Statement) -> dict[str, Any]:
    return {
        "balanced": found.balanced,
        "rows": [row.as_json() for row in found.rows],
        "invoices": [dict(invoice) for invoice in found.invoices],
        "differences": list(found.differences),
    }


def print_statement(found: Statement, most: int | None = 20) -> None:
    """Two tables, time and money, then the invoices, then every difference in a sentence."""
    _time(found)
    _money(found)
    show.table(
        ("invoice", "legal entity", "project", "date", "currency", "net", "state"),
        [(i["number"], i["legal_entity"], i["project"], i["date"], i["currency"], i["net"], i["state"])
         for i in found.invoices],
        title="Invoices in the ERP",
    )  # fmt: skip
    for sentence in found.differences[:most]:
        show.say(f"  ! {sentence}")
    if most is not None and len(found.differences) > most:
        show.say(f"  ! and {len(found.differences) - most} more; --all shows them")
    total = sum(row.seconds_source for row in found.rows)
    if found.balanced:
        show.say(f"Balanced: {total} s of time, to the second, and all money, to the cent.")
    else:
        show.say("NOT balanced: see the differences above.")


def _time(found: Statement) -> None:
    from psfabric.money import hours

    stages = list(found.rows[0].stages) if found.rows else []
    show.table(
        ("legal entity", "client", "seconds at source", "hours", *stages, "in the ERP", "hours", "held", "dead", ""),
        [
            (
                row.legal_entity or "(no contract)",
                row.client,
                row.seconds_source,
                hours(row.seconds_source),
                *(row.stages[stage] for stage in stages),
                row.seconds_erp,
                hours(row.seconds_erp),
                row.seconds_held,
                row.seconds_dead,
                "=" if row.balanced else "DIFFERS",
            )
            for row in found.rows
        ],
        title="Time, in seconds",
    )


def _money(found: Statement) -> None:
    def text(amount: Decimal) -> str:
        return f"{amount:,}"

    columns = ("legal entity", "client", "currency", "at source", "in the ERP", "billed", "open", "held", "dead", "")
    show.table(
        columns,
        [
            (
                row.legal_entity or "(no contract)",
                row.client,
                row.currency,
                *map(text, (row.money_source, row.money_erp, row.billed, row.open, row.held, row.dead)),
                "=" if row.balanced else "DIFFERS",
            )
            for row in found.rows
        ],
        title="Money, net of tax",
    )
