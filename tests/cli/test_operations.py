"""The audit trail from the command line: read, taken out, proven; and what was done to it is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cli import exits
from psfabric.engine import Write
from psfabric.kafka import read_topic
from replay.acts import Operator
from replay.ledger import append
from replay.operations import Operation, operation_of
from tests.cli.conftest import Ran, Run
from tests.kafka.topics import put
from tests.replay.plant import Plant
from tests.replay.test_ledger import EARLIER

MARA = Operator("month end", "User:mara", "desk", "2026-06-30T18:00:00.000000Z", "authenticated", "mara@desk")
JIM = Operator("person on-boarded", "jim@laptop", "laptop", "2026-07-01T08:00:00.000000Z", os_user="jim@laptop")


@pytest.fixture
def acts(here: Plant, trail: str) -> list[Operation]:
    """One act of an earlier release and four of this."""
    put(here.kafka, trail, EARLIER % 0, key="act-0")
    rows = [
        MARA.row("component.pause", "done", {"component": "tryton-uk", "state": "paused"}),
        MARA.row("record.release", "asked of the owner", {"records": ["tryton-uk/deliver.tryton-uk/0/7", "x/y/0/1"]}),
        JIM.row("replay.apply.finished", "done", {"plan": "c0ffee" * 10, "sent": 2, "total": 2, "counts": []}, "p/1"),
        JIM.row("source-cursor", "done", {"source": "salesforce-acme", "before": "1", "after": None}),
    ]
    return [append(here.kafka, row) for row in rows]


def written(here: Plant, trail: str, values: Sequence[Operation]) -> None:
    """By somebody who is not the ledger."""
    here.write(*(Write(trail, row.id.encode(), row.to_value(), (), 0) for row in values))


def test_acts_are_listed_with_the_newest_last(run: Run, acts: list[Operation]) -> None:
    found = run("operations", "list", "--output", "json").json["operations"]
    assert [row["seq"] for row in found] == [None, 1, 2, 3, 4]
    assert list(found[1]) == [
        *("seq", "id", "at", "who", "who_is", "where", "act", "reason", "result", "detail", "prev", "hash", "os_user")
    ]
    assert (found[0]["who"], found[0]["hash"], found[0]["os_user"]) == ("mara@desk", None, None)
    assert (found[1]["who"], found[1]["who_is"], found[1]["os_user"]) == ("User:mara", "authenticated", "mara@desk")
    table = run("operations", "list").out
    for text in (
        "jim@laptop (claimed)",
        "plan c0ffeec0ffeec0ff, 2 of 2 sent",
        "2 records: tryton-uk/deliver.",
        "salesforce-acme",
    ):
        assert text in table
    assert "User:mara (claimed)" not in table


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ((), [None, 1, 2, 3, 4]),
        (("--since", "2026-07-01"), [3, 4]),
        (("--until", "2026-07-01"), [None, 1, 2]),
        (("--since", "2026-06-30T18:00", "--until", "2026-06-30T18:00:00.000001"), [None, 1, 2]),
        (("--act", "record"), [2]),
        (("--act", "record.release", "--act", "source-cursor"), [2, 4]),
        (("--act", "rec"), []),
        (("--who", "MARA"), [None, 1, 2]),
        (("--who", "laptop"), [3, 4]),
        (("--component", "tryton-uk"), [None, 1, 2]),
        (("--component", "salesforce-acme"), [4]),
        (("--component", "x/y/0/1"), [2]),
        (("--component", "tryton"), []),
        (("--id", "p/1"), [3]),
        (("--id", "2", "--id", "act-0"), [None, 2]),
        (("--component", "tryton-uk", "--act", "component", "--since", "1h"), []),
    ],
)
def test_acts_are_chosen(run: Run, acts: list[Operation], options: Sequence[str], rows: list[int | None]) -> None:
    ran = run("operations", "list", *options, "--output", "json")
    assert (ran.code, [row["seq"] for row in ran.json["operations"]]) == (exits.CLEAN, rows)
    if not rows:
        assert run("operations", "list", *options).out == "No act fits.\n"


def test_an_empty_trail_says_so(run: Run, here: Plant, trail: str) -> None:
    assert run("operations", "list").out == "No act is recorded.\n"
    ran = run("operations", "verify")
    assert (ran.code, ran.out) == (
        exits.CLEAN,
        "No row is in a hash chain yet; 0 of earlier releases are there.\n",
    )
    assert run("operations", "verify", "--head", "a" * 64).code == exits.FINDINGS


def test_an_intact_chain_says_how_long_it_is_and_its_head(run: Run, acts: list[Operation]) -> None:
    ran = run("operations", "verify", "--head", acts[1].hash[:16].upper())
    assert (ran.code, ran.err) == (exits.CLEAN, "")
    assert ran.out.splitlines() == [
        "4 rows; the chain is intact from row 1 to row 4. What stands before it (1 of earlier releases) is as it was.",
        "The head that was noted is row 2; 2 rows were written since.",
        f"Head: {acts[-1].hash}",
    ]
    found = run("operations", "verify", "--output", "json").json
    assert found == {
        "intact": True,
        "rows": 4,
        "earlier": 1,
        "head": acts[-1].hash,
        "noted": None,
        "findings": [],
    }


def test_a_row_that_is_none_is_a_finding_and_no_crash(run: Run, here: Plant, trail: str, acts: list[Operation]) -> None:
    put(here.kafka, trail, "{not json", None)
    written(here, trail, [replace(acts[0], seq=900, reason="I was never here")])
    listed = run("operations", "list")
    assert listed.code == exits.CLEAN
    assert "2 records are no rows" in listed.err
    ran = run("operations", "verify", "--output", "json")
    assert (ran.code, ran.json["intact"], ran.json["rows"]) == (exits.FINDINGS, False, 4)
    assert [(f["what"], f["row"]) for f in ran.json["findings"]] == [
        ("unreadable", 5),
        ("unreadable", 6),
        ("altered", 7),
    ]
    assert "not JSON" in run("operations", "verify").out
    assert append(here.kafka, MARA.row("component.resume", "done", {})).seq == 5, "acts go on"


def test_a_row_that_is_written_twice_is_named(run: Run, here: Plant, trail: str, acts: list[Operation]) -> None:
    written(here, trail, [acts[1]])
    ran = run("operations", "verify")
    assert ran.code == exits.FINDINGS
    assert "row 2 is there again" in ran.out
    assert "1 finding: not as written." in ran.out
    assert append(here.kafka, MARA.row("component.resume", "done", {})).seq == 5, "not written on from the copy"


def test_a_noted_head_that_is_not_there_is_a_finding(run: Run, acts: list[Operation]) -> None:
    ran = run("operations", "verify", "--head", "a" * 16)
    assert ran.code == exits.FINDINGS
    assert f"no row has the hash {'a' * 16}" in ran.out
    for wrong in ("", "a" * 15, "a" * 65, "x" * 64):
        mistaken = run("operations", "verify", "--head", wrong)
        assert mistaken.code == exits.USAGE
        assert "'--head'" in mistaken.err


def exported(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "operations.jsonl"
    assert run("operations", "export", "--to", str(path)).code == exits.CLEAN
    return path


def verified(run: Run, path: Path, *options: str) -> Ran:
    return run("operations", "verify", "--file", str(path), *options)


def test_an_exported_file_proves_itself_without_the_broker(
    run: Run, here: Plant, trail: str, acts: list[Operation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here.kafka, trail, "no row", None)
    append(here.kafka, MARA.row("component.resume", "done", {"component": "tryton-uk"}))
    path = exported(run, tmp_path)
    log = run("operations", "verify", "--output", "json").json
    monkeypatch.setenv("PSF_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    found = verified(run, path, "--output", "json").json
    assert {**found, "findings": []} == {**log, "findings": []}
    assert [(f["what"], f["row"]) for f in found["findings"]] == [(f["what"], f["row"]) for f in log["findings"]]
    assert len(path.read_bytes().splitlines()) == 8
    assert json.loads(path.read_bytes().splitlines()[1])["hash"] == acts[0].hash
    assert [path.name] == [each.name for each in tmp_path.iterdir() if each.name.endswith((".jsonl", ".part"))]


def test_what_was_changed_in_a_file_is_named(run: Run, acts: list[Operation], tmp_path: Path) -> None:
    path = exported(run, tmp_path)
    whole = path.read_bytes()
    assert verified(run, path, "--head", acts[-1].hash).code == exits.CLEAN
    lines = whole.splitlines(keepends=True)
    for changed, sentence in (
        (whole.replace(b'"state":"paused"', b'"state":"running"'), "where row 1 belongs: its hash is not"),
        (b"".join([*lines[:2], *lines[3:]]), "row 2 is missing"),
        (b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]), "row 2 stands behind row 3"),
        (b"".join([*lines, lines[1]]), "row 1 is there again"),
        (b"".join(lines[1:]), "before the chain"),
        (b"".join([*lines[:2], b"\n", *lines[2:]]), "something put in"),
        (b"".join(lines[:-1]), "cut off"),
        (b"", "cut off"),
    ):
        path.write_bytes(changed)
        ran = verified(run, path, "--head", acts[-1].hash)
        assert (ran.code, sentence in ran.out) == (exits.FINDINGS, True), ran.out


def test_an_export_goes_to_standard_output_and_tells_the_head_beside_it(run: Run, acts: list[Operation]) -> None:
    ran = run("operations", "export")
    assert [json.loads(line).get("seq") for line in ran.out.splitlines()] == [None, 1, 2, 3, 4]
    assert ran.err == f"5 records. Head: {acts[-1].hash}\n"


def unboxed(ran: Ran) -> str:
    """What was said, without the box around it."""
    return " ".join(ran.err.replace("│", " ").split())


def test_a_file_that_is_there_or_cannot_be_is_refused(run: Run, acts: list[Operation], tmp_path: Path) -> None:
    path = exported(run, tmp_path)
    before = path.read_bytes()
    for to, sentence in ((path, "is there already"), (tmp_path / "no" / "folder", "cannot be written")):
        ran = run("operations", "export", "--to", str(to))
        assert ran.code == exits.USAGE
        assert sentence in unboxed(ran)
    assert path.read_bytes() == before
    for unread in (tmp_path / "none", tmp_path):
        ran = verified(run, unread)
        assert ran.code == exits.USAGE
        assert "cannot be read" in unboxed(ran)


def test_two_command_lines_at_once_are_two_rows_one_after_the_other(here: Plant) -> None:
    """In processes of their own, as on two machines."""
    environment = {**here.environment(), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    command = (sys.executable, "-m", "cli.main", "resume", here.name, "--reason")
    pause = (sys.executable, "-m", "cli.main", "pause", here.name, "--reason")
    first = read_topic(here.kafka, "fabric.operations")
    acting = [
        subprocess.Popen([*(pause if n % 2 else command), f"{n}"], env=environment, stderr=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    for each in acting:
        assert (each.wait(60), each.stderr and each.stderr.read()) == (exits.CLEAN, "")
    rows = [operation_of(r) for r in read_topic(here.kafka, "fabric.operations")[len(first) :]]
    assert rows
    assert all(row.detail["component"] == here.name for row in rows)
    assert [row.seq for row in rows] == list(range(rows[0].seq, rows[0].seq + len(rows)))
    assert [row.prev for row in rows[1:]] == [row.hash for row in rows[:-1]]
