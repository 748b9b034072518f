"""Approved time in Tryton: one timesheet line for each entry, made, corrected and removed in batches.

A line that an invoice has taken is neither changed nor deleted: Tryton refuses, and so do we before asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from psfabric import outcomes
from psfabric.adapters import Document
from psfabric.errors import FabricError, Held, Invalid, Parent, Transient
from psfabric.outcomes import Delivered, Duplicate, Outcome
from schemas.models import EnrichedTimeApproved, EnrichedTimeRemoved
from sinks.tryton_erp.books import Books, Names
from sinks.tryton_erp.rpc import Exists, Refused, Values

FIELDS = ("employee", "date", "work", "duration", "invoice_line.invoice.state", "_timestamp")


UNPOSTED = ("draft", "validated")
"""States of an invoice that may still be deleted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A time entry by external ids."""

    external_id: str
    employee: str
    task: str
    day: date
    seconds: int


def line_id(names: Names, aggregate_id: str) -> str:
    """External id of the line. The last part is the document version; nothing is reversed and posted again yet."""
    return names.id("time", aggregate_id, "1")


def _entry(names: Names, data: EnrichedTimeApproved) -> Entry:
    employee = names.id("resource", data.resource_id)
    task = names.task_id(data.project_id, data.role)
    return Entry(line_id(names, data.aggregate_id), employee, task, data.work_date, data.worked_seconds)


def document(names: Names, data: EnrichedTimeApproved | EnrichedTimeRemoved) -> Document:
    """The line to be there, or the line not to be there."""
    if isinstance(data, EnrichedTimeRemoved):
        return Document("time", data.aggregate_id, {"external_id": line_id(names, data.aggregate_id)}, removed=True)
    entry = _entry(names, data)
    body = {"employee": entry.employee, "task": entry.task, "date": entry.day.isoformat(), "seconds": entry.seconds}
    return Document("time", data.aggregate_id, {"external_id": entry.external_id, **body})


@dataclass(frozen=True, slots=True)
class Row:
    """A line as Tryton wants it, and the price that its task has there."""

    values: Values
    rate: str

    def delivered(self, reference: int, duplicate: bool = False) -> Delivered:
        return (Duplicate if duplicate else Delivered)(str(reference), {"rate": self.rate})


async def post(books: Books, events: Sequence[EnrichedTimeApproved]) -> list[Outcome]:
    """Make or correct the lines of different entries; one outcome for each. A bad entry does not hinder the others."""
    here = await _Here.read(books, events)
    answers: dict[str, Outcome] = {}
    new: list[Row] = []
    for data in events:
        external_id = line_id(books, data.aggregate_id)
        try:
            row = here.row(data)
            if external_id in here.lines:
                answers[external_id] = await _correct(books, here.lines[external_id], row)
            else:
                new.append(row)
        except FabricError as error:
            answers[external_id] = outcomes.of_error(error)
    answers.update(await _create(books, new))
    return [answers[line_id(books, data.aggregate_id)] for data in events]


@dataclass(frozen=True, slots=True)
class _Here:
    """What Tryton has of a batch: lines, tasks, projects and employees by external id."""

    books: Books
    company: int
    lines: dict[str, Values]
    works: dict[str, Values]
    employees: dict[str, Values]

    @classmethod
    async def read(cls, books: Books, events: Sequence[EnrichedTimeApproved]) -> _Here:
        company = (await books.company()).id
        ids = [line_id(books, data.aggregate_id) for data in events]
        lines = await books.by_external_id("timesheet.line", ids, FIELDS)
        works = [books.task_id(data.project_id, data.role) for data in events]
        works += [books.id("project", data.project_id) for data in events]
        people = [books.id("resource", data.resource_id) for data in events]
        found = await books.by_external_id("project.work", works, ["timesheet_works", "list_price"])
        return cls(books, company, lines, found, await books.by_external_id("company.employee", people))

    def row(self, data: EnrichedTimeApproved) -> Row:
        """Raises Invalid (nobody of that id, no such role) and Held (the project is not there yet)."""
        entry = _entry(self.books, data)
        if self.books.id("project", data.project_id) not in self.works:
            raise Held(Parent("project", data.project_id), f"project {data.project_id} is not in Tryton yet")
        if entry.task not in self.works:
            raise Invalid("role-unknown", f"project {data.project_id} has no rate for the role {data.role!r}")
        if entry.employee not in self.employees:
            raise Invalid("resource-unknown", f"{self.books.legal_entity} has no employee {data.resource_id}")
        task = self.works[entry.task]
        if not task["timesheet_works"]:
            raise Invalid("role-unknown", f"the task of the role {data.role!r} takes no time in Tryton")
        values = {
            "company": self.company,
            "employee": self.employees[entry.employee]["id"],
            "work": task["timesheet_works"][0],
            "date": entry.day,
            "duration": timedelta(seconds=entry.seconds),
            "external_id": entry.external_id,
        }
        return Row(values, f"{task['list_price'] or 0:.4f}")


async def _correct(books: Books, line: Values, row: Row) -> Outcome:
    """Bring an existing line to the new values, unless it has them or an invoice has it."""
    names = ("employee", "date", "work", "duration")
    changed = {name: row.values[name] for name in names if line[name] != row.values[name]}
    if not changed:
        return row.delivered(line["id"], duplicate=True)
    _free(line)
    guard = {f"timesheet.line,{line['id']}": line["_timestamp"]}
    await books.call("timesheet.line", "write", [line["id"]], changed, timestamps=guard)
    return row.delivered(line["id"])


def _free(line: Values) -> None:
    """Raises Invalid when the line is billed, Transient while the invoice that has it is a draft: that one may go."""
    invoice = (line.get("invoice_line.") or {}).get("invoice.")
    if invoice and invoice["state"] in UNPOSTED:
        raise Transient("the entry is on an invoice that is being made")
    if invoice:
        raise Invalid("time-already-billed", "the entry is on an invoice and cannot be changed or removed any more")


async def _create(books: Books, rows: Sequence[Row]) -> dict[str, Outcome]:
    """Make the lines in one call. Tryton takes all or none: a refused batch is halved until the bad ones are alone."""
    if not rows:
        return {}
    try:
        ids = await books.call("timesheet.line", "create", [row.values for row in rows])
        return {row.values["external_id"]: row.delivered(id) for row, id in zip(rows, ids, strict=True)}
    except Refused as refused:
        if len(rows) > 1:
            half = len(rows) // 2
            return {**await _create(books, rows[:half]), **await _create(books, rows[half:])}
        return {rows[0].values["external_id"]: await _refused(books, rows[0], refused)}


async def _refused(books: Books, row: Row, refused: Refused) -> Outcome:
    """What a refused single line means: it is there since we looked (compare), or it is wrong."""
    if not isinstance(refused, Exists):
        return outcomes.of_error(refused)
    external_id = row.values["external_id"]
    found = await books.by_external_id("timesheet.line", [external_id], FIELDS)
    if external_id not in found:
        return outcomes.Retry("the line was removed while it was being made")
    try:
        return await _correct(books, found[external_id], row)
    except FabricError as error:
        return outcomes.of_error(error)


async def remove(books: Books, events: Sequence[EnrichedTimeRemoved]) -> list[Outcome]:
    """Delete the lines of different entries; one that is not there is as good as deleted: reference "".

    Most removals find nothing, because a router sends one to every target that did not get the entry: all are looked
    up in one call.
    """
    ids = [line_id(books, data.aggregate_id) for data in events]
    lines = await books.by_external_id("timesheet.line", ids, FIELDS)
    return [await _delete(books, lines.get(external_id)) for external_id in ids]


async def _delete(books: Books, line: Values | None) -> Outcome:
    if line is None:
        return Delivered("")
    try:
        _free(line)
        guard = {f"timesheet.line,{line['id']}": line["_timestamp"]}
        await books.call("timesheet.line", "delete", [line["id"]], timestamps=guard)
    except FabricError as error:
        return outcomes.of_error(error)
    return Delivered("")


async def find(books: Books, data: EnrichedTimeApproved | EnrichedTimeRemoved) -> Delivered | None:
    """The line of an entry as it is there; for a removal, whether it is gone."""
    external_id = line_id(books, data.aggregate_id)
    fields = ["work.origin"]
    line = (await books.by_external_id("timesheet.line", [external_id], fields)).get(external_id)
    if isinstance(data, EnrichedTimeRemoved):
        return Delivered("") if line is None else None
    if line is None:
        return None
    task = int(line["work."]["origin"].partition(",")[2])
    price = (await books.rows("project.work", [["id", "=", task]], ["list_price"]))[0]["list_price"]
    return Delivered(str(line["id"]), {"rate": f"{price or 0:.4f}"})
