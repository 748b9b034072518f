"""An amended dead letter reaches its target once, with what came later of its key behind it; also across a kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from psfabric.event import Event
from psfabric.kafka import read_topic
from replay import held
from replay.receipts import parse_key
from schemas import models
from tests.cli.amending_child import POINTS, Timesheets, stage
from tests.cli.conftest import Run
from tests.cli.test_acts_obeyed import send
from tests.hosts.calling import Hosting
from tests.hosts.fakes import eventually
from tests.replay.plant import Plant

LATER = "2027-01-01T00:00:00.000000Z/" + "0" * 20


def typed_wrong(here: Plant) -> tuple[Event, Event]:
    """75 hours in one entry, and a later version of the entry."""
    wrong = here.time_event(seconds=270_000)
    return wrong, here.time_event(wrong.aggregate_id, seconds=28_800, sequence=LATER)


def open_letters(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("dlq", "list", "--output", "json").json["dead_letters"]
    return found


def amend(run: Run, id: str, seconds: int = 27_000) -> dict[str, Any]:
    ran = run(
        "dlq", "amend", id, "--set", f"worked_seconds={seconds}", "--reason", "typed 75 h", "--yes", "--output", "json"
    )
    assert ran.code == exits.CLEAN, ran.err
    body: dict[str, Any] = ran.json
    return body


def final(here: Plant) -> dict[str, str]:
    """The kind of each event's final receipt, by event id."""
    found = {}
    for record in read_topic(here.kafka, "psf.delivery"):
        about = parse_key(record.key)
        if about is not None and about[0].component == here.name and about[1] == "terminal":
            found[about[0].id] = (record.header("ce_type") or "").split(".")[2]
    return found


def settled(here: Plant, *events: str) -> Callable[[], bool]:
    """Each has a final receipt, and nothing waits."""
    return lambda: set(events) <= final(here).keys() and not held(here.kafka, here.components)


async def test_an_amended_entry_is_delivered_once_and_its_later_version_follows(
    run: Run, here: Plant, tmp_path: Path
) -> None:
    wrong, later = typed_wrong(here)
    sink = Timesheets(name=here.name, folder=tmp_path)
    send(here, wrong, later)
    async with Hosting(here.kafka, stage(here.codec, sink)):
        await eventually(lambda: len(open_letters(run)) == 1 and len(held(here.kafka, here.components)) == 1)
        (letter,) = await asyncio.to_thread(open_letters, run)
        assert sink.taken() == [], "the later version waits behind the dead letter"
        sent = await asyncio.to_thread(amend, run, letter["id"])
        await eventually(settled(here, wrong.id, sent["event"], later.id))
    entry = wrong.aggregate_id
    assert sink.taken() == [(entry, wrong.head.sequence, 27_000), (entry, LATER, 28_800)]
    assert final(here) == {wrong.id: "Amended", sent["event"]: "Delivered", later.id: "Delivered"}
    (receipt,) = [
        here.codec.data(record.value or b"")
        for record in read_topic(here.kafka, "psf.delivery")
        if record.key == f"{here.name}/{wrong.id}/terminal".encode()
    ]
    assert isinstance(receipt, models.Amended)
    assert (receipt.amended_by, receipt.reason) == (sent["event"], "typed 75 h")
    assert open_letters(run) == []
    (closed,) = run("dlq", "list", "--all", "--output", "json").json["dead_letters"]
    assert closed["state"] == "amended"
    again = run("dlq", "amend", letter["id"], "--set", "worked_seconds=1", "--reason", "x", "--yes")
    assert (again.code, "is amended already" in again.err) == (exits.REFUSED, True)
    assert f"It is in {here.name} as time" in run("where", entry).out


async def test_an_amended_entry_whose_newer_version_was_delivered_meanwhile_is_superseded(
    run: Run, here: Plant, tmp_path: Path
) -> None:
    wrong, later = typed_wrong(here)
    sink = Timesheets(name=here.name, folder=tmp_path)
    send(here, wrong, later)
    async with Hosting(here.kafka, stage(here.codec, sink)):
        await eventually(lambda: len(open_letters(run)) == 1 and len(held(here.kafka, here.components)) == 1)
        (letter,) = await asyncio.to_thread(open_letters, run)
        (waiting,) = held(here.kafka, here.components)
        assert run("hold", "release", waiting.id, "--reason", "it is right").code == exits.CLEAN
        await eventually(lambda: final(here).get(later.id) == "Delivered")
        sent = await asyncio.to_thread(amend, run, letter["id"])
        await eventually(settled(here, sent["event"]))
    assert sink.taken() == [(wrong.aggregate_id, LATER, 28_800)]
    assert final(here) == {wrong.id: "Amended", sent["event"]: "Superseded", later.id: "Delivered"}


async def test_one_that_the_target_refuses_again_is_a_dead_letter_of_its_own_and_amended_again(
    run: Run, here: Plant, tmp_path: Path
) -> None:
    wrong, later = typed_wrong(here)
    sink = Timesheets(name=here.name, folder=tmp_path)
    send(here, wrong, later)
    async with Hosting(here.kafka, stage(here.codec, sink)):
        await eventually(lambda: len(open_letters(run)) == 1 and len(held(here.kafka, here.components)) == 1)
        (letter,) = await asyncio.to_thread(open_letters, run)
        first = await asyncio.to_thread(amend, run, letter["id"], 280_000)
        await eventually(lambda: [x["about"] for x in open_letters(run)] == [first["event"]])
        assert sink.taken() == []
        (letter,) = await asyncio.to_thread(open_letters, run)
        second = await asyncio.to_thread(amend, run, letter["id"])
        await eventually(settled(here, second["event"], later.id))
    assert [seconds for _, _, seconds in sink.taken()] == [27_000, 28_800]
    assert [final(here)[id] for id in (wrong.id, first["event"], second["event"])] == [
        "Amended",
        "Amended",
        "Delivered",
    ]


@contextmanager
def running(here: Plant, folder: Path, point: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.cli.amending_child", here.kafka.bootstrap, here.registry_url]
    process = subprocess.Popen([*command, here.name, str(folder), point])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def soon(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.1)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_of_an_amendment_ends_in_the_same_state(
    run: Run, here: Plant, tmp_path: Path, point: str
) -> None:
    wrong, later = typed_wrong(here)
    send(here, wrong, later)
    with running(here, tmp_path, point) as process:
        soon(lambda: len(open_letters(run)) == 1 and len(held(here.kafka, here.components)) == 1)
        sent = amend(run, open_letters(run)[0]["id"])
        assert process.wait(60) == -signal.SIGKILL
    with running(here, tmp_path, ""):
        soon(settled(here, wrong.id, sent["event"], later.id))
    entry, sink = wrong.aggregate_id, Timesheets(name=here.name, folder=tmp_path)
    once = (entry, wrong.head.sequence, 27_000)
    # What the target took before the kill it is given again under the same identity: it is the same document.
    assert sink.taken() == [*[once] * (2 if point == "delivered" else 1), (entry, LATER, 28_800)]
    assert (tmp_path / entry).read_text() == "28800"
    assert final(here) == {wrong.id: "Amended", sent["event"]: "Delivered", later.id: "Delivered"}
    assert open_letters(run) == []
    assert len(read_topic(here.kafka, f"dlq.{here.name}")) == 1
