"""`psfabric schema check` in a real git repository: only what a branch changes, for people and for programs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from schemas import contract
from schemas.review.reports import CODES, MARKER
from tests.cli.conftest import Ran, Run, run
from tests.conftest import Tell

__all__ = ["run"]

TIME = contract.read(contract.AVRO / "time.TimeApproved_v1.avsc")
NAME = "time.TimeApproved_v1"
ID = f"{NAME}/unit-changed/worked_seconds"


def changed(schema: Any, field: str, **attributes: Any) -> Any:
    """A copy in which one field has other attributes; None takes one away."""
    new = copy.deepcopy(schema)
    (found,) = [each for each in new["fields"] if each["name"] == field]
    found |= attributes
    for name in [name for name, value in found.items() if value is None]:
        del found[name]
    return new


HOURS = changed(TIME, "worked_seconds", unit="h")


@dataclass
class Repository:
    """A git repository with schemas in `schemas/avro`, and the branch `main`."""

    top: Path

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@acme.example", "-c", "commit.gpgsign=false")
        ran = subprocess.run(["git", "-C", str(self.top), *identity, *args], check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def write(self, schema: Any, name: str = NAME) -> None:
        path = self.top / "schemas/avro" / f"{name}.avsc"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema, indent=1), encoding="utf-8")

    def commit(self, schema: Any, name: str = NAME) -> str:
        self.write(schema, name)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def accept(self, text: str) -> None:
        folder = self.top / "schemas/accepted"
        folder.mkdir(exist_ok=True)
        (folder / "june.toml").write_text(text)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Checked out is `branch`, which begins where `main` is: one commit with one schema."""
    made = Repository(tmp_path / "repository")
    made.top.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit(TIME)
    made.git("checkout", "-q", "-b", "branch")
    monkeypatch.chdir(made.top)
    return made


Check = Callable[..., Ran]


@pytest.fixture
def check(run: Run, repository: Repository) -> Check:
    return lambda *args: run("schema", "check", *(args or ("--output", "json")))


def found(ran: Ran) -> list[tuple[str, str]]:
    return [(each["severity"], each["id"]) for each in ran.json["findings"]]


def test_a_branch_that_changes_nothing_is_clean(check: Check, repository: Repository) -> None:
    ran = check()
    assert (ran.code, ran.json) == (
        exits.CLEAN,
        {"base": repository.git("rev-parse", "main"), "changed": [], "findings": []},
    )


def test_what_a_branch_changes_is_found_committed_or_not(check: Check, repository: Repository) -> None:
    repository.write(HOURS)
    assert (check().code, found(check())) == (exits.FINDINGS, [("break", ID)])
    repository.commit(HOURS)
    ran = check()
    assert found(ran) == [("break", ID)]
    assert ran.json["changed"] == [f"schemas/avro/{NAME}.avsc"]
    keys = {"id", "file", "code", "severity", "path", "message", "accepted", "consumers"}
    assert set(ran.json["findings"][0]) == keys


def test_what_main_has_changed_meanwhile_is_not_the_branch_s(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit(HOURS)
    repository.git("checkout", "-q", "branch")
    assert found(check()) == []


def test_what_was_wrong_on_the_main_line_is_not_told_again(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit(changed(TIME, "task", doc=None))
    repository.git("checkout", "-q", "-b", "later")
    repository.commit(changed(changed(TIME, "task", doc=None), "role", doc="x"))
    assert found(check()) == [("hazard", f"{NAME}/doc-missing/role")]


def test_a_conflict_names_every_version_it_is_with_and_is_one_finding(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    first, second = (
        repository.git("rev-parse", "main"),
        repository.commit(changed(TIME, "task", doc="Key of the task.")),
    )
    repository.git("checkout", "-q", "-b", "later")
    repository.write({**TIME, "fields": [each for each in TIME["fields"] if each["name"] != "task"]})
    (gone,) = [each for each in check().json["findings"] if each["code"] == "forward-default-missing"]
    assert all(commit[:12] in gone["message"] for commit in (first, second))
    only_last = check("--compatibility", "FULL", "--output", "json").json["findings"]
    assert first[:12] not in str(only_last)


def test_a_conflict_that_the_main_line_has_already_is_not_told_again(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    without = {**TIME, "fields": [each for each in TIME["fields"] if each["name"] != "task"]}
    repository.commit(without)
    repository.git("checkout", "-q", "-b", "later")
    repository.commit(changed(without, "role", doc="Role in which the person has worked."))
    assert found(check()) == []


def test_a_new_schema_is_only_linted_and_one_that_is_gone_is_a_break(check: Check, repository: Repository) -> None:
    repository.write(changed(TIME, "worked_seconds", unit=None) | {"name": "TimeSeen"}, "time.TimeSeen_v1")
    (repository.top / f"schemas/avro/{NAME}.avsc").unlink()
    assert found(check()) == [
        ("break", f"{NAME}/schema-removed"),
        ("hazard", "time.TimeSeen_v1/unit-missing/worked_seconds"),
    ]


def test_a_name_that_two_files_define_otherwise_is_found(check: Check, repository: Repository) -> None:
    repository.write(HOURS, "copy_v1")
    assert ("break", "copy_v1/name-defined-twice/psf.time.TimeApproved") in found(check()) or (
        "break",
        f"{NAME}/name-defined-twice/psf.time.TimeApproved",
    ) in found(check())


def test_a_schema_that_is_none_is_a_finding_and_what_is_no_json_an_error(check: Check, repository: Repository) -> None:
    repository.write({"type": "record", "name": "psf.time.TimeApproved", "fields": [{"name": "a", "type": "panther"}]})
    assert found(check()) == [("break", f"{NAME}/schema-invalid/a")]
    repository.write("{")
    ran = check()
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert "it is not JSON" in ran.err


def test_an_earlier_version_that_was_no_schema_is_said(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.commit("{", "odd_v1")
    repository.git("checkout", "-q", "-b", "later")
    repository.write(TIME | {"name": "Odd"}, "odd_v1")
    assert found(check()) == [("note", "odd_v1/history-unreadable")]


ACCEPTED = """
[[accepted]]
id = "{id}"
reason = "the topic has no record yet"
approver = "finance systems"
expiry = {expiry}
"""


def test_an_accepted_finding_does_not_fail_and_says_so(check: Check, repository: Repository) -> None:
    repository.write(HOURS)
    repository.accept(ACCEPTED.format(id=ID, expiry="2999-12-31"))
    ran = check()
    assert ran.code == exits.CLEAN
    assert [(each["id"], each["accepted"]) for each in ran.json["findings"]] == [(ID, True)]
    assert "accepted" in check("--output", "table").out


def test_an_acceptance_ends_on_its_day(check: Check, repository: Repository) -> None:
    repository.write(HOURS)
    repository.accept(ACCEPTED.format(id=ID, expiry="2020-01-01"))
    ran = check()
    assert ran.code == exits.FINDINGS
    assert [(each["code"], each["accepted"]) for each in ran.json["findings"]] == [
        ("unit-changed", False),
        ("acceptance-expired", False),
    ]


def test_an_acceptance_of_nothing_is_noted(check: Check, repository: Repository) -> None:
    repository.accept(ACCEPTED.format(id=ID, expiry="2999-12-31"))
    ran = check()
    assert (ran.code, [each["code"] for each in ran.json["findings"]]) == (exits.CLEAN, ["acceptance-unused"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("accepted = [", "june.toml: not TOML"),
        (ACCEPTED.format(id=ID, expiry="2999-12-31").replace("reason", "reson"), "did you mean 'reason'?"),
        (ACCEPTED.format(id=ID, expiry='"soon"'), "expiry"),
        (ACCEPTED.format(id=ID, expiry="2999-12-31").replace("finance systems", " "), "approver"),
        (ACCEPTED.format(id=ID, expiry="2999-12-31") * 2, "is accepted twice"),
    ],
)
def test_an_acceptance_that_is_wrong_is_refused(check: Check, repository: Repository, text: str, why: str) -> None:
    repository.accept(text)
    ran = check()
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert why in ran.err


def test_without_a_merge_base_it_says_what_to_do(check: Check, repository: Repository) -> None:
    repository.git("checkout", "-q", "--orphan", "apart")
    repository.commit(HOURS)
    ran = check()
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert "no merge base" in ran.err
    assert "fetch-depth: 0" in ran.err


def test_a_branch_that_is_not_there_is_named(check: Check) -> None:
    ran = check("--against", "trunk")
    assert ran.code == exits.USAGE
    assert "there is no branch trunk here, nor origin/trunk" in ran.err


def test_a_clone_that_has_only_origin_main_is_enough(run: Run, repository: Repository, tmp_path: Path) -> None:
    repository.commit(HOURS)
    subprocess.run(["git", "clone", "-q", "-b", "branch", str(repository.top), str(tmp_path / "clone")], check=True)
    ran = run("schema", "check", str(tmp_path / "clone/schemas/avro"), "--output", "json")
    assert found(ran) == [("break", ID)]


def test_a_folder_that_is_not_there_or_in_no_repository_gets_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "there is no such folder" in run("schema", "check", str(tmp_path / "no")).err
    ran = run("schema", "check", str(tmp_path))
    assert (ran.code, "is in no git repository" in ran.err) == (exits.USAGE, True)


def test_sarif_has_rule_level_line_and_a_stable_fingerprint(check: Check, repository: Repository) -> None:
    repository.write(HOURS)
    log = check("--output", "sarif").json
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    (ran,) = log["runs"]
    (rule,) = ran["tool"]["driver"]["rules"]
    (result,) = ran["results"]
    assert rule == {"id": "unit-changed", "shortDescription": {"text": CODES["unit-changed"].meaning}}
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("unit-changed", 0, "error")
    assert result["partialFingerprints"] == {"findingId/v1": ID}
    place = result["locations"][0]["physicalLocation"]
    lines = (repository.top / place["artifactLocation"]["uri"]).read_text().splitlines()
    assert '"worked_seconds"' in lines[place["region"]["startLine"] - 1]
    repository.accept(ACCEPTED.format(id=ID, expiry="2999-12-31"))
    (accepted,) = check("--output", "sarif").json["runs"][0]["results"]
    assert accepted["suppressions"][0]["justification"].startswith("the topic has no record yet (finance systems")


def test_the_comment_of_a_pull_request_begins_with_its_marker_and_is_the_same_each_time(
    check: Check, repository: Repository
) -> None:
    repository.write(changed(HOURS, "task", doc="<script> @acme/finance | Key of the issue, which is not billable."))
    first, again = check("--output", "markdown"), check("--output", "markdown")
    assert first.code == exits.FINDINGS
    assert first.out == again.out
    assert first.out.splitlines()[:2] == [MARKER, "## Schema review does not pass: 1 breaks, 0 hazards, 1 notes"]
    assert f'id = "{ID}"' in first.out
    assert "<script>" not in first.out
    assert "@acme" not in first.out
    assert all(row.count(" | ") == 3 for row in first.out.splitlines() if row.startswith("| `"))


def test_the_comment_of_a_clean_branch_says_that_it_passes(check: Check) -> None:
    out = check("--output", "markdown").out
    assert "## Schema review passes: 0 breaks, 0 hazards, 0 notes" in out
    assert "How to accept" not in out


def test_sixty_schemas_of_five_versions_are_checked_within_five_seconds(
    check: Check, repository: Repository, tell: Tell
) -> None:
    repository.git("checkout", "-q", "main")
    versions = [TIME]
    for at in range(5):
        added = {"name": f"note_{at}", "type": "string", "doc": "Free text of the source.", "default": ""}
        versions.append({**versions[-1], "fields": [*versions[-1]["fields"], added]})
    for schema in versions[:5]:
        for at in range(60):
            repository.write(schema | {"name": f"Time{at}"}, f"time.Time{at}_v1")
        repository.git("add", "-A")
        repository.git("commit", "-q", "-m", "version")
    for at in range(60):
        repository.write(versions[5] | {"name": f"Time{at}"}, f"time.Time{at}_v1")
    begun, before = time.perf_counter(), sum(os.times()[:4])
    ran = check()
    took, busy = time.perf_counter() - begun, sum(os.times()[:4]) - before
    tell(f"schema check, 60 schemas of 5 versions, all changed: {took:.2f} s, {busy:.2f} s of them busy")
    assert (ran.code, len(ran.json["changed"])) == (exits.CLEAN, 60)
    assert busy < 5, "what others do on the machine meanwhile does not count"


def test_a_comment_that_would_be_too_long_for_a_pull_request_ends_with_a_sentence(
    check: Check, repository: Repository
) -> None:
    fields = [{"name": f"field_{at}", "type": "string", "doc": "", "default": ""} for at in range(400)]
    repository.write(changed(HOURS, "task", doc="") | {"fields": [*HOURS["fields"], *fields]})
    out = check("--output", "markdown").out
    assert len(out) < 65_536
    assert "| `unit-changed` |" in out, "the gravest stand first"
    assert out.splitlines()[-1].startswith("The rest does not fit into a comment")


WAREHOUSE = """
[[consumer]]
name = "warehouse"
owner = "Data platform"
contact = "data-platform@acme.example"
groups = ["warehouse-loader"]

[consumer.reads]
"time.TimeApproved" = ["worked_seconds"]
"""


def test_a_finding_names_the_consumers_that_read_what_has_changed(check: Check, repository: Repository) -> None:
    (repository.top / "schemas/consumers.toml").write_text(WAREHOUSE)
    repository.write(HOURS)
    (told,) = check().json["findings"]
    reached = {each["name"]: (each["event"], each["field"], each["contact"]) for each in told["consumers"]}
    assert reached["tryton"] == ("enriched.time.TimeApproved", "worked_seconds", "")
    assert reached["warehouse"] == ("time.TimeApproved", "worked_seconds", "data-platform@acme.example")
    assert "price-time" not in reached, "it hands the value on and never looks at it"
    out = check("--output", "markdown").out
    assert "### Consumers hit" in out
    assert "| **tryton** (sink) | `worked_seconds` of `enriched.time.TimeApproved` |" in out
    assert "**warehouse** (external, Data platform, data-platform&#64;acme.example)" in out
    (result,) = check("--output", "sarif").json["runs"][0]["results"]
    assert [each["name"] for each in result["properties"]["consumers"]] == list(reached)
    assert result["message"]["text"].endswith("Reaches warehouse, tryton.")
    assert "warehouse, tryton" in " ".join(check("--output", "table").out.split())


def test_a_record_that_cannot_be_decoded_reaches_all_that_decode_it(check: Check, repository: Repository) -> None:
    repository.write({**TIME, "fields": [each for each in TIME["fields"] if each["name"] != "task"]})
    told = {each["code"]: [who["name"] for who in each["consumers"]] for each in check().json["findings"]}
    assert {"price-time", "tryton"} <= set(told["forward-default-missing"]), "though neither reads the task"
    (repository.top / f"schemas/avro/{NAME}.avsc").unlink()
    (gone,) = check().json["findings"]
    assert {"price-time", "tryton"} <= {who["name"] for who in gone["consumers"]}


def test_a_file_of_consumers_that_is_wrong_ends_the_check_with_a_sentence(check: Check, repository: Repository) -> None:
    (repository.top / "schemas/consumers.toml").write_text(WAREHOUSE.replace("owner", "ownr"))
    ran = check()
    assert (ran.code, ran.out) == (exits.USAGE, "")
    assert "consumer[0] (warehouse).ownr: unknown key; did you mean 'owner'?" in ran.err
