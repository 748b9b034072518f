"""Every event has examples and every example an event; `.pass` is accepted, `.fail` refused for its one named fault."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import fastavro
import pytest
from pydantic import ValidationError

import schemas
from schemas import rules
from tests.schemas.rules.examples import look_ups

EXAMPLES = Path(schemas.__file__).parent / "examples"
NAME = re.compile(
    r"(?P<event>(enriched\.)?[a-z]+\.[A-Za-z]+)\.(?P<case>[a-z0-9_]+(-[a-z0-9]+)*)\.(?P<verdict>pass|fail)\.json"
)
FILES = sorted(EXAMPLES.iterdir())


class Broken(ValueError):
    """The rules that an example breaks."""


def _judge(event: str, text: bytes) -> None:
    data = schemas.model(event).model_validate_json(text)
    found = (*rules.violations(event, data), *rules.disagreements(event, data, look_ups()))
    if found:
        raise Broken(" ".join(each.code for each in found))


def named(path: Path) -> re.Match[str]:
    match = NAME.fullmatch(path.name)
    assert match, f"{path.name}: an example is named <event>.<case>.pass.json or .fail.json"
    return match


def of(verdict: str) -> list[Path]:
    return [path for path in FILES if path.name.endswith(f".{verdict}.json")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_belongs_to_an_event(path: Path) -> None:
    assert named(path)["event"] in schemas.events()


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_every_event_has_an_example_of_each_kind(verdict: str) -> None:
    shown = {named(path)["event"] for path in of(verdict)}
    assert sorted(set(schemas.events()) - shown) == []


@pytest.mark.parametrize("path", of("pass"), ids=lambda path: path.name)
def test_a_passing_example_is_accepted_encoded_and_given_back_as_it_was(path: Path) -> None:
    event = named(path)["event"]
    model = schemas.model(event).model_validate_json(path.read_bytes())
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schemas.avro(event)), model.model_dump())
    assert written.getvalue()
    assert json.loads(model.model_dump_json()) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", of("fail"), ids=lambda path: path.name)
def test_a_failing_example_fails_for_the_field_or_the_rule_it_is_named_after(path: Path) -> None:
    match = named(path)
    with pytest.raises((ValidationError, Broken)) as caught:
        _judge(match["event"], path.read_bytes())
    refused = caught.value
    if isinstance(refused, Broken):
        assert str(refused) == match["case"], "an example that breaks a rule is named for its code and breaks no other"
        return
    assert isinstance(refused, ValidationError)
    faults = refused.errors()
    assert len(faults) == 1, "a failing example has one fault, so that it cannot fail for another reason"
    assert faults[0]["loc"][0] == match["case"].split("-")[0]
