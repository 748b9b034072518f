"""A requested project in Tryton: the client's party, the project, and one task for each role.

The task carries the price, because Tryton bills time by task. Every record is found by its external id first, so a
repeat, and a crash between any two calls, ends with one of each.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from psfabric.adapters import Document
from psfabric.errors import Invalid, Transient
from psfabric.outcomes import Delivered, Duplicate
from schemas.models import EnrichedProjectRequested
from sinks.tryton_erp.books import Books, Names, compact, price
from sinks.tryton_erp.rpc import Exists, Values

METHODS = {"TIME_AND_MATERIALS": "timesheet", "FIXED_FEE_MILESTONE": "manual"}
"""Tryton's invoice method for a billing model. A milestone is billed by an invoice of its own."""

Request = EnrichedProjectRequested


def document(names: Names, data: Request) -> Document:
    """What the project comes to in Tryton. Raises Invalid for what no project may have."""
    checked = {"currency": data.currency, "tax_code": data.tax_code, "client": data.client_id}
    return Document("project", data.aggregate_id, {"project": _work(names, data), "tasks": _prices(data), **checked})


def _work(names: Names, data: Request) -> Values:
    """Name, method and remarks. Tryton's project has no field for the last five: they are kept in its comment."""
    remarks = {
        "engagement": data.engagement_id,
        "cost centre": data.cost_centre,
        "tax code": data.tax_code,
        "revenue rule": data.revenue_rule,
        "purchase order": data.purchase_order,
    }
    return {
        "name": data.project_name,
        "external_id": names.id("project", data.project_id),
        "project_invoice_method": METHODS[_text(data.billing_model)],
        "comment": "\n".join(f"{name}: {value}" for name, value in remarks.items() if value),
    }


def _text(value: object) -> str:
    return str(getattr(value, "value", value))


def _prices(data: Request) -> dict[str, Decimal]:
    """Price of an hour by role; 0 when it is never invoiced. Raises Invalid."""
    hourly = _text(data.billing_model) == "TIME_AND_MATERIALS"
    prices: dict[str, Decimal] = {}
    for rate in data.rates:
        if rate.role in prices:
            raise Invalid("field-invalid", f"the role {rate.role!r} has two rates")
        if rate.hourly_rate.currency != data.currency:
            raise Invalid("currency-mismatch", f"the rate of {rate.role!r} is not in {data.currency}")
        prices[rate.role] = price(rate.hourly_rate.amount) if hourly and rate.billable else Decimal("0.0000")
    return prices


async def deliver(books: Books, data: Request) -> Delivered:
    """Check the set-up, then find or make party, project and tasks, and bring name, remarks and prices up to date."""
    if data.legal_entity != books.legal_entity:
        raise Invalid("legal-entity-unknown", f"this is {books.legal_entity}, not {data.legal_entity or 'unknown'}")
    wanted, prices = _work(books, data), _prices(data)
    await books.check_currency(data.currency)
    await books.tax(data.tax_code)
    before = await find(books, data)
    party = await _party(books, data)
    project, changed = await _project(books, data, wanted, prices, party)
    tasks, repriced = await _tasks(books, data, project["id"], prices)
    there = before is not None and not changed and not repriced
    return _delivered(project["id"], party, tasks, Duplicate if there else Delivered)


def _delivered(project: int, party: int, tasks: dict[str, int], kind: type[Delivered] = Delivered) -> Delivered:
    references = {role: str(id) for role, id in tasks.items()}
    facts = {"project_reference": str(project), "client_reference": str(party), "tasks": compact(references)}
    return kind(str(project), facts)


async def find(books: Books, data: Request) -> Delivered | None:
    """The project as Tryton has it, when all of it is there."""
    external_id = books.id("project", data.project_id)
    project = (await books.by_external_id("project.work", [external_id], ["party"])).get(external_id)
    ids = {role: books.task_id(data.project_id, role) for role in _prices(data)}
    tasks = await books.by_external_id("project.work", ids.values())
    if project is None or len(tasks) < len(ids):
        return None
    return _delivered(project["id"], project["party"], {role: tasks[id]["id"] for role, id in ids.items()})


async def _party(books: Books, data: Request) -> int:
    """The client, shared by all companies. An existing one is left as it is: it is not the project's to change."""
    external_id = f"client:{data.client_id}"
    found = await books.by_external_id("party.party", [external_id])
    if external_id not in found:
        values: Values = {"name": data.enrichment.client_name, "external_id": external_id}
        values["addresses"] = [["create", [await _address(books, data)]]]  # without one, billing is refused
        with suppress(Exists):  # the sink of another company was quicker
            await books.call("party.party", "create", [values])
        found = await books.by_external_id("party.party", [external_id])
    return int(found[external_id]["id"])


async def _address(books: Books, data: Request) -> Values:
    """Tryton knows regions only as records that are not installed, so the region stands with the city."""
    given = data.enrichment
    address: Values = {"street": given.street, "postal_code": given.postal_code}
    address["city"] = ", ".join(part for part in (given.city, given.region) if part)
    countries = await books.rows("country.country", [["code", "=", given.country_code]], ["id"], limit=1)
    if countries:
        address["country"] = countries[0]["id"]
    return address


async def _project(
    books: Books, data: Request, wanted: Values, prices: dict[str, Decimal], party: int
) -> tuple[Values, bool]:
    fields = ["name", "project_invoice_method", "comment", "party", "company", "_timestamp"]
    external_id = wanted["external_id"]
    found = await books.by_external_id("project.work", [external_id], fields)
    if external_id not in found:
        await _create(books, await _new_project(books, data, wanted, prices, party))
        found = await books.by_external_id("project.work", [external_id], fields)
    if external_id not in found:
        raise Transient("the project was removed while it was being made")
    project = found[external_id]
    if project["party"] != party:
        raise Invalid("erp-refused", f"project {data.project_id} belongs to another client in Tryton")
    changed = {name: value for name, value in wanted.items() if (project[name] or "") != value}
    if changed:
        await _write(books, project, changed)
    return project, bool(changed)


async def _new_project(books: Books, data: Request, wanted: Values, prices: dict[str, Decimal], party: int) -> Values:
    company = (await books.company()).id
    tasks = [await _new_task(books, data, role, amount) for role, amount in prices.items()]
    shared = {"type": "project", "company": company, "party": party, "timesheet_available": False}
    return {**wanted, **shared, "children": [["create", tasks]]}


async def _new_task(books: Books, data: Request, role: str, amount: Decimal) -> Values:
    """Both product and price have to be given: over the network Tryton fills in neither, and bills nothing without."""
    return {
        "type": "task",
        "name": role,
        "company": (await books.company()).id,
        "external_id": books.task_id(data.project_id, role),
        "product": await books.product(books.hour_product),
        "list_price": amount,
        "timesheet_available": True,
    }


async def _tasks(books: Books, data: Request, project: int, prices: dict[str, Decimal]) -> tuple[dict[str, int], bool]:
    """Tasks by role: the missing ones are made, changed prices written. A role that is gone keeps its task and time."""
    ids = {role: books.task_id(data.project_id, role) for role in prices}
    fields = ["list_price", "_timestamp"]
    found = await books.by_external_id("project.work", ids.values(), fields)
    changed = False
    for role, external_id in ids.items():
        if external_id not in found:
            await _create(books, {**await _new_task(books, data, role, prices[role]), "parent": project})
        elif found[external_id]["list_price"] != prices[role]:
            await _write(books, found[external_id], {"list_price": prices[role]})
            changed = True
    if len(found) < len(ids):
        found = await books.by_external_id("project.work", ids.values(), fields)
    return {role: int(found[external_id]["id"]) for role, external_id in ids.items()}, changed


async def _create(books: Books, values: Values) -> None:
    with suppress(Exists):  # an earlier try whose answer was lost; the caller reads what is there
        await books.call("project.work", "create", [values])


async def _write(books: Books, row: Values, values: Values) -> None:
    guard = {f"project.work,{row['id']}": row["_timestamp"]}
    await books.call("project.work", "write", [row["id"]], values, timestamps=guard)
