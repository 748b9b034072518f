"""The parts of the firm that are the same for every seed: people, clients, and the terms of the four projects."""

from __future__ import annotations

from sandbox.salesforce.objects import record_id
from sandbox.working_day.model import Client, Person

LONDON, NEW_YORK = "Europe/London", "America/New_York"
TIME_AND_MATERIALS, FIXED_FEE = "Time and Materials", "Fixed Fee Milestone"
CURRENCY = {"UK01": "GBP", "US01": "USD"}
TAX = {"UK01": "GB-VAT-20", "US01": "US-NONE"}


def _person(number: int, name: str, zone: str, *, known: bool = True, lent_to: tuple[str, ...] = ()) -> Person:
    account = f"712020:5eed0000-0000-4000-8000-{number:012d}"
    return Person(account, name, zone, ("UK01" if zone == LONDON else "US01", *lent_to), known)


PEOPLE = (
    _person(1, "Amara Whitlock", LONDON, lent_to=("US01",)),
    _person(2, "Bastian Fennimore", LONDON),
    _person(3, "Carys Penhallow", LONDON),
    _person(4, "Dmitri Oakhurst", LONDON),
    _person(5, "Elspeth Marrow", LONDON),
    _person(6, "Farid Quillfeather", LONDON),
    _person(7, "Gwen Tollemarsh", LONDON),
    _person(8, "Hollis Brandywell", NEW_YORK, lent_to=("UK01",)),
    _person(9, "Imogen Castellow", NEW_YORK),
    _person(10, "Jonah Vantreight", NEW_YORK),
    _person(11, "Keiko Standish-Ray", NEW_YORK),
    _person(12, "Lorcan Duskwater", LONDON, known=False),
)
UNKNOWN = PEOPLE[-1]

CLIENTS = (
    Client(
        record_id("001", 1),
        "Harbour & Finch Logistics plc",
        "C-2001",
        "12 Quayside Lane",
        "Bristol",
        "BS1 4ZZ",
        "",
        "GB",
        "GBP",
    ),
    Client(
        record_id("001", 2),
        "Northlight Grid Services Inc.",
        "C-2002",
        "400 Alder Street",
        "Albany",
        "12207",
        "NY",
        "US",
        "USD",
    ),
    Client(
        record_id("001", 3),
        "Quarry Bank Insurance Group",
        "C-2003",
        "7 Chandler's Row",
        "Leeds",
        "LS1 9ZZ",
        "",
        "GB",
        "GBP",
    ),
)

# code, name, client, legal entity, billing model, second role, project key in Jira
PROJECTS = (
    ("PRJ-1001", "Harbour warehouse rollout", 0, "UK01", TIME_AND_MATERIALS, "Senior Consultant", "HBR"),
    ("PRJ-1002", "Northlight outage analytics", 1, "US01", TIME_AND_MATERIALS, "Solution Architect", "NLG"),
    ("PRJ-1003", "Quarry Bank claims portal", 2, "UK01", FIXED_FEE, "Lead Consultant", "QBC"),
    ("PRJ-1004", "Quarry Bank US data move", 2, "US01", TIME_AND_MATERIALS, "Data Engineer", "QBD"),
)
COMMON_ROLE = "Consultant"
