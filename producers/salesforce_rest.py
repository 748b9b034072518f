"""Reading Salesforce by REST: single records and queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from producers.salesforce_pubsub import Login
from psfabric import strict_json, upstream
from psfabric.errors import Invalid, Transient, Unknown
from psfabric.http import Http, Response
from psfabric.oauth import ClientCredentials
from psfabric.upstream import at, text

PAGES = 50

Fields = dict[str, Any]


def login_of(granted: Fields, base: str) -> Login:
    """What the Pub/Sub API wants with every call. The org's id is in the identity URL (`…/id/<org>/<user>`)."""
    parts = text(granted, "id").rstrip("/").split("/")
    if len(parts) < 2:
        raise Transient("the token answer does not say for which org it is")
    return Login(text(granted, "access_token"), text(granted, "instance_url") or base, parts[-2])


class Rest:
    """REST reads of one org at `base`, API version such as `64.0`."""

    def __init__(self, http: Http, base: str, version: str, sign_in: ClientCredentials) -> None:
        self._http, self._base, self._data, self._sign_in = http, base, f"/services/data/v{version}", sign_in

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
        accept, url = {"accept": "application/json"}, self._base + path
        try:
            answer = await self._sign_in.request(self._http, "GET", url, headers=accept, params=params)
        except Unknown as error:
            raise Transient(error.why) from None
        return upstream.settled(answer)


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
