"""Jira Cloud: worklogs, told by signed admin webhooks and read back by REST v3.

A worklog notice holds no issue key and no project (VENDORS, Jira), so every notice is thin: `hydrate` reads the issue
and the worklog. A worklog counts as changed when it or its issue changed, so its version is the later of both
`updated`; the reads below are ordered such that a version never carries an older state.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any, ClassVar

from pydantic import SecretStr

from producers import jira_statement
from producers.jira_translate import Reading, bounded_id, required_id
from psfabric import strict_json, upstream
from psfabric.adapters import Line, Notice, Request, Stated, Thin, Types, Webhook
from psfabric.errors import Invalid, Refused, Transient
from psfabric.event import Event, Raw
from psfabric.http import Response
from psfabric.upstream import at, text
from schemas.models import TimeSubmitted

NOTICE_ID_LIMIT = 128
PAGE = 1000
SNAPSHOTS = 3
"""Tries to read an issue and its worklogs at rest before the engine has to wait and try again."""

WRITTEN = ("worklog_created", "worklog_updated")

State = dict[str, Any]


class Gone(Exception):
    """Jira answered 404: the issue or the worklog is not there any more."""


class Jira(Webhook, Thin, Stated):
    """Settings of one Jira site.

    base_url         address of the site, e.g. https://acme.atlassian.net
    user, token      account that reads, and its API token
    secret           secret of the admin webhook; `previous_secret` is accepted too while it is being changed
    project_field    issue field with the PSA project code (text)
    role_field       issue field with the role in which people work on the issue (text or single choice)
    """

    emits: ClassVar[Types] = ("time.TimeSubmitted", "time.TimeRemoved")

    base_url: upstream.Url
    user: str
    token: upstream.Secret
    secret: upstream.Secret
    previous_secret: upstream.Secret | None = None
    project_field: str = "customfield_10107"
    role_field: str = "customfield_10108"

    def verify(self, request: Request, now: datetime) -> Notice:
        """`X-Hub-Signature: sha256=<hex>` over the raw body (Atlassian, "Webhooks"); no other method is taken."""
        method, _, given = request.headers.get("x-hub-signature", "").partition("=")
        secrets = [secret for secret in (self.secret, self.previous_secret) if secret is not None]
        fits = [hmac.compare_digest(_signature(secret, request.body), given.encode()) for secret in secrets]
        if method != "sha256" or not any(fits):
            raise Refused("signature-invalid", "the signature does not fit the body")
        id = _notice_id(request)
        return Notice(id=id, key=_object_id(request.body) or id)

    async def hydrate(self, raw: Raw) -> Raw:
        """Read the issue and the worklogs that the notice is about; {"notice", "issue", "worklogs"}."""
        notice = _notice(raw.body)
        state: State = {"notice": notice, "issue": None, "worklogs": []}
        try:
            if notice["webhookEvent"] in WRITTEN:
                one = f"{required_id(notice, 'worklog', 'issueId')}/worklog/{required_id(notice, 'worklog', 'id')}"
                state |= await self._at_rest(required_id(notice, "worklog", "issueId"), one)
            elif self._moved(notice):
                state |= await self._at_rest(required_id(notice, "issue", "id"), "")
        except Gone:
            return upstream.full(raw, state, absent=True)
        return upstream.full(raw, state)

    def translate(self, full: Raw) -> Iterable[Event]:
        """One TimeSubmitted for each worklog read, or the TimeRemoved of a deletion."""
        if full.absent:
            return []
        state = upstream.state_of(full)
        if text(state, "notice", "webhookEvent") == "worklog_deleted":
            return [self._reading(full).removed(state["notice"])]
        worklogs, reading = at(state, "worklogs"), self._reading(full)
        return [reading.submitted(at(state, "issue"), w) for w in worklogs] if isinstance(worklogs, list) else []

    def _reading(self, full: Raw) -> Reading:
        return Reading(self.name, self.project_field, self.role_field, full)

    def statement(self, entity: str) -> AsyncIterator[Line]:
        """`time`: every worklog Jira holds now, one line each."""
        if entity != "time":
            raise ValueError(f"Jira has no statement of {entity!r}: time")
        return jira_statement.lines(self._get, self._post, self._line)

    def _line(self, issue: State, worklog: State) -> Line:
        reading = self._reading(Raw("", b""))
        try:
            event = reading.submitted(issue, worklog).data
        except Invalid:
            return jira_statement.unreadable(self.name, *reading.place(issue), worklog)
        if not isinstance(event, TimeSubmitted):
            raise TypeError(event.EVENT)
        return Line(
            entity="time",
            aggregate_id=event.aggregate_id,
            project_id=event.project_id,
            role=event.role,
            day=event.work_date,
            seconds=event.worked_seconds,
        )

    # ------------------------------------------------------------------------------------------------ reading

    def _moved(self, notice: State) -> bool:
        """Whether the change of an issue touches its worklogs: another project, project code or role."""
        if notice["webhookEvent"] != "jira:issue_updated":
            return False
        items = at(notice, "changelog", "items")
        fields = (self.project_field, self.role_field)
        return any(at(i, "field") == "project" or at(i, "fieldId") in fields for i in items or [])

    async def _at_rest(self, issue_id: str, one: str) -> State:
        """An issue and its worklogs (the one at `one`, or all) as they were at one moment.

        The issue is read first: a worklog not newer than that issue was already so when the issue was read. Otherwise
        the issue must not have changed meanwhile, or an old project would travel under a new version.
        """
        issue = await self._issue(issue_id)
        for _ in range(SNAPSHOTS):
            worklogs = [await self._get(f"issue/{one}")] if one else await self._worklogs(issue_id)
            changed = upstream.instant(issue, "fields", "updated")
            if one and all(upstream.instant(w, "updated") <= changed for w in worklogs):
                return {"issue": issue, "worklogs": worklogs}
            before, issue = changed, await self._issue(issue_id)
            if upstream.instant(issue, "fields", "updated") == before:
                return {"issue": issue, "worklogs": worklogs}
        raise Transient("the issue keeps changing while it is read")

    async def _issue(self, id: str) -> State:
        return await self._get(f"issue/{id}", fields=f"project,{self.project_field},{self.role_field},updated")

    async def _worklogs(self, issue_id: str) -> list[State]:
        """All worklogs of an issue; a page may shift when one is deleted, which `_at_rest` then sees."""
        found: dict[str, State] = {}
        start, total = 0, 1  # the first page says how many there are
        while start < total:
            page = await self._get(f"issue/{issue_id}/worklog", startAt=str(start), maxResults=str(PAGE))
            rows, total = _page(page, start)
            found |= {required_id(row, "id"): row for row in rows}
            start += len(rows)
        return list(found.values())

    async def _post(self, path: str, body: State) -> list[State]:
        """A read that Jira wants as a POST; its answer is an array."""
        return upstream.array(await self._ask("POST", path, json=body))

    async def _get(self, path: str, **params: str) -> State:
        return upstream.content(await self._ask("GET", path, params=params))

    async def _ask(self, method: str, path: str, **sent: Any) -> Response:
        login = base64.b64encode(f"{self.user}:{self.token.get_secret_value()}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "accept": "application/json"}
        url = f"{self.base_url}/rest/api/3/{path}"
        answer = await upstream.read(self.http, method, url, headers=headers, **sent)
        if answer.status == 404:
            raise Gone
        if answer.status in (401, 403) or 300 <= answer.status < 400:
            raise Transient(f"Jira refused the user or token ({answer.status}); a person has to repair that")
        if answer.status != 200:
            raise Invalid("upstream-refused", f"{method} {path.partition('/')[0]} answered {answer.status}")
        return answer


def _signature(secret: SecretStr, body: bytes) -> bytes:
    return hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest().encode()


def _notice_id(request: Request) -> str:
    """Atlassian's identifier, the same for every retry. The signature does not cover it, so an odd one is replaced."""
    given = request.headers.get("x-atlassian-webhook-identifier", "")
    usable = 0 < len(given) <= NOTICE_ID_LIMIT and given.isascii() and given.isprintable()
    return given if usable else hashlib.blake2b(request.body, digest_size=16).hexdigest()


def _object_id(body: bytes) -> str:
    """Id of the worklog or issue that a verified body is about; "" when the body has no known shape."""
    try:
        notice = strict_json.loads(body)
    except strict_json.NotJson:
        return ""
    worklog, issue = bounded_id(at(notice, "worklog", "id")), bounded_id(at(notice, "issue", "id"))
    return worklog or (f"issue-{issue}" if issue else "")


def _notice(body: bytes) -> State:
    try:
        notice = strict_json.loads(body)
    except strict_json.NotJson as error:
        raise Invalid("malformed-json", str(error)) from None
    if not isinstance(at(notice, "webhookEvent"), str):
        raise Invalid("malformed-json", "the body is no Jira notice: it has no webhookEvent")
    found: State = notice
    return found


def _page(page: State, start: int) -> tuple[list[State], int]:
    """Rows of one page of worklogs and how many there are in all."""
    rows, total = page.get("worklogs"), page.get("total")
    if not isinstance(rows, list) or not isinstance(total, int) or (not rows and start < total):
        raise Invalid("upstream-invalid", "a page of worklogs without its rows or total")
    return rows, total
