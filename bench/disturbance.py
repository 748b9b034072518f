"""What a replay does to the live traffic of the same sink: windows with and without one, alternating."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

import confluent_kafka as ck

from bench.endurance import stopped, wait_ready
from bench.peers.bare import PRODUCER
from bench.posting import enriched
from bench.results import percentiles
from bench.runs import ROOT, component_topics, create, environment, fill, unique
from bench.work import Output
from psfabric.engine.deadletter import Failure, dead_letter_headers
from psfabric.engine.receipts import TOPIC as RECEIPTS
from psfabric.event import Record
from psfabric.kafka.producer import to_bytes
from replay.receipts import parse_key

LIVE, REPLAYED = 50, 200
"""Records a second."""

AT = "2026-06-03T17:00:00.000000Z"


def replay_beside_live(bootstrap: str, url: str, pairs: int, seconds: float) -> dict[str, Any]:
    """p99 of the live records from being produced to the receipt being read, in `pairs` of windows of `seconds`.

    `replay_p99_ratio` is the median, over the pairs, of p99 with a replay over p99 without.
    """
    name, source = unique("sink"), unique("posts")
    live, dead = round(pairs * 2 * seconds * LIVE) + 2 * LIVE, round(pairs * seconds * REPLAYED)
    posts = list(enriched(live + dead))
    create(bootstrap, [source, RECEIPTS, f"applied.{name}", "fabric.dlq-state", "fabric.operations"])
    with component_topics(bootstrap, name), ExitStack() as stack:
        fill(bootstrap, f"dlq.{name}", _buried(name, source, posts[live:]))
        want = {"bootstrap": bootstrap, "source": source, "group": name, "url": url, "records": 0, "shared": True}
        stack.enter_context(_worker("sink", want))
        size = round(seconds * REPLAYED)
        operator = stack.enter_context(_worker("replaying", {**want, "records": size, "rate": float(REPLAYED)}))
        traffic = Traffic(bootstrap, source, posts[:live])
        traffic.window(2.0)  # the first ones open connections
        found = [_pair(traffic, operator, seconds) for _ in range(pairs)]
        traffic.close()
    return {
        "replay_p99_ratio": median(with_ / without for without, with_ in found),
        "replay_p99_ms": [[without, with_] for without, with_ in found],
    }


def _pair(traffic: Traffic, operator: subprocess.Popen[str], seconds: float) -> tuple[float, float]:
    without = percentiles(traffic.window(seconds))["p99_ms"]
    if operator.stdin is None or operator.stdout is None:
        raise RuntimeError("a pipe is missing")
    operator.stdin.write("go\n")
    operator.stdin.flush()
    with_ = percentiles(traffic.window(seconds))["p99_ms"]
    if not operator.stdout.readline().strip().isdigit():
        raise RuntimeError("a plan was not applied")
    return without, with_


class Traffic:
    """`LIVE` records a second to the sink; how long each took to its receipt, in seconds."""

    def __init__(self, bootstrap: str, source: str, posts: list[Output]) -> None:
        self._source, self._posts = source, iter(posts)
        self._producer = ck.Producer({"bootstrap.servers": bootstrap, **PRODUCER, "linger.ms": 0})
        config = {"group.id": unique("reader"), "enable.auto.commit": False, "fetch.wait.max.ms": 5}
        self._reader = ck.Consumer({"bootstrap.servers": bootstrap, "auto.offset.reset": "latest", **config})
        known = self._reader.list_topics(RECEIPTS, timeout=10).topics[RECEIPTS].partitions
        ends = [(p, self._reader.get_watermark_offsets(ck.TopicPartition(RECEIPTS, p), timeout=10)[1]) for p in known]
        self._reader.assign([ck.TopicPartition(RECEIPTS, p, end) for p, end in ends])

    def window(self, seconds: float) -> list[float]:
        sent: dict[str, float] = {}
        found: list[float] = []
        began, produced, total = time.monotonic(), 0, round(seconds * LIVE)
        while len(found) < total:
            if time.monotonic() > began + seconds + 60:
                raise RuntimeError(f"{total - len(found)} live records have no receipt")
            while produced < total and time.monotonic() >= began + produced / LIVE:
                _, key, value, headers = next(self._posts)
                sent[(dict(headers)["ce_id"] or b"").decode()] = time.monotonic()
                self._producer.produce(self._source, value, key, headers=list(headers))
                produced += 1
            self._producer.poll(0)
            for message in self._reader.consume(500, 0.001):
                parsed = parse_key(to_bytes(message.key()))
                at = sent.pop(parsed[0].id, None) if parsed is not None else None
                if at is not None:
                    found.append(time.monotonic() - at)
        return found

    def close(self) -> None:
        self._reader.close()


def _buried(name: str, source: str, posts: Iterable[Output]) -> Iterator[Output]:
    """Dead letters as the sink would have written them."""
    for n, (_, key, value, headers) in enumerate(posts):
        failure = Failure("resource-unknown", "reference", "nobody of that id", "sink", name, name, "", 1, AT, AT)
        yield "", key, value, dead_letter_headers(Record(source, 0, n, key, value, headers), failure)


@contextmanager
def _worker(module: str, want: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", f"bench.peers.{module}", json.dumps(want)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment(), text=True, stdin=pipe, stdout=pipe) as process:
        try:
            wait_ready(process)
            yield process
        finally:
            stopped(process)
