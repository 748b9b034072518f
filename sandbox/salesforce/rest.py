"""The REST API of the simulated org: token, sobjects, query, upsert by external id, collections, limits."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.clock import milliseconds
from sandbox.salesforce.objects import SObject, shown
from sandbox.salesforce.org import Org, Problem, Record, sobject
from sandbox.salesforce.soql import parse
from sandbox.web import body_of, reply

VERSIONS = ("58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0")
QUERY_PAGE = 2000
COLLECTION = 200
Handler = Callable[[Request], Awaitable[Response]]


class Rest:
    """Handlers over one org. Every one but the token endpoint asks for a bearer token that is still good."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self._rest_of: dict[str, list[Record]] = {}

    def routes(self) -> list[Route]:
        record, ext = "/sobjects/{object}/{id}", "/sobjects/{object}/{field}/{value:path}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/limits", self.limits),
            ("GET", "/query", self.query),
            ("GET", "/query/", self.query),
            ("GET", "/query/{locator}", self.query_more),
            ("PATCH", "/composite/sobjects/{object}/{field}", self.upsert_all),
            ("POST", "/sobjects/{object}", self.create),
            ("POST", "/sobjects/{object}/", self.create),
            ("GET", "/sobjects/{object}/describe", self.describe),
            ("GET", record, self.get),
            ("PATCH", record, self.update),
            ("DELETE", record, self.delete),
            ("GET", ext, self.get_by_external_id),
            ("PATCH", ext, self.upsert),
        ]
        prefix = "/services/data/v{version}"
        made = [Route(prefix + path, self._guarded(handler), methods=[method]) for method, path, handler in table]
        token = Route("/services/oauth2/token", self.token, methods=["POST"])
        return [token, Route("/services/data", self.versions), Route("/services/data/", self.versions), *made]

    async def token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(errors="replace")))
        if given.get("grant_type") != "client_credentials":
            return _denied("unsupported_grant_type", "grant type not supported")
        token = self.org.sign_in(*_client(request, given))
        if token is None:
            return _denied("invalid_client", "invalid client credentials")
        return reply(
            {
                "access_token": token,
                "scope": "api",
                "instance_url": self.org.base,
                "id": f"{self.org.base}/id/{self.org.id}/{self.org.user_id}",
                "token_type": "Bearer",
                "issued_at": str(milliseconds(self.org.clock.now())),
            },
            headers={"Cache-Control": "no-store"},
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                await self._admit(request)
                answer = await handler(request)
            except Problem as problem:
                answer = reply([problem.shown()], problem.status)
            except ValueError as wrong:
                answer = reply([Problem(400, "JSON_PARSER_ERROR", str(wrong)).shown()], 400)
            answer.headers["Sforce-Limit-Info"] = f"api-usage={self.org.calls}/{self.org.call_limit}"
            return answer

        return guarded

    async def _admit(self, request: Request) -> None:
        if request.path_params["version"] not in VERSIONS:
            raise Problem(404, "NOT_FOUND", "The requested resource does not exist")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind not in ("Bearer", "OAuth") or token not in self.org.tokens:
            raise Problem(401, "INVALID_SESSION_ID", "Session expired or invalid")
        fault = await self.org.faults.next()
        if fault == "throttle":
            raise Problem(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if fault:
            raise Problem(503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable.")
        self.org.count_call()

    async def versions(self, request: Request) -> Response:
        return reply([{"label": v, "url": f"/services/data/v{v}", "version": v} for v in VERSIONS])

    async def limits(self, request: Request) -> Response:
        left = self.org.call_limit - self.org.calls
        told = sum(len(topic.events) for topic in self.org.topics.values())
        return reply(
            {
                "DailyApiRequests": {"Max": self.org.call_limit, "Remaining": left},
                "DailyDeliveredPlatformEvents": {"Max": 50000, "Remaining": max(0, 50000 - told)},
            }
        )

    async def describe(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        fields = [
            {"name": name, "type": kind, "externalId": name == made.external_id} for name, kind in made.fields.items()
        ]
        return reply({"name": made.name, "keyPrefix": made.prefix, "fields": fields})

    async def query(self, request: Request) -> Response:
        if "q" not in request.query_params:
            raise Problem(400, "MALFORMED_QUERY", "No SOQL query was given in the parameter q")
        asked = parse(request.query_params["q"])
        live = (record for record in self.org.records[asked.made.name].values() if not record["IsDeleted"])
        found = asked.run(live)
        version = request.path_params["version"]
        return self._page([_row(asked.made, record, version, asked.names) for record in found], 0, version)

    async def query_more(self, request: Request) -> Response:
        locator, _, start = request.path_params["locator"].partition("-")
        if locator not in self._rest_of or not start.isdigit():
            raise Problem(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(self._rest_of[locator], int(start), request.path_params["version"], locator)

    def _page(self, rows: list[Record], start: int, version: str, locator: str = "") -> Response:
        end = start + QUERY_PAGE
        page: Record = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if not page["done"]:
            locator = locator or f"01g5g{len(self._rest_of):010d}"
            self._rest_of[locator] = rows
            page["nextRecordsUrl"] = f"/services/data/v{version}/query/{locator}-{end}"
        return reply(page)

    async def create(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        record = self.org.create(made, await self._given(request), origin=_origin(request))
        headers = {"Location": f"/services/data/v{request.path_params['version']}/sobjects/{made.name}/{record['Id']}"}
        return reply({"id": record["Id"], "success": True, "errors": []}, 201, headers)

    async def get(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        return self._shown(request, made, self.org.find(made, request.path_params["id"]))

    def _shown(self, request: Request, made: SObject, record: Record) -> Response:
        names = [name for name in request.query_params.get("fields", "").split(",") if name] or list(made.fields)
        if unknown := [name for name in names if name not in made.fields]:
            raise Problem(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{made.name}'.")
        return reply(_row(made, record, request.path_params["version"], names))

    async def update(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        record = self.org.find(made, request.path_params["id"])
        self.org.update(made, record, await self._given(request), origin=_origin(request))
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        made = sobject(request.path_params["object"])
        self.org.delete(made, self.org.find(made, request.path_params["id"]), origin=_origin(request))
        return Response(status_code=204)

    async def get_by_external_id(self, request: Request) -> Response:
        made, found = self._by_external_id(request)
        if not found:
            raise Problem(404, "NOT_FOUND", "The requested resource does not exist")
        return self._choice(request, made, found) if len(found) > 1 else self._shown(request, made, found[0])

    async def upsert(self, request: Request) -> Response:
        made, found = self._by_external_id(request)
        if len(found) > 1:
            return self._choice(request, made, found)
        if not found and request.query_params.get("updateOnly") == "true":
            raise Problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        given = await self._given(request)
        if made.external_id in given:
            message = f"The {made.external_id} field should not be specified in the sobject data."
            raise Problem(400, "INVALID_FIELD", message, (made.external_id,))
        row = self._upsert_row(made, request.path_params["value"], given, _origin(request))
        return reply(row, 201 if row["created"] else 200)

    def _by_external_id(self, request: Request) -> tuple[SObject, list[Record]]:
        made = sobject(request.path_params["object"])
        self._check_external(made, request.path_params["field"])
        return made, self.org.matching(made, made.external_id, request.path_params["value"])

    def _check_external(self, made: SObject, name: str) -> None:
        if not made.external_id or name.lower() != made.external_id.lower():
            raise Problem(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + name)

    def _choice(self, request: Request, made: SObject, found: list[Record]) -> Response:
        prefix = f"/services/data/v{request.path_params['version']}/sobjects/{quote(made.name)}"
        return reply([f"{prefix}/{record['Id']}" for record in found], 300)

    def _upsert_row(self, made: SObject, value: str, given: Record, origin: str) -> Record:
        found = self.org.matching(made, made.external_id, value)
        if len(found) > 1:
            raise Problem(300, "MULTIPLE_CHOICES", f"Duplicate external id specified: {value}", (made.external_id,))
        if found:
            record = self.org.update(made, found[0], given, origin=origin)
        else:
            record = self.org.create(made, given | {made.external_id: value}, origin=origin)
        return {"id": record["Id"], "success": True, "errors": [], "created": not found}

    async def upsert_all(self, request: Request) -> Response:
        made, given = sobject(request.path_params["object"]), await self._given(request)
        self._check_external(made, request.path_params["field"])
        rows = given.get("records", [])
        if len(rows) > COLLECTION:
            raise Problem(
                400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {COLLECTION} records"
            )
        before = {id: dict(record) for id, record in self.org.records[made.name].items()}
        answers = [self._collected(made, row, _origin(request)) for row in rows]
        if given.get("allOrNone") and not all(answer["success"] for answer in answers):
            self.org.records[made.name] = before
            answers = [_rolled_back(answer) for answer in answers]
        return reply(answers)

    def _collected(self, made: SObject, row: Record, origin: str) -> Record:
        given = {name: value for name, value in row.items() if name != made.external_id}
        try:
            if not row.get(made.external_id):
                raise Problem(400, "MISSING_ARGUMENT", f"{made.external_id} not specified", (made.external_id,))
            return self._upsert_row(made, str(row[made.external_id]), given, origin)
        except Problem as problem:
            error = {"statusCode": problem.code, "message": problem.message, "fields": list(problem.fields)}
            return {"success": False, "errors": [error]}

    async def _given(self, request: Request) -> dict[str, Any]:
        given = await body_of(request)
        if not isinstance(given, dict):
            raise Problem(400, "JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        return given


def _client(request: Request, given: dict[str, str]) -> tuple[str, str]:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return given.get("client_id", ""), given.get("client_secret", "")
    try:
        user, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return user, secret


def _denied(error: str, description: str) -> Response:
    return reply({"error": error, "error_description": description}, 400)


def _origin(request: Request) -> str:
    options = request.headers.get("sforce-call-options", "")
    pairs = dict(part.strip().partition("=")[::2] for part in options.split(","))
    return pairs.get("client", "")


def _row(made: SObject, record: Record, version: str, names: Any) -> Record:
    url = f"/services/data/v{version}/sobjects/{made.name}/{record['Id']}"
    return {"attributes": {"type": made.name, "url": url}} | {name: shown(record[name]) for name in names}


def _rolled_back(answer: Record) -> Record:
    if not answer["success"]:
        return answer
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return {
        "success": False,
        "errors": [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": message, "fields": []}],
    }
