"""The REST API of the simulated Jira, versions 2 and 3: the part about issues and worklogs."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.clock import milliseconds
from sandbox.jira.site import Site
from sandbox.jira.state import Issue, Missing, Worklog
from sandbox.jira.wire import FIELD_NAMES, PROJECT_FIELD, ROLE_FIELD, read_spent, read_stamp
from sandbox.web import object_of, reply

FEED_PAGE = 1000
Handler = Callable[[Request], Awaitable[Response]]


def problem(status: int, message: str, **errors: str) -> Response:
    """An error in Jira's form."""
    return reply({"errorMessages": [message] if message else [], "errors": errors}, status)


class Rest:
    """Handlers over one site. Every one asks for basic authentication first, and obeys the faults that are set."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def routes(self) -> list[Route]:
        issue, feed = "/issue/{issue}", "/worklog"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/serverInfo", self.server_info),
            ("GET", "/myself", self.myself),
            ("GET", "/field", self.fields),
            ("GET", issue, self.get_issue),
            ("PUT", issue, self.put_issue),
            ("GET", f"{issue}/worklog", self.list_worklogs),
            ("POST", f"{issue}/worklog", self.post_worklog),
            ("GET", f"{issue}/worklog/{{id}}", self.get_worklog),
            ("PUT", f"{issue}/worklog/{{id}}", self.put_worklog),
            ("DELETE", f"{issue}/worklog/{{id}}", self.delete_worklog),
            ("GET", f"{feed}/updated", self.updated),
            ("GET", f"{feed}/deleted", self.deleted),
            ("POST", f"{feed}/list", self.by_ids),
        ]
        prefix = "/rest/api/{version:int}"
        return [Route(prefix + path, self._guarded(handler), methods=[method]) for method, path, handler in table]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if refused := self._refusal(request):
                return refused
            if fault := await self.site.faults.next():
                return self._fault(fault)
            try:
                return await handler(request)
            except Missing as missing:
                return problem(404, str(missing))
            except (ValueError, TypeError, KeyError) as wrong:
                return problem(400, str(wrong))

        return guarded

    def _refusal(self, request: Request) -> Response | None:
        wanted = base64.b64encode(f"{self.site.user}:{self.site.token}".encode()).decode()
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Basic {wanted}".encode()):
            return problem(401, "Client must be authenticated to access this resource.")
        if request.path_params["version"] not in (2, 3):
            return problem(404, "There is no such version of the REST API; there are 2 and 3.")
        return None

    def _fault(self, fault: str) -> Response:
        if fault == "server_error":
            return problem(503, "Service Unavailable")
        faults = self.site.faults
        reset = (self.site.clock.now() + timedelta(seconds=faults.retry_after)).strftime("%Y-%m-%dT%H:%MZ")
        headers = {
            "Retry-After": str(faults.retry_after),
            "X-RateLimit-Limit": "100",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset,
            "X-RateLimit-NearLimit": "true",
            "RateLimit-Reason": faults.reason,
        }
        return reply({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)

    def _version(self, request: Request) -> str:
        return str(request.path_params["version"])

    def _issue(self, request: Request) -> Issue:
        return self.site.store.issue(request.path_params["issue"])

    def _worklog(self, request: Request) -> Worklog:
        return self.site.store.worklog(self._issue(request), _number(request.path_params["id"], "worklog id"))

    async def server_info(self, request: Request) -> Response:
        return reply(
            {
                "baseUrl": self.site.base,
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "buildNumber": 100300,
                "serverTitle": "Jira (simulated)",
            }
        )

    async def myself(self, request: Request) -> Response:
        return reply(self.site.wire.user(self.site.store.user(self.site.account), self._version(request)))

    async def fields(self, request: Request) -> Response:
        shown = [{"id": id, "key": id, "name": name, "custom": True} for id, name in FIELD_NAMES.items()]
        return reply([{"id": "summary", "key": "summary", "name": "Summary", "custom": False}, *shown])

    async def get_issue(self, request: Request) -> Response:
        wanted = [name for text in request.query_params.getlist("fields") for name in text.split(",") if name]
        return reply(self.site.wire.issue(self._issue(request), self._version(request), wanted))

    async def put_issue(self, request: Request) -> Response:
        given = dict((await object_of(request)).get("fields") or {})
        changes: dict[str, Any] = {}
        for name, value in given.items():
            if name == ROLE_FIELD:
                changes["role"] = str(value["value"]) if value else ""
            elif name in ("summary", PROJECT_FIELD):
                changes["summary" if name == "summary" else "project_code"] = value or ""
            else:
                return problem(400, "", **{name: f"Field '{name}' cannot be set. It is not on the appropriate screen."})
        self.site.edit_issue(self._issue(request), changes)
        return Response(status_code=204)

    async def list_worklogs(self, request: Request) -> Response:
        asked = request.query_params
        start, size = (
            _number(asked.get("startAt", "0"), "startAt"),
            _number(asked.get("maxResults", "5000"), "maxResults"),
        )
        after, before = asked.get("startedAfter"), asked.get("startedBefore")
        chosen = [
            worklog
            for worklog in self.site.store.worklogs_of(self._issue(request))
            if (after is None or milliseconds(worklog.started) >= _number(after, "startedAfter"))
            and (before is None or milliseconds(worklog.started) < _number(before, "startedBefore"))
        ]
        shown = [self.site.wire.worklog(worklog, self._version(request)) for worklog in chosen]
        return reply(self.site.wire.page(shown, start, min(size, 5000)))

    async def get_worklog(self, request: Request) -> Response:
        return reply(self.site.wire.worklog(self._worklog(request), self._version(request)))

    async def post_worklog(self, request: Request) -> Response:
        issue, given = self._issue(request), await object_of(request)
        changes = _changes(given, self._version(request))
        if "seconds" not in changes:
            return problem(400, "", timeLogged="You must indicate the time spent working.")
        changes.setdefault("started", self.site.clock.now())
        return reply(self.site.wire.worklog(self.site.log_work(issue, **changes), self._version(request)), 201)

    async def put_worklog(self, request: Request) -> Response:
        worklog = self._worklog(request)
        changes = _changes(await object_of(request), self._version(request))
        return reply(self.site.wire.worklog(self.site.edit_work(worklog, changes), self._version(request)))

    async def delete_worklog(self, request: Request) -> Response:
        self.site.delete_work(self._worklog(request))
        return Response(status_code=204)

    async def updated(self, request: Request) -> Response:
        return self._feed(request, {worklog.id: milliseconds(worklog.updated) for worklog in self._all()})

    async def deleted(self, request: Request) -> Response:
        return self._feed(request, {id: milliseconds(at) for id, at in self.site.store.deleted.items()})

    def _all(self) -> list[Worklog]:
        return list(self.site.store.worklogs.values())

    def _feed(self, request: Request, times: dict[int, int]) -> Response:
        """Changes after `since`, oldest first, 1,000 a page, without the last minute before now.

        Changes of one millisecond stay on one page: `since` of the next page is `until` of this one.
        """
        since = _number(request.query_params.get("since", "0"), "since")
        newest = milliseconds(self.site.clock.now()) - 60_000
        found = sorted((time, id) for id, time in times.items() if since < time <= newest)
        until = found[:FEED_PAGE][-1][0] if found else since
        page = [(time, id) for time, id in found if time <= until]
        address = f"{self.site.base}{request.url.path}?since="
        values = [{"worklogId": id, "updatedTime": time, "properties": []} for time, id in page]
        body = {"values": values, "since": since, "until": until, "self": f"{address}{since}"}
        last = len(page) == len(found)
        return reply(body | {"lastPage": last} | ({} if last else {"nextPage": f"{address}{until}"}))

    async def by_ids(self, request: Request) -> Response:
        ids = (await object_of(request)).get("ids", [])
        if len(ids) > FEED_PAGE:
            return problem(400, "The number of worklog ids must not exceed 1000.")
        wanted = [_number(str(id), "ids") for id in ids]
        found = [self.site.store.worklogs[id] for id in wanted if id in self.site.store.worklogs]
        return reply([self.site.wire.worklog(worklog, self._version(request)) for worklog in found])


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _changes(given: dict[str, Any], version: str) -> dict[str, Any]:
    """Fields of Worklog out of a request's body. Raises ValueError with Jira's kind of sentence."""
    changes: dict[str, Any] = {}
    if "started" in given:
        changes["started"] = read_stamp(given["started"])
    if "timeSpentSeconds" in given:
        changes["seconds"] = _seconds(given["timeSpentSeconds"])
    elif "timeSpent" in given:
        changes["seconds"] = read_spent(str(given["timeSpent"]))
    if "comment" in given:
        if version == "3" and not isinstance(given["comment"], dict):
            raise ValueError("Comment body is not valid!")
        changes["comment"] = given["comment"]
    return changes


def _seconds(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given <= 0:
        raise ValueError("timeSpentSeconds must be a whole number above 0")
    return given
