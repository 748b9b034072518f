"""What the simulated Jira holds: users, projects, issues, worklogs. Plain memory, without clock or network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


class Missing(Exception):
    """There is no such thing here (or it is gone)."""


class Conflict(Exception):
    """The asked change contradicts what is held."""


@dataclass(frozen=True)
class User:
    account_id: str
    name: str
    zone: str = "Europe/London"


@dataclass(frozen=True)
class Project:
    id: int
    key: str
    name: str


@dataclass(frozen=True)
class Issue:
    id: int
    key: str
    project: str
    summary: str
    project_code: str
    role: str
    created: datetime
    updated: datetime


@dataclass(frozen=True)
class Worklog:
    id: int
    issue: int
    author: str
    update_author: str
    started: datetime
    seconds: int
    comment: Any
    created: datetime
    updated: datetime


@dataclass
class Store:
    """All of one site. Ids are given by the caller or counted on from 10000, as Jira does."""

    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    worklogs: dict[int, Worklog] = field(default_factory=dict)
    deleted: dict[int, datetime] = field(default_factory=dict)
    last_id: int = 10000

    def next_id(self, wanted: int | None = None) -> int:
        """`wanted` when given, else a fresh one above all that were used."""
        self.last_id = max(self.last_id, wanted or self.last_id + 1)
        return wanted or self.last_id

    def user(self, account_id: str) -> User:
        """The user of that account id, by default one that nobody described: in London, named by the id."""
        return self.users.get(account_id) or User(account_id, account_id)

    def local(self, at: datetime, account_id: str) -> datetime:
        """`at` in the zone of the user's profile, which is how Jira writes the times of a worklog."""
        return at.astimezone(ZoneInfo(self.user(account_id).zone))

    def add_project(self, key: str, name: str = "") -> Project:
        """The project of that key, made when it is not there."""
        if key not in self.projects:
            self.projects[key] = Project(self.next_id(), key, name or key)
        return self.projects[key]

    def issue(self, id_or_key: str) -> Issue:
        """By id or by any key the issue ever had (Jira keeps the old key of a moved issue working). Raises Missing."""
        number = int(id_or_key) if id_or_key.isascii() and id_or_key.isdigit() else self.keys.get(id_or_key, -1)
        if number not in self.issues:
            raise Missing("Issue does not exist or you do not have permission to see it.")
        return self.issues[number]

    def worklog(self, issue: Issue, id: int) -> Worklog:
        """Raises Missing when it is gone or belongs to another issue."""
        found = self.worklogs.get(id)
        if found is None or found.issue != issue.id:
            raise Missing(f"Cannot find worklog with id: '{id}'.")
        return found

    def worklogs_of(self, issue: Issue) -> list[Worklog]:
        """Oldest first."""
        return sorted((w for w in self.worklogs.values() if w.issue == issue.id), key=lambda w: (w.created, w.id))

    def add_issue(
        self,
        *,
        project: str,
        summary: str,
        project_code: str,
        role: str,
        at: datetime,
        key: str = "",
        id: int | None = None,
    ) -> Issue:
        """Raises Conflict when the key or id is taken."""
        home = self.add_project(project)
        key = key or self._free_key(project)
        if key in self.keys or id in self.issues:
            raise Conflict(f"issue {key} (id {id}) exists already")
        made = Issue(self.next_id(id), key, home.key, summary, project_code, role, at, at)
        self.issues[made.id] = made
        self.keys[key] = made.id
        return made

    def _free_key(self, project: str) -> str:
        number = 1 + max((int(key.rpartition("-")[2]) for key in self.keys if key.startswith(f"{project}-")), default=0)
        return f"{project}-{number}"

    def log_work(
        self,
        issue: Issue,
        *,
        author: str,
        started: datetime,
        seconds: int,
        comment: Any,
        at: datetime,
        id: int | None = None,
    ) -> Worklog:
        """Raises Conflict when the id was used before."""
        if id in self.worklogs or id in self.deleted:
            raise Conflict(f"worklog {id} was made before")
        made = Worklog(self.next_id(id), issue.id, author, author, started, seconds, comment, at, at)
        self.worklogs[made.id] = made
        self.touch(issue, at)
        return made

    def edit_work(self, worklog: Worklog, editor: str, at: datetime, **changes: Any) -> Worklog:
        """The worklog after the change; `changes` are fields of Worklog."""
        edited = replace(worklog, update_author=editor, updated=at, **changes)
        self.worklogs[worklog.id] = edited
        self.touch(self.issues[worklog.issue], at)
        return edited

    def delete_work(self, worklog: Worklog, at: datetime) -> None:
        """Gone; only its id and the time stay, for the feed of deleted worklogs."""
        del self.worklogs[worklog.id]
        self.deleted[worklog.id] = at
        self.touch(self.issues[worklog.issue], at)

    def touch(self, issue: Issue, at: datetime, **changes: Any) -> Issue:
        """Change an issue. `updated` never goes back; logging work counts as a change of the issue, as in Jira."""
        current = self.issues[issue.id]
        changed = replace(current, updated=max(at, current.updated), **changes)
        self.issues[issue.id] = changed
        return changed

    def move(self, issue: Issue, project: str, at: datetime, *, project_code: str, role: str = "") -> Issue:
        """To another project: it gets a new key, and the old one keeps leading to it."""
        self.add_project(project)
        key = self._free_key(project)
        self.keys[key] = issue.id
        return self.touch(issue, at, key=key, project=project, project_code=project_code, role=role or issue.role)

    def delete_issue(self, issue: Issue, at: datetime) -> None:
        """With all its worklogs."""
        for worklog in self.worklogs_of(issue):
            self.delete_work(worklog, at)
        del self.issues[issue.id]
        self.keys = {key: id for key, id in self.keys.items() if id != issue.id}
