"""docs/events.md is what the generator writes, and has every event, field, rule, type, example and reader in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

import schemas
from psfabric.parties import parties
from schemas import rules
from schemas.base import HEAD_FIELDS
from schemas.pages import DOCS, Parties, Party, events, picture, tables, written
from schemas.pages.parties import declared

PAGE = DOCS / "events.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = dict(
    zip(re.findall(r"^### (.+)$", TEXT, re.MULTILINE), re.split(r"^### .+$", TEXT, flags=re.MULTILINE)[1:], strict=True)
)


def test_the_pages_are_up_to_date() -> None:
    for name, text in written(parties()).items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "run: python -m schemas.generate"


def test_what_the_generator_is_told_of_adapters_is_what_they_declare() -> None:
    assert declared() == parties()


def test_headings_are_unique_so_that_links_are() -> None:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL), re.MULTILINE)
    slugs = Counter(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    assert [slug for slug, times in slugs.items() if times > 1] == []


@pytest.mark.parametrize("event", schemas.events())
def test_an_event_has_its_section(event: str) -> None:
    section = SECTIONS[event]
    assert schemas.avro(event)["doc"] in section
    assert f"`{schemas.model(event).CE_TYPE}`" in section
    assert "<summary>example</summary>" in section
    shown = json.loads(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    assert schemas.model(event).model_validate_json(json.dumps(shown))


def fields_of(event: str) -> set[str]:
    """The fields that the section of an event tells, with those of the states that it refers to."""
    section = SECTIONS[event]
    named = re.findall(r"The fields of \[([\w.]+)\]", section)
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)).union(*(fields_of(each) for each in named))


@pytest.mark.parametrize("event", schemas.events())
def test_every_field_of_an_event_is_told(event: str) -> None:
    own = {each["name"] for each in schemas.avro(event)["fields"]} - {*HEAD_FIELDS, "extensions", "enrichment"}
    if event.startswith("enriched."):
        own |= {each["name"] for each in schemas.enrichment(event)["fields"]}
    assert own <= fields_of(event)


def test_every_rule_is_told_once_and_named_at_each_of_its_events() -> None:
    for rule in rules.every():
        row = f"| `{rule.code}` | {tables.cell(rule.words())} | {tables.cell(rule.message)} |"
        assert TEXT.count(row) == 1
        for event in rule.events:
            entity = schemas.name_of(event).entity
            assert row in SECTIONS[f"Rules of {entity} events"]
            (line,) = [line for line in SECTIONS[event].splitlines() if line.startswith("[Rules](")]
            assert f"`{rule.code}`" in line


def test_an_example_has_a_line_for_each_field() -> None:
    assert tables.compact('{"a": [1, {"b": "é"}], "c": null}') == '{\n  "a": [1, {"b": "é"}],\n  "c": null\n}'


def test_every_type_is_told_once_with_its_fields_or_symbols() -> None:
    for name, schema in tables.types().items():
        for part in schema.get("symbols", ()):
            assert f"`{part}`" in SECTIONS[name]
        for part in schema.get("fields", ()):
            assert f"| `{part['name']}` |" in SECTIONS[name]


def test_every_adapter_is_named_where_it_makes_or_reads_an_event() -> None:
    found = parties()
    for side, word in ((found.makers, "made by"), (found.readers, "read by")):
        for event, named in side.items():
            (line,) = [line for line in SECTIONS[event].splitlines() if line.startswith(f"- {word} ")]
            assert all(f"`{each.name}`" in line for each in named)


def test_a_reader_is_told_with_the_fields_that_it_declares() -> None:
    readers = (
        Party("dashboards", "external", ("*",), "Data platform"),
        Party("price-time", "processor", ("posting.rate.amount", "posting.rate.currency", "worked_seconds")),
    )
    told = (
        "- read by external `dashboards` of Data platform (every field); processor `price-time` (`posting`, "
        "`worked_seconds`)"
    )
    assert told in events.catalogue(Parties({}, {"time.TimePosted": readers}))


def test_a_reader_outside_of_the_repository_is_told(tmp_path: Path) -> None:
    declared_ = tmp_path / "consumers.toml"
    declared_.write_text(
        """
        [[consumer]]
        name = "warehouse"
        owner = "Data platform"
        contact = "data@acme.example"
        [consumer.reads]
        "time.TimeApproved" = ["worked_seconds"]
        """
    )
    found = parties(declared_).readers["time.TimeApproved"]
    assert Party("warehouse", "external", ("worked_seconds",), "Data platform") in found


def test_the_picture_has_a_line_for_each_pair_and_ends_by_what_rules_require() -> None:
    found = picture.relations(("billing.BillingRequested", "project.ProjectCreated", "milestone.MilestoneAccepted"))
    assert {(each.one, each.other, each.field, each.always) for each in found} >= {
        ("billing", "project", "project_id", True),
        ("billing", "milestone", "milestone_id", False),
    }
    text = picture.diagram(found)
    assert text.startswith("erDiagram\n")
    assert '    billing }o--|| project : "project_id"' in text
    assert '    billing }o--o| milestone : "milestone_id"' in text


def test_an_id_that_is_called_otherwise_is_that_of_its_entity() -> None:
    entities = {"client", "resource", "time", "expense", "taxcode"}
    names = (
        "client_id",
        "parent_client_id",
        "account_manager_id",
        "time_entry_ids",
        "source_id",
        "tax_code",
        "calendar_id",
    )
    assert {name: picture._meant(name, entities) for name in names} == {
        "client_id": ("client",),
        "parent_client_id": ("client",),
        "account_manager_id": ("resource",),
        "time_entry_ids": ("time",),
        "source_id": ("time", "expense"),
        "tax_code": ("taxcode",),
        "calendar_id": (),
    }


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("string", "text"),
        (["null", "psf.common.Money"], "[Money](#money), or null"),
        ({"type": "array", "items": "string"}, "list of text"),
        ({"type": "map", "values": "string"}, "text by name"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 6}, "decimal, 6 places"),
        ({"type": "int", "logicalType": "date"}, "local date"),
        ({"type": "long", "logicalType": "timestamp-micros"}, "instant"),
    ],
)
def test_a_type_is_told_in_words(node: object, words: str) -> None:
    assert tables.in_words(node) == words


def test_a_cell_keeps_its_table_whole() -> None:
    table = tables.fields_table(
        [{"name": "a", "type": "string", "pattern": "^(x|y)$", "doc": "This | that\nand more."}]
    )
    assert table.splitlines()[2] == "| `a` | text like `^(x\\|y)$` | | | | This \\| that and more. |"
