"""Very many dead letters are listed, counted and exported in bounded memory, with progress."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from psfabric.engine import Write
from psfabric.engine import receipts as receipt
from psfabric.engine.applied import Applied
from psfabric.engine.deadletter import Failure, dead_letter_headers
from psfabric.event import HeaderList, Record
from tests.replay.plant import Plant, example

AT = "2026-06-03T17:00:00.000000Z"
MEGABYTES = 250
"""What one command may take, Python and all libraries included."""

CHILD = """
import sys
from pathlib import Path
from cli.main import execute
code = execute(sys.argv[1:])
sys.stderr.write(Path("/proc/self/status").read_text())
sys.exit(code)
"""
"""A command that says its own peak at the end: `ru_maxrss` of a child counts what its parent had when it forked."""

CAUSES = ("resource-unknown", "erp-refused", "tax-code-unknown")


@dataclass(frozen=True)
class Measured:
    code: int
    seconds: float
    megabytes: float
    told: str


def measured(here: Plant, out: Path, *args: str) -> Measured:
    """One command in a process of its own, standard error on a terminal."""
    terminal, other = pty.openpty()
    begun = time.monotonic()
    with out.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, *args],
            env={**os.environ, **here.environment()},
            stdout=file,
            stderr=other,
        )
    os.close(other)
    told = bytearray()
    try:
        while part := os.read(terminal, 65536):
            told += part
    except OSError:  # a terminal ends like that
        pass
    os.close(terminal)
    text = told.decode(errors="replace")
    peak = int(text.rpartition("VmHWM:")[2].split()[0])
    return Measured(child.wait(30), time.monotonic() - begun, peak / 1024, text)


def records(here: Plant) -> Iterator[Record]:
    """Approved time of 19 clients in 12 months, each record an event of its own."""
    priced = example("enriched.time.TimeApproved").model_dump(mode="json")["enrichment"]
    values = [
        here.record(
            here.time_event(
                work_date=f"2026-{month:02}-15", seconds=3600, enrichment={**priced, "client_id": f"C-{client}"}
            )
        )
        for month in range(1, 13)
        for client in range(19)
    ]
    number = 0
    while True:
        for record in values:
            id = uuid.uuid4().hex
            headers: HeaderList = tuple((n, id.encode() if n == "ce_id" else v) for n, v in record.headers)
            key = f"jira-acme:worklog:{number}".encode()
            yield Record(record.topic, number % 4, number, key, record.value, headers)
            number += 1


def buried(here: Plant, record: Record, cause: str) -> Write:
    failure = Failure(cause, "reference", f"UK01 says no to {cause}", "sink", here.name, here.name, cause, 1, AT, AT)
    headers = dead_letter_headers(record, failure)
    return Write(f"dlq.{here.name}", record.key, record.value, headers, record.partition)


def plant_many(here: Plant, count: int) -> None:
    """One in ten is delivered afterwards."""
    event = here.time_event()
    entry = Applied(event.version, event.id, "c0ffee", "timesheet.line,41")
    value = here.codec.value(receipt.delivered(here.name, event, entry, b"", duplicate=False))
    done, source = 0, records(here)
    while batch := list(islice(source, min(5000, count - done))):
        here.write(*(buried(here, record, CAUSES[n % 3]) for n, record in enumerate(batch)))
        ids = [record.header("ce_id") or "" for record in batch[::10]]
        kind = (("ce_type", b"psf.delivery.Delivered.v1"),)
        here.write(*(Write(receipt.TOPIC, receipt.receipt_key(here.name, id, "terminal"), value, kind) for id in ids))
        done += len(batch)


def all_of(here: Plant, tmp_path: Path, count: int) -> dict[str, Measured]:
    """Every command that reads them all, and what came out."""
    plant_many(here, count)
    left = count - count // 10
    found = {
        "list": measured(here, tmp_path / "list", "dlq", "list", "--all", "--output", "json"),
        "stats": measured(
            here, tmp_path / "stats", "dlq", "stats", "--by", "client", "--by", "period", "--output", "json"
        ),
        "export": measured(here, tmp_path / "export", "dlq", "export", "--to", f"{tmp_path}/all.jsonl", "--reveal"),
        "import": measured(here, tmp_path / "import", "dlq", "import", f"{tmp_path}/all.jsonl", "--reason", "x"),
    }
    print(*(f"{name}: {each.megabytes:.0f} MB, {each.seconds:.0f} s" for name, each in found.items()), sep="; ")
    assert {each.code for each in found.values()} == {0}
    listed = (tmp_path / "list").read_text()
    assert (listed.count('"state": "open"'), listed.count('"state": "delivered"')) == (left, count // 10)
    assert listed.endswith("\n  ]\n}\n")
    body: dict[str, Any] = json.loads((tmp_path / "stats").read_text())
    assert (body["total"], body["hours"], body["money"]) == (left, f"{left}.0000", {"GBP": str(left * 125)})
    assert len(body["causes"]) == 3
    assert len(body["groups"]) == 228
    assert sum(group["records"] for group in body["groups"]) == left
    assert "0 dead letters imported" in (tmp_path / "import").read_text()
    assert "1000 dead letters read" in found["list"].told, "progress"
    return found


def test_many_take_no_more_than_a_bounded_room(here: Plant, tmp_path: Path) -> None:
    found = all_of(here, tmp_path, 3000)
    assert max(each.megabytes for each in found.values()) < MEGABYTES


@pytest.mark.large
@pytest.mark.timeout(1200)
def test_200_000_take_no_more_than_a_bounded_room(here: Plant, tmp_path: Path) -> None:
    """Memory does not grow with them: the same commands on 3,000 take nearly as much."""
    found = all_of(here, tmp_path, 200_000)
    assert max(each.megabytes for each in found.values()) < MEGABYTES
