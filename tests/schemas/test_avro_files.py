"""What every schema file promises: documented, tagged, self-contained, the head first, names only where they belong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fastavro
import pytest

import schemas
from schemas import contract
from schemas.base import Model
from schemas.contract import EventName
from tests.schemas.walk import ENRICHMENT_FILES, EVENT_FILES, FILES, Field, fields, leaves, short, types

UNITS = {"s", "h", "currency", "currency/h", "1"}
"""Seconds, hours, major units of the currency beside it, those per hour, and a bare count."""

PERSONAL = {"resource_id", "street", "city", "postal_code", "client_name", "cause"}
NAME_OR_EMAIL = re.compile(
    r"(^|_)(e?mail|first_name|last_name|full_name|display_name|person_name|client_name)($|_)|^name$"
)
NAMES_ALLOWED = {
    "psf.client.ClientOnboarded": "the client record itself",
    "psf.client.ClientUpdated": "the client record itself",
    "psf.client.ClientMerged": "the client record that stands for the others",
    "psf.enrichment.ProjectRequestedEnrichment": "the copy of the client record with which a target makes the client",
}
BUILT_IN = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}


def every_field() -> list[Field]:
    return [field for path in FILES for field in fields(contract.read(path))]


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_file_is_named_after_its_record(path: Path) -> None:
    schema = contract.read(path)
    if path.name == "head.avsc":
        expected = "psf.common.Head"
    else:
        entity, name = path.name.rpartition("_v")[0].split(".")
        enrichment = path.parent.name == "enrichment"
        major = int(path.stem.rpartition("_v")[2])
        expected = f"psf.enrichment.{name}Enrichment" if enrichment else EventName(entity, name, major).subject
    assert f"{schema['namespace']}.{schema['name']}" == expected


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_schema_stands_alone(path: Path) -> None:
    fastavro.parse_schema(contract.read(path))


@pytest.mark.parametrize("path", FILES, ids=short)
def test_every_type_states_its_namespace_and_documents_itself(path: Path) -> None:
    for part in types(contract.read(path)):
        assert part.get("namespace", "").startswith("psf."), part["name"]
        assert len(part.get("doc", "")) >= 20, part["name"]


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_type_is_referred_to_by_its_full_name(path: Path) -> None:
    """A short name would mean another type once the record is renamed into `psf.enriched`."""
    for field in fields(contract.read(path)):
        for leaf in leaves(field.schema["type"]):
            if isinstance(leaf, str) and leaf not in BUILT_IN:
                assert leaf.startswith("psf."), field.path


def test_every_field_has_a_doc() -> None:
    assert [field.path for field in every_field() if len(field.schema.get("doc", "")) < 10] == []


def test_nothing_is_a_float() -> None:
    assert [
        f.path for f in every_field() if {"float", "double"} & {str(leaf) for leaf in leaves(f.schema["type"])}
    ] == []


def test_every_number_has_a_known_unit_and_nothing_else_has_one() -> None:
    wrong = [f.path for f in every_field() if (f.schema.get("unit") in UNITS) != _is_number(f.schema["type"])]
    assert wrong == []


def test_a_new_symbol_of_an_enum_that_may_grow_is_read_as_unknown() -> None:
    """The default of an enum is what older readers take a newer symbol for; any other would be a wrong statement."""
    enums = [part for path in FILES for part in types(contract.read(path)) if part["type"] == "enum"]
    assert [part["name"] for part in enums if part.get("default", "UNKNOWN") != "UNKNOWN"] == []
    assert [part["name"] for part in enums if "UNKNOWN" in part["symbols"] and "default" not in part] == []


def _is_number(node: Any) -> bool:
    return any(
        leaf in ("int", "long") or (isinstance(leaf, dict) and leaf.get("logicalType") == "decimal")
        for leaf in leaves(node)
    )


def test_only_known_attributes_are_used() -> None:
    known = {"name", "type", "doc", "unit", "classification", "pattern", "minimum", "default"}
    assert [f.path for f in every_field() if set(f.schema) - known] == []


def test_classifications_are_of_the_list() -> None:
    tags = {field.schema["classification"] for field in every_field() if "classification" in field.schema}
    assert tags <= set(contract.CLASSIFICATIONS)


def test_personal_fields_are_tagged() -> None:
    untagged = [f.path for f in every_field() if f.schema["name"] in PERSONAL and _tag(f) != "personal" and _is_open(f)]
    assert untagged == []


def _tag(field: Field) -> str:
    return str(field.schema.get("classification", "internal"))


def _is_open(field: Field) -> bool:
    """Not an enum: `cause` of a removal is a closed list, `cause` of a receipt is a whole event."""
    return all(not (isinstance(leaf, dict) and leaf["type"] == "enum") for leaf in leaves(field.schema["type"]))


def test_money_is_confidential() -> None:
    money = [
        f for f in every_field() if _holds_money(f.schema["type"]) or f.schema.get("unit", "").startswith("currency")
    ]
    assert money
    assert [f.path for f in money if _tag(f) == "internal"] == []


def _holds_money(node: Any) -> bool:
    return any(
        leaf == "psf.common.Money" or (isinstance(leaf, dict) and leaf.get("name") == "Money") for leaf in leaves(node)
    )


def test_names_and_e_mail_addresses_are_only_in_client_and_resource_records() -> None:
    named = {f.record for f in every_field() if NAME_OR_EMAIL.search(f.schema["name"])}
    assert {record for record in named if not record.startswith("psf.resource.")} <= set(NAMES_ALLOWED)


def test_a_currency_is_three_capitals_everywhere() -> None:
    currencies = [f for f in every_field() if f.schema["name"].endswith("currency")]
    assert currencies
    assert [f.path for f in currencies if f.schema.get("pattern") != "^[A-Z]{3}$"] == []


@pytest.mark.parametrize("path", EVENT_FILES, ids=short)
def test_an_event_begins_with_the_head_and_only_what_was_added_later_follows_its_extensions(path: Path) -> None:
    """What is added within a major goes last, with a default; so it stands behind the extensions."""
    parts = contract.read(path)["fields"]
    assert parts[:8] == schemas.head_schema()["fields"]
    place = [part["name"] for part in parts].index("extensions")
    assert parts[place]["default"] == {}
    assert [part["name"] for part in parts[place:] if "default" not in part] == []


def test_the_head_is_eight_strings_in_the_order_of_the_model() -> None:
    head = schemas.head_schema()["fields"]
    assert [part["name"] for part in head] == list(schemas.HEAD_FIELDS) == list(Model.model_fields)
    assert {part["type"] for part in head} == {"string"}


def test_the_head_model_has_the_patterns_of_the_head_file() -> None:
    declared = {part["name"]: part.get("pattern", "^") for part in schemas.head_schema()["fields"]}
    enforced = {name: part.get("pattern") for name, part in Model.model_json_schema()["properties"].items()}
    assert enforced == declared


def test_a_type_means_the_same_in_every_file() -> None:
    seen: dict[str, Any] = {}
    for path in FILES:
        for part in types(contract.read(path)):
            full = f"{part['namespace']}.{part['name']}"
            assert seen.setdefault(full, _by_name(part, top=True)) == _by_name(part, top=True), full


def _by_name(node: Any, top: bool = False) -> Any:
    """A type with the types nested in it replaced by their names, so that first and later uses compare equal."""
    if isinstance(node, list):
        return [_by_name(part) for part in node]
    if not isinstance(node, dict):
        return node
    if not top and node.get("type") in ("record", "enum"):
        return f"{node['namespace']}.{node['name']}"
    return {key: _by_name(part) if key in ("type", "items", "values", "fields") else part for key, part in node.items()}


def test_later_states_keep_the_fields_of_earlier_ones() -> None:
    for earlier, later in (
        ("time.TimeSubmitted", "time.TimeApproved"),
        ("time.TimeSubmitted", "time.TimeRejected"),
        ("time.TimeApproved", "time.TimePosted"),
        ("client.ClientOnboarded", "client.ClientUpdated"),
        ("client.ClientUpdated", "client.ClientMerged"),
        ("engagement.EngagementContracted", "engagement.EngagementAmended"),
        ("engagement.EngagementAmended", "engagement.EngagementClosed"),
        ("project.ProjectRequested", "project.ProjectCreated"),
        ("project.ProjectRequested", "project.ProjectRejected"),
        ("project.ProjectCreated", "project.ProjectUpdated"),
        ("project.ProjectUpdated", "project.ProjectStatusChanged"),
        ("project.ProjectUpdated", "project.ProjectClosed"),
        ("invoice.InvoiceDrafted", "invoice.InvoiceRejected"),
        ("invoice.InvoicePosted", "invoice.InvoicePaid"),
        ("invoice.InvoicePosted", "invoice.InvoiceCredited"),
        ("revenue.RevenueRecognized", "revenue.RevenueReversed"),
    ):
        before, after = ([_by_name(part) for part in schemas.avro(event)["fields"]] for event in (earlier, later))
        lost = [part["name"] for part in before if part not in after]
        assert lost == [], f"{later} lost or changed fields of {earlier}"


def test_a_file_that_is_not_json_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "time.Broken_v1.avsc").write_text('{\n "type": }')
    with pytest.raises(ValueError, match=r"time\.Broken_v1\.avsc:2: not JSON"):
        contract.read(tmp_path / "time.Broken_v1.avsc")


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.avsc").write_text("[]")
    with pytest.raises(ValueError, match="holds one record, not a list"):
        contract.read(tmp_path / "x.avsc")


def test_a_file_with_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "time_approved_v1.avsc").write_text("{}")
    with pytest.raises(ValueError, match="named <entity>"):
        contract.named(tmp_path)


def test_files_are_clean_text() -> None:
    for path in [*FILES, *ENRICHMENT_FILES]:
        text = path.read_text(encoding="utf-8")
        assert text.endswith("}\n"), path.name
        assert "\t" not in text, path.name
        assert json.loads(text), path.name
