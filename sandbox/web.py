"""What both simulated vendors share of HTTP: JSON with exact decimals, and faults that a test asks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json;charset=UTF-8"


def dump(content: object) -> bytes:
    """JSON text. Decimals become JSON numbers; up to 15 digits survive the way through a float unchanged."""
    return json.dumps(content, default=_number, ensure_ascii=False, separators=(",", ":")).encode()


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(dump(content), status, dict(headers or {}), media_type=JSON)


async def body_of(request: Request) -> Any:
    """The request's JSON, numbers as int or Decimal. Raises ValueError when it is not JSON."""
    raw = await request.body()
    return json.loads(raw, parse_float=Decimal, parse_constant=_no_number) if raw else {}


async def object_of(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises ValueError when it is anything else."""
    given = await body_of(request)
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


@dataclass
class Faults:
    """What goes wrong next, as counts of requests; each request uses one up.

    throttle       answer as the vendor does when too much is asked
    server_error   answer 503
    delay          milliseconds that every answer waits, until set back to 0
    retry_after    seconds announced with a throttle, where the vendor announces any
    reason         the reason named with a throttle
    """

    throttle: int = 0
    server_error: int = 0
    delay: int = 0
    retry_after: int = 1
    reason: str = "jira-burst-based"

    def set(self, wanted: Mapping[str, Any]) -> None:
        """Take over the named faults. Raises ValueError for a name that does not exist."""
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(wanted) - known):
            raise ValueError(f"no fault called {unknown[0]!r}; there are {', '.join(sorted(known))}")
        for name, value in wanted.items():
            setattr(self, name, value)

    async def next(self) -> str:
        """The fault of this request: "throttle", "server_error" or "" for none."""
        if self.delay:
            await asyncio.sleep(self.delay / 1000)
        for name in ("throttle", "server_error"):
            left = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
                return name
        return ""
