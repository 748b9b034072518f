"""Stock Faust, one record at a time, with its own driver and producer, decoding fully."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, cast

import faust

from bench.meter import Meter, asked
from bench.work import OUTPUTS, bare
from psfabric.event import Record


def main(want: Mapping[str, Any]) -> None:
    app = faust.App(
        want["group"],
        broker=f"kafka://{want['bootstrap']}",
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_compression_type="lz4",
        producer_linger_ms=5,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        env_prefix="BENCH_FAUST_",
        datadir=want["folder"],
    )
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "allow_empty": True}
    outputs = {name: app.topic(name, key_type=bytes, value_type=bytes, **raw) for name in OUTPUTS}
    work, meter, ended = bare(lazy=False), Meter(), asyncio.Event()

    @app.agent(app.topic(want["source"], key_type=bytes, value_type=bytes, **raw))
    async def route(stream: Any) -> None:
        sent = None
        async for event in stream.events():
            message = event.message
            headers = tuple(message.headers)
            topic, key, value, out = work(
                Record(message.topic, message.partition, message.offset, message.key, message.value, headers)
            )
            meter.handled()
            sent = await outputs[topic].send(key=key, value=value, headers=cast(Any, list(out)))
            if meter.records >= want["records"]:
                await sent
                ended.set()

    async def run() -> None:
        await app.start()
        limit = time.monotonic() + 300
        while not ended.is_set() and time.monotonic() < limit:
            await asyncio.sleep(0.05)
        meter.tell()
        await app.stop()

    app.loop.run_until_complete(run())


if __name__ == "__main__":
    main(asked())
