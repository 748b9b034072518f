"""What only a simulated org has: `/_sandbox/…`, to write at a past instant, to see everything, and to break things.

POST /_sandbox/writes         {"writes": [{"object": …, "id": …, "fields": {…}, "at": ISO instant, "delete": true?}]}
                              makes or changes records of a given id, in order, with their change events
GET  /_sandbox/records/{obj}  all records of an object, deleted ones too
POST /_sandbox/gaps           {"object": …, "id": …, "kind": "UPDATE"}: a gap event for a record
POST /_sandbox/clock          {"now": ISO instant or null}
POST /_sandbox/faults         see sandbox.web.Faults; "throttle" answers 403 REQUEST_LIMIT_EXCEEDED
POST /_sandbox/limits         {"calls": number}: the daily allocation of API calls
POST /_sandbox/tokens/expire  all access tokens stop to be good
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.clock import instant
from sandbox.salesforce.objects import checked, shown
from sandbox.salesforce.org import Org, Problem, sobject
from sandbox.web import body_of, reply

Handler = Callable[[Request], Awaitable[Response]]


class Steering:
    """The control endpoints of one org."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("POST", "writes", self.writes),
            ("GET", "records/{object}", self.records),
            ("POST", "gaps", self.gaps),
            ("POST", "clock", self.clock),
            ("POST", "faults", self.faults),
            ("POST", "limits", self.limits),
            ("POST", "tokens/expire", self.expire),
        ]
        return [Route(f"/_sandbox/{path}", _answering(handler), methods=[method]) for method, path, handler in table]

    async def writes(self, request: Request) -> Response:
        ids = [self._write(write) for write in (await body_of(request))["writes"]]
        return reply({"done": len(ids), "ids": ids})

    def _write(self, write: dict[str, Any]) -> str:
        made, id = sobject(write["object"]), checked(write.get("id", ""))
        at = instant(write["at"]) if write.get("at") else None
        if id not in self.org.records[made.name]:
            return str(self.org.create(made, write["fields"], at=at, id=id)["Id"])
        record = self.org.find(made, id)
        if write.get("delete"):
            self.org.delete(made, record, at=at)
        else:
            self.org.update(made, record, write["fields"], at=at)
        return id

    async def records(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        held = self.org.records[made.name].values()
        return reply([{name: shown(value) for name, value in record.items()} for record in held])

    async def gaps(self, request: Request) -> Response:
        given = await body_of(request)
        made = sobject(given["object"])
        self.org.gap(made, self.org.find(made, given["id"]), given.get("kind", "UPDATE"))
        return reply({"done": 1})

    async def clock(self, request: Request) -> Response:
        now = (await body_of(request))["now"]
        self.org.clock.hold(now and instant(now))
        return reply({"now": self.org.clock.now().isoformat()})

    async def faults(self, request: Request) -> Response:
        self.org.faults.set(await body_of(request))
        return reply(vars(self.org.faults))

    async def limits(self, request: Request) -> Response:
        self.org.call_limit = int((await body_of(request))["calls"])
        return reply({"calls": self.org.call_limit})

    async def expire(self, request: Request) -> Response:
        self.org.tokens.clear()
        return reply({"done": True})


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            return reply({"error": problem.message}, problem.status)
        except KeyError as missing:
            return reply({"error": f"{missing.args[0]!r} is missing"}, 400)
        except (ValueError, TypeError) as wrong:
            return reply({"error": str(wrong)}, 400)

    return answer
