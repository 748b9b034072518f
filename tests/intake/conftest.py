"""A real intake on a port that the kernel chose, with a store that tests can watch and break."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from producers.jira import Jira
from psfabric.adapters import Notice
from psfabric.event import Raw
from psfabric.intake import Store, app, serve

SECRET = "a-secret-of-this-test"


@dataclass
class Broker:
    """What intake stored. `before` runs before each acknowledgement and may raise or wait."""

    stored: list[tuple[str, Raw, Notice]] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    async def store(self, source: str, raw: Raw, notice: Notice) -> None:
        if self.before is not None:
            await self.before()
        self.stored.append((source, raw, notice))


@dataclass
class Door:
    """A running intake: its address, a client for it, its broker."""

    port: int
    client: httpx.AsyncClient
    broker: Broker
    stop: asyncio.Event
    serving: asyncio.Task[None]

    async def post(self, body: bytes, source: str = "jira-acme", **headers: str) -> httpx.Response:
        """A signed webhook."""
        return await self.client.post(f"/in/{source}", content=body, headers={**signature(body), **headers})


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    hexed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={hexed}", "X-Atlassian-Webhook-Identifier": "n-1"}


@asynccontextmanager
async def running(store: Store | None = None, **options: Any) -> AsyncIterator[Door]:
    broker, stop = Broker(), asyncio.Event()
    jira = Jira(name="jira-acme", base_url="https://acme.example", user="x", token="t", secret=SECRET)
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    made = app({"jira-acme": jira}, store or broker.store, **options)
    serving = asyncio.create_task(serve(made, "127.0.0.1", 0, stop=stop, started=port.set_result))
    async with asyncio.timeout(10):
        number = await port
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}", timeout=10))
        yield Door(number, client, broker, stop, serving)
    stop.set()
    async with asyncio.timeout(10):
        await serving


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with running() as opened:
        yield opened
