"""Latency at a given rate, memory over time at full speed, and what two workers make of one topic."""

from __future__ import annotations

import itertools
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka as ck

from bench.meter import Reading
from bench.peers.bare import PRODUCER
from bench.results import percentiles, slope
from bench.runs import (
    WITHIN,
    component_topics,
    create,
    end_offsets,
    reading,
    started,
    unique,
    wait_for_outputs,
)
from bench.work import OUTPUTS, records
from psfabric.kafka.producer import to_bytes


@contextmanager
def workers(bootstrap: str, source: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """`count` hosts of one group, with partitions; ended when the block is left."""
    name = unique("host")
    want = {"bootstrap": bootstrap, "source": source, "group": name, "records": 0, "lazy": True, "shared": True}
    with component_topics(bootstrap, name):
        running = [started("host", want) for _ in range(count)]
        try:
            for process in running:
                wait_ready(process)
            yield running
        finally:
            for process in running:
                if process.poll() is None:
                    process.kill()
                process.wait()


def wait_ready(process: subprocess.Popen[str]) -> None:
    """Raises RuntimeError when it ends before it says so."""
    if process.stdout is None or process.stdout.readline().strip() != "ready":
        raise RuntimeError("a worker ended before it had partitions")


def stopped(process: subprocess.Popen[str]) -> Reading | None:
    """The reading of a worker that is told to stop; None when it had nothing to do."""
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=WITHIN)
    return reading(output) if "{" in output else None


def shared(bootstrap: str, count: int, source: str, expected: int) -> Reading:
    """What `count` workers of one group did together: their records and their CPU-seconds, added up."""
    before = end_offsets(bootstrap)
    with workers(bootstrap, source, count) as running:
        wait_for_outputs(bootstrap, before + expected)
        found = [r for r in map(stopped, running) if r is not None]
    together = sum(r.records for r in found), max(r.seconds for r in found), sum(r.cpu_seconds for r in found)
    return Reading(*together, max(r.rss_mb for r in found))


def latency(bootstrap: str, rate: int, seconds: float) -> dict[str, float]:
    """From producing a record to its output being read, at `rate` records a second."""
    source = unique("paced")
    create(bootstrap, [source, *OUTPUTS])
    with workers(bootstrap, source, 1):
        reader = _at_the_end(bootstrap)
        _paced(bootstrap, source, reader, rate, 2.0)  # the first ones open connections
        found = _paced(bootstrap, source, reader, rate, seconds)
        reader.close()
    return percentiles(found)


def _at_the_end(bootstrap: str) -> ck.Consumer:
    config = {"group.id": unique("reader"), "enable.auto.commit": False, "fetch.wait.max.ms": 5}
    reader = ck.Consumer({"bootstrap.servers": bootstrap, **config})
    known = reader.list_topics(timeout=10).topics
    parts = [ck.TopicPartition(topic, p) for topic in OUTPUTS for p in known[topic].partitions]
    for part in parts:
        part.offset = reader.get_watermark_offsets(part, timeout=10)[1]
    reader.assign(parts)
    return reader


def _paced(bootstrap: str, source: str, reader: ck.Consumer, rate: int, seconds: float) -> list[float]:
    producer = ck.Producer({"bootstrap.servers": bootstrap, **PRODUCER, "linger.ms": 0})
    sent: dict[bytes, float] = {}
    found: list[float] = []
    coming = iter(list(records(int(rate * seconds))))
    began = time.monotonic()
    produced, total = 0, int(rate * seconds)
    while len(found) < total and time.monotonic() < began + seconds + 20:
        while produced < total and time.monotonic() >= began + produced / rate:
            _, key, value, headers = next(coming)
            sent[dict(headers)["ce_id"] or b""] = time.monotonic()
            producer.produce(source, value, key, headers=list(headers))
            produced += 1
        producer.poll(0)
        for message in reader.consume(500, 0.001):
            at = sent.pop(to_bytes(dict(message.headers() or []).get("ce_id")) or b"", None)
            if at is not None:
                found.append(time.monotonic() - at)
    return found


def memory(bootstrap: str, minutes: float) -> dict[str, float]:
    """Resident memory of one worker that is always behind: its slope in MB a minute, its end, what it handled."""
    source = unique("endless")
    create(bootstrap, [source, *OUTPUTS])
    load: list[tuple[bytes, bytes, Any]] = [(key, value, list(headers)) for _, key, value, headers in records(20_000)]
    producer = ck.Producer({"bootstrap.servers": bootstrap, **PRODUCER})
    before = end_offsets(bootstrap)
    with workers(bootstrap, source, 1) as (worker,):
        began, sampled, samples, done = time.monotonic(), 0.0, list[tuple[float, float]](), 0
        for written, (key, value, headers) in enumerate(itertools.cycle(load), 1):
            producer.produce(source, value, key, headers=headers)
            if written % 1000:
                continue
            producer.poll(0)
            while written - (done := end_offsets(bootstrap) - before) > 40_000:  # ahead, but not out of sight
                time.sleep(0.1)
            now = time.monotonic() - began
            if now - sampled >= 0.5:
                sampled = now
                samples.append((now, _resident(worker.pid)))
            if now > minutes * 60:
                break
        producer.flush(30)
    return {
        "memory_slope_mb_per_minute": slope(samples),
        "memory_end_mb": samples[-1][1],
        "memory_minutes": minutes,
        "memory_records": done,
    }


def _resident(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * 4096 / 2**20


def growth(small: Reading, large: Reading) -> float:
    """CPU-seconds per record with the large backlog, over those with the small one."""
    return (large.cpu_seconds / large.records) / (small.cpu_seconds / small.records)
