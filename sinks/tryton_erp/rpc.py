"""Tryton's JSON-RPC 2 dialect: how values are written, how one logs in, and what each refusal means.

Tryton answers 200 with `error` for every refusal of a rule; what happened is told by its text. The texts are matched
on words that stay the same in every release of 8.x, and the user's language is fixed at `en`, because the rest (dates,
names) follows the language. A refusal always means that the whole call was rolled back.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from psfabric.errors import Invalid, Transient
from psfabric.http import Http, Response, retry_after

Values = dict[str, Any]


class Refused(Invalid):
    """Tryton says no to this call, for good; `said` is its text without the names it quotes."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(code, said)
        self.said = said


class Exists(Refused):
    """The external id is taken: somebody (perhaps we, earlier) has made the record."""


class PeriodShut(Refused):
    """No open accounting period has this date."""


class OutOfOrder(Refused):
    """A later date has been numbered in the same sequence."""


class NotInThisState(Refused):
    """The record's state does not allow the action, or no longer: somebody may have done it meanwhile."""


class Warned(Refused):
    """Tryton asks "are you sure"; `name` is what has to be skipped for the call to go on."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__("erp-refused", said)
        self.name = name


REFUSALS: tuple[tuple[str, type[Refused], str], ...] = (
    ("external_id must be unique", Exists, "erp-refused"),
    ("you must reopen the period", PeriodShut, "period-closed"),
    ("you must create a period", PeriodShut, "period-closed"),
    ("you must set an invoice date after", OutOfOrder, "erp-refused"),
    ("You can not call", NotInThisState, "erp-refused"),
    ("is posted, paid or cancelled", NotInThisState, "erp-refused"),
    ("because it has been invoiced", Refused, "time-already-billed"),
    ("You are not allowed to", Refused, "access-denied"),
    ("fail on at least one of these rules", Refused, "access-denied"),
)
"""Words of a message, what they mean, and the stable code; anything else is `erp-refused`."""

OWN_NUMBER = re.compile(r"The (code|number) on .* must be unique")
"""Codes and numbers come from Tryton's own sequences, never from us; two transactions may draw the same (SQLite)."""

_QUOTED = re.compile(r'(\w* ?)"[^"]*"')
_NAMED_BY_TRYTON = ("field ", "of ", "period ", "year ", "date ")
"""Words before a quotation that is Tryton's own (a field, a model, a period); every other one may name a person."""


def without_names(message: str) -> str:
    """The first line of a message, with quoted record names left out: they hold names of people and clients."""

    def shown(quoted: re.Match[str]) -> str:
        return quoted[0] if quoted[1] in _NAMED_BY_TRYTON else f'{quoted[1]}"…"'

    return _QUOTED.sub(shown, message.partition("\n")[0])


def encode(value: Any) -> Any:
    """The form in which Tryton reads the types that JSON lacks. For `json.dumps(default=…)`."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value // timedelta(seconds=1)}
        case _:
            raise TypeError(f"{type(value).__name__} cannot be sent to Tryton")


def decode(found: dict[str, Any]) -> Any:
    """The Python value of an object Tryton sent. For `json.loads(object_hook=…)`."""
    match found.get("__class__"):
        case "Decimal":
            return Decimal(found["decimal"])
        case "date":
            return date(found["year"], found["month"], found["day"])
        case "timedelta":
            return timedelta(seconds=int(found["seconds"]))
        case _:
            return found


class Session:
    """One login at one database. Reads and writes go through `call`; a lost session is opened again once."""

    def __init__(self, http: Http, url: str, database: str, user: str, password: str) -> None:
        self._http, self._url, self._user, self._password = http, f"{url}/{database}/rpc/", user, password
        self._token = ""
        self._login = asyncio.Lock()
        self.user_id = 0

    async def call(self, method: str, *params: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Result of one method. The context goes last, as Tryton wants it.

        Raises Refused (rolled back), Transient (not done: busy, not reached, not logged in), Unknown (no answer).
        """
        token = self._token or await self._open("")
        response = await self._send(method, (*params, dict(context or {})), token)
        if response.status == 401:  # an idle session still reads, but may not post
            response = await self._send(method, (*params, dict(context or {})), await self._open(token))
        return _result(response)

    async def _open(self, seen: str) -> str:
        """Log in, unless another call has done so since `seen` was the token."""
        async with self._login:
            if self._token == seen:
                self._token = await self._log_in()
            return self._token

    async def _log_in(self) -> str:
        response = await self._send("common.db.login", (self._user, {"password": self._password}, "en"), "")
        if response.status == 404:  # also when the database file is locked by a writer
            raise Transient("Tryton does not serve the database at the moment")
        answer = None if response.status == 401 else _result(response)
        if not answer:
            raise Transient("Tryton does not accept the user or password of this sink")
        self.user_id = answer[0]
        return b64encode(f"{self._user}:{answer[0]}:{answer[1]}".encode()).decode()

    async def _send(self, method: str, params: tuple[Any, ...], token: str) -> Response:
        # Exactly these three keys: with any other one a refusal comes as an HTML page.
        body = json.dumps({"id": 1, "method": method, "params": params}, default=encode).encode()
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Session {token}"
        return await self._http.request("POST", self._url, headers=headers, content=body)


def _result(response: Response) -> Any:
    """What a response holds; raises what its status or `error` stands for."""
    status = response.status
    if status in (401, 404, 429) or status >= 500:
        raise Transient(f"Tryton answered {status}", retry_after(response))
    if status == 403:
        raise Refused("access-denied", "Tryton does not offer this method")
    if status != 200:
        raise Refused("erp-refused", f"Tryton answered {status}")
    try:
        answer = json.loads(response.body, parse_float=Decimal, object_hook=decode)
    except ValueError:
        raise Transient("Tryton's answer is not JSON; is a proxy in between?") from None
    if "error" in answer:
        raise refusal(answer["error"])
    return answer["result"]


def refusal(error: list[Any]) -> Invalid | Transient:
    """The exception for the `error` of an answer: `[kind, details…]`."""
    match error:
        case ["UserError", [message, *_], *_] if "You are trying to read records" in message:
            return Transient("a record was removed in between")
        case ["UserError", [message, *_], *_] if OWN_NUMBER.search(message):
            return Transient("Tryton gave one number of its own to two records made at the same time")
        case ["UserError", [message, *_], *_]:
            meant = ((kind, code) for words, kind, code in REFUSALS if words in message)
            kind, code = next(meant, (Refused, "erp-refused"))
            return kind(code, without_names(message))
        case ["UserWarning", [name, message, *_], *_]:
            return Warned(name, without_names(message))
        case ["ConcurrencyException", *_]:
            return Transient("a record was changed in between")
        case _:
            return Refused("erp-refused", f"Tryton did not understand the call: {error[0]}")
