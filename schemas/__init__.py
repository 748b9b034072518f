"""The contract of the fabric: Avro schemas, the models generated from them, topics, codes and examples.

    schemas.events()                    every event that has a schema
    schemas.avro("time.TimeApproved")   its schema, parsed;  schemas.avro_text(…) the exact text to register
    schemas.model("time.TimeApproved")  its class; also by ce_type or by Avro record name
    schemas.superseded("psf.time.Tim…") an older major by its record name, and the rules that take it to the current one
    schemas.head_schema()               the record of the eight head fields, a prefix of every event
    schemas.classification(…)           the most protected class of any of its fields;  schemas.classified(…) by field
    schemas.topics()                    topics.toml;  schemas.codes() codes.toml

Imports nothing of ours. See README.md in this folder for how to read it and how to add an event.
"""

from __future__ import annotations

from schemas.base import HEAD_FIELDS, Model, Record
from schemas.catalogue import Rule, Topic, Topics, topics
from schemas.codebook import Code, codes
from schemas.contract import (
    ENRICHED,
    EventName,
    UnknownEvent,
    avro,
    avro_text,
    classification,
    classified,
    enriched,
    enrichment,
    events,
    head_schema,
    name_of,
)
from schemas.lookup import model
from schemas.majors import Superseded, UpgradeFailed, event_of, subjects, superseded

__all__ = [
    "ENRICHED",
    "HEAD_FIELDS",
    "Code",
    "EventName",
    "Model",
    "Record",
    "Rule",
    "Superseded",
    "Topic",
    "Topics",
    "UnknownEvent",
    "UpgradeFailed",
    "avro",
    "avro_text",
    "classification",
    "classified",
    "codes",
    "enriched",
    "enrichment",
    "event_of",
    "events",
    "head_schema",
    "model",
    "name_of",
    "subjects",
    "superseded",
    "topics",
]
