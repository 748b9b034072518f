"""Which work is logged in the month, before anybody corrects it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.working_day.firm import COMMON_ROLE, LONDON, NEW_YORK, PEOPLE
from sandbox.working_day.model import Contract, Person

MOVED_ISSUE = 10290
MOVED_AT = datetime(2026, 10, 20, 12, 0, 0, 417_000, tzinfo=UTC)
ISSUES_PER_PROJECT = 6


@dataclass(frozen=True)
class Issue:
    number: int
    key: str
    project_code: str
    jira_project: str
    role: str
    legal_entity: str
    fixed_fee: bool = False


@dataclass(frozen=True)
class Logged:
    """One worklog as first entered. `tags` name what is special about it."""

    person: Person
    issue: int
    started: datetime
    seconds: int
    made_at: datetime
    tags: tuple[str, ...] = ()


def issues(sold: tuple[Contract, ...]) -> tuple[Issue, ...]:
    """Six for each project, alternating between its two roles; and the one that is moved, first in PRJ-1001."""
    made = []
    for place, contract in enumerate(sold):
        for n in range(ISSUES_PER_PROJECT):
            role = contract.rates[n % 2].role
            made.append(_issue(contract, 10200 + 20 * place + n, n + 1, role))
    return (*made, _issue(sold[0], MOVED_ISSUE, 90, COMMON_ROLE))


def _issue(contract: Contract, number: int, n: int, role: str) -> Issue:
    key = f"{contract.jira_project}-{n}"
    return Issue(
        number, key, contract.project_code, contract.jira_project, role, contract.legal_entity, contract.fixed_fee
    )


def logged(rng: random.Random, tasks: tuple[Issue, ...]) -> list[Logged]:
    """About 600, in the order in which they are entered."""
    ordinary = [task for task in tasks if task.number != MOVED_ISSUE]
    days = [day for day in map(_october, range(1, 32)) if day.weekday() < 5]
    made = [work for day in days for person in PEOPLE for work in _day(rng, person, day, ordinary)]
    made += [*_moved(rng), *_evenings(rng, ordinary), *_november(rng, ordinary)]
    return sorted(made, key=lambda work: (work.made_at, work.person.account_id, work.started))


def _october(day: int) -> date:
    return date(2026, 10, day)


def _home(person: Person, tasks: list[Issue]) -> list[Issue]:
    return [task for task in tasks if task.legal_entity == person.legal_entities[0]]


def _day(rng: random.Random, person: Person, day: date, tasks: list[Issue]) -> Iterator[Logged]:
    """Two or three stretches of work, one after the other."""
    start = _local(day, time(8, 30), person) + timedelta(minutes=rng.randrange(60))
    for _ in range(2 if rng.random() < 0.75 else 3):
        task = rng.choice(_home(person, tasks))
        work = _stretch(rng, person, task.number, start)
        yield work
        start += timedelta(seconds=work.seconds - work.seconds % 60, minutes=rng.randrange(5, 40))


def _stretch(rng: random.Random, person: Person, issue: int, start: datetime, *tags: str) -> Logged:
    """Quarters of an hour, but one time in six a number of seconds as a stop-watch gives it."""
    seconds = rng.randrange(4, 17) * 900
    if rng.random() < 1 / 6:
        seconds += rng.randrange(-14, 14) * 60 + rng.randrange(1, 60)
    days = rng.randrange(1, 5) if rng.random() < 0.08 and not tags else 0
    wait = timedelta(days=days, seconds=rng.randrange(60, 5400), milliseconds=rng.randrange(1000))
    made_at = (start + timedelta(seconds=seconds)).astimezone(UTC) + wait
    return Logged(person, issue, start, seconds, made_at, tags)


def _local(day: date, at: time, person: Person) -> datetime:
    return datetime.combine(day, at, ZoneInfo(person.zone))


def _moved(rng: random.Random) -> Iterator[Logged]:
    """Work on the issue that moves to the other legal entity, before and after, by people known in both."""
    lent = [person for person in PEOPLE if len(person.legal_entities) > 1]
    for place, day in enumerate((5, 7, 9, 13, 15, 16, 22, 27)):
        start = _local(_october(day), time(18, 30), lent[place % 2])
        yield _stretch(rng, lent[place % 2], MOVED_ISSUE, start, "moved_issue")


def _evenings(rng: random.Random, tasks: list[Issue]) -> Iterator[Logged]:
    """Work whose local day is another day, and another month, than its day in UTC."""
    for zone, day, at in ((NEW_YORK, 31, time(21, 15)), (NEW_YORK, 31, time(22, 5)), (LONDON, 1, time(0, 20))):
        person = rng.choice([person for person in PEOPLE if person.zone == zone and person.known])
        task = rng.choice([task for task in _home(person, tasks) if not task.fixed_fee])
        yield _stretch(rng, person, task.number, _local(_october(day), at, person), "evening")


def _november(rng: random.Random, tasks: list[Issue]) -> Iterator[Logged]:
    """Work of the first days of the next month, not billed yet when this month ends."""
    known = [person for person in PEOPLE if person.known]
    for day in (2, 2, 3, 3, 4, 4):
        person = rng.choice(known)
        task = rng.choice([task for task in _home(person, tasks) if not task.fixed_fee])
        start = _local(date(2026, 11, day), time(9, 0), person) + timedelta(minutes=rng.randrange(240))
        yield _stretch(rng, person, task.number, start, "november")
