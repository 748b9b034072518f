"""Our HTTP client over a network that answers as a test says.

What it sends and what an error means are as ever; aiohttp is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping

import httpx

from psfabric.http import Http, Response

Respond = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class Answering(Http):
    """`respond` is asked for each request, and may raise what aiohttp raises when a connection breaks."""

    def __init__(self, respond: Respond) -> None:
        super().__init__()
        self._respond = respond

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float
    ) -> Response:
        answer = self._respond(httpx.Request(method, url, headers=headers, content=content))
        if inspect.isawaitable(answer):
            answer = await answer
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)
