"""Poison at every stage: a dead letter with a clear code and the original bytes, and the partition goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from psfabric.engine import Write
from tests.faults.fabric import LOAD, Fabric, Setting
from tests.faults.ground import Ground, Row

BRACKETS = b"[" * 100_000
RAW = {"brackets": BRACKETS, "truncated": b'{"id": "x', "not-utf8": b"\xff\xfe\x00", "array": b"[1,2,3]", "empty": b""}
FRAMED = {
    "wrong-magic": b"\x07\x00\x00\x00\x01abc",
    "truncated": b"\x00\x00\x00\x00\x01",
    "short": b"\x00\x01",
    "brackets": BRACKETS,
}


def run(ground: Ground) -> None:
    with ground.fabric(Setting(sinks=("upsert", "none"))) as fabric:
        sent: dict[str, bytes | None] = {}
        with fabric.load(LOAD):
            time.sleep(2)
            for number in range(-(-ground.count // 13)):
                for write in poison(fabric, number):
                    time.sleep(0.1)
                    with fabric.fault(f"poison in {write.topic}"):
                        fabric.store([write])
                    sent[str(_header(write))] = write.value
        fabric.settle()
        found = {r.header("fabric-notice-id"): r for r in fabric.dead_letters()}
        assert {notice: r.value for notice, r in found.items()} == sent, "not all poison was buried as it came"
        for record in found.values():
            assert record.header("fabric-dlq-code"), "without a code"
            assert record.header("__dlq.errors.topic"), "without its origin"
        assert [worker.statuses for worker in fabric.workers] == [[], []], "a process restarted"


def poison(fabric: Fabric, number: int) -> Iterator[Write]:
    """One of each kind for each stage, on keys of their own (one without any key)."""
    run_ = fabric.run
    for name, value in RAW.items():
        for source in ("fat",) if name != "array" else ("fat", "full"):
            topic = f"full.thin-{run_}" if source == "full" else f"raw.fat-{run_}"
            yield _poison(fabric, f"{source}-{name}-{number}", topic, value)
    for name, value in FRAMED.items():
        yield _poison(fabric, f"deliver-{name}-{number}", f"deliver.{next(iter(fabric.sinks))}", value)
    yield _poison(fabric, f"null-{number}", f"deliver.{next(iter(fabric.sinks))}", None)
    yield _poison(fabric, f"nokey-{number}", f"raw.fat-{run_}", b"{", keyless=True)
    yield _poison(fabric, f"nullraw-{number}", f"raw.fat-{run_}", None)


def _poison(fabric: Fabric, name: str, topic: str, value: bytes | None, *, keyless: bool = False) -> Write:
    state = fabric.sayings.say(key=f"{fabric.run}-poison-{name}", new=True, posted=False)
    notice = f"{state['id']}#{state['edition']}".encode()
    headers = (("fabric-notice-id", notice), ("odd", b"\xff\xfe"), ("odd", None))
    return Write(topic, None if keyless else str(state["key"]).encode(), value, headers)


def _header(write: Write) -> str:
    return (dict(write.headers)["fabric-notice-id"] or b"").decode()


ROW = Row(28, "poison messages", run)
