"""Reading the audit trail: its rows, those that somebody asks for, and what each is about in a few words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psfabric.event import Record
from replay.operations import Operation, operation_of


def rows(records: Iterable[Record], unreadable: list[str]) -> Iterator[Operation]:
    """The rows in their order; of what is none the place goes to `unreadable`."""
    for record in records:
        try:
            yield operation_of(record)
        except ValueError:
            unreadable.append(record.coordinates)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are wanted; what is empty excludes none.

    `acts`: an act, or what it begins with up to a dot (`record` for `record.release`). `who`: part of the principal's
    or the OS user's name, in any case. `about`: a component, source, record or plan. `ids`: ids or numbers of rows.
    """

    since: datetime | None = None
    until: datetime | None = None
    acts: Collection[str] = ()
    who: str = ""
    about: Collection[str] = ()
    ids: Collection[str] = ()

    def fits(self, row: Operation) -> bool:
        return (
            self._in_time(row)
            and (not self.acts or any(f"{row.act}.".startswith(f"{act}.") for act in self.acts))
            and self.who.casefold() in f"{row.who}\n{row.os_user}".casefold()
            and (not self.about or any(is_about(row.detail, name) for name in self.about))
            and (not self.ids or row.id in self.ids or str(row.seq or "") in self.ids)
        )

    def _in_time(self, row: Operation) -> bool:
        if self.since is None and self.until is None:
            return True
        at = instant(row)
        if at is None:
            return False
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def instant(row: Operation) -> datetime | None:
    """When it was done; None for a row that was written with something else."""
    try:
        at = datetime.fromisoformat(row.at)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def is_about(detail: Any, name: str) -> bool:
    """Whether the name stands in the detail as it is, or before a slash: `tryton-uk` in `tryton-uk/psf.time/0/19`."""
    if isinstance(detail, str):
        return detail == name or detail.startswith(f"{name}/")
    if isinstance(detail, Mapping):
        return any(is_about(value, name) for value in detail.values())
    return isinstance(detail, list) and any(is_about(value, name) for value in detail)


def in_short(row: Operation) -> str:
    """`tryton-uk`, `3 records: tryton-uk/psf.time/0/19 …`, `plan 0c1f2e3d4a5b6c7d, 2 of 2 sent`; else ""."""
    detail = row.detail
    records = detail.get("records")
    if isinstance(records, list) and records:
        return str(records[0]) if len(records) == 1 else f"{len(records)} records: {records[0]} …"
    if isinstance(detail.get("plan"), str):
        sent = f", {detail['sent']} of {detail['total']} sent" if {"sent", "total"} <= detail.keys() else ""
        return f"plan {detail['plan'][:16]}{sent}"
    return str(detail.get("component") or detail.get("source") or "")
