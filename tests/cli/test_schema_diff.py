"""`psfabric schema diff` on any two Avro files: exit codes, JSON as promised, a sentence for whatever is no schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from schemas import contract
from tests.cli.conftest import Run


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Time as it is approved, and the same with hours in place of seconds and one field less."""
    schema = contract.read(contract.AVRO / "time.TimeApproved_v1.avsc")
    changed = json.loads(json.dumps(schema))
    (worked,) = [each for each in changed["fields"] if each["name"] == "worked_seconds"]
    worked |= {"unit": "h", "doc": "Time worked, in hours."}
    changed["fields"] = [each for each in changed["fields"] if each["name"] != "extensions"]
    return written(tmp_path / "old.avsc", schema), written(tmp_path / "new.avsc", changed)


def written(path: Path, schema: Any) -> str:
    path.write_text(json.dumps(schema), encoding="utf-8")
    return str(path)


def test_findings_are_json_as_promised_and_exit_1(run: Run, files: tuple[str, str]) -> None:
    ran = run("schema", "diff", *files, "--output", "json")
    assert ran.code == exits.FINDINGS
    assert ran.json["compatible"] == {"backward": True, "forward": True}
    assert [(each["code"], each["severity"], each["path"]) for each in ran.json["findings"]] == [
        ("unit-changed", "break", "worked_seconds"),
        ("field-removed", "note", "extensions"),
    ]
    assert all(set(each) == {"code", "severity", "path", "message", "accepted"} for each in ran.json["findings"])
    assert not any(each["accepted"] for each in ran.json["findings"])


def test_without_findings_it_exits_0(run: Run, files: tuple[str, str]) -> None:
    ran = run("schema", "diff", files[0], files[0], "--output", "json")
    assert (ran.code, ran.json) == (
        exits.CLEAN,
        {"compatible": {"backward": True, "forward": True}, "findings": []},
    )


def test_notes_alone_do_not_fail(run: Run, tmp_path: Path, files: tuple[str, str]) -> None:
    schema = contract.read(contract.AVRO / "time.TimeApproved_v1.avsc")
    schema["fields"].insert(0, {"name": "colour", "type": "string", "default": ""})
    ran = run("schema", "diff", files[0], written(tmp_path / "noted.avsc", schema), "--output", "json")
    assert ran.code == exits.CLEAN
    assert [each["severity"] for each in ran.json["findings"]] == ["note"]


def test_people_get_a_table_and_a_verdict(run: Run, files: tuple[str, str]) -> None:
    ran = run("schema", "diff", *files)
    assert ran.code == exits.FINDINGS
    assert "the unit of time was seconds and is hours now" in " ".join(ran.out.split())
    assert ran.out.endswith("1 break, 0 hazards, 1 note; new reads old: yes, old reads new: yes.\n")


@pytest.mark.parametrize(
    ("level", "codes"),
    [
        ("NONE", []),
        ("BACKWARD", []),
        ("FORWARD", ["forward-default-missing"]),
        ("FULL", ["forward-default-missing"]),
        ("full_transitive", ["forward-default-missing"]),
    ],
)
def test_the_level_decides_which_readers_count(run: Run, tmp_path: Path, level: str, codes: list[str]) -> None:
    old = {"type": "record", "name": "R", "fields": [{"name": "colour", "type": "string"}]}
    paths = written(tmp_path / "old.avsc", old), written(tmp_path / "new.avsc", old | {"fields": []})
    ran = run("schema", "diff", *paths, "--compatibility", level, "--output", "json")
    assert [each["code"] for each in ran.json["findings"] if each["severity"] == "break"] == codes
    assert ran.code == (exits.FINDINGS if codes else exits.CLEAN)
    assert ran.json["compatible"] == {"backward": True, "forward": False}


def test_a_conflict_names_the_version_it_is_with(run: Run, tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "branch").mkdir()
    old = {"type": "record", "name": "R", "fields": [{"name": "colour", "type": "string"}]}
    paths = written(tmp_path / "main/r.avsc", old), written(tmp_path / "branch/r.avsc", old | {"fields": []})
    (broken,) = [each for each in run("schema", "diff", *paths, "--output", "json").json["findings"] if each["path"]][
        :1
    ]
    assert f"what {paths[1]} writes cannot be read with {paths[0]}" in broken["message"]


def test_a_level_that_is_none_is_refused_with_those_there_are(run: Run, files: tuple[str, str]) -> None:
    ran = run("schema", "diff", *files, "--compatibility", "SIDEWAYS")
    assert ran.code == exits.USAGE
    assert all(level in ran.err for level in ("SIDEWAYS", "BACKWARD_TRANSITIVE", "NONE"))


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
        (b"[" * 100_000, "more than 200 brackets deep"),
        (b'{"type":"record","name":"R","fields":[],"name":"S"}', "is given twice"),
        (b'{"type":"record","name":"R","fields":[{"name":"m","type":"acme.Money"}]}', "'acme.Money' is not a type"),
        (None, "there is no such file"),
    ],
)
def test_what_is_no_schema_gets_a_sentence_and_exit_2(
    run: Run, tmp_path: Path, files: tuple[str, str], body: bytes | None, why: str, side: int
) -> None:
    bad = tmp_path / "odd" / "bad.avsc"
    bad.parent.mkdir()
    if body is not None:
        bad.write_bytes(body)
    args = [str(bad), files[1]] if side == 0 else [files[0], str(bad)]
    ran = run("schema", "diff", *args)
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert ran.err.startswith(f"psfabric: {bad}: ")
    assert why in ran.err


def test_a_record_of_a_neighbour_is_found_and_never_in_the_other_version(run: Run, tmp_path: Path) -> None:
    money = {"type": "record", "name": "acme.Money", "fields": [{"name": "amount", "type": "long"}]}
    line = {"type": "record", "name": "acme.Line", "fields": [{"name": "net", "type": "acme.Money"}]}
    inline = {"type": "record", "name": "acme.Line", "fields": [{"name": "net", "type": money}]}
    paths = written(tmp_path / "old.avsc", inline), written(tmp_path / "new.avsc", line)
    assert "'acme.Money' is not a type" in run("schema", "diff", *paths).err
    written(tmp_path / "money.avsc", money)
    assert run("schema", "diff", *paths).code == exits.CLEAN


def test_what_a_doc_says_cannot_draw_on_the_terminal(run: Run, tmp_path: Path) -> None:
    def line(doc: str) -> dict[str, Any]:
        return {"type": "record", "name": "R", "fields": [{"name": "a", "type": "long", "doc": doc}]}

    paths = (
        written(tmp_path / "old.avsc", line("Whether the client of it is billable \x1b[2J[bold]")),
        written(tmp_path / "new.avsc", line("Whether the client of it is not billable \x1b[2J[bold]")),
    )
    ran = run("schema", "diff", *paths)
    assert ran.code == exits.FINDINGS
    assert "\x1b" not in ran.out
    assert "[bold]" in ran.out


def test_the_bundled_schemas_are_clean(run: Run) -> None:
    ran = run("schema", "lint")
    assert (ran.code, ran.out) == (exits.CLEAN, "Nothing is wrong.\n")


def test_lint_names_file_code_and_place(run: Run, tmp_path: Path) -> None:
    schema = {
        "type": "record",
        "name": "acme.Line",
        "doc": "A line of an invoice.",
        "fields": [{"name": "a", "type": "x"}],
    }
    path = written(tmp_path / "line.avsc", schema)
    ran = run("schema", "lint", path, "--output", "json")
    assert ran.code == exits.FINDINGS
    (found,) = ran.json["findings"]
    assert (found["file"], found["code"], found["severity"], found["path"]) == (path, "schema-invalid", "break", "a")
    assert "'acme.x' is not a type" in " ".join(run("schema", "lint", str(tmp_path)).out.split())


def test_lint_of_what_is_no_json_exits_2_and_names_every_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_bytes(b"[" * 100_000)
    (tmp_path / "b.avsc").write_bytes(b"\xff")
    ran = run("schema", "lint", str(tmp_path), str(tmp_path / "c.avsc"))
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert [f"{name}.avsc: " in ran.err for name in "abc"] == [True] * 3
