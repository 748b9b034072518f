"""A plain asyncio loop: read, decode, post with as many requests open as the sink stage has, commit each second.

`client`: `httpx`, which most would take today, or `aiohttp`, which ours stands on and costs a fifth.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import confluent_kafka as ck
import httpx

from bench.meter import Meter, asked
from bench.peers.bare import as_record
from bench.posting import CONCURRENCY, body
from bench.work import codec

Posting = Callable[[Any], Awaitable[None]]


@asynccontextmanager
async def by_httpx(url: str) -> AsyncIterator[Posting]:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=CONCURRENCY * 2), timeout=30) as client:

        async def post(what: Any) -> None:
            answer = await client.post(url, json=what)
            answer.raise_for_status()
            answer.json()

        yield post


@asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[Posting]:
    pool, timeout = aiohttp.TCPConnector(limit=CONCURRENCY * 2), aiohttp.ClientTimeout(30)
    async with aiohttp.ClientSession(connector=pool, timeout=timeout, raise_for_status=True) as client:

        async def post(what: Any) -> None:
            async with client.post(url, json=what) as answer:
                await answer.json()

        yield post


CLIENTS = {"httpx": by_httpx, "aiohttp": by_aiohttp}


async def main(want: Mapping[str, Any]) -> None:
    meter, coding, slots = Meter(), codec(lazy=True), asyncio.Semaphore(CONCURRENCY)
    consumer = ck.Consumer(
        {
            "bootstrap.servers": want["bootstrap"],
            "group.id": want["group"],
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([want["source"]])
    async with CLIENTS[want["client"]](want["url"]) as send:

        async def post(message: ck.Message) -> None:
            async with slots:
                await send(body(coding.decode(as_record(message))))
                meter.handled()

        commits_at = time.monotonic() + 1.0
        while meter.records < want["records"]:
            messages = await asyncio.to_thread(consumer.consume, 500, 0.5)
            await asyncio.gather(*(post(message) for message in messages))
            ended = meter.records >= want["records"]
            if messages and (ended or time.monotonic() > commits_at):
                await asyncio.to_thread(consumer.commit, asynchronous=False)
                commits_at = time.monotonic() + 1.0
        meter.tell()
    consumer.close()


if __name__ == "__main__":
    asyncio.run(main(asked()))
