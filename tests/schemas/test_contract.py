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


@pytest.mark.parametrize("event", ENRICHED)
def test_enriching_what_a_registry_gives_back_is_enriching_what_was_registered(event: str) -> None:
    """A registry leaves out each namespace and shortens each reference that the record around it implies."""
    canonical, enrichment = schemas.avro(event.removeprefix("enriched.")), schemas.enrichment(event)
    given_back = shortened(canonical, "")
    derived = schemas.enriched(given_back, enrichment)
    assert fastavro.schema.to_parsing_canonical_form(derived) == fastavro.schema.to_parsing_canonical_form(
        schemas.avro(event)
    )


def shortened(node: Any, around: str) -> Any:
    """As Avro's own library writes a schema."""
    if isinstance(node, str):
        return node.rpartition(".")[2] if around and node.rpartition(".")[0] == around else node
    if isinstance(node, list):
        return [shortened(part, around) for part in node]
    own = node.get("namespace", around)
    short = {key: value for key, value in node.items() if key != "namespace" or value != around}
    if "fields" in node:
        short["fields"] = [{**part, "type": shortened(part["type"], own)} for part in node["fields"]]
    return short | {key: shortened(node[key], own) for key in ("items", "values") if key in node}


def test_what_leaves_its_namespace_to_the_record_is_shortened_at_all() -> None:
    """Or the test before would show nothing."""
    removed = schemas.avro("time.TimeRemoved")
    assert [part["name"] for part in types(removed) if part["namespace"] == "psf.time"] == [
        "TimeRemoved",
        "RemovalCause",
    ]
    assert [part["name"] for part in types(shortened(removed, "")) if "namespace" not in part] == ["RemovalCause"]


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "Inner"},
        {"type": "map", "values": {"type": "array", "items": "Inner"}},
        ["null", "Inner"],
        "Inner",
        {"type": "record", "name": "Outer", "fields": [{"name": "z", "type": "Inner"}]},
    ],
)
def test_a_short_name_is_not_renamed_with_the_record(kind: Any) -> None:
    inner = {"type": "fixed", "name": "Inner", "size": 2}
    fields = [{"name": "x", "type": inner}, {"name": "y", "type": kind}]
    canonical = {"type": "record", "name": "A", "namespace": "psf.a", "doc": "", "fields": fields}
    derived = schemas.enriched(canonical, schemas.enrichment("time.TimeRemoved"))
    fastavro.parse_schema(derived)
    assert "psf.enriched.Inner" not in fastavro.schema.to_parsing_canonical_form(derived)
    assert "psf.a.Inner" in fastavro.schema.to_parsing_canonical_form(derived)


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
