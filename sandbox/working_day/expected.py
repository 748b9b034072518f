"""What the source truly holds in the end, computed from the actions of a day without any sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.working_day.model import WorkingDay


@dataclass(frozen=True)
class Truth:
    """A worklog in the end. Of a deleted one the other fields say how it last was; it counts nowhere.

    `date` is the local date in the author's zone; `issue` the number of the issue.
    """

    worklog: int
    issue: int
    project_code: str
    role: str
    author: str
    seconds: int
    date: date
    deleted: bool = False


def expected(day: WorkingDay) -> dict[int, Truth]:
    """Per worklog id."""
    zones = {person.account_id: ZoneInfo(person.zone) for person in day.people}
    issues = {action.fields["id"]: action.fields for action in day.setup if action.do == "create_issue"}
    truths: dict[int, Truth] = {}
    for action in day.actions():
        given = action.fields
        if action.do == "move_issue":
            _move(truths, issues, given)
        elif action.do == "log_work":
            truths[given["id"]] = _logged(given, issues[given["issue"]], zones[given["author"]])
        else:
            before = truths[given["worklog"]]
            deleted = action.do == "delete_work"
            truths[before.worklog] = replace(before, deleted=deleted, **_edits(given, zones[before.author]))
    return truths


def _logged(given: Mapping[str, Any], issue: Mapping[str, Any], zone: ZoneInfo) -> Truth:
    place = {"issue": given["issue"], "project_code": issue["project_code"], "role": issue["role"]}
    return Truth(worklog=given["id"], author=given["author"], **place, **_edits(given, zone))


def _edits(given: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    edits: dict[str, Any] = {"seconds": given["seconds"]} if "seconds" in given else {}
    if "started" in given:
        edits["date"] = datetime.fromisoformat(given["started"]).astimezone(zone).date()
    return edits


def _move(truths: dict[int, Truth], issues: dict[int, Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    number, code = given["issue"], given["project_code"]
    issues[number] = {**issues[number], "project_code": code}
    for truth in list(truths.values()):
        if truth.issue == number:
            truths[truth.worklog] = replace(truth, project_code=code)
