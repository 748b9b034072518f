"""The one HTTP client: adapters are handed an `Http` and never import a client library.

It tells apart what the engine must tell apart: a request that never left (`Transient`) from one that left and was not
answered (`Unknown`). A status is never an error here; only the adapter knows what its vendor means by it.
"""

from __future__ import annotations

import asyncio
import functools
import io
import json as json_
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from multidict import CIMultiDict

from psfabric.errors import Invalid, Transient, Unknown

TIMEOUT = 30.0
"""Seconds an adapter's request may take in all; the sending lease counts on it (DESIGN 5.5)."""

LONGEST_ASKED = 86_400.0
"""Seconds beyond which no `Retry-After` is believed: whoever asks for more is asked again after a day."""

_NEVER_LEFT = (
    aiohttp.ClientConnectorError,  # refused, no such host, TLS that failed; of a proxy too
    aiohttp.ConnectionTimeoutError,  # also: no connection of the pool was free
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)

_LARGEST_HEADER = 65_536
_IN_ONE_PIECE = 2**20
"""Bytes of a body up to which it is written at once; the client warns of more than this."""


class _Broke(aiohttp.ClientError):
    """A connection that broke after a request had left on it."""


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers (names in lower case) and exact body bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON, numbers with a point as Decimal. Raises Invalid(upstream-malformed)."""
        try:
            return json_.loads(self.body, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, ArithmeticError, RecursionError) as error:
            why = f"status {self.status} with a body that is not JSON ({type(error).__name__})"
            raise Invalid("upstream-malformed", why) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class Http:
    """An asynchronous client with one connection pool per component.

    `timeout`: seconds any request may take in all. `gate` is waited for before each request begins, and again right
    before its bytes leave: a host opens it only while its sending lease holds (DESIGN 5.5).
    """

    def __init__(self, *, limit: int = 16, timeout: float = TIMEOUT) -> None:
        self._limit = limit
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
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

        `timeout` bounds the whole exchange, and never exceeds that of the component; a third of it the connecting, two
        thirds that with the wait for a free connection.
        An Authorization header goes before a user and password in `url`.
        Raises Transient when nothing left this machine, Unknown when the connection broke or timed out afterwards.
        """
        await self.gate()
        timeout = min(timeout or self._timeout, self._timeout)
        headers = CIMultiDict(headers or {})
        if json is not None:
            content = json_.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            headers.setdefault("Content-Type", "application/json")
        elif data is not None:
            content = urlencode(data).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params, quote_via=quote)
        if "@" in url and "Authorization" in headers:
            url = _without_login(url)
        try:
            async with asyncio.timeout(timeout):  # of the whole: a trickling answer would never end
                return await self._exchange(method, url, headers, content, timeout)
        except _NEVER_LEFT as error:
            raise Transient(f"{method} {_host(url)}: not reached ({type(error).__name__})") from None
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise Unknown(f"{method} {_host(url)}: no answer ({_name(error)})") from None

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float
    ) -> Response:
        connecting = aiohttp.ClientTimeout(connect=timeout * 2 / 3, sock_connect=timeout / 3)
        body = io.BytesIO(content) if content and len(content) > _IN_ONE_PIECE else content
        async with self._opened().request(
            method, url, headers=headers, data=body, proxy=_proxy(url), allow_redirects=False, timeout=connecting
        ) as answer:
            names = {name.lower(): ", ".join(answer.headers.getall(name)) for name in answer.headers}
            return Response(answer.status, names, await answer.read())

    def _opened(self) -> aiohttp.ClientSession:
        """The pool, made at the first request: it belongs to the event loop that runs then."""
        if self._session is None:
            pool = aiohttp.TCPConnector(
                limit=self._limit,
                keepalive_timeout=1.5,  # some servers (gunicorn) drop an idle connection after 2 s; we let go first
                ssl=_trusted(),
            )
            self._session = aiohttp.ClientSession(
                connector=pool,
                headers={"Accept": "*/*"},
                skip_auto_headers=["Content-Type"],
                max_line_size=_LARGEST_HEADER,
                max_field_size=_LARGEST_HEADER,
                request_class=_Gated,
                middlewares=[self._once],
            )
        return self._session

    async def _once(self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """aiohttp sends a PUT, GET or DELETE again by itself when an old connection turns out to be broken, and it may
        have been done. Only the engine decides what is sent again, so it is not shown the errors after which it does
        that.
        """
        if isinstance(request, _Gated):
            request.gate = self.gate
        try:
            return await send(request)
        except _NEVER_LEFT:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _Broke from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _open() -> None:
    """No lease to wait for."""


class _Gated(aiohttp.ClientRequest):
    """Waits for the gate where its bytes leave.

    Between the beginning of a request and that lie the wait for a connection and, before Python 3.12, a turn of the
    event loop: a process that is stopped in it wakes as no owner.
    """

    gate: Callable[[], Awaitable[None]] = staticmethod(_open)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        await self.gate()
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        await self.gate()
        await super().write_bytes(writer, conn, content_length)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """One for all pools: reading the certificates costs more than most requests."""
    return httpx.create_ssl_context()


def _proxy(url: str) -> str | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for an address."""
    try:
        at = urlsplit(url)
        return _proxy_to(at.scheme, at.hostname or "")
    except ValueError:
        raise aiohttp.InvalidURL(url) from None


@functools.lru_cache(maxsize=256)
def _proxy_to(scheme: str, host: str) -> str | None:
    named = getproxies()
    proxy = named.get(scheme) or named.get("all")
    return proxy if proxy and not proxy_bypass(host) else None


def _without_login(url: str) -> str:
    """The client would refuse credentials beside a header that has some."""
    try:
        at = urlsplit(url)
    except ValueError:
        return url  # refused as no address, like any other
    return at._replace(netloc=at.netloc.rpartition("@")[2]).geturl()


def _name(error: BaseException) -> str:
    return type(error.__cause__ if isinstance(error, _Broke) else error).__name__


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no address"


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
