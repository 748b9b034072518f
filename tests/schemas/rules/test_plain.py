"""Examples read by their Avro schema alone are judged as their models are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas import rules
from schemas.rules.plain import decoded
from tests.schemas.test_examples import named, of


@pytest.mark.parametrize("path", of("pass"), ids=lambda path: path.name)
def test_an_example_is_read_as_its_model_reads_it(path: Path) -> None:
    event = named(path)["event"]
    found = decoded(json.loads(path.read_bytes()), schemas.avro(event))
    assert found is not None
    model = schemas.model(event).model_validate_json(path.read_bytes())
    assert schemas.model(event).model_validate(found) == model
    assert rules.violations(event, found) == rules.violations(event, model)


@pytest.mark.parametrize(
    "change",
    [
        {"work_date": "June"},
        {"work_date": None},
        {"zone": 7},
        {"started_at": "noon"},
        {"started_at": "0001-01-01T00:00:00+14:00"},
        {"extensions": []},
        {"worked_seconds": "5400"},
        {"worked_seconds": 5400.0},
        {"worked_seconds": True},
    ],
)
def test_what_is_no_record_of_the_schema_is_none(change: dict[str, Any]) -> None:
    example = json.loads(next(path for path in of("pass") if "time.TimeApproved" in path.name).read_bytes())
    assert decoded(example | change, schemas.avro("time.TimeApproved")) is None
    assert decoded([], schemas.avro("time.TimeApproved")) is None


def test_a_flag_is_true_or_false() -> None:
    event = "assignment.ResourceAssigned"
    example = json.loads(next(path for path in of("pass") if path.name.startswith(event)).read_bytes())
    assert decoded(example, schemas.avro(event))
    for flag in ("yes", 1, 0):
        assert decoded(example | {"billable": flag}, schemas.avro(event)) is None


def test_an_example_that_is_no_record_of_its_schema_is_asked_no_rule() -> None:
    """It may be wrong in each way a field can be; whoever reviews a change must get over all of them."""
    for path in of("fail"):
        event = named(path)["event"]
        found = decoded(json.loads(path.read_bytes()), schemas.avro(event))
        if found is not None:
            rules.violations(event, found)


def test_a_field_with_a_default_may_be_left_out() -> None:
    example = json.loads(next(path for path in of("pass") if path.name.startswith("time.TimeApproved")).read_bytes())
    del example["extensions"]
    found = decoded(example, schemas.avro("time.TimeApproved"))
    assert found is not None
    assert found["extensions"] == {}
