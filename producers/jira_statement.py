"""All worklogs that a Jira site holds now, read from Jira itself: the side a reconciliation starts from.

The worklog feed gives ids (1,000 a page; Jira leaves out the last minute), `worklog/list` the worklogs, and each issue
its project code and role. Deleted worklogs are in none of these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from psfabric.adapters import Line
from psfabric.errors import Invalid
from psfabric.upstream import at, text

State = dict[str, Any]
Get = Callable[..., Awaitable[Any]]

LIST = 1000
"""Ids that `worklog/list` takes at once (Jira Cloud REST v3, Issue worklogs)."""


async def worklog_ids(get: Get) -> list[int]:
    """Ids of all worklogs ever changed; those deleted since are not found later."""
    ids: dict[int, None] = {}
    since, last = "0", False
    while not last:
        page = await get("worklog/updated", since=since)
        rows = page.get("values")
        if not isinstance(rows, list):
            raise Invalid("upstream-invalid", "a page of changed worklogs without values")
        ids |= {int(row["worklogId"]): None for row in rows}
        last = bool(page.get("lastPage", True)) or str(page.get("until")) == since
        since = str(page.get("until"))
    return list(ids)


async def worklogs(get: Get, post: Get) -> AsyncIterator[State]:
    ids = await worklog_ids(get)
    for start in range(0, len(ids), LIST):
        for row in await post("worklog/list", {"ids": ids[start : start + LIST]}):
            yield row


async def lines(get: Get, post: Get, line: Callable[[State, State], Line]) -> AsyncIterator[Line]:
    """`line(issue, worklog)` of every worklog; each issue is read once."""
    issues: dict[str, State] = {}
    async for worklog in worklogs(get, post):
        number = str(worklog["issueId"])
        if number not in issues:
            issues[number] = await get(f"issue/{number}")
        yield line(issues[number], worklog)


def unreadable(source: str, project_code: str, role: str, worklog: State) -> Line:
    """A worklog that no event can be made of: its time counts all the same, and its dead letter says what it lacks."""
    seconds = at(worklog, "timeSpentSeconds")
    whole = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0
    id = text(worklog, "id")
    return Line("time", f"{source}:worklog:{id}", project_id=project_code, role=role, seconds=seconds if whole else 0)
