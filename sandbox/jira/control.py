"""What only a simulated Jira has: `/_sandbox/…`, to act as people do in the browser and to steer the webhooks.

POST /_sandbox/actions                {"actions": [{"do": …, …}]}, in order; each may say `at` and `emit`
POST /_sandbox/clock                  {"now": ISO instant or null}
POST /_sandbox/intake                 {"url": address}: where webhooks go from now on
POST /_sandbox/faults                 see sandbox.web.Faults
GET  /_sandbox/worklogs               what the site truly holds, deleted ones with {"id", "deleted": true}
GET  /_sandbox/deliveries[?status=…]  every webhook and what became of it
GET  /_sandbox/deliveries/summary     counts by status
POST /_sandbox/deliveries/release     {"labels": […]} or {} for all that is held
POST /_sandbox/deliveries/redeliver   everything that was ever posted, once more
POST /_sandbox/deliveries/raw         {"body": text, "signature": "valid" | "forged" | "none"}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.clock import instant
from sandbox.jira.site import ONCE, Site
from sandbox.jira.state import Conflict, Missing, User
from sandbox.jira.webhooks import Emission
from sandbox.web import body_of, reply

Act = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


class Steering:
    """The control endpoints of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._acts: dict[str, Callable[[Act], Any]] = {
            "create_user": self._create_user,
            "create_project": lambda act: self.site.store.add_project(act["key"], act.get("name", "")),
            "create_issue": self._create_issue,
            "log_work": self._log_work,
            "edit_work": self._edit_work,
            "delete_work": lambda act: self.site.delete_work(self._worklog(act), **_told(act)),
            "move_issue": self._move_issue,
            "edit_issue": self._edit_issue,
            "delete_issue": lambda act: self.site.delete_issue(self._issue(act), **_told(act)),
        }

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("POST", "actions", self.actions),
            ("POST", "clock", self.clock),
            ("POST", "faults", self.faults),
            ("POST", "intake", self.intake),
            ("GET", "worklogs", self.worklogs),
            ("GET", "deliveries", self.deliveries),
            ("GET", "deliveries/summary", self.summary),
            ("POST", "deliveries/release", self.release),
            ("POST", "deliveries/redeliver", self.redeliver),
            ("POST", "deliveries/raw", self.raw),
        ]
        return [Route(f"/_sandbox/{path}", answering(handler), methods=[method]) for method, path, handler in table]

    async def actions(self, request: Request) -> Response:
        made = [self._act(act) for act in (await body_of(request))["actions"]]
        return reply({"done": len(made), "ids": made})

    def _act(self, act: Act) -> int | None:
        if act["do"] not in self._acts:
            raise ValueError(f"cannot do {act['do']!r}; there are {', '.join(sorted(self._acts))}")
        made = self._acts[act["do"]](act)
        return getattr(made, "id", None)

    def _issue(self, act: Act) -> Any:
        return self.site.store.issue(str(act["issue"]))

    def _worklog(self, act: Act) -> Any:
        id = int(act["worklog"])
        if id not in self.site.store.worklogs:
            raise Missing(f"there is no worklog {id}")
        return self.site.store.worklogs[id]

    def _create_user(self, act: Act) -> None:
        made = User(act["account_id"], act["name"], act.get("zone", "Europe/London"))
        self.site.store.users[made.account_id] = made

    def _create_issue(self, act: Act) -> Any:
        return self.site.store.add_issue(
            project=act["project"],
            summary=act.get("summary", ""),
            project_code=act.get("project_code", ""),
            role=act.get("role", ""),
            at=_at(act) or self.site.clock.now(),
            key=act.get("key", ""),
            id=act.get("id"),
        )

    def _log_work(self, act: Act) -> Any:
        return self.site.log_work(
            self._issue(act),
            author=act["author"],
            started=instant(act["started"]),
            seconds=act["seconds"],
            comment=act.get("comment", ""),
            id=act.get("id"),
            **_told(act),
        )

    def _edit_work(self, act: Act) -> Any:
        changes: Act = {name: act[name] for name in ("seconds", "comment") if name in act}
        if "started" in act:
            changes["started"] = instant(act["started"])
        return self.site.edit_work(self._worklog(act), changes, **_told(act))

    def _move_issue(self, act: Act) -> Any:
        told, role = _told(act), act.get("role", "")
        return self.site.move_issue(
            self._issue(act), act["project"], project_code=act["project_code"], role=role, **told
        )

    def _edit_issue(self, act: Act) -> Any:
        changes: Act = {name: act[name] for name in ("summary", "project_code", "role") if name in act}
        return self.site.edit_issue(self._issue(act), changes, **_told(act))

    async def clock(self, request: Request) -> Response:
        now = (await body_of(request))["now"]
        self.site.clock.hold(now and instant(now))
        return reply({"now": self.site.clock.now().isoformat()})

    async def intake(self, request: Request) -> Response:
        self.site.outbox.intake = (await body_of(request))["url"]
        return reply({"url": self.site.outbox.intake})

    async def faults(self, request: Request) -> Response:
        self.site.faults.set(await body_of(request))
        return reply(vars(self.site.faults))

    async def worklogs(self, request: Request) -> Response:
        store = self.site.store
        shown: list[Act] = [{"id": id, "deleted": True} for id in store.deleted]
        for worklog in store.worklogs.values():
            issue = store.issues[worklog.issue]
            local = store.local(worklog.started, worklog.author)
            shown.append(
                {
                    "id": worklog.id,
                    "deleted": False,
                    "issue": issue.key,
                    "project_code": issue.project_code,
                    "role": issue.role,
                    "author": worklog.author,
                    "seconds": worklog.seconds,
                    "date": local.date().isoformat(),
                }
            )
        return reply(sorted(shown, key=lambda row: int(row["id"])))

    async def deliveries(self, request: Request) -> Response:
        wanted = request.query_params.get("status")
        return reply([d.shown() for d in self.site.outbox.deliveries if wanted in (None, d.status)])

    async def summary(self, request: Request) -> Response:
        return reply(self.site.outbox.summary())

    async def release(self, request: Request) -> Response:
        return reply({"released": self.site.outbox.release((await body_of(request)).get("labels"))})

    async def redeliver(self, request: Request) -> Response:
        return reply({"redelivered": self.site.outbox.redeliver()})

    async def raw(self, request: Request) -> Response:
        given = await body_of(request)
        return reply(self.site.outbox.tell_raw(given["body"].encode(), given.get("signature", "valid")).shown())


def _at(act: Act) -> datetime | None:
    return instant(act["at"]) if act.get("at") else None


def _told(act: Act) -> dict[str, Any]:
    emit: Mapping[str, Any] = act.get("emit") or {}
    return {"at": _at(act), "emission": Emission(**emit) if emit else ONCE}


def answering(handler: Handler) -> Handler:
    """Turn a wrong request into a sentence with 400, 404 or 409."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Missing as missing:
            return reply({"error": str(missing)}, 404)
        except Conflict as conflict:
            return reply({"error": str(conflict)}, 409)
        except KeyError as missing:
            return reply({"error": f"{missing.args[0]!r} is missing or not known"}, 400)
        except (ValueError, TypeError) as wrong:
            return reply({"error": str(wrong)}, 400)

    return answer
