"""Upserts and queries against Salesforce REST, and what its answers mean.

401 signs in anew once. 403 REQUEST_LIMIT_EXCEEDED is the throttle (Salesforce has no 429 and announces no wait). 5xx, a
locked row and two upserts of one key at once (UNABLE_TO_LOCK_ROW, DUPLICATE_VALUE) are Transient. Other 403 are
access-denied, everything else that it says of a row is crm-refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from psfabric import strict_json, upstream
from psfabric.errors import FabricError, Invalid, Transient, Unknown
from psfabric.http import Http, Response, retry_after
from psfabric.oauth import ClientCredentials
from psfabric.upstream import text

AGAIN = frozenset({"REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "DUPLICATE_VALUE"})
"""Error codes after which the same request can succeed."""

Row = Mapping[str, Any]


class Org:
    """One org, as one connected app sees it. `name` marks our own writes in `changeOrigin` of their change events."""

    def __init__(self, http: Http, base: str, version: str, sign_in: ClientCredentials, name: str) -> None:
        self._http, self._base, self._sign_in = http, base, sign_in
        self._data = f"/services/data/v{version}"
        self._headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "sforce-call-options": f"client=psfabric/{name}",
        }

    async def upsert(self, object: str, field: str, value: str, fields: Row) -> str:
        """Make or change the record whose external id is `value`; its id, "" where the API does not tell (204).

        A lost answer is Transient: an upsert may be sent again.
        """
        path = f"{self._data}/sobjects/{object}/{field}/{quote(value, safe='')}"
        try:
            answer = await self._request("PATCH", path, content=strict_json.dumps(fields))
        except Unknown as error:
            raise Transient(error.why) from None
        if answer.status == 204:
            return ""
        body = upstream.content(answer)
        if body.get("success") is not True:
            raise _refusal(answer.status, body.get("errors"))
        return text(body, "id")

    async def rows(self, soql: str) -> AsyncIterator[Row]:
        """All rows of a query, page by page. Texts in it must have gone through `literal`."""
        try:
            answer = await self._request("GET", f"{self._data}/query", params={"q": soql})
            while True:
                page = _page(answer)
                for row in page["records"]:
                    yield row
                more = text(page, "nextRecordsUrl")
                if not more:
                    return
                if not more.startswith("/services/data/"):
                    raise Invalid("upstream-invalid", "the next page of a query is not an address of this org")
                answer = await self._request("GET", more)
        except Unknown as error:
            raise Transient(error.why) from None

    async def _request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Response:
        answer = await self._sign_in.request(
            self._http, method, f"{self._base}{path}", headers=self._headers, params=params, content=content
        )
        _check(answer)
        return answer


def literal(value: str) -> str:
    """A SOQL text literal (SOQL reference, "Quoted String Escape Sequences")."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _page(answer: Response) -> dict[str, Any]:
    page = upstream.content(answer)
    records = page.get("records")
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise Invalid("upstream-invalid", "a query answer without records")
    return page


def _check(answer: Response) -> None:
    if answer.status in (200, 201, 204):
        return
    if answer.status == 300:
        raise Invalid("crm-refused", "several records have this external id: make its field unique")
    if answer.status in (408, 429) or answer.status >= 500:
        raise Transient(f"Salesforce answered {answer.status}", retry_after(answer))
    try:
        errors = strict_json.loads(answer.body)
    except strict_json.NotJson:
        errors = None
    raise _refusal(answer.status, errors)


def _refusal(status: int, errors: Any) -> FabricError:
    """Errors are an array `[{message, errorCode, fields}]`; in the body of an upsert the code is `statusCode`."""
    found = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    codes = [text(error, "errorCode") or text(error, "statusCode") for error in found]
    told = "; ".join(f"{code} {_fields(error)}".strip() for code, error in zip(codes, found, strict=True))
    why = f"Salesforce answered {status}: {told[:400] or 'no reason given'}"
    if codes and all(code in AGAIN for code in codes):
        return Transient(why)
    return Invalid("access-denied" if status == 403 else "crm-refused", why)


def _fields(error: Row) -> str:
    """Field names, not the message: that may quote what was sent."""
    fields = error.get("fields")
    names = [name for name in fields if isinstance(name, str)] if isinstance(fields, list) else []
    return f"({', '.join(names)})" if names else ""
