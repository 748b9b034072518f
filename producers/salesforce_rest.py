"""Reading Salesforce by REST: one sign-in that is renewed once when it expires, single records, and queries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from producers.salesforce_pubsub import Login
from psfabric import strict_json, upstream
from psfabric.errors import Invalid, Transient
from psfabric.http import Http, Response
from psfabric.upstream import at, text

PAGES = 50

Fields = dict[str, Any]


class Gate:
    """The access token of one connected app, shared by all that read with it.

    It is a cache of the connection: losing it costs one sign-in. However many calls find it expired, one renews it.
    """

    def __init__(self) -> None:
        self._login: Login | None = None
        self._lock = asyncio.Lock()

    async def login(self, http: Http, base: str, client_id: str, client_secret: str) -> Login:
        """OAuth 2.0 client credentials. Raises Transient: a person has to repair wrong credentials."""
        async with self._lock:
            if self._login is None:
                form = {
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": client_secret,
                }
                answer = await upstream.read(http, "POST", f"{base}/services/oauth2/token", data=form)
                if answer.status != 200:
                    raise Transient(f"Salesforce refused the client id or secret ({answer.status})")
                self._login = _login(upstream.content(answer), base)
            return self._login

    def forget(self, login: Login) -> None:
        """Sign in anew next time, unless somebody did already."""
        if self._login is login:
            self._login = None


def _login(granted: Fields, base: str) -> Login:
    """The org's id is in the identity URL (`…/id/<org>/<user>`); the Pub/Sub API wants it with every call."""
    token, parts = text(granted, "access_token"), text(granted, "id").rstrip("/").split("/")
    if not token or len(parts) < 2:
        raise Invalid("upstream-invalid", "the token answer has no access_token or id")
    return Login(token, text(granted, "instance_url") or base, parts[-2])


class Rest:
    """REST reads of one org at `base`, API version such as `64.0`."""

    def __init__(self, http: Http, base: str, version: str, gate: Gate, client_id: str, client_secret: str) -> None:
        self._http, self._base, self._data = http, base, f"/services/data/v{version}"
        self._gate, self._client = gate, (client_id, client_secret)

    async def record(self, object: str, id: str, fields: Sequence[str]) -> Fields | None:
        """The named fields of a record; None when there is none or it is deleted."""
        params = {"fields": ",".join(fields)}
        answer = await self._get(f"{self._data}/sobjects/{object}/{id}", params)
        return None if answer.status == 404 else _checked(answer)

    async def query(self, soql: str) -> list[Fields]:
        """All rows of a query. Values in it must have gone through `quoted`."""
        rows: list[Fields] = []
        answer = _checked(await self._get(f"{self._data}/query", {"q": soql}))
        for _ in range(PAGES):
            found, more = answer.get("records"), answer.get("nextRecordsUrl")
            if not isinstance(found, list):
                raise Invalid("upstream-invalid", "a query answer without records")
            rows += found
            if not more:
                return rows
            if not isinstance(more, str) or not more.startswith("/services/data/"):
                raise Invalid("upstream-invalid", "the next page of a query is not an address of this org")
            answer = _checked(await self._get(more, {}))
        raise Invalid("upstream-invalid", f"a query answer of more than {PAGES} pages")

    async def _get(self, path: str, params: dict[str, str]) -> Response:
        answer, login = await self._once(path, params)
        if answer.status == 401:
            self._gate.forget(login)
            answer, login = await self._once(path, params)
        if answer.status == 401:
            self._gate.forget(login)
            raise Transient("Salesforce refused a fresh access token")
        return answer

    async def _once(self, path: str, params: dict[str, str]) -> tuple[Response, Login]:
        login = await self._gate.login(self._http, self._base, *self._client)
        headers = {"authorization": f"Bearer {login.token}", "accept": "application/json"}
        return await upstream.read(self._http, "GET", self._base + path, headers=headers, params=params), login


def _checked(answer: Response) -> Fields:
    """The content of a good answer. 403 is the throttle of Salesforce, or a permission that a person has to give."""
    if answer.status == 200:
        return upstream.content(answer)
    code = _error_code(answer)
    if answer.status == 403 or 300 <= answer.status < 400:
        raise Transient(f"Salesforce answered {answer.status} {code}".strip())
    raise Invalid("upstream-refused", f"Salesforce answered {answer.status} {code}".strip())


def _error_code(answer: Response) -> str:
    """Errors are an array `[{message, errorCode, fields}]`."""
    try:
        found = strict_json.loads(answer.body)
    except strict_json.NotJson:
        return ""
    code = text(found[0], "errorCode") if isinstance(found, list) and found else text(at(found), "errorCode")
    return code if code.isascii() and len(code) <= 64 else ""


def quoted(value: str) -> str:
    """A SOQL text literal (SOQL reference, "Quoted String Escape Sequences")."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"
