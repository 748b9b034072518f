"""Starts the programs under measurement, and the topics that they read and write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from bench.meter import Reading
from bench.peers.bare import PRODUCER
from bench.work import OUTPUTS, Output, records
from psfabric.connection import Kafka
from psfabric.kafka import Admin
from schemas import Topic

ROOT = Path(__file__).resolve().parent.parent
PARTITIONS = 6
WITHIN = 300.0
"""Seconds a run may take."""


def unique(prefix: str) -> str:
    return f"bench-{prefix}-{uuid.uuid4().hex[:8]}"


def create(bootstrap: str, names: Iterable[str]) -> None:
    config = {"max.message.bytes": "1100000", "segment.bytes": "67108864", "retention.bytes": "268435456"}
    topics = [Topic(name=n, partitions=PARTITIONS, config=config, rule="bench", tombstones=True) for n in names]
    Admin(Kafka(bootstrap)).apply(topics)


def delete(bootstrap: str, names: Iterable[str]) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap})
    for future in client.delete_topics(list(names)).values():
        future.result(30)


def fill(bootstrap: str, topic: str, outputs: Iterable[Output]) -> None:
    """Write records to `topic`, partitioned by key; returns when all are acknowledged."""
    producer = ck.Producer({"bootstrap.servers": bootstrap, **PRODUCER})
    for _, key, value, headers in outputs:
        while True:
            try:
                producer.produce(topic, value, key, headers=list(headers))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(120):
        raise RuntimeError(f"{topic} was not filled")


def backlog(bootstrap: str, count: int) -> str:
    """A topic with `count` records, and the output topics."""
    source = unique(f"in-{count}")
    create(bootstrap, [source, *OUTPUTS])
    fill(bootstrap, source, records(count))
    return source


@contextmanager
def component_topics(bootstrap: str, name: str) -> Iterator[None]:
    """The hold, redo and dead-letter topics that a component needs."""
    names = [f"{family}.{name}" for family in ("hold", "redo", "dlq")]
    create(bootstrap, names)
    try:
        yield
    finally:
        delete(bootstrap, names)


def measured(module: str, want: dict[str, Any], *, python: str = sys.executable) -> Reading:
    """The reading of `python -m bench.peers.<module>`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", f"bench.peers.{module}", json.dumps({**want, "folder": folder})]
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=WITHIN)
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return reading(done.stdout)


def reading(output: str) -> Reading:
    (last,) = [line for line in output.splitlines() if line.startswith("{")][-1:]
    return Reading(**json.loads(last))


def started(module: str, want: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"bench.peers.{module}", json.dumps(want)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def end_offsets(bootstrap: str) -> int:
    """Records in the output topics."""
    return sum(Admin(Kafka(bootstrap)).end_offsets(list(OUTPUTS)).values())


def wait_for_outputs(bootstrap: str, count: int) -> None:
    deadline = time.monotonic() + WITHIN
    while end_offsets(bootstrap) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{end_offsets(bootstrap)} outputs of {count} in {WITHIN:.0f} s")
        time.sleep(0.1)
