"""The checked-in models are what the generator writes; `--check` says which file would change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import generate
from schemas.pages import parties
from schemas.render import Type, collect, module, package


def record(name: str = "Thing", namespace: str = "psf.test", *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "namespace": namespace, "doc": "A thing.", "fields": list(fields)}


def source(*fields: dict[str, Any]) -> str:
    return module(collect([(record("Thing", "psf.test", *fields), None)]), "test")


def test_the_checked_in_models_are_up_to_date() -> None:
    different = generate.changes(generate.files(), generate.MODELS)
    assert sorted(path.name for path in different) == [], "run: python -m schemas.generate"


def test_writing_twice_writes_the_same() -> None:
    assert generate.files() == generate.files()


def test_check_names_each_file_that_would_change_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "models"
    assert generate.main([], folder, None) == 0
    (folder / "time.py").write_text("# edited by hand\n")
    (folder / "gone.py").write_text("")
    (folder / "xref.py").unlink()
    capsys.readouterr()
    assert generate.main(["--check"], folder, None) == 1
    said = capsys.readouterr().out
    assert [line.split(";")[0] for line in said.splitlines()] == [
        "models/time.py would change",
        "models/xref.py would change",
        "models/gone.py would be removed",
    ]
    assert (folder / "time.py").read_text() == "# edited by hand\n"


def test_generating_repairs_and_then_the_check_is_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "gone.py").write_text("")
    assert generate.main([], folder, None) == 0
    assert not (folder / "gone.py").exists()
    capsys.readouterr()
    assert generate.main(["--check"], folder, None) == 0
    assert capsys.readouterr().out == ""


def test_wrong_use_exits_2() -> None:
    with pytest.raises(SystemExit) as ended:
        generate.main(["--chekc"])
    assert ended.value.code == 2


def test_a_generated_file_says_so_and_has_no_long_line() -> None:
    for name, text in generate.files().items():
        assert text.startswith('"""Generated from schemas/avro'), name
        assert [line for line in text.splitlines() if len(line) > 120 and "StringConstraints" not in line] == [], name


def test_one_name_with_two_meanings_is_refused() -> None:
    other = record("Thing", "psf.test", {"name": "x", "type": "string", "doc": "A text."})
    with pytest.raises(ValueError, match=r"psf\.test\.Thing is defined in two files with different content"):
        collect([(record(), None), (other, None)])


def test_two_types_that_would_be_one_class_are_refused() -> None:
    with pytest.raises(ValueError, match="would be one Python class"):
        package({name: Type(name, record()) for name in ("psf.a.Thing", "psf.b.Thing")})


@pytest.mark.parametrize("name", ["class", "model_dump", "Decimal", "EVENT", "date"])
def test_a_field_name_that_python_has_taken_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"psf\.test\.Thing\.\w+: the name is taken"):
        source({"name": name, "type": "string", "doc": "A text."})


@pytest.mark.parametrize(
    "kind", ["double", "float", ["string", "null"], "psf.test.Missing", {"type": "fixed", "size": 4}]
)
def test_an_avro_type_that_we_do_not_use_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"psf\.test\.Thing\.x: no Python type"):
        source({"name": "x", "type": kind, "doc": "A value."})


COLOUR = {"type": "enum", "name": "Colour", "namespace": "psf.test", "doc": "A colour.", "symbols": ["UNKNOWN", "RED"]}
TEXTS = {"type": "array", "items": "string"}
PRICE = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


@pytest.mark.parametrize(
    ("kind", "default", "written"),
    [
        (COLOUR, "UNKNOWN", "x: Annotated[Colour, Field(strict=False)] = Colour.UNKNOWN"),
        (TEXTS, [], "x: Annotated[tuple[Text, ...], Field(strict=False)] = ()"),
        ({"type": "map", "values": "string"}, {}, "x: dict[Text, Text] = Field(default_factory=dict)"),
        (["null", record("Inner")], None, "x: Inner | None = None"),
        ("string", "", "x: Text = ''"),
        ("boolean", False, "x: bool = False"),
    ],
)
def test_a_default_is_the_value_that_a_reader_of_older_records_gets(kind: Any, default: Any, written: str) -> None:
    text = source({"name": "x", "type": kind, "doc": "A value.", "default": default})
    assert f"    {written}\n" in text
    compile(text, "thing.py", "exec")


@pytest.mark.parametrize(
    ("kind", "default"),
    [(PRICE, "\u0000"), ({"type": "int", "logicalType": "date"}, 0), (TEXTS, ["a"]), (record("Inner"), {})],
)
def test_a_default_that_would_be_another_value_in_python_is_refused(kind: Any, default: Any) -> None:
    with pytest.raises(ValueError, match=r"psf\.test\.Thing\.x: no Python value for the default"):
        source({"name": "x", "type": kind, "doc": "A value.", "default": default})


def test_docs_with_quotes_and_backslashes_stay_python() -> None:
    text = source(
        {"name": "x", "type": "string", "doc": 'Ends with a quote: "'}, {"name": "y", "type": "string", "doc": '"""\\'}
    )
    compile(text, "thing.py", "exec")


def test_a_broken_schema_file_is_a_sentence_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, str]:
        raise ValueError("time.Broken_v1.avsc:2: not JSON")

    monkeypatch.setattr(generate, "files", broken)
    assert generate.main([], tmp_path, None) == 1
    assert capsys.readouterr().err == "schemas: time.Broken_v1.avsc:2: not JSON\n"


def test_pages_are_written_behind_the_models_and_told_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, docs = tmp_path / "models", tmp_path / "docs"
    assert generate.main([], models, docs) == 0
    assert {"asyncapi.json", "events.md"} <= {path.name for path in docs.iterdir()}
    (docs / "events.md").write_text("# Events, edited by hand\n")
    capsys.readouterr()
    assert generate.main(["--check"], models, docs) == 1
    assert capsys.readouterr().out == "docs/events.md would change; run: python -m schemas.generate\n"


def test_pages_are_not_looked_at_while_models_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who reads an event is told by adapters, and adapters need the models."""
    assert generate.main(["--check"], tmp_path / "models", tmp_path / "docs") == 1
    assert "docs/" not in capsys.readouterr().out


def test_adapters_that_do_not_import_are_a_sentence_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parties, "TELLING", "psfabric.gone")
    assert generate.main([], tmp_path / "models", tmp_path / "docs") == 1
    assert capsys.readouterr().err.startswith(
        "schemas: who reads which event cannot be told, the adapters do not import:"
    )
