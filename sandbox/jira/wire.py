"""The JSON shapes of Jira Cloud: users, issues, worklogs, changelogs, as REST v2/v3 and webhooks show."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sandbox.jira.state import Issue, Store, User, Worklog

PROJECT_FIELD = "customfield_10107"
ROLE_FIELD = "customfield_10108"
FIELD_NAMES = {PROJECT_FIELD: "PSA project code", ROLE_FIELD: "Role"}
_SPENT = {"w": 144000, "d": 28800, "h": 3600, "m": 60}


def stamp(at: datetime) -> str:
    """`2026-10-05T09:00:00.000+0100`: milliseconds, and an offset without colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}" + at.strftime("%z")


def read_stamp(text: str) -> datetime:
    """The inverse. Raises ValueError for other forms, as Jira answers 400 to them."""
    if not isinstance(text, str):
        raise ValueError("Error parsing time: a text is needed")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def spent(seconds: int) -> str:
    """`1d 2h 5m`, with Jira's default week of 5 days and day of 8 hours; seconds below a minute are not shown."""
    parts = []
    for unit, size in _SPENT.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0m"


def read_spent(text: str) -> int:
    """Seconds of `1d 2h`. Raises ValueError."""
    if not re.fullmatch(r"(\d+[wdhm]\s*)+", text.strip()):
        raise ValueError("Invalid time duration entered for time spent")
    return sum(int(count) * _SPENT[unit] for count, unit in re.findall(r"(\d+)([wdhm])", text))


def document(text: str) -> dict[str, Any]:
    """Plain text as an Atlassian document (ADF)."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]}] if text else []
    return {"version": 1, "type": "doc", "content": content}


def plain(node: Any) -> str:
    """The text of an Atlassian document."""
    if isinstance(node, dict):
        return str(node.get("text", "")) + "".join(plain(child) for child in node.get("content", []))
    return node if isinstance(node, str) else ""


class Wire:
    """Writes what a store holds; `base` is the address of the site."""

    def __init__(self, store: Store, base: str) -> None:
        self.store = store
        self.base = base.rstrip("/")

    def user(self, user: User, version: str = "3") -> dict[str, Any]:
        return {
            "self": f"{self.base}/rest/api/{version}/user?accountId={user.account_id.replace(':', '%3A')}",
            "accountId": user.account_id,
            "displayName": user.name,
            "active": True,
            "timeZone": user.zone,
            "accountType": "atlassian",
        }

    def worklog(self, worklog: Worklog, version: str = "3") -> dict[str, Any]:
        """As REST answers; in version 3 the comment is a document, in 2 text. Times are in the author's zone."""
        text = worklog.comment
        comment = text if isinstance(text, dict) else document(text)
        return {
            "self": f"{self.base}/rest/api/{version}/issue/{worklog.issue}/worklog/{worklog.id}",
            "author": self.user(self.store.user(worklog.author), version),
            "updateAuthor": self.user(self.store.user(worklog.update_author), version),
            "comment": comment if version == "3" else plain(comment),
            "created": stamp(self.store.local(worklog.created, worklog.author)),
            "updated": stamp(self.store.local(worklog.updated, worklog.author)),
            "started": stamp(self.store.local(worklog.started, worklog.author)),
            "timeSpent": spent(worklog.seconds),
            "timeSpentSeconds": worklog.seconds,
            "id": str(worklog.id),
            "issueId": str(worklog.issue),
        }

    def issue(self, issue: Issue, version: str = "3", wanted: Collection[str] = ()) -> dict[str, Any]:
        """As REST answers; `wanted` names the fields, none = all."""
        everything = not wanted or bool({"*all", "*navigable"} & set(wanted)) or all(n.startswith("-") for n in wanted)
        made = self._fields(issue, version)
        chosen = [name for name in made if (everything or name in wanted) and f"-{name}" not in wanted]
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": str(issue.id),
            "self": f"{self.base}/rest/api/{version}/issue/{issue.id}",
            "key": issue.key,
            "fields": {name: made[name]() for name in chosen},
        }

    def _fields(self, issue: Issue, version: str) -> dict[str, Callable[[], Any]]:
        """How to make each field; those nobody asked for are not made."""
        store = self.store
        return {
            "summary": lambda: issue.summary,
            "issuetype": lambda: {"id": "10002", "name": "Task", "subtask": False},
            "project": lambda: self.project(issue.project, version),
            "status": lambda: {"id": "3", "name": "In Progress", "statusCategory": {"id": 4, "key": "indeterminate"}},
            "created": lambda: stamp(issue.created),
            "updated": lambda: stamp(issue.updated),
            "timespent": lambda: sum(worklog.seconds for worklog in store.worklogs_of(issue)) or None,
            "worklog": lambda: self.page([self.worklog(w, version) for w in store.worklogs_of(issue)], 0, 20),
            PROJECT_FIELD: lambda: issue.project_code or None,
            ROLE_FIELD: lambda: self._option(issue.role),
        }

    def project(self, key: str, version: str = "3") -> dict[str, Any]:
        project = self.store.projects[key]
        return {
            "self": f"{self.base}/rest/api/{version}/project/{project.id}",
            "id": str(project.id),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": False,
        }

    def _option(self, role: str) -> dict[str, Any] | None:
        if not role:
            return None
        number = str(10200 + sum(role.encode()) % 100)
        return {"self": f"{self.base}/rest/api/3/customFieldOption/{number}", "value": role, "id": number}

    def page(self, worklogs: list[dict[str, Any]], start: int, size: int) -> dict[str, Any]:
        return {
            "startAt": start,
            "maxResults": size,
            "total": len(worklogs),
            "worklogs": worklogs[start : start + size],
        }

    def changelog(self, id: int, before: Issue, after: Issue) -> dict[str, Any]:
        """What `jira:issue_updated` tells of a change."""
        items = [
            _item("Key", "jira", "key", before.key, after.key),
            _item("project", "jira", "project", before.project, after.project, self._project_ids(before, after)),
            _item("summary", "jira", "summary", before.summary, after.summary),
            _item(FIELD_NAMES[PROJECT_FIELD], "custom", PROJECT_FIELD, before.project_code, after.project_code),
            _item(FIELD_NAMES[ROLE_FIELD], "custom", ROLE_FIELD, before.role, after.role),
        ]
        return {"id": str(id), "items": [item for item in items if item["fromString"] != item["toString"]]}

    def _project_ids(self, before: Issue, after: Issue) -> tuple[str, str]:
        projects = self.store.projects
        return str(projects[before.project].id), str(projects[after.project].id)


def _item(
    name: str, kind: str, id: str, before: str, after: str, ids: tuple[str | None, str | None] = (None, None)
) -> dict[str, Any]:
    return {
        "field": name,
        "fieldtype": kind,
        "fieldId": id,
        "from": ids[0],
        "fromString": before,
        "to": ids[1],
        "toString": after,
    }
