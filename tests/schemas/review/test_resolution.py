"""The resolution rules against what really happens: fastavro writes with one schema and reads with the other."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.review import Direction, Level, Version, failures, parse
from schemas.review.levels import compatible
from tests.schemas.review.test_cases import cases

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
DEFAULTS: dict[str, Any] = {"null": None, "boolean": False, "int": 1, "long": 1, "float": 1.5, "double": 1.5}


def types(depth: int = 2) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from(PRIMITIVES) | st.builds(
        lambda symbols, default: {"type": "enum", "name": "Status", "symbols": symbols} | default,
        st.sampled_from([["A"], ["A", "B"], ["B", "A", "C"]]),
        st.sampled_from([{}, {"default": "A"}]),
    )
    if not depth:
        return leaf
    inner = types(depth - 1)
    union = st.lists(st.sampled_from(PRIMITIVES), min_size=1, max_size=3, unique=True)
    return (
        leaf
        | union
        | inner.map(lambda t: {"type": "array", "items": t})
        | inner.map(lambda t: {"type": "map", "values": t})
    )


def fields() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda name, kind, given: (
            {"name": name, "type": kind}
            | ({"default": DEFAULTS[kind]} if given and isinstance(kind, str) and kind in DEFAULTS else {})
        ),
        st.sampled_from("abc"),
        types(),
        st.booleans(),
    )


def renamed(node: Any, field: str) -> Any:
    """Each field has its own enum, since one name cannot mean two types."""
    if isinstance(node, dict) and node.get("type") == "enum":
        return node | {"name": f"Status_{field}"}
    if isinstance(node, dict):
        return {key: renamed(value, field) for key, value in node.items()}
    return [renamed(each, field) for each in node] if isinstance(node, list) else node


records = st.lists(fields(), max_size=3, unique_by=lambda each: each["name"]).map(
    lambda found: {"type": "record", "name": "R", "fields": [renamed(each, each["name"]) for each in found]}
)


def reads(reader: Any, writer: Any, count: int = 12) -> bool:
    """Whether fastavro reads every one of some values that the writer's schema can have."""
    for value in generate_many(fastavro.parse_schema(writer), count):
        written = io.BytesIO()
        fastavro.schemaless_writer(written, fastavro.parse_schema(writer), value)
        written.seek(0)
        try:
            fastavro.schemaless_reader(written, fastavro.parse_schema(writer), fastavro.parse_schema(reader))
        except (fastavro.read.SchemaResolutionError, UnicodeDecodeError):
            return False
    return True


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records, records)
def test_what_is_called_readable_is_read(reader: dict[str, Any], writer: dict[str, Any]) -> None:
    verdict = not failures(Level.BACKWARD, [Version("w", parse(writer).type)], Version("r", parse(reader).type))
    if verdict:
        assert reads(reader, writer) or _bytes_for_text(reader, writer)


def _bytes_for_text(reader: Any, writer: Any) -> bool:
    """Bytes read as text are right for the specification, and fail for bytes that are no UTF-8."""
    return "bytes" in str(writer) and "string" in str(reader)


@pytest.mark.parametrize("reader", PRIMITIVES)
@pytest.mark.parametrize("writer", PRIMITIVES)
def test_one_primitive_is_called_readable_as_another_exactly_where_it_is_read(reader: str, writer: str) -> None:
    verdict = not failures(Level.BACKWARD, [Version("w", parse(writer).type)], Version("r", parse(reader).type))
    assert verdict == (reads(reader, writer) or (writer, reader) == ("bytes", "string"))


@settings(max_examples=60, deadline=None)
@given(records)
def test_every_schema_reads_itself_both_ways(schema: dict[str, Any]) -> None:
    assert compatible(parse(schema).type, parse(schema).type) == {Direction.BACKWARD: True, Direction.FORWARD: True}


def test_the_cases_that_are_readable_are_read_by_the_library_that_we_read_with() -> None:
    pairs = [case for case in cases("avro_compat") if case["mode"] == "READER_WRITER" and not case["disputed"]]
    readable = [case for case in pairs if case["expected"] == "compatible" and not _endless(case["writer"])]
    assert len(readable) > 60
    failed = [case for case in readable if not reads(case["reader"], case["writer"])]
    assert [case["id"] for case in failed if not _bytes_for_text(case["reader"], case["writer"])] == []


def _endless(schema: Any) -> bool:
    """A record that contains itself without an end has no value to write."""
    return isinstance(schema, dict) and any(each["type"] == schema["name"] for each in schema.get("fields", []))


@pytest.mark.parametrize("level", list(Level))
def test_only_transitive_levels_look_beyond_the_last_version(level: Level) -> None:
    plain = {"type": "record", "name": "R", "fields": []}
    text = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
    number = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": 0}]}
    history = [Version("1", parse(text).type), Version("2", parse(plain).type)]
    found = failures(level, history, Version("3", parse(number).type))
    assert bool(found) == level.transitive
    assert all((each.old, each.new, each.conflict.path) == ("1", "3", "a") for each in found)
    assert {each.direction for each in found} == (set(level.directions) if level.transitive else set())
