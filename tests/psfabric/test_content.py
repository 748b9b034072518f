"""What a schema says, whatever form it has."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from fastavro.schema import to_parsing_canonical_form
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from psfabric.http import fetch
from psfabric.registry import Registry, wait_for
from psfabric.registry.content import completed, content
from schemas.contract import stated
from schemas.review.parse import Definition

EVENTS = schemas.events()


def reformed(node: Any, draw: st.DataObject, space: str = "") -> Any:
    """The same schema as another tool might write it: attributes in another order, namespaces left out where they are
    those around, a type as an object instead of its name."""
    if isinstance(node, list):
        return [reformed(each, draw, space) for each in node]
    if isinstance(node, str):
        return {"type": node} if draw.draw(st.booleans()) else node
    own, inner = dict(node), space
    if own.get("type") in ("record", "enum"):
        inner = own["namespace"]
        if inner == space and draw.draw(st.booleans()):
            del own["namespace"]
    elif isinstance(own["type"], dict | list):
        own["type"] = reformed(own["type"], draw, space)
    for key in ("items", "values"):
        if key in own:
            own[key] = reformed(own[key], draw, inner)
    if "fields" in own:
        fields = [{**each, "type": reformed(each["type"], draw, inner)} for each in own["fields"]]
        own["fields"] = [dict(draw.draw(st.permutations(list(each.items())))) for each in fields]
    return dict(draw.draw(st.permutations(list(own.items()))))


@settings(deadline=None, max_examples=50)
@given(event=st.sampled_from(EVENTS), data=st.data())
def test_the_form_of_a_schema_does_not_count(event: str, data: st.DataObject) -> None:
    schema = schemas.avro(event)
    assert content(reformed(schema, data)) == content(schema)
    assert content(reformed(schema, data), words=True) == content(schema, words=True)


@pytest.mark.parametrize("event", EVENTS)
def test_the_form_of_the_real_registry_does_not_count(registry_url: str, event: str) -> None:
    wait_for(Registry(registry_url), time.monotonic() + 30)
    subject = f"test-{uuid.uuid4().hex[:8]}"
    fetch("POST", f"{registry_url}/subjects/{subject}/versions", json={"schema": schemas.avro_text(event)})
    kept = json.loads(fetch("GET", f"{registry_url}/subjects/{subject}/versions/1").json()["schema"])
    assert content(kept, words=True) == content(schemas.avro(event), words=True)


@pytest.mark.parametrize("event", EVENTS)
def test_stating_namespaces_changes_no_byte(event: str) -> None:
    schema = schemas.avro(event)
    assert to_parsing_canonical_form(stated(schema)) == to_parsing_canonical_form(schema)
    assert stated(stated(schema)) == stated(schema)


def edited(change: dict[str, Any]) -> dict[str, Any]:
    schema = schemas.avro("time.TimeApproved")
    (found,) = [each for each in schema["fields"] if each["name"] == "worked_seconds"]
    found |= change
    return schema


@pytest.mark.parametrize(
    "change", [{"unit": "h"}, {"classification": "confidential"}, {"default": 1}, {"name": "other"}]
)
def test_what_a_schema_says_counts(change: dict[str, Any]) -> None:
    assert content(edited(change)) != content(schemas.avro("time.TimeApproved"))


def test_words_count_only_where_they_are_asked_for() -> None:
    ours, reworded = schemas.avro("time.TimeApproved"), edited({"doc": "Otherwise.", "aliases": ["more"]})
    assert content(ours) == content(reworded)
    assert content(ours, words=True) != content(reworded, words=True)
    assert content({**ours, "fields": ours["fields"][::-1]}) != content(ours), "their order is that of the bytes"


def test_a_schema_is_completed_with_what_other_files_define() -> None:
    money = Definition({"type": "record", "name": "Money", "fields": [{"name": "c", "type": "Code"}]}, "acme", "m.avsc")
    code = Definition({"type": "fixed", "name": "Code", "size": 3, "namespace": "acme"}, "", "c.avsc")
    fields = [{"name": name, "type": ["null", "Money"]} for name in ("net", "gross")]
    order = {"type": "record", "name": "acme.Order", "fields": [*fields, {"name": "x", "type": "Nowhere"}]}
    found = completed(order, {"acme.Money": money, "acme.Code": code}.get)
    first, second, unknown = (each["type"] for each in found["fields"])
    assert first[1]["fields"][0]["type"] == {"type": "fixed", "name": "Code", "namespace": "acme", "size": 3}
    assert (second, unknown) == (["null", "acme.Money"], "acme.Nowhere"), "defined once, and what nobody knows stays"
