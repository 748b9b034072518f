"""Polled sources from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import exits
from psfabric import pipelines
from psfabric.hosts.cursors import READS, Reader, cursor_write, reader_write, standing, transactional_id
from psfabric.kafka import Admin, Fenced, Transactions, read_topic
from replay import operations
from replay.operations import TOPIC
from tests.cli.conftest import Run
from tests.replay.plant import Plant

SOURCE = """
[[source]]
name = "{name}"
use = "salesforce"
[source.settings]
base_url = "http://127.0.0.1:1"
pubsub = "127.0.0.1:1"
client_id = "i"
client_secret = "s"
tls = false
"""


@pytest.fixture
def name(here: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source that nobody has read yet."""
    made = here.name.replace("tryton", "salesforce")
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "source.toml").write_text(SOURCE.format(name=made))
    monkeypatch.setenv("PSF_PIPELINES", str(folder))
    Admin(here.kafka).apply(pipelines.load(folder, {}).topics())
    return made


def reading(here: Plant, name: str, cursor: str) -> Transactions:
    """Somebody who has read up to `cursor`."""
    reader = Transactions(here.kafka, transactional_id(name))
    reader.begin()
    sign = Reader("host/1/abc", READS, "", "2026-11-25T07:00:00+00:00")
    reader.write([cursor_write(name, cursor), reader_write(name, sign)])
    return reader


def test_who_reads_and_how_far_is_shown(run: Run, here: Plant, name: str) -> None:
    (before,) = run("source", "list", "--output", "json").json["sources"]
    assert before == {"source": name, "state": "nobody", "cursor": None, "reader": None, "seen": None, "why": None}
    reading(here, name, "41")
    (after,) = run("source", "cursor", name, "--output", "json").json["sources"]
    assert (after["state"], after["cursor"], after["reader"]) == ("reads", "41", "host/1/abc")
    assert "host/1/abc" in run("source", "list").out


@pytest.mark.parametrize(("how", "after"), [(["--set", "7"], "7"), (["--reset"], None)])
def test_a_cursor_is_moved_with_an_audit_row_and_whoever_read_begins_again(
    run: Run, here: Plant, name: str, how: list[str], after: str | None
) -> None:
    reader = reading(here, name, "41")
    ran = run("source", "cursor", name, *how, "--reason", "expired", "--yes", "--output", "json")
    assert (ran.code, ran.json) == (exits.CLEAN, {"source": name, "before": "41", "after": after, "moved": True})
    found = standing(here.kafka, name)
    assert (found.cursor, found.reader) == (after, None)
    row = next(json.loads(r.value or b"") for r in read_topic(here.kafka, TOPIC) if name.encode() in (r.value or b""))
    assert (row["act"], row["reason"]) == ("source-cursor", "expired")
    assert (row["where"], row["result"]) == (operations.here(), "done"), "as of every other act"
    assert row["detail"] == {"source": name, "before": "41", "after": after}
    with pytest.raises(Fenced):
        reader.write([cursor_write(name, "42")])


def test_what_is_not_confirmed_or_only_tried_moves_nothing(run: Run, here: Plant, name: str) -> None:
    reading(here, name, "41")
    assert run("source", "cursor", name, "--reset", "--reason", "r").code == exits.REFUSED
    tried = run("source", "cursor", name, "--reset", "--reason", "r", "--dry-run")
    assert tried.out == f"{name} would be read from the beginning on; it was 41.\n"
    assert standing(here.kafka, name).cursor == "41"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["{name}", "--set", "1"], "say why"),
        (["{name}", "--set", "1", "--reset", "--reason", "r"], "either --set VALUE or --reset"),
        (["{name}", "--set", "", "--reason", "r"], "either --set VALUE or --reset"),
        (["{name}x", "--reset", "--reason", "r"], "did you mean"),
    ],
)
def test_a_mistake_is_exit_2_and_says_what_is_allowed(run: Run, name: str, args: list[str], sentence: str) -> None:
    ran = run("source", "cursor", *(arg.format(name=name) for arg in args))
    assert ran.code == exits.USAGE
    assert sentence in " ".join(ran.err.split())
