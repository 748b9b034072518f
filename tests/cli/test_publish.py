"""`psfabric publish`: files of other teams, right and wrong, and what the exit code says."""

from __future__ import annotations

import io
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

import schemas
from cli import exits
from cli import publish as command
from psfabric.kafka import Admin, read_topic
from tests.cli.conftest import Run
from tests.psfabric.reference.server import free_port
from tests.publish.drafts import SOURCE, line
from tests.replay.plant import Plant


class Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def topics(here: Plant) -> Plant:
    Admin(here.kafka).apply(schemas.topics().concrete({}))
    return here


def lines(*bodies: Any) -> str:
    return "\n".join(body if isinstance(body, str) else json.dumps(body) for body in bodies) + "\n"


def test_each_line_is_published_and_listed_with_its_place(run: Run, topics: Plant, file: Path) -> None:
    file.write_text(lines(line(), "", line()))
    ran = run("publish", str(file), "--source", SOURCE, "--output", "json")
    assert (ran.code, ran.err) == (exits.CLEAN, "")
    published = ran.json["published"]
    assert [row["place"] for row in published] == ["line 1", "line 3"]
    there = {f"{r.topic}/{r.partition}/{r.offset}": r.header("ce_id") for r in read_topic(topics.kafka, "psf.time")}
    assert [there[row["at"]] for row in published] == [row["event_id"] for row in published]


def test_publishing_again_gives_the_same_ids(run: Run, topics: Plant, file: Path) -> None:
    file.write_text(lines(line(), line()))
    first, again = (run("publish", str(file), "--source", SOURCE, "--output", "json").json for _ in range(2))
    assert [row["event_id"] for row in first["published"]] == [row["event_id"] for row in again["published"]]
    assert [row["at"] for row in first["published"]] != [row["at"] for row in again["published"]]


@pytest.mark.parametrize("form", ["array", "object over lines", "object", "stdin"])
def test_an_array_an_object_and_stdin_are_taken_too(
    run: Run, topics: Plant, file: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = line()
    text = {"array": json.dumps([body, line()]), "object over lines": json.dumps(body, indent=2)}.get(
        form, json.dumps(body)
    )
    file.write_text(text)
    if form == "stdin":
        monkeypatch.setattr(sys, "stdin", Stdin(text.encode()))
    ran = run("publish", "-" if form == "stdin" else str(file), "--source", SOURCE, "--output", "json")
    assert ran.code == exits.CLEAN, ran.err
    assert len(ran.json["published"]) == (2 if form == "array" else 1)


def test_many_are_published_in_pieces_and_all_are_listed(
    run: Run, topics: Plant, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "AT_ONCE", 3)
    file.write_text(lines(*(line() for _ in range(10))))
    ran = run("publish", str(file), "--source", SOURCE)
    assert ran.code == exits.CLEAN
    assert "10 events were published." in ran.out


# ------------------------------------------------------------------------------------------------ what is wrong


def wrong_file() -> str:
    bad = line()
    bad["data"] |= {"work_date": "2026-13-03", "worked_seconds": -1}
    return lines(line("e-1"), bad, '{"type": ', {"type": "time.TimeSubmited", "data": {}}, line("e-1"))


def test_nothing_is_sent_when_a_line_is_wrong_and_line_and_field_are_named(run: Run, file: Path) -> None:
    """No broker is asked: none is set."""
    file.write_text(wrong_file())
    ran = run("publish", str(file), "--source", SOURCE)
    assert (ran.code, ran.out) == (exits.USAGE, "")
    told = ["line 2: work_date: ", "line 2: worked_seconds: ", "line 3: line: ", "line 4: type: no event"]
    assert [words for words in (*told, "nothing was sent") if words not in ran.err] == []
    assert "did you mean time.TimeSubmitted" in ran.err
    assert "line 1" not in ran.err


def test_mistakes_are_json_too(run: Run, file: Path) -> None:
    file.write_text(wrong_file())
    ran = run("publish", str(file), "--source", SOURCE, "--output", "json")
    assert ran.code == exits.USAGE
    assert [(row["place"], row["field"], row["code"]) for row in ran.json["wrong"]] == [
        ("line 2", "work_date", "field-invalid"),
        ("line 2", "worked_seconds", "field-invalid"),
        ("line 3", "line", "malformed-json"),
        ("line 4", "type", "type-unknown"),
    ]


def test_with_skip_invalid_the_rest_is_sent_and_what_was_left_out_is_said(run: Run, topics: Plant, file: Path) -> None:
    file.write_text(wrong_file().replace("e-1", f"e-{uuid.uuid4().hex}"))
    ran = run("publish", str(file), "--source", SOURCE, "--skip-invalid", "--output", "json")
    assert ran.code == exits.FINDINGS
    assert [row["place"] for row in ran.json["published"]] == ["line 1", "line 5"]
    assert {row["place"] for row in ran.json["wrong"]} == {"line 2", "line 3", "line 4"}
    assert "line 2 was left out: work_date" in ran.err


def test_a_dry_run_asks_nobody_and_says_where_it_would_go(run: Run, file: Path) -> None:
    file.write_text(lines(line("e-1")))
    ran = run("publish", str(file), "--source", SOURCE, "--dry-run", "--output", "json")
    assert (ran.code, ran.json["dry_run"], ran.json["published"][0]["at"]) == (exits.CLEAN, True, "psf.time")
    there = run("publish", str(file), "--source", SOURCE, "--dry-run", "--ingress", "payroll-acme", "--output", "json")
    assert there.json["published"][0]["at"] == "ingress.payroll-acme"
    assert "1 events would be published." in run("publish", str(file), "--source", SOURCE, "--dry-run").out


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "there is nothing in it"), (b" \n\n", "there is nothing in it"), (b"[1, 2", "is no JSON array")],
)
def test_a_file_that_is_none_is_wrong_use(run: Run, file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    ran = run("publish", str(file), "--source", SOURCE)
    assert (ran.code, "Traceback" in ran.err) == (exits.USAGE, False)
    assert why in " ".join(ran.err.replace("│", " ").split())


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"7", b"null", b"[7]", b'{"a": 1, "a": 2}', b"[" * 5000 + b"]" * 5000, b'{"type": NaN, "data": {}}'],
)
def test_whatever_stands_in_a_file_is_exit_2(run: Run, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    ran = run("publish", str(file), "--source", SOURCE)
    assert (ran.code, "Traceback" in ran.err) == (exits.USAGE, False)


def test_a_file_that_is_not_there_or_too_large_is_wrong_use(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("publish", str(file), "--source", SOURCE).code == exits.USAGE
    file.write_text(lines(line()))
    monkeypatch.setattr(command, "LARGEST", 10)
    assert run("publish", str(file), "--source", SOURCE).code == exits.USAGE


def test_a_source_that_is_no_name_is_named_before_anything_is_sent(run: Run, file: Path) -> None:
    file.write_text(lines(line()))
    ran = run("publish", str(file), "--source", "Pay Roll", "--dry-run")
    assert ran.code == exits.USAGE
    assert "line 1: source: " in ran.err


# ------------------------------------------------------------------------------------------------ parts away


def test_a_broker_that_is_away_is_exit_5_and_says_that_repeating_is_safe(
    run: Run, here: Plant, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSF_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port()}")
    file.write_text(lines(line(), line()))
    ran = run("publish", str(file), "--source", SOURCE, "--within", "1", "--output", "json")
    assert ran.code == exits.UNREACHABLE
    assert set(ran.json["unknown"]) == {"line 1", "line 2"}
    assert "Run the same command again" in ran.err


def test_a_registry_that_is_away_is_exit_5(run: Run, here: Plant, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from psfabric.publish import publisher

    monkeypatch.setattr(publisher, "SCHEMAS", f"nobody-made-{uuid.uuid4().hex}")
    monkeypatch.setenv("PSF_REGISTRY_URL", "http://127.0.0.1:1")
    file.write_text(lines(line()))
    ran = run("publish", str(file), "--source", SOURCE)
    assert (ran.code, "the schema registry gives no answer" in ran.err) == (exits.UNREACHABLE, True)


def test_settings_that_are_missing_are_exit_2(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file.write_text(lines(line()))
    ran = run("publish", str(file), "--source", SOURCE)
    assert ran.code == exits.USAGE
    assert "PSF_KAFKA_BOOTSTRAP is not set" in ran.err


def test_what_one_piece_refuses_stops_the_rest_and_all_of_it_is_told(
    run: Run, here: Plant, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    config = {"max.message.bytes": "20000"}
    Admin(here.kafka).apply(
        [schemas.Topic(name=f"ingress.{name}", partitions=1, config=config, rule="test", tombstones=False)]
    )
    large = line()
    large["data"]["extensions"] = {"acme.noise": uuid.uuid4().hex * 2 + "".join(uuid.uuid4().hex for _ in range(2000))}
    monkeypatch.setattr(command, "AT_ONCE", 2)
    file.write_text(lines(line(), line(), line(), large, line()))
    ran = run("publish", str(file), "--source", SOURCE, "--ingress", name, "--output", "json")
    assert ran.code == exits.PARTIAL
    assert [row["place"] for row in ran.json["published"]] == ["line 1", "line 2", "line 3"]
    assert (set(ran.json["refused"]), ran.json["not_tried"]) == ({"line 4"}, 1)
