"""The lint of schema files: the repository is clean, and each rule finds the fault that it is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import contract
from schemas.review import BadSchema, beside
from schemas.review.files import BUNDLED
from schemas.review.lint import CODES, Remark, lint

DOC = "What is said of it here."


def field(name: str, kind: Any = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": DOC, **more}


def record(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Line", "namespace": "acme", "doc": DOC, "fields": list(fields), **more}


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
FAULTS: dict[str, list[tuple[Any, str]]] = {
    "schema-invalid": [(record(field("a", "panther")), "a"), ({"type": "panther"}, "")],
    "schema-sloppy": [(record(field("a", "boolean", default="x")), "a")],
    "namespace-missing": [(record() | {"namespace": ""}, "")],
    "doc-missing": [(record(doc="Line."), ""), (record(field("a", doc="A.")), "a")],
    "unit-missing": [
        (record(field("a", "long")), "a"),
        (record(field("b", ["null", {"type": "array", "items": "int"}])), "b"),
    ],
    "unit-unknown": [(record(field("a", "long", unit="parsec")), "a")],
    "unit-needless": [(record(field("a", unit="s")), "a")],
    "float-used": [(record(field("a", {"type": "map", "values": "double"}, unit="1")), "a")],
    "logical-type-ignored": [
        (record(field("a", {"type": "string", "logicalType": "date"})), "a"),
        (record(field("b", "boolean", logicalType="date")), "b"),
        (record(field("c", {**DECIMAL, "scale": 12})), "c"),
    ],
    "personal-untagged": [(record(field("email")), "email"), (record(field("birthDate")), "birthDate")],
    "money-untagged": [(record(field("fee", DECIMAL, unit="currency")), "fee")],
    "classification-unknown": [(record(field("a", classification="secret")), "a")],
    "currency-unchecked": [(record(field("currency")), "currency")],
}
"""Code -> schemas that have this one fault, and where."""


@pytest.fixture
def linted(tmp_path: Path) -> Callable[..., list[Remark]]:
    def run(*schemas: Any) -> list[Remark]:
        for at, each in enumerate(schemas):
            (tmp_path / f"{at}.avsc").write_text(json.dumps(each))
        return lint([tmp_path])

    return run


def test_the_schemas_of_this_repository_are_clean() -> None:
    assert lint([BUNDLED]) == []


def test_every_rule_has_a_fault_here() -> None:
    elsewhere = {"name-defined-twice", *beside.CODES}  # tests/schemas/majors/test_sunsets.py
    assert FAULTS.keys() | elsewhere == CODES.keys()


@pytest.mark.parametrize(
    ("code", "schema", "path"), [(code, *each) for code, given in FAULTS.items() for each in given]
)
def test_a_rule_finds_its_fault_and_nothing_else(
    linted: Callable[..., list[Remark]], code: str, schema: Any, path: str
) -> None:
    assert [(each.code, each.path) for each in linted(schema)] == [(code, path)]


def test_a_right_schema_is_clean(linted: Callable[..., list[Remark]]) -> None:
    right = record(
        field("fee", DECIMAL, unit="currency", classification="confidential"),
        field("email", classification="personal"),
        field("currency", pattern="^[A-Z]{3}$"),
        field("worked", "long", unit="s"),
        field("work_date", {"type": "int", "logicalType": "date"}),
        field("cause", {"type": "enum", "name": "Cause", "doc": DOC, "symbols": ["A"]}),
    )
    assert linted(right) == []


def test_two_files_with_one_full_name_are_found_where_they_differ(linted: Callable[..., list[Remark]]) -> None:
    (found,) = linted(record(), record(field("a")))
    assert (found.code, found.path, Path(found.file).name) == ("name-defined-twice", "acme.Line", "1.avsc")


def test_types_that_say_the_same_in_several_files_are_right(linted: Callable[..., list[Remark]]) -> None:
    money = record(field("a"), name="Party")
    rate = record(field("net", money), name="Rate")
    other = record(field("tax", money), field("rate", record(field("net", "acme.Party"), name="Rate")), name="Other")
    assert linted(rate, other) == []


def test_what_another_file_defines_is_judged_there(linted: Callable[..., list[Remark]]) -> None:
    found = linted(record(field("a", "acme.Party")), record(field("b", "long"), name="Party"))
    assert [(Path(each.file).name, each.code, each.path) for each in found] == [("1.avsc", "unit-missing", "b")]


def test_what_is_no_json_is_no_finding_but_an_error_and_every_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text("{")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSchema) as caught:
        lint([tmp_path / "a.avsc", tmp_path / "no.avsc", tmp_path / "empty"])
    assert [
        any(part in each for each in caught.value.mistakes) for part in ("not JSON", "no such file", "no .avsc")
    ] == [True] * 3


def test_what_every_event_has_is_found_missing(tmp_path: Path) -> None:
    schema = contract.read(contract.AVRO / "time.TimeApproved_v1.avsc")
    (worked,) = [each for each in schema["fields"] if each["name"] == "worked_seconds"]
    del worked["unit"], worked["classification"]
    (tmp_path / "time.avsc").write_text(json.dumps(schema))
    assert [(each.code, each.path) for each in lint([tmp_path])] == [("unit-missing", "worked_seconds")]
