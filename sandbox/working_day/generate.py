"""`working_day(seed)`: the month of that seed, made with nothing but `random.Random(seed)`."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sandbox.working_day import contracts as sales
from sandbox.working_day.firm import CLIENTS, PEOPLE
from sandbox.working_day.model import Action, Batch, Contract, Emit, RawHook, WorkingDay
from sandbox.working_day.worklogs import MOVED_AT, MOVED_ISSUE, Issue, Logged, issues, logged

FIRST_WORKLOG = 20001
EDITED, EDITED_TWICE, DELETED, EDITED_THEN_DELETED = 48, 12, 18, 6
OUT_OF_ORDER, NEVER_TOLD, LATE, LATE_AND_GONE, DUPLICATED = 6, 4, 18, 4, 30
_SETUP_AT = datetime(2026, 9, 28, 8, tzinfo=UTC)
_LAST_CHANGE = datetime(2026, 11, 4, 22, tzinfo=UTC)
Features = dict[str, list[int]]


def working_day(seed: int) -> WorkingDay:
    """The same value for the same seed, whatever the time and the machine."""
    rng = random.Random(seed)
    sold = sales.contracts(rng)
    planned = sales.milestones(rng, sold)
    tasks = issues(sold)
    entries = dict(enumerate(logged(rng, tasks), FIRST_WORKLOG))
    features = _features(rng, entries, tasks, sold)
    actions = _actions(rng, entries, features)
    return WorkingDay(
        seed=seed,
        people=PEOPLE,
        clients=CLIENTS,
        contracts=sold,
        milestones=planned,
        billing_events=sales.billing_events(sold),
        setup=tuple(_setup(sold, tasks)),
        opening=sales.opening(sold, planned),
        work=_batches(actions, sold, features["out_of_order"]),
        features={name: tuple(sorted(ids)) for name, ids in features.items()},
    )


def _setup(sold: tuple[Contract, ...], tasks: tuple[Issue, ...]) -> Iterator[Action]:
    for person in PEOPLE:
        given: dict[str, Any] = {"account_id": person.account_id, "name": person.name, "zone": person.zone}
        yield Action("create_user", _SETUP_AT, given)
    for contract in sold:
        yield Action("create_project", _SETUP_AT, {"key": contract.jira_project, "name": contract.name})
    for task in tasks:
        given = {"id": task.number, "key": task.key, "project": task.jira_project, "role": task.role}
        given |= {"project_code": task.project_code, "summary": f"Work package {task.key}"}
        yield Action("create_issue", _SETUP_AT, given)


def _features(
    rng: random.Random, entries: dict[int, Logged], tasks: tuple[Issue, ...], sold: tuple[Contract, ...]
) -> Features:
    """Draw which worklogs are edited, deleted, told late and so on; of each kind a fixed number, so none is missing."""
    plain = [id for id, work in entries.items() if not work.tags]
    drawn = rng.sample(plain, EDITED + DELETED + LATE)
    edited, deleted, late = drawn[:EDITED], drawn[EDITED : EDITED + DELETED], drawn[EDITED + DELETED :]
    features: Features = {
        "edited": edited,
        "edited_twice": edited[:EDITED_TWICE],
        "deleted": [*deleted, *edited[-EDITED_THEN_DELETED:]],
        "out_of_order": edited[EDITED_TWICE - 2 : EDITED_TWICE - 2 + OUT_OF_ORDER],
        "creation_never_told": edited[EDITED_TWICE + OUT_OF_ORDER : EDITED_TWICE + OUT_OF_ORDER + NEVER_TOLD],
        "late": [*late, *deleted[:LATE_AND_GONE]],
    }
    rest = [id for id in plain if id not in set(drawn)]
    return features | {"duplicate": rng.sample(rest, DUPLICATED)} | _natural(entries, tasks, sold)


def _natural(entries: dict[int, Logged], tasks: tuple[Issue, ...], sold: tuple[Contract, ...]) -> Features:
    """What follows from the worklogs themselves."""
    late = {contract.project_code: contract.won_at for contract in sold if contract.late}
    waiting = {task.number: late[task.project_code] for task in tasks if task.project_code in late}
    found: Features = defaultdict(list)
    for id, work in entries.items():
        names = {
            **dict.fromkeys(work.tags, True),
            "moved": work.issue == MOVED_ISSUE and work.made_at < MOVED_AT,
            "odd_seconds": work.seconds % 60 != 0,
            "unknown_person": not work.person.known,
            "before_project": work.issue in waiting and work.made_at < waiting[work.issue],
        }
        for name in (name for name, holds in names.items() if holds):
            found[name].append(id)
    return dict(found)


def _actions(rng: random.Random, entries: dict[int, Logged], features: Features) -> list[Action]:
    edits = {id: list(_edits(rng, entries[id], id, features)) for id in features["edited"]}
    made = [_creation(rng, id, work, features) for id, work in entries.items()]
    made += [edit for found in edits.values() for edit in found]
    made += [
        _deletion(rng, id, [entries[id].made_at, *(e.at for e in edits.get(id, []))]) for id in features["deleted"]
    ]
    moved = {"issue": MOVED_ISSUE, "project": "NLG", "project_code": "PRJ-1002"}
    return sorted([*made, Action("move_issue", MOVED_AT, moved)], key=lambda action: action.at)


def _creation(rng: random.Random, id: int, work: Logged, features: Features) -> Action:
    given = {
        "id": id,
        "issue": work.issue,
        "author": work.person.account_id,
        "started": work.started.isoformat(),
        "seconds": work.seconds,
        "comment": f"Entry {id}",
    }
    return Action("log_work", work.made_at, given, _creation_told(rng, id, features))


def _creation_told(rng: random.Random, id: int, features: Features) -> Emit:
    if id in features["out_of_order"]:
        return Emit(hold=f"swap-{id}")
    if id in features["creation_never_told"]:
        return Emit(times=0)
    if id in features["late"]:
        return Emit(hold="late", flow="Secondary")
    return Emit(times=rng.randrange(2, 4)) if id in features["duplicate"] else Emit()


def _edits(rng: random.Random, work: Logged, id: int, features: Features) -> Iterator[Action]:
    at = work.made_at
    for _ in range(2 if id in features["edited_twice"] else 1):
        at = _later(rng, at)
        change = rng.choices((_other_seconds, _day_before, _other_comment), (7, 3, 1))[0]
        yield Action("edit_work", at, {"worklog": id, **change(rng, work)}, Emit(times=rng.choice((1, 1, 1, 2))))


def _other_seconds(rng: random.Random, work: Logged) -> dict[str, Any]:
    return {"seconds": max(600, work.seconds + rng.choice((-1, 1)) * rng.randrange(300, 3600))}


def _day_before(rng: random.Random, work: Logged) -> dict[str, Any]:
    """The day before, but never out of the month: work of the first is set to the second."""
    shift = timedelta(days=1 if work.started.date() == date(2026, 10, 1) else -1)
    return {"started": (work.started + shift).isoformat(), "seconds": work.seconds}


def _other_comment(rng: random.Random, work: Logged) -> dict[str, Any]:
    return {"comment": f"Corrected note {rng.randrange(1000)}"}


def _deletion(rng: random.Random, id: int, before: list[datetime]) -> Action:
    return Action("delete_work", _later(rng, max(before)), {"worklog": id}, Emit(times=rng.choice((1, 1, 2))))


def _later(rng: random.Random, at: datetime) -> datetime:
    """One hour to three days later, but before the books of the month are looked at."""
    wanted = at + timedelta(seconds=rng.randrange(3600, 3 * 86_400), milliseconds=rng.randrange(1000))
    return min(wanted, max(_LAST_CHANGE, at + timedelta(minutes=5)))


def _batches(actions: list[Action], sold: tuple[Contract, ...], swapped: list[int]) -> tuple[Batch, ...]:
    """A batch for each calendar week. What was held back out of order is released in the week of its edit."""
    weeks: dict[date, list[Action]] = defaultdict(list)
    for action in actions:
        weeks[_monday(action.at)].append(action)
    batches = [
        Batch(f"week of {monday}", tuple(found), releases=_releases(found, swapped)) for monday, found in weeks.items()
    ]
    late = sorted((contract for contract in sold if contract.late), key=lambda contract: contract.won_at)
    for place, contract in enumerate(late):
        batches[place] = replace(batches[place], writes=(sales.win(contract),))
    batches[1] = replace(batches[1], raws=(RawHook('{"webhookEvent": "worklog_crea', "valid"), RawHook("{}", "forged")))
    batches[-1] = replace(batches[-1], releases=(*batches[-1].releases, "late"))
    return tuple(batches)


def _monday(at: datetime) -> date:
    return at.date() - timedelta(days=at.weekday())


def _releases(actions: Iterable[Action], swapped: list[int]) -> tuple[str, ...]:
    """Labels of the worklogs edited in these actions whose creation was held back for it."""
    edited = dict.fromkeys(action.fields["worklog"] for action in actions if action.do == "edit_work")
    return tuple(f"swap-{id}" for id in edited if id in swapped)
