"""Changes of topics.toml: what breaks order, evidence or protection is found, what does not is silent."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from cli import exits
from schemas import catalogue
from schemas.review import topics
from schemas.review.files import BadSchema
from tests.cli.conftest import run
from tests.schemas.review.test_check import Check, Repository, check, found, repository

__all__ = ["check", "repository", "run"]

FILE = Path("schemas/topics.toml")
TEXT = catalogue.FILE.read_text(encoding="utf-8")

Edit = Callable[[str], str]


def entry(name: str, right: str, wrong: str) -> Edit:
    """A change inside the entry of one topic."""

    def edited(text: str) -> str:
        before, start, after = text.partition(f'name = "{name}"')
        inside, end, rest = after.partition("\n[[topic]]")
        assert right in inside
        return before + start + inside.replace(right, wrong, 1) + end + rest

    return edited


def everywhere(right: str, wrong: str) -> Edit:
    def edited(text: str) -> str:
        assert right in text
        return text.replace(right, wrong, 1)

    return edited


def without(name: str) -> Edit:
    return lambda text: re.sub(rf'\[\[topic\]\]\nname = "{re.escape(name)}"\n(.+\n)+', "", text)


def changes(edit: Edit) -> list[tuple[str, str, str]]:
    after = edit(TEXT)
    assert after != TEXT
    told = topics.findings(FILE, TEXT.encode(), after.encode())
    return [(each.severity.value, each.code, each.path) for each in told]


HARMFUL: list[tuple[Edit, tuple[str, str, str]]] = [
    (entry("psf.time", "time entry id", "project id"), ("break", "topic-key-changed", "psf.time")),
    (entry("ref.project", "project:<project id>", "<project id>"), ("break", "topic-key-changed", "ref.project")),
    (everywhere("\npartitions = 4", "\npartitions = 6"), ("break", "topic-partitions-changed", "partitions")),
    (
        entry("fabric.operations", "partitions = 1", "partitions = 2"),
        ("break", "topic-partitions-changed", "fabric.operations"),
    ),
    (
        entry("fabric.schemas", "partitions = 1\n", ""),
        ("break", "topic-partitions-changed", "fabric.schemas"),
    ),
    (
        entry("psf.invoice", "retention_days = 400", "retention_days = 399"),
        ("break", "retention-below-audit", "psf.invoice"),
    ),
    (entry("fabric.operations", "= -1", "= 3650"), ("break", "retention-below-audit", "fabric.operations")),
    (everywhere("days = 400", "days = 90"), ("break", "audit-rule-lowered", "psf")),
    (everywhere("days = -1\nwhy", "days = 3650\nwhy"), ("break", "audit-rule-lowered", "fabric.operations")),
    (everywhere('"psf", "dlq"', '"psf"'), ("break", "audit-rule-lowered", "dlq")),
    (everywhere("days = 100\nwhy", "days = 200\nwhy"), ("break", "retention-below-audit", "raw.<source>")),
    (entry("psf.client", '"delete"', '"compact"'), ("break", "cleanup-changed", "psf.client")),
    (entry("psf.client", '"delete"', '"compact,delete"'), ("break", "cleanup-changed", "psf.client")),
    (entry("ref.client", '"compact"', '"delete"'), ("break", "cleanup-changed", "ref.client")),
    (entry("ref.client", '"compact"', '"compact,delete"'), ("break", "cleanup-changed", "ref.client")),
    (entry("psf.delivery", '"compact,delete"', '"compact"'), ("note", "cleanup-changed", "psf.delivery")),
    (entry("psf.time", '"personal"', '"confidential"'), ("break", "topic-classification-lowered", "psf.time")),
    (entry("fabric.cursors", 'owner = "integration"\n', ""), ("break", "topic-owner-removed", "fabric.cursors")),
    (entry("psf.time", '"delivery-operations"', '"nobody"'), ("break", "topic-owner-removed", "psf.time")),
    (entry("psf.time", ', "time.TimePosted"', ""), ("break", "topic-type-removed", "psf.time/time.TimePosted")),
    (entry("ref.client", "tombstones = true", "tombstones = false"), ("hazard", "tombstones-changed", "ref.client")),
    (entry("psf.time", "tombstones = false", "tombstones = true"), ("hazard", "tombstones-changed", "psf.time")),
    (entry("psf.delivery", "= 1114112", "= 1048576"), ("hazard", "message-size-lowered", "psf.delivery")),
    (everywhere("= 1048576", "= 524288"), ("hazard", "message-size-lowered", "max_message_bytes")),
    (entry("dlq.<component>", "log_append_time = true", ""), ("hazard", "timestamps-changed", "dlq.<component>")),
    (
        entry("psf.time", "tombstones", "log_append_time = true\ntombstones"),
        ("hazard", "timestamps-changed", "psf.time"),
    ),
    (without("psf.billing"), ("break", "topic-removed", "psf.billing")),
]

NEW = """
[[topic]]
name = "psf.leave"
description = "Absences of people, as they were approved."
owner = "delivery-operations"
types = ["time.TimePosted"]
key = "absence id"
cleanup = "delete"
retention_days = {days}
classification = "personal"
tombstones = false
"""

HARMLESS: list[Edit] = [
    entry("psf.time", "Worked time from entry to posting", "Hours of people, entered and posted"),
    entry("psf.time", '"time.TimeSubmitted",', '"time.TimeSubmitted", "project.ProjectCreated",'),
    entry("psf.time", "time entry id", "Time entry  ID"),
    entry("psf.time", '"delivery-operations"', '"finance-systems"'),
    entry("applied.<target>", '"confidential"', '"personal"'),
    entry("psf.time", "retention_days = 400", "retention_days = 800"),
    entry("psf.time", "retention_days = 400", "retention_days = -1"),
    entry("psf.time", "tombstones = false", "tombstones = false\npartitions = 4"),
    entry("psf.time", "tombstones = false", "tombstones = false\nmax_message_bytes = 2097152"),
    entry("psf.delivery", "= 1114112", "= 2097152"),
    everywhere("Finance systems", "Finance platforms"),
    everywhere("[owners.integration]", "# who answers\n[owners.integration]"),
    everywhere("A quarter and its close", "A quarter and its audit"),
    lambda text: text + NEW.format(days=400),
    lambda text: text + NEW.format(days=-1),
]


@pytest.mark.parametrize(("edit", "expected"), HARMFUL, ids=[f"{code} {path}" for _, (_, code, path) in HARMFUL])
def test_what_breaks_is_found(edit: Edit, expected: tuple[str, str, str]) -> None:
    assert expected in changes(edit)
    others = {code for _, code, path in changes(edit)} - {expected[1]}
    assert others <= {"retention-below-audit", "retention-shortened"}, "one change, one kind of finding"


@pytest.mark.parametrize("edit", HARMLESS, ids=range(len(HARMLESS)))
def test_what_breaks_nothing_is_silent(edit: Edit) -> None:
    assert changes(edit) == []


def test_every_code_has_a_change_that_raises_it() -> None:
    assert {code for _, (_, code, _) in HARMFUL} | {"retention-shortened"} == set(topics.CODES)


def test_a_retention_that_is_shortened_within_the_rule_is_only_noted() -> None:
    longer = entry("psf.time", "retention_days = 400", "retention_days = 800")(TEXT)
    (told,) = topics.findings(FILE, longer.encode(), TEXT.encode())
    assert (told.severity.value, told.code, told.path) == ("note", "retention-shortened", "psf.time")


def test_a_new_topic_keeps_the_audit_rule_and_the_finding_gives_its_reason() -> None:
    (told,) = topics.findings(FILE, TEXT.encode(), (TEXT + NEW.format(days=30)).encode())
    assert (told.code, told.path) == ("retention-below-audit", "psf.leave")
    assert "30 days; the audit rule asks for 400 days: A financial year" in told.message


def test_what_was_below_the_rule_before_is_not_told_again_unless_it_gets_worse() -> None:
    short, shorter = (
        entry("psf.time", "retention_days = 400", f"retention_days = {days}")(TEXT) for days in (200, 100)
    )
    harmless = short.replace("Worked time", "Hours of work")
    assert list(topics.findings(FILE, short.encode(), harmless.encode())) == []
    assert [each.code for each in topics.findings(FILE, short.encode(), shorter.encode())] == ["retention-below-audit"]


def test_the_file_that_is_removed_takes_every_topic_with_it() -> None:
    told = list(topics.findings(FILE, TEXT.encode(), None))
    assert {each.code for each in told} == {"topic-removed"}
    assert len(told) == len(schemas.topics().topic)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (b"topic = [", "schemas/topics.toml: not TOML"),
        (b"\xff", "schemas/topics.toml: not TOML"),
        (TEXT.replace("retention_days", "retention", 1).encode(), "did you mean 'retention_days'?"),
        (b"topic = 3\nowners = 4\npartitions = 1", "owners"),
        (b"topic = [3]\n[owners]", "topic[0]"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_and_at_the_merge_base_noted(wrong: bytes, why: str) -> None:
    with pytest.raises(BadSchema) as refused:
        list(topics.findings(FILE, TEXT.encode(), wrong))
    assert why in str(refused.value)
    assert [each.code for each in topics.findings(FILE, wrong, TEXT.encode())] == ["history-unreadable"]


def test_the_topics_of_this_repository_keep_its_audit_rule() -> None:
    assert list(topics.findings(FILE, None, TEXT.encode())) == []
    names = {rule.name for rule in schemas.topics().topic}
    families = {name.split(".")[0] for name in names}
    assert all(name in names | families for each in schemas.topics().audit for name in each.topics)


DAYS = st.one_of(st.just(-1), st.integers(0, 1000))


@settings(deadline=None)
@given(least=DAYS, was=DAYS, now=DAYS)
def test_a_retention_is_below_the_rule_exactly_when_it_is_shorter(least: int, was: int, now: int) -> None:
    def text(days: int) -> bytes:
        rule = TEXT.replace("days = 400\nwhy", f"days = {least}\nwhy", 1)
        return entry("psf.time", "retention_days = 400", f"retention_days = {days}")(rule).encode()

    told = [each.code for each in topics.findings(FILE, text(was), text(now)) if each.path == "psf.time"]
    forever = float("inf")
    at_least, before, after = (forever if days == -1 else days for days in (least, was, now))
    below = after < at_least and was != now
    assert told == (["retention-below-audit"] if below else ["retention-shortened"] if after < before else [])


# ------------------------------------------------------------------------------------------ as part of schema check


def plant(repository: Repository, text: str) -> None:
    (repository.top / FILE).write_text(text, encoding="utf-8")


@pytest.fixture
def catalogued(repository: Repository) -> Repository:
    """The main line has topics.toml, too; `later` is checked out."""
    repository.git("checkout", "-q", "main")
    plant(repository, TEXT)
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "topics")
    repository.git("checkout", "-q", "-b", "later")
    return repository


REKEYED = entry("psf.time", "time entry id", "project id")(TEXT)


def test_the_check_of_a_branch_reviews_topics_and_says_so_in_every_format(check: Check, catalogued: Repository) -> None:
    assert found(check()) == []
    plant(catalogued, REKEYED)
    ran = check()
    assert (ran.code, found(ran)) == (exits.FINDINGS, [("break", "topics/topic-key-changed/psf.time")])
    assert ran.json["changed"] == [FILE.as_posix()]
    assert "topic-key-changed" in check("--output", "table").out
    assert "| `topics` | `psf.time` | `topic-key-changed` |" in check("--output", "markdown").out
    (result,) = check("--output", "sarif").json["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == FILE.as_posix()
    assert REKEYED.splitlines()[place["region"]["startLine"] - 1] == 'name = "psf.time"'


def test_a_finding_about_a_topic_is_accepted_as_any_other(check: Check, catalogued: Repository) -> None:
    plant(catalogued, REKEYED)
    catalogued.accept(
        '[[accepted]]\nid = "topics/topic-key-changed/psf.time"\nreason = "no record yet"\n'
        'approver = "delivery operations"\nexpiry = 2999-12-31\n'
    )
    assert check().code == exits.CLEAN


def test_a_catalogue_that_is_none_ends_the_check_with_a_sentence(check: Check, catalogued: Repository) -> None:
    plant(catalogued, TEXT.replace("retention_days", "retention", 1))
    ran = check()
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert "did you mean 'retention_days'?" in ran.err


def test_a_finding_about_a_topic_names_those_who_read_its_events(check: Check, catalogued: Repository) -> None:
    plant(catalogued, REKEYED)
    (told,) = check().json["findings"]
    assert [each["name"] for each in told["consumers"]] == ["approve-time", "price-time"]
