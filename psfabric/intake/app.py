"""The HTTP application: `POST /in/<source>`, and for whoever runs it `GET /health`, `/ready` and `/metrics`.

202  the broker has it                         408  the body came too slowly
401  the source refused it; nothing leaks      413  the body is larger than 1 MiB
404  no such source                            431  too many or too large headers
503  the broker does not take it: try again after Retry-After seconds
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from psfabric.adapters import Notice, Webhook
from psfabric.errors import FabricError, Refused
from psfabric.event import Raw
from psfabric.intake import door
from psfabric.telemetry import IntakeMeter, Spans, Telemetry
from psfabric.telemetry.telemetry import CONTENT_TYPE

BODY_SECONDS = 10.0
STORE_SECONDS = 4.0
"""The strictest known sender waits 5 s for its answer (RELIABILITY, webhook burst)."""

ANSWERS = (202, 400, 401, 408, 413, 431, 503)
"""What a known source may hear."""

RETRY_AFTER = 5
_DISCARD_SECONDS = 0.5


class Store(Protocol):
    """Makes one record of `raw.<source>` durable; returns after the broker acknowledged it. Raises FabricError."""

    async def __call__(self, source: str, raw: Raw, notice: Notice, /) -> None: ...


class TooLarge(Exception):
    """The body passed the limit."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def app(
    webhooks: Mapping[str, Webhook],
    store: Store,
    *,
    ready: Callable[[], bool] = lambda: True,
    telemetry: Telemetry | None = None,
    now: Callable[[], datetime] = _utc_now,
    new_id: Callable[[int], str] = secrets.token_hex,
    body_seconds: float = BODY_SECONDS,
    store_seconds: float = STORE_SECONDS,
) -> Starlette:
    """The application for these sources, by name. `ready` decides what `/health` and `/ready` answer; without
    `telemetry` there is no `/metrics`."""
    meter, spans = (IntakeMeter(), Spans()) if telemetry is None else (telemetry.intake, telemetry.spans)
    for source in webhooks:
        meter.expects(source, ANSWERS)
    door_keeper = _Intake(webhooks, store, now, new_id, body_seconds, store_seconds, meter, spans)
    routes = [Route("/in/{source}", door_keeper.receive, methods=["POST"])]
    return Starlette(routes=[*routes, *_seen(ready, telemetry)])


def _seen(ready: Callable[[], bool], telemetry: Telemetry | None) -> Iterator[Route]:
    """What a supervisor and a monitor ask."""

    async def health(request: HttpRequest) -> Response:
        good = ready()
        components = {} if telemetry is None else {"components": telemetry.components()}
        return JSONResponse({"ready": good, **components}, 200 if good else 503)

    yield Route("/health", health)
    yield Route("/ready", health)
    if telemetry is None:
        return

    async def metrics(request: HttpRequest) -> Response:
        telemetry.refresh()
        return Response(await asyncio.to_thread(telemetry.exposition), headers={"content-type": CONTENT_TYPE})

    yield Route("/metrics", metrics)


@dataclass(frozen=True)
class _Intake:
    webhooks: Mapping[str, Webhook]
    store: Store
    now: Callable[[], datetime]
    new_id: Callable[[int], str]
    body_seconds: float
    store_seconds: float
    meter: IntakeMeter
    spans: Spans

    async def receive(self, request: HttpRequest) -> Response:
        source = request.path_params["source"]
        answer = await self._receive(source, request)
        self.meter.answered(source if source in self.webhooks else "", answer.status_code)
        return answer

    async def _receive(self, source: str, request: HttpRequest) -> Response:
        webhook = self.webhooks.get(source)
        if door.too_many(request.scope["headers"]):
            return await _unread(request, 431, "header fields too large")
        if webhook is None:
            return await _unread(request, 404, "no such source")
        if door.declared_length(request.scope["headers"]) > door.BODY_LIMIT:
            return await _unread(request, 413, f"more than {door.BODY_LIMIT} bytes")
        try:
            async with asyncio.timeout(self.body_seconds):
                body = await _body(request)
        except TooLarge:
            return await _unread(request, 413, f"more than {door.BODY_LIMIT} bytes")
        except TimeoutError:
            return _answer(408, "the body came too slowly", close=True)
        except ClientDisconnect:
            return _answer(400, "the body broke off", close=True)
        return await self._take(source, webhook, request, body)

    async def _take(self, source: str, webhook: Webhook, request: HttpRequest, body: bytes) -> Response:
        headers, now = request.scope["headers"], self.now()
        try:
            notice = webhook.verify(door.request(request.method, request.url.path, headers, body), now)
        except Refused:
            return _answer(401, "not authorized")
        began = time.perf_counter()
        try:
            with self.spans.taking(source, door.context(headers, self.new_id)) as trace:
                raw = door.stamped(source, notice, headers, body, now, trace)
                async with asyncio.timeout(self.store_seconds):
                    await self.store(source, raw, notice)
        except (FabricError, TimeoutError):
            return _answer(503, "not stored, try again", headers={"retry-after": str(RETRY_AFTER)})
        self.meter.acknowledged(source, began)
        return _answer(202, "stored")


async def _body(request: HttpRequest) -> bytes:
    """The exact bytes. Raises TooLarge as soon as they pass the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > door.BODY_LIMIT:
            raise TooLarge
    return bytes(body)


async def _unread(request: HttpRequest, status: int, said: str) -> Response:
    """Answer without wanting the body. It is read on for a moment and not kept: a connection closed over unread bytes
    is reset, and the sender would not see our answer. One that waits for `100 Continue` has not begun to send."""
    if "100-continue" not in request.headers.get("expect", "").lower():
        with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: read whole already
            async with asyncio.timeout(_DISCARD_SECONDS):
                async for _ in request.stream():
                    pass
    return _answer(status, said, close=True)


def _answer(status: int, said: str, *, close: bool = False, headers: Mapping[str, str] | None = None) -> Response:
    ending = {"connection": "close"} if close else {}
    return JSONResponse({"status": said}, status, {**ending, **(headers or {})})
