"""docs/topics.md is what the generator writes, and has the contract of every topic in it."""

from __future__ import annotations

import re

import pytest

import schemas
from psfabric.parties import parties
from schemas import Rule, rules
from schemas.pages import DOCS, Parties, Party, contracts
from tests.docs.pages import anchors

PAGE = DOCS / "topics.md"
TEXT = PAGE.read_text(encoding="utf-8")
HEADING = re.compile(r"^## `(.+)`$", re.MULTILINE)
SECTIONS = dict(zip(HEADING.findall(TEXT), re.split(r"^## `.+`$", TEXT, flags=re.MULTILINE)[1:], strict=True))
RULES = schemas.topics().topic
each = pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])


def facts(rule: Rule) -> dict[str, str]:
    return dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", SECTIONS[rule.name], re.MULTILINE))


def test_every_topic_has_its_section_and_no_other_has() -> None:
    assert list(SECTIONS) == [rule.name for rule in RULES]


def test_the_index_leads_to_every_section() -> None:
    linked = re.findall(r"^\| \[`(.+?)`\]\(#([\w-]+)\)", TEXT, re.MULTILINE)
    assert [name for name, _ in linked] == [rule.name for rule in RULES]
    assert {anchor for _, anchor in linked} <= anchors(PAGE)


@each
def test_a_section_says_who_owns_it_who_writes_how_it_is_keyed_and_how_long_it_is_kept(rule: Rule) -> None:
    found, owner = facts(rule), schemas.topics().owners[rule.owner]
    assert found["owner"] == f"{owner.team}; escalation: {owner.escalation}"
    assert found["who writes"].startswith(
        ("systems", "the one system") if rule.writers == "systems" else "only the fabric"
    )
    assert found["key"].startswith(rule.key.replace("<", "&lt;").replace(">", "&gt;"))
    assert found["protection"] == rule.classification
    assert found["null values"].startswith("tombstones" if rule.tombstones else "none")
    assert ("LogAppendTime" in found["time"]) == rule.log_append_time
    assert ("for ever" in found["kept"].partition(";")[0]) == (rule.retention_days < 0)
    if rule.retention_days > 0:
        assert f"{rule.retention_days} days" in found["kept"]
    assert found["largest record"] == f"{rule.max_message_bytes or schemas.topics().max_message_bytes:,} bytes"


@each
def test_a_section_has_the_events_their_rules_and_readers(rule: Rule) -> None:
    section, known = SECTIONS[rule.name], parties()
    for event in (event for event in rule.types if event in schemas.events()):
        model = schemas.model(event)
        assert f"| `{model.CE_TYPE}` | `{model.SUBJECT}` | {schemas.classification(event)} |" in section
        for broken in rules.of(event):
            assert f"| `{broken.code}` | " in section
        for reader in known.readers.get(event, ()):
            assert f"{reader.kind} `{reader.name}`" in section.partition("- read by:")[2]


def test_a_topic_that_systems_write_shows_by_which_field_and_with_which_headers() -> None:
    invoice = next(rule for rule in RULES if rule.name == "psf.invoice")
    assert facts(invoice)["key"] == "project id; the field `project_id`"
    assert "ce_partitionkey: PRJ-" in SECTIONS["psf.invoice"]
    assert "ce_partitionkey" not in SECTIONS["psf.delivery"], "nobody else writes these"


def test_an_ingress_takes_what_systems_may_publish_and_names_its_one_writer() -> None:
    section = SECTIONS["ingress.<system>"]
    named = re.findall(r"^\| \[([\w.]+)\]", section, re.MULTILINE)
    assert tuple(named) == schemas.topics().open_to_systems()
    assert "nobody else" in section


def test_an_outside_reader_stands_there_with_its_owner() -> None:
    party = Party("warehouse", "external", ("worked_seconds",), "Data platform")
    page = contracts.page(Parties({}, {"time.TimeApproved": (party,)}))
    section = page.partition("## `psf.time`")[2].partition("\n## ")[0]
    assert "- read by: external `warehouse` of Data platform (TimeApproved)" in section
    assert "- written in this repository by: nobody yet" in section
