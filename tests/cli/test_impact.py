"""`psfabric schema impact`: who reads it, and who breaks by a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from schemas import contract
from tests.cli.conftest import Ran, Run
from tests.schemas.review.test_check import HOURS, TIME, WAREHOUSE, changed


def names(ran: Ran) -> list[tuple[str, str, str]]:
    return [(each["name"], each["event"], each["field"]) for each in ran.json["consumers"]]


def test_a_field_names_its_readers_and_by_way_of_whom(run: Run) -> None:
    ran = run("schema", "impact", "time.TimeSubmitted", "worked_seconds", "--output", "json")
    assert ran.code == exits.CLEAN
    assert names(ran)[:2] == [
        ("approve-time", "time.TimeSubmitted", "worked_seconds"),
        ("tryton", "enriched.time.TimeApproved", "worked_seconds"),
    ]
    assert ran.json["consumers"][1]["via"] == ["approve-time"]
    assert set(ran.json["consumers"][0]) == {"name", "kind", "owner", "contact", "groups", "event", "field", "via"}
    table = run("schema", "impact", "time.TimeSubmitted", "worked_seconds").out
    assert "approve-time" in table
    assert "consumers." in table


def test_an_event_names_who_decodes_it_with_each_field(run: Run) -> None:
    found = names(run("schema", "impact", "time.TimeApproved", "--output", "json"))
    assert ("price-time", "time.TimeApproved", "role") in found
    assert ("tryton", "enriched.time.TimeApproved", "work_date") in found


def test_without_an_event_everybody_is_listed_also_from_outside(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "consumers.toml"
    file.write_text(WAREHOUSE)
    ran = run("schema", "impact", "--consumers", str(file), "--output", "json")
    assert ("warehouse", "time.TimeApproved", "worked_seconds") in names(ran)
    assert {"approve-time", "tryton", "salesforce"} <= {name for name, _, _ in names(ran)}
    table = run("schema", "impact", "time.TimeApproved", "--consumers", str(file)).out
    assert "Data platform" in table
    assert "data-platform@acme.example" in table


def test_a_field_that_nobody_reads_says_so(run: Run) -> None:
    assert run("schema", "impact", "time.TimeRejected", "reason").out == "Nobody declares to read it.\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["time.TimeAproved"], "did you mean time.TimeApproved"),
        (["time.TimeApproved", "worked"], "or worked_seconds?"),
        (["time.TimeApproved", "a", "b"], "3 words are too many"),
        (["old.avsc", "new.avsc"], "old.avsc: there is no such file"),
        (["--consumers", "no.toml"], "there is no file no.toml"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(run: Run, words: list[str], why: str) -> None:
    ran = run("schema", "impact", *words)
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert why in " ".join(ran.err.replace("│", " ").split())


def files(folder: Path, *schemas: Any) -> list[str]:
    paths = [folder / name for name in ("old.avsc", "new.avsc")]
    for path, schema in zip(paths, schemas, strict=True):
        path.write_text(json.dumps(schema))
    return [str(path) for path in paths]


def test_a_change_names_who_breaks_by_each_finding(run: Run, tmp_path: Path) -> None:
    ran = run("schema", "impact", *files(tmp_path, TIME, HOURS), "--output", "json")
    assert (ran.code, ran.json["event"]) == (exits.FINDINGS, "time.TimeApproved")
    (found,) = ran.json["findings"]
    assert (found["code"], [each["name"] for each in found["consumers"]]) == ("unit-changed", ["tryton"])
    table = run("schema", "impact", *files(tmp_path, TIME, HOURS)).out
    assert "enriched.time.TimeApproved worked_seconds" in table
    assert "1 break, 0 hazards, 0 notes; reaches tryton." in table


def test_a_change_of_what_nobody_reads_does_not_fail(run: Run, tmp_path: Path) -> None:
    new = changed(TIME, "approval_policy", doc="Rule book that approved the entry, not the rule.")
    ran = run("schema", "impact", *files(tmp_path, TIME, new))
    assert ran.code == exits.CLEAN
    assert "nobody declares to read what has changed" in ran.out
    odd = {"type": "record", "name": "acme.Order", "fields": [{"name": "a", "type": "int", "doc": "In hours."}]}
    more = {**odd, "fields": [{"name": "a", "type": "int", "doc": "In seconds."}]}
    ran = run("schema", "impact", *files(tmp_path, odd, more))
    assert (ran.code, "is no event of the contract" in ran.out) == (exits.CLEAN, True)


def test_a_change_of_an_enrichment_reaches_readers_of_the_enriched_event(run: Run, tmp_path: Path) -> None:
    old = contract.read(contract.AVRO / "enrichment/project.ProjectRequested_v1.avsc")
    new = changed(old, "client_name", classification=None)
    ran = run("schema", "impact", *files(tmp_path, old, new), "--output", "json")
    assert (ran.code, ran.json["event"]) == (exits.FINDINGS, "enriched.project.ProjectRequested")
    (found,) = ran.json["findings"]
    reached = [(each["name"], each["field"]) for each in found["consumers"]]
    assert (found["code"], reached) == ("classification-lowered", [("tryton", "enrichment.client_name")])
