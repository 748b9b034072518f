"""The AsyncAPI document is valid by the official JSON Schema, refers to what is there, says what the contract says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fastavro
import pytest

import schemas
from psfabric import envelope
from schemas.pages import asyncapi
from schemas.pages.parties import ROOT
from tests.contracts.given import example
from tests.schemas.pages.draft07 import Validator

OFFICIAL = Validator(json.loads((Path(__file__).parent / "asyncapi" / "3.0.0.json").read_bytes()))
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "asyncapi.json").read_bytes())


def small() -> dict[str, Any]:
    """A copy with one message, which is checked fast."""
    made = copy.deepcopy(DOCUMENT)
    messages = made["components"]["messages"]
    made["components"]["messages"] = {name: messages[name] for name in ("time.TimeApproved",)}
    return made


def test_the_document_is_valid_by_the_official_schema() -> None:
    assert list(OFFICIAL.errors(DOCUMENT)) == []


BROKEN: list[tuple[tuple[str, ...], Any]] = [
    (("asyncapi",), "2.6.0"),
    (("info", "title"), 7),
    (("channels", "psf.time", "address"), 7),
    (("channels", "psf.time", "adress"), "psf.time"),
    (("channels", "psf.time", "bindings", "kafka", "partitions"), 0),
    (("channels", "psf.time", "bindings", "kafka", "topicConfiguration", "retention.ms"), -2),
    (("operations", "send-psf.time", "action"), "publish"),
    (("operations", "send-psf.time", "channel"), "psf.time"),
    (("components", "messages", "time.TimeApproved", "name"), 7),
    (("components", "messages", "time.TimeApproved", "payload"), 7),
    (("components", "messages", "time.TimeApproved", "payload", "schemaFormat"), 7),
    (("components", "messages", "time.TimeApproved", "headers"), 7),
    (("components", "schemas", "cloudEventHeaders", "type"), "dict"),
    (("components", "messageBindings", "keyed", "kafka", "schemaIdLocation"), "trailer"),
]


@pytest.mark.parametrize(("place", "value"), BROKEN, ids=[".".join(place) for place, _ in BROKEN])
def test_the_official_schema_refuses_what_is_wrong(place: tuple[str, ...], value: Any) -> None:
    made = small()
    here = made
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = value
    assert list(OFFICIAL.errors(made)) != []


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        here: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            here = here[unquote(step).replace("~1", "/").replace("~0", "~")]
        assert here


def test_an_operation_names_messages_of_its_own_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(each["$ref"].startswith(f"{channel}/messages/") for each in operation["messages"])


def test_every_topic_is_a_channel_and_every_event_a_message_with_its_schema() -> None:
    assert list(DOCUMENT["channels"]) == [rule.name for rule in schemas.topics().topic]
    messages = DOCUMENT["components"]["messages"]
    assert list(messages) == list(schemas.events())
    for event, message in messages.items():
        assert message["payload"]["schema"] == schemas.avro(event)
        assert message["name"] == schemas.model(event).CE_TYPE
        assert message["x-subject"] == schemas.model(event).SUBJECT
        fastavro.parse_schema(message["payload"]["schema"])


def test_systems_are_received_from_exactly_where_they_may_publish() -> None:
    received = {name.removeprefix("receive-") for name in DOCUMENT["operations"] if name.startswith("receive-")}
    open_to_systems = {rule.name for rule in schemas.topics().topic if rule.writers == "systems"}
    assert received == {name.replace("<", "").replace(">", "") for name in open_to_systems}
    assert "send-ingress.system" not in DOCUMENT["operations"], "the fabric writes no ingress"
    assert tuple(DOCUMENT["channels"]["ingress.<system>"]["messages"]) == schemas.topics().open_to_systems()


def test_the_headers_described_are_those_that_the_fabric_writes() -> None:
    described = DOCUMENT["components"]["schemas"]["cloudEventHeaders"]
    event = example("time.TimeApproved").changed(
        causation_id="c", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", tracestate="a=b"
    )
    event = event.changed(data=event.data.model_copy(update={"legal_entity": "UK01"}))
    written = {name: (value or b"").decode() for name, value in envelope.headers(event, "personal")}
    assert set(written) == {*described["properties"], "ce_type"}
    assert list(OFFICIAL.errors(written, described)) == []
    least = dict(envelope.headers(example("time.TimeApproved"), "personal"))
    assert set(described["required"]) <= set(least)


def test_the_file_is_what_the_generator_writes_and_each_avro_schema_one_line() -> None:
    assert json.loads(asyncapi.text()) == asyncapi.document() == DOCUMENT
    lines = [line for line in asyncapi.text().splitlines() if '"schema": {' in line]
    assert len(lines) == len(schemas.events())
