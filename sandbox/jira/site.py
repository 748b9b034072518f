"""One simulated Jira site: what it holds, its clock, and the webhooks that each change sets off.

REST calls and the control endpoint go through the same methods, so a change made by a client and one made by the
working day are told alike. A worklog webhook holds only the worklog: no issue key, no project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Clock, milliseconds
from sandbox.jira.state import Issue, Store, User, Worklog
from sandbox.jira.webhooks import Emission, Outbox
from sandbox.jira.wire import Wire
from sandbox.web import Faults

ONCE = Emission()


@dataclass
class Site:
    """`user` is the account that REST clients sign in as, `token` its API token."""

    base: str
    user: str
    token: str
    outbox: Outbox
    store: Store = field(default_factory=Store)
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.wire = Wire(self.store, self.base)
        self.store.users[self.account] = User(self.account, "Integration user", "Etc/UTC")

    @property
    def account(self) -> str:
        """The account id of the integration user."""
        return "557058:00000000-0000-4000-8000-000000000001"

    def log_work(
        self,
        issue: Issue,
        *,
        started: datetime,
        seconds: int,
        comment: Any = "",
        author: str = "",
        at: datetime | None = None,
        id: int | None = None,
        emission: Emission = ONCE,
    ) -> Worklog:
        """Log work as `author` (the integration user by default) at the instant `at` (now by default)."""
        at = at or self.clock.now()
        author = author or self.account
        made = self.store.log_work(
            issue, author=author, started=started, seconds=seconds, comment=comment, at=at, id=id
        )
        self._tell_worklog("worklog_created", made, at, emission)
        return made

    def edit_work(
        self, worklog: Worklog, changes: Mapping[str, Any], *, at: datetime | None = None, emission: Emission = ONCE
    ) -> Worklog:
        """`changes` are fields of Worklog: started, seconds, comment."""
        at = at or self.clock.now()
        edited = self.store.edit_work(worklog, worklog.author, at, **changes)
        self._tell_worklog("worklog_updated", edited, at, emission)
        return edited

    def delete_work(self, worklog: Worklog, *, at: datetime | None = None, emission: Emission = ONCE) -> None:
        """The notice of a deletion shows the worklog as it last was."""
        at = at or self.clock.now()
        self.store.delete_work(worklog, at)
        self._tell_worklog("worklog_deleted", worklog, at, emission)

    def move_issue(
        self,
        issue: Issue,
        project: str,
        *,
        project_code: str,
        role: str = "",
        at: datetime | None = None,
        emission: Emission = ONCE,
    ) -> Issue:
        """Move an issue with its worklogs. The worklogs do not change, and no worklog notice is sent."""
        at = at or self.clock.now()
        moved = self.store.move(issue, project, at, project_code=project_code, role=role)
        self._tell_issue("issue_moved", issue, moved, at, emission)
        return moved

    def edit_issue(
        self, issue: Issue, changes: Mapping[str, Any], *, at: datetime | None = None, emission: Emission = ONCE
    ) -> Issue:
        """`changes` are fields of Issue: summary, project_code, role."""
        at = at or self.clock.now()
        edited = self.store.touch(issue, at, **changes)
        self._tell_issue("issue_updated", issue, edited, at, emission)
        return edited

    def delete_issue(self, issue: Issue, *, at: datetime | None = None, emission: Emission = ONCE) -> None:
        """The worklogs go with it; Jira sends a notice for each of them too."""
        at = at or self.clock.now()
        for worklog in self.store.worklogs_of(issue):
            self.delete_work(worklog, at=at, emission=emission)
        shown = self.wire.issue(issue, "2")
        self.store.delete_issue(issue, at)
        payload = self._head("jira:issue_deleted", at) | {"user": self._editor(), "issue": shown}
        self.outbox.tell(payload, f"issue:{issue.id}", emission)

    def _tell_worklog(self, event: str, worklog: Worklog, at: datetime, emission: Emission) -> None:
        payload = self._head(event, at) | {"worklog": self.wire.worklog(worklog, "2")}
        self.outbox.tell(payload, f"worklog:{worklog.id}", emission)

    def _tell_issue(self, kind: str, before: Issue, after: Issue, at: datetime, emission: Emission) -> None:
        payload = self._head("jira:issue_updated", at) | {
            "issue_event_type_name": kind,
            "user": self._editor(),
            "issue": self.wire.issue(after, "2"),
            "changelog": self.wire.changelog(self.store.next_id(), before, after),
        }
        self.outbox.tell(payload, f"issue:{after.id}", emission)

    def _head(self, event: str, at: datetime) -> dict[str, Any]:
        return {"timestamp": milliseconds(at), "webhookEvent": event}

    def _editor(self) -> dict[str, Any]:
        return self.wire.user(self.store.user(self.account), "2")
