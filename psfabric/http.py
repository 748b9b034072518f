"""The one HTTP client: adapters are handed an `Http` and never import a client library.

It tells apart what the engine must tell apart: a request that never left (`Transient`) from one that left and was not
answered (`Unknown`). A status is never an error here; only the adapter knows what its vendor means by it.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from psfabric.errors import Invalid, Transient, Unknown

TIMEOUT = 30.0
"""Seconds an adapter's request may take in all; the sending lease counts on it (DESIGN 5.5)."""

LONGEST_ASKED = 86_400.0
"""Seconds beyond which no `Retry-After` is believed: whoever asks for more is asked again after a day."""

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers (names in lower case) and exact body bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON, numbers with a point as Decimal. Raises Invalid(upstream-malformed)."""
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            why = f"status {self.status} with a body that is not JSON ({type(error).__name__})"
            raise Invalid("upstream-malformed", why) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class Http:
    """An asynchronous client with one connection pool per component.

    `timeout`: seconds any request may take in all. `gate` is waited for before each request leaves: a host opens it
    only while its sending lease holds (DESIGN 5.5).
    """

    def __init__(self, *, limit: int = 16, timeout: float = TIMEOUT, client: httpx.AsyncClient | None = None) -> None:
        limits = httpx.Limits(max_connections=limit, keepalive_expiry=1.5)
        # Some servers (gunicorn) drop an idle connection after 2 s; we let go of it first.
        self._client = client or httpx.AsyncClient(limits=limits, timeout=timeout, follow_redirects=False)
        self._timeout = timeout
        self.gate: Callable[[], Awaitable[None]] = _open

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Send one request. `json` is encoded as is (give text for decimals); `data` is a form.

        `timeout` bounds the whole exchange, and never exceeds that of the component; a third of it each the wait for a
        free connection and the connecting.
        Raises Transient when nothing left this machine, Unknown when the connection broke or timed out afterwards.
        """
        await self.gate()
        timeout = min(timeout or self._timeout, self._timeout)
        each = httpx.Timeout(timeout, pool=timeout / 3, connect=timeout / 3)
        try:
            async with asyncio.timeout(timeout):  # httpx bounds each read only: a trickling answer would never end
                answer = await self._client.request(
                    method, url, headers=headers, json=json, content=content, params=params, data=data, timeout=each
                )
        except _NEVER_LEFT as error:
            raise Transient(f"{method} {_host(url)}: not reached ({type(error).__name__})") from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"{method} {_host(url)}: no answer ({type(error).__name__})") from None
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    async def close(self) -> None:
        await self._client.aclose()


async def _open() -> None:
    """No lease to wait for."""


def _host(url: str) -> str:
    return httpx.URL(url).host


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Seconds to wait that `Retry-After` asks for (seconds or an HTTP date), or None. From zero to a day."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_ASKED)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    asked = (at - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, asked), LONGEST_ASKED)


@functools.cache
def _client() -> httpx.Client:
    """One for all: making one (its certificates) costs more than most requests. Thread-safe."""
    return httpx.Client(limits=httpx.Limits(keepalive_expiry=1.5))


def fetch(method: str, url: str, *, json: Any = None, timeout: float = 10.0) -> Response:
    """One synchronous request, for the sync rooms (registry, command line). Raises Transient when unanswered."""
    try:
        answer = _client().request(method, url, json=json, timeout=timeout)
    except httpx.HTTPError as error:
        at = httpx.URL(url)
        where = f"{at.scheme}://{at.netloc.decode()}"  # without the user and password that a URL may hold
        raise Transient(f"{where} gives no answer ({type(error).__name__})") from None
    return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)
