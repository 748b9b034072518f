"""docs/asyncapi.json: the topics, their messages and headers as an AsyncAPI 3.0 document, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import schemas
from schemas import contract, rules
from schemas.catalogue import DAY_MS, Rule, topics
from schemas.contract import ENRICHED, EventName
from schemas.pages import tables

Node = dict[str, Any]

AVRO = "application/vnd.apache.avro;version=1.9.0"
ANY = ("any",)
VARIABLES = {
    "system": "A system that writes canonical events itself, as the border's settings name it, e.g. `payroll-acme`.",
    "source": "Instance of a source, as a pipeline file names it, e.g. `jira-acme`.",
    "target": "Instance of a target system, as a pipeline file names it, e.g. `tryton-uk`.",
    "component": "One stage of one instance, e.g. `tryton-uk` or `jira-acme.hydrate`.",
}
_HEADERS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("ce_specversion", "Version of CloudEvents.", {"const": "1.0"}),
    ("ce_id", "Id of the event; `event_id` of the record. The same again is the same event.", {"maxLength": 1024}),
    ("ce_source", "Component or system that first said it.", {"maxLength": 1024}),
    ("ce_time", "Upstream instant of the change, RFC 3339 in UTC.", {"format": "date-time"}),
    ("ce_subject", "Id of the object; `aggregate_id` of the record.", {"maxLength": 1024}),
    ("content-type", "What the value is.", {"const": "application/avro"}),
    ("ce_partitionkey", "The Kafka key; `partition_key` of the record.", {"maxLength": 1024}),
    ("ce_sequence", "First half of the version; `sequence` of the record.", {"maxLength": 1024}),
    ("ce_revision", "Second half of the version; `revision` of the record.", {"pattern": "^[0-9]{20}$"}),
    ("ce_dataclassification", "The most protected class of any field.", {"enum": [*contract.CLASSIFICATIONS]}),
    ("ce_correlationid", "Id of the first event of the chain.", {"maxLength": 1024}),
    ("ce_causationid", "Id of the event that caused it; absent at the first.", {"maxLength": 1024}),
    ("ce_legalentity", "Our legal entity; absent while not known.", {"maxLength": 1024}),
    ("traceparent", "W3C trace context.", {"maxLength": 1024}),
    ("tracestate", "W3C trace context.", {"maxLength": 1024}),
)
_KAFKA = {
    "key": {"type": "string", "description": "`partition_key` of the record, in UTF-8."},
    "schemaIdLocation": "payload",
    "schemaIdPayloadEncoding": "confluent",
    "schemaLookupStrategy": "RecordNameStrategy",
    "bindingVersion": "0.5.0",
}
_OPTIONAL = {"ce_correlationid", "ce_causationid", "ce_legalentity", "traceparent", "tracestate"}


def document() -> Node:
    """The document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:psfabric:contract",
        "info": {
            "title": "psfabric",
            "version": "1.0.0",
            "description": "The topics of the fabric. Values are Avro in Confluent framing (magic byte 0, 4 bytes of "
            "schema id), the envelope is CloudEvents 1.0 in Kafka binary mode. Generated from schemas/ by "
            "`python -m schemas.generate`; for people: events.md. The version is that of this document's form; "
            "each message has its own major.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/avro",
        "channels": {rule.name: _channel(rule) for rule in topics().topic},
        "operations": dict(pair for rule in topics().topic for pair in _operations(rule)),
        "components": {
            "messages": {event: _message(name) for event, name in contract.names().items()},
            "schemas": {"cloudEventHeaders": _headers()},
            "messageBindings": {"keyed": {"kafka": _KAFKA}},
        },
    }


def text() -> str:
    """The document as the file has it; an Avro schema is one line."""
    made = document()
    schemas_: dict[str, str] = {}
    for event, message in made["components"]["messages"].items():
        schemas_[f'"{event} schema"'] = json.dumps(message["payload"]["schema"], ensure_ascii=False)
        message["payload"]["schema"] = f"{event} schema"
    written = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    for mark, schema in schemas_.items():
        written = written.replace(mark, schema, 1)
    return written


def _channel(rule: Rule) -> Node:
    owner = topics().owners[rule.owner]
    variable = _variable(rule)
    channel: Node = {
        "address": rule.name.replace("<", "{").replace(">", "}"),
        "title": rule.name,
        "description": f"{rule.description} Owner: {owner.team}; escalation: {owner.escalation}. Key: {rule.key}.",
        "messages": {event: {"$ref": f"#/components/messages/{event}"} for event in _events(rule)},
        "tags": [{"name": rule.owner}, {"name": rule.classification}],
        "bindings": {"kafka": _topic_binding(rule)},
        "x-key": rule.key,
        "x-writers": rule.writers,
        "x-tombstones": rule.tombstones,
    }
    if variable:
        channel["parameters"] = {variable: {"description": VARIABLES[variable]}}
    return channel


def _variable(rule: Rule) -> str:
    return rule.name.partition("<")[2].rstrip(">")


def _events(rule: Rule) -> list[str]:
    """The event types of a topic; none for original bytes and the fabric's own records. Where systems write for the
    border, all that they may publish."""
    if rule.writers == "systems" and rule.types == ANY:
        return list(topics().open_to_systems())
    return [event for event in rule.types if event in contract.names()]


def _topic_binding(rule: Rule) -> Node:
    return {
        "topic": rule.name.replace("<", "{").replace(">", "}"),
        "partitions": rule.partitions or topics().partitions,
        "topicConfiguration": {
            "cleanup.policy": rule.cleanup.split(","),
            "retention.ms": rule.retention_days * DAY_MS if rule.retention_days >= 0 else -1,
            "max.message.bytes": rule.max_message_bytes or topics().max_message_bytes,
        },
        "bindingVersion": "0.5.0",
    }


def _operations(rule: Rule) -> list[tuple[str, Node]]:
    """The fabric sends on every topic with events; where systems may publish, it also takes what they send."""
    if not _events(rule):
        return []
    messages = [{"$ref": f"#/channels/{_pointer(rule.name)}/messages/{event}"} for event in _events(rule)]
    channel = {"$ref": f"#/channels/{_pointer(rule.name)}"}
    name = rule.name.replace("<", "").replace(">", "")
    found: list[tuple[str, Node]] = []
    for action, wanted in (("send", rule.types != ANY), ("receive", rule.writers == "systems")):
        if wanted:
            summary = (
                "The fabric writes here." if action == "send" else "Systems may publish here; the fabric takes it."
            )
            operation = {"action": action, "channel": channel, "summary": summary, "messages": messages}
            found.append((f"{action}-{name}", operation))
    return found


def _pointer(name: str) -> str:
    """A channel's name in a reference: a URI fragment, so angle brackets are percent-encoded."""
    return name.replace("<", "%3C").replace(">", "%3E")


def _message(name: EventName) -> Node:
    schema = contract.avro(name.event)
    typed = {
        "type": "object",
        "required": ["ce_type"],
        "properties": {"ce_type": {"const": name.ce_type, "description": "Type of the event, with its major version."}},
    }
    message: Node = {
        "name": name.ce_type,
        "title": name.event,
        "summary": tables.first_sentence(schema["doc"]) + ".",
        "description": schema["doc"],
        "contentType": "application/avro",
        "headers": {"allOf": [{"$ref": "#/components/schemas/cloudEventHeaders"}, typed]},
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "tags": [{"name": name.entity}, {"name": schemas.classification(name.event)}],
        "bindings": {"$ref": "#/components/messageBindings/keyed"},
        "x-subject": name.subject,
        "x-enriched": name.event.startswith(ENRICHED),
    }
    if found := [rule.code for rule in rules.of(name.event)]:
        message["x-rules"] = found
    return message


def _headers() -> Node:
    return {
        "type": "object",
        "description": "CloudEvents 1.0 in Kafka binary mode: text in UTF-8, each at most 1 KiB.",
        "required": [name for name, _, _ in _HEADERS if name not in _OPTIONAL],
        "properties": {name: {"type": "string", "description": says, **limits} for name, says, limits in _HEADERS},
    }
