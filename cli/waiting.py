"""Held records as commands name, find, show and ask about them: shared by `hold` and `unknown`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import show

if TYPE_CHECKING:
    from cli.installation import Installation
    from cli.options import Format
    from psfabric.engine.control import Act
    from replay import Asked, HeldRecord

Id = Annotated[str, typer.Argument(metavar="ID", help="<component>/<topic>/<partition>/<offset>, as the list shows it")]


def find(where: Installation, ids: Sequence[str]) -> list[HeldRecord]:
    """The held records of these ids. Raises NotThere for what is no id, and for what is not held (any more)."""
    from replay import NotThere, held

    components = []
    for id in ids:
        component, *place = id.split("/")
        if len(place) != 3 or not all(part.isdigit() for part in place[1:]):
            raise NotThere(f"{id!r} is no id of a held record; it is <component>/<topic>/<partition>/<offset>")
        components.append(component)
    known = {each.id: each for each in held(where.kafka, where.components(components))}
    for id in ids:
        if id not in known:
            raise NotThere(f"{id} is not held: it went on, or was never held (psfabric where tells what became of it)")
    return [known[id] for id in dict.fromkeys(ids)]


def asked(each: HeldRecord) -> Asked:
    from replay import Asked

    about_type = each.record.header("ce_type") or each.record.topic
    return Asked(each.component, each.partition, each.record.key, each.origin, each.about, about_type)


def ask(
    where: Installation,
    act: Act,
    records: Sequence[HeldRecord],
    reason: str,
    output: Format,
    *,
    dry_run: bool,
    answer: dict[str, str] | None = None,
    confirm: Callable[[], None] = lambda: None,
) -> None:
    """Ask the owners of the records to act, and say what that means."""
    from cli.options import Format
    from replay import Operator
    from replay import ask as ask_owners

    if not dry_run and records:
        confirm()
        ask_owners(where.kafka, Operator.of(where.kafka, reason), act, [asked(each) for each in records], answer)
    idle = idle_components(where, {each.component for each in records})
    if output is Format.JSON:
        body = {"act": act.value, "records": [as_dict(each) for each in records], "asked": not dry_run, "idle": idle}
        show.as_json(body)
        return
    if not records:
        show.say("Nothing that waits fits; nothing was asked for.")
        return
    table(records)
    show.say(sentence(act.value, len(records), dry_run))
    tell_idle(idle)


def idle_components(where: Installation, components: set[str]) -> dict[str, str]:
    """Those that begin nothing now, and why."""
    from replay import standings

    found = standings(where.kafka) if components else {}
    stand = {name: found[name] for name in sorted(components) if name in found}
    return {name: f"{each.state} ({each.why})" for name, each in stand.items() if each.state != "running"}


def tell_idle(idle: Mapping[str, str]) -> None:
    for component, why in idle.items():
        show.say(f"{component} is {why}: it acts on this only when it goes on (psfabric resume {component}).")


def sentence(act: str, count: int, dry_run: bool) -> str:
    records = "1 record" if count == 1 else f"{count} records"
    if dry_run:
        return f"{act}: {records}; nothing was asked for (--dry-run)."
    return (
        f"{act} was asked for {records}. The owner of the partition acts within seconds; one that went on meanwhile "
        "is left alone."
    )


def table(records: Sequence[HeldRecord]) -> None:
    columns = ("id", "until", "why", "since", "type", "key")
    rows = [as_dict(each) for each in records]
    show.table(columns, [[row[name] for name in columns] for row in rows])


def as_dict(each: HeldRecord) -> dict[str, Any]:
    from replay.selection import key_text

    return {
        "id": each.id,
        "component": each.component,
        "until": each.until,
        "why": each.why,
        "since": each.since,
        "attempted_at": each.attempted_at,
        "about": each.about,
        "type": each.type,
        "aggregate_id": each.aggregate_id,
        "key": key_text(each.record.key),
        "origin": str(each.origin),
    }
