"""A plain asyncio loop: read, decode, post with as many requests open as the sink stage has, commit each second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import confluent_kafka as ck
import httpx

from bench.meter import Meter, asked
from bench.peers.bare import as_record
from bench.posting import CONCURRENCY, body
from bench.work import codec


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
    limits = httpx.Limits(max_connections=CONCURRENCY * 2)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:

        async def post(message: ck.Message) -> None:
            async with slots:
                answer = await client.post(want["url"], json=body(coding.decode(as_record(message))))
                answer.raise_for_status()
                answer.json()
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
