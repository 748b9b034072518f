"""Events by name, the text that is registered, and the enriched schema derived from canonical and enrichment."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest

import schemas
from schemas import contract
from tests.schemas.walk import ENRICHMENT_FILES, EVENT_FILES, types

ENRICHED = [event for event in schemas.events() if event.startswith("enriched.")]


def test_there_is_an_event_for_every_file() -> None:
    assert len(schemas.events()) == len(EVENT_FILES) + len(ENRICHMENT_FILES)
    assert len(set(schemas.events())) == len(schemas.events())


def test_subjects_and_types_are_unique() -> None:
    names = [schemas.name_of(event) for event in schemas.events()]
    assert len({name.subject for name in names}) == len(names)
    assert len({name.ce_type for name in names}) == len(names)


def test_the_names_of_one_event() -> None:
    plain, enriched = schemas.name_of("time.TimeApproved"), schemas.name_of("enriched.time.TimeApproved")
    assert (plain.ce_type, plain.subject) == ("psf.time.TimeApproved.v1", "psf.time.TimeApproved")
    assert (enriched.ce_type, enriched.subject) == ("psf.enriched.time.TimeApproved.v1", "psf.enriched.TimeApproved")


@pytest.mark.parametrize("event", schemas.events())
def test_the_text_to_register_is_the_schema_and_never_varies(event: str) -> None:
    text = schemas.avro_text(event)
    assert json.loads(text) == schemas.avro(event)
    assert "\n" not in text
    schema = fastavro.parse_schema(schemas.avro(event))
    assert isinstance(schema, dict)
    assert schema["name"] == schemas.name_of(event).subject


def test_a_changed_copy_changes_nothing_for_the_next_reader() -> None:
    schemas.avro("time.TimeApproved")["fields"].clear()
    assert schemas.avro("time.TimeApproved")["fields"]


@pytest.mark.parametrize("name", ["time.TimeAproved", "psf.time.TimeAproved.v1", "TimeApproved"])
def test_an_unknown_event_names_the_nearest(name: str) -> None:
    with pytest.raises(schemas.UnknownEvent, match=r"did you mean .*TimeApproved"):
        schemas.model(name)


def test_an_unknown_event_without_a_neighbour_says_where_to_look() -> None:
    with pytest.raises(schemas.UnknownEvent, match=r"see schemas\.events"):
        schemas.avro("????")


def test_an_event_without_enrichment_has_no_enriched_form() -> None:
    with pytest.raises(schemas.UnknownEvent):
        schemas.enrichment("milestone.MilestoneAccepted")


@pytest.mark.parametrize("event", schemas.events())
def test_a_model_is_found_by_each_of_its_names(event: str) -> None:
    model = schemas.model(event)
    assert event == model.EVENT
    assert model is schemas.model(model.CE_TYPE) is schemas.model(model.SUBJECT)
    assert (model.TOPIC == "") == event.startswith("enriched.")


@pytest.mark.parametrize("event", ENRICHED)
def test_an_enriched_schema_is_the_canonical_one_with_one_field_more(event: str) -> None:
    canonical, derived = schemas.avro(event.removeprefix("enriched.")), schemas.avro(event)
    assert derived["fields"][:-1] == canonical["fields"]
    assert derived["fields"][-1]["name"] == "enrichment"
    assert derived["fields"][-1]["type"] == schemas.enrichment(event)


@pytest.mark.parametrize("event", ENRICHED)
def test_enrichment_shares_no_type_with_canonical_events(event: str) -> None:
    added = {f"{part['namespace']}.{part['name']}" for part in types(schemas.enrichment(event))}
    assert added
    assert all(name.startswith("psf.enrichment.") for name in added)
    canonical = {part["namespace"] for e in schemas.events() if e not in ENRICHED for part in types(schemas.avro(e))}
    assert "psf.enrichment" not in canonical


def test_enriching_refuses_a_nested_type_that_would_be_renamed() -> None:
    nested = {"type": "record", "name": "Inner", "fields": []}
    canonical = {
        "type": "record",
        "name": "A",
        "namespace": "psf.a",
        "doc": "",
        "fields": [{"name": "x", "type": {"type": "array", "items": nested}}],
    }
    with pytest.raises(ValueError, match="Inner must state its namespace"):
        schemas.enriched(canonical, schemas.enrichment("time.TimeRemoved"))


def test_enriching_leaves_its_arguments_alone() -> None:
    canonical, enrichment = schemas.avro("time.TimeRemoved"), schemas.enrichment("time.TimeRemoved")
    schemas.enriched(canonical, enrichment)
    assert canonical == schemas.avro("time.TimeRemoved")
    assert enrichment == schemas.enrichment("time.TimeRemoved")


def test_the_head_schema_reads_the_front_of_any_event() -> None:
    head = dict.fromkeys(schemas.HEAD_FIELDS, "") | {"event_id": "e", "sequence": "s"}
    datum: dict[str, Any] = {
        **head,
        "cause": "DELETED",
        "removed_at": 0,
        "extensions": {},
        "enrichment": {"target": "t"},
    }
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schemas.avro("enriched.time.TimeRemoved")), datum)
    read = fastavro.schemaless_reader(
        io.BytesIO(written.getvalue()), fastavro.parse_schema(schemas.head_schema()), None
    )
    assert read == head


def test_classification_is_the_highest_of_any_field() -> None:
    assert schemas.classification("time.TimeApproved") == "personal"
    assert schemas.classification("milestone.MilestoneAccepted") == "confidential"
    assert schemas.classification("delivery.Delivered") == "personal"


def test_classified_follows_nested_records_named_twice() -> None:
    tags = schemas.classified("invoice.InvoicePosted")
    assert tags["net.amount"] == tags["gross.amount"] == tags["lines.unit_price.amount"] == "confidential"
    assert "invoice_date" not in tags
    assert schemas.classified("enriched.project.ProjectRequested")["enrichment.client_name"] == "personal"


def test_a_topic_is_classified_as_high_as_what_it_carries() -> None:
    rank = contract.CLASSIFICATIONS.index
    for rule in schemas.topics().topic:
        for event in rule.types:
            if event in schemas.events():
                assert rank(rule.classification) >= rank(schemas.classification(event)), f"{rule.name} carries {event}"
