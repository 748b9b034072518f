"""`psfabric schema register` and `schema drift` against the real registry."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import schemas
from cli import exits
from psfabric.http import Response
from psfabric.kafka import read_topic
from psfabric.registry import SCHEMAS, Registry, believed
from tests.cli.conftest import Ran, Run
from tests.psfabric.reference.server import free_port
from tests.psfabric.window import Window, window
from tests.replay.plant import Plant

pytestmark = pytest.mark.timeout(300)  # each registration is hundreds of requests: seconds, or many on a busy machine

HERE = ("--from-working-tree",)
TIME, ENRICHED = "psf.time.TimeApproved", "psf.enriched.TimeApproved"
SUBJECTS = {schemas.name_of(event).subject for event in schemas.events()}


@pytest.fixture
def registry_window(registry_url: str, here: Plant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """The registry that commands see: empty."""
    with window(registry_url) as made:
        monkeypatch.setenv("PSF_REGISTRY_URL", made.url)
        yield made


def register(run: Run, *args: str) -> Ran:
    return run("schema", "register", *HERE, "--yes", *args)


def drift(run: Run) -> set[tuple[str, str]]:
    ran = run("schema", "drift", *HERE, "--output", "json")
    found = {(each["kind"], each["subject"]) for each in ran.json["differences"]}
    assert ran.code == (exits.FINDINGS if found else exits.CLEAN)
    return found


def shorter(event: str, field: str = "task") -> dict[str, Any]:
    """An earlier schema, without one of the fields."""
    schema = schemas.avro(event)
    return {**schema, "fields": [each for each in schema["fields"] if each["name"] != field]}


# ------------------------------------------------------------------------------------------------ registering


def test_the_plan_is_shown_and_nothing_is_done_unless_it_is_agreed_to(run: Run, registry_window: Window) -> None:
    ran = run("schema", "register", *HERE)
    assert ran.code == exits.REFUSED
    assert f"{TIME} " in ran.out
    assert "none to FULL_TRANSITIVE" in ran.out
    assert f"Register {len(SUBJECTS)} schemas" in ran.err
    dry = run("schema", "register", *HERE, "--dry-run", "--output", "json")
    assert (dry.code, dry.json["done"]) == (exits.CLEAN, 0)
    assert {(each["subject"], each["change"], each["schemas"]) for each in dry.json["plan"]} == {
        (subject, "new", 1) for subject in SUBJECTS
    }
    assert registry_window.writes == []


def test_all_is_registered_at_its_level_and_a_second_run_changes_nothing(
    run: Run, here: Plant, registry_window: Window
) -> None:
    first = register(run, "--output", "json")
    assert (first.code, first.json["done"]) == (exits.CLEAN, 2 * len(SUBJECTS))
    assert {row["event"]: row["id"] for row in first.json["schemas"]} == {
        event: Registry(registry_window.url).id_of(event) for event in schemas.events()
    }
    assert {registry_window.get(f"/config/{subject}")["compatibilityLevel"] for subject in SUBJECTS} == {
        "FULL_TRANSITIVE"
    }
    assert believed(read_topic(here.kafka, SCHEMAS)) == {row["event"]: row["id"] for row in first.json["schemas"]}
    done, kept = len(registry_window.writes), len(read_topic(here.kafka, SCHEMAS))
    second = register(run)
    assert (second.code, second.out) == (
        exits.CLEAN,
        f"Nothing to register: {len(SUBJECTS)} subjects are as they shall be.\n",
    )
    assert (len(registry_window.writes), len(read_topic(here.kafka, SCHEMAS))) == (done, kept)
    assert drift(run) == set()


def test_a_level_that_is_another_is_set(run: Run, registry_window: Window) -> None:
    register(run)
    registry_window.put_level(TIME, "NONE")
    assert drift(run) == {("level-differs", TIME)}
    planned = run("schema", "register", *HERE, "--dry-run")
    assert "NONE to FULL_TRANSITIVE" in planned.out
    del registry_window.writes[:]
    register(run)
    assert registry_window.writes == [f"PUT /config/{TIME}"]


@pytest.mark.parametrize("left", [1, 22])
def test_what_was_broken_off_is_completed_by_a_second_run(run: Run, registry_window: Window, left: int) -> None:
    registry_window.left = left
    ran = register(run)
    assert ran.code == exits.PARTIAL
    assert f"{left} of {2 * len(SUBJECTS)} steps are done; run it again for the rest" in ran.err
    registry_window.left = None
    ran = register(run, "--output", "json")
    assert (ran.code, ran.json["done"]) == (exits.CLEAN, 2 * len(SUBJECTS) - left)
    assert len(registry_window.writes) == len(set(registry_window.writes)) == 2 * len(SUBJECTS)


@pytest.mark.parametrize("verb", [("register", "--yes"), ("register", "--dry-run"), ("drift",)])
def test_a_registry_that_is_away_is_exit_5(
    run: Run, here: Plant, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PSF_REGISTRY_URL", f"http://127.0.0.1:{free_port()}")
    ran = run("schema", *verb, *HERE)
    assert (ran.code, ran.out) == (exits.UNREACHABLE, "")
    assert "gives no answer (ConnectError)" in ran.err


def test_a_refusal_names_subject_version_and_the_registry_s_words_and_holds_up_no_other(
    run: Run, registry_window: Window
) -> None:
    registry_window.refuses = {
        TIME: (409, {"error_code": 409, "message": "num of incompatible\ndiffs: {2}"}),
        ENRICHED: (422, {"error_code": 42205, "message": "Subject is in READONLY mode"}),
        "psf.xref.CrossReferenceUpdated": (403, {"message": "not yours"}),
    }
    ran = register(run)
    assert ran.code == exits.REFUSED
    assert f"the registry refuses version 1 of {TIME} (409): num of incompatible diffs: {{2}}" in ran.err
    assert f"the registry refuses version 1 of {ENRICHED} (422): Subject is in READONLY mode" in ran.err
    assert "(403): not yours" in ran.err
    assert f"{2 * len(SUBJECTS) - 3} of {2 * len(SUBJECTS)} steps are done" in ran.err
    registry_window.refuses.clear()
    assert register(run, "--output", "json").json["done"] == 3


def test_a_break_is_refused_before_anything_is_done(run: Run, registry_window: Window) -> None:
    broken = schemas.avro("time.TimeApproved")
    (field,) = [each for each in broken["fields"] if each["name"] == "worked_seconds"]
    field["type"] = "string"
    registry_window.post(TIME, broken, schemaType="AVRO")
    ran = register(run, "--output", "json")
    assert ran.code == exits.REFUSED
    assert f"{TIME}: version 2 could not read what version 1 writes: `worked_seconds`:" in ran.err
    told = {each["subject"] for each in ran.json["plan"] if each["conflicts"]}
    assert told == {TIME, ENRICHED} or told == {TIME}
    assert registry_window.writes == []


def test_an_empty_schema_that_blocks_a_subject_is_told_of(run: Run, registry_window: Window) -> None:
    """Apicurio takes one, as Protobuf, and refuses everything after it."""
    registry_window.post(TIME, "")
    ran = register(run)
    assert (ran.code, registry_window.writes) == (exits.REFUSED, [])
    assert f"version 1 of {TIME} is no Avro record" in ran.err
    assert {("version-unreadable", TIME), ("schema-missing", TIME)} <= drift(run)


# ------------------------------------------------------------------------------------------------ combinations


def combined(registry: Window) -> list[tuple[bool, bool]]:
    """Of each enriched version: whether its canonical part, and its enrichment, is that of this release."""
    found = []
    for number in registry.get(f"/subjects/{ENRICHED}/versions"):
        schema = json.loads(registry.get(f"/subjects/{ENRICHED}/versions/{number}")["schema"])
        *canonical, enrichment = schema["fields"]
        ours = [each["name"] for each in schemas.avro("time.TimeApproved")["fields"]]
        added = [each["name"] for each in schemas.enrichment("time.TimeApproved")["fields"]]
        found.append(
            ([each["name"] for each in canonical] == ours, [e["name"] for e in enrichment["type"]["fields"]] == added)
        )
    return sorted(found)


def test_every_writer_is_combined_with_every_enrichment(run: Run, registry_window: Window) -> None:
    """Old processes meet the records of new ones, and the other way round: four combinations of two releases."""
    earlier = shorter("time.TimeApproved", "extensions")
    before = copy.deepcopy(schemas.enrichment("time.TimeApproved"))
    added = {"name": "note", "type": "string", "doc": "What an earlier release added.", "default": ""}
    before["fields"].append(added)
    registry_window.post(TIME, earlier, schemaType="AVRO")
    registry_window.post(ENRICHED, schemas.enriched(earlier, before), schemaType="AVRO")
    ran = register(run, "--output", "json")
    assert ran.code == exits.CLEAN
    assert combined(registry_window) == [(False, False), (False, True), (True, False), (True, True)]
    latest = registry_window.get(f"/subjects/{ENRICHED}/versions/latest")
    assert latest["id"] == Registry(registry_window.url).id_of("enriched.time.TimeApproved"), "ours is the newest"
    assert register(run).out.startswith("Nothing to register")


# ------------------------------------------------------------------------------------------------ drift


def test_what_is_missing_and_what_nobody_knows_is_drift(run: Run, registry_window: Window) -> None:
    assert drift(run) == {("subject-missing", subject) for subject in SUBJECTS}
    register(run)
    registry_window.post("psf.time.TimeDreamt", {"type": "record", "name": "TimeDreamt", "fields": []})
    registry_window.post("acme.orders", {"type": "record", "name": "Order", "fields": []})
    assert drift(run) == {("subject-unknown", "psf.time.TimeDreamt")}


def test_a_combination_that_is_missing_is_drift(run: Run, registry_window: Window) -> None:
    register(run)
    registry_window.post(TIME, shorter("time.TimeApproved", "extensions"), schemaType="AVRO")
    assert drift(run) == {("schema-missing", ENRICHED)}
    register(run)
    assert "subjects compared: no differences." in run("schema", "drift", *HERE).out


def test_a_change_of_words_that_the_registry_drops_is_no_drift_and_is_said(run: Run, registry_window: Window) -> None:
    reworded = schemas.avro("time.TimeRemoved") | {"doc": "As it was worded before.", "aliases": ["psf.time.Gone"]}
    registry_window.post("psf.time.TimeRemoved", reworded, schemaType="AVRO")
    assert register(run).code == exits.CLEAN
    ran = run("schema", "drift", *HERE)
    out = ran.out
    assert (ran.code, "subjects compared: no differences." in out) == (exits.CLEAN, True)
    assert "earlier doc or alias: this registry takes no change of these alone. That is no difference." in out
    assert "in the registry's own form" in out


def test_what_a_registry_takes_for_ours_and_is_not_is_drift(
    run: Run, registry_window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(run)
    asked = registry_window.answer

    def altered(method: str, path: str, body: Any) -> Response | None:
        answer = asked(method, path, body)
        if answer is None or path != f"/subjects/{TIME}/versions/1":
            return answer
        return Response(200, {}, answer.body.replace(b'\\"unit\\":\\"s\\"', b'\\"unit\\":\\"h\\"'))

    monkeypatch.setattr(registry_window, "answer", altered)
    assert ("schema-differs", TIME) in drift(run)


# ------------------------------------------------------------------------------------------------ the main line


@dataclass
class Checkout:
    """A git repository with a copy of the schemas, from which the command is run."""

    top: Path
    env: dict[str, str]

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@acme.example", "-c", "commit.gpgsign=false")
        ran = subprocess.run(["git", "-C", str(self.top), *identity, *args], check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def edit(self, name: str = "time.TimeRemoved_v1") -> None:
        """A field more, as a release adds one."""
        path = self.top / f"schemas/avro/{name}.avsc"
        schema = json.loads(path.read_text())
        schema["fields"].append({"name": "note", "type": "string", "doc": "Free text of the source.", "default": ""})
        path.write_text(json.dumps(schema, indent=1))

    def __call__(self, *args: str) -> Ran:
        ran = subprocess.run(
            [sys.executable, "-m", "cli.main", "schema", *args],
            cwd=self.top, env=self.env, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def checkout(tmp_path: Path, registry_window: Window) -> Checkout:
    """On `branch`, which is where `main` is."""
    root = Path(schemas.__file__).resolve().parent.parent
    top = tmp_path / "checkout"
    shutil.copytree(root / "schemas", top / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    (top / ".gitignore").write_text("__pycache__/\n")
    path = os.pathsep.join((str(top), str(root)))
    made = Checkout(top, {**os.environ, "PYTHONPATH": path, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    made.git("init", "-q", "-b", "main")
    made.commit()
    made.git("checkout", "-q", "-b", "branch")
    return made


def test_only_what_the_main_line_has_is_registered(checkout: Checkout, registry_window: Window) -> None:
    checkout.edit()
    ran = checkout("register", "--yes")
    assert (ran.code, registry_window.writes) == (exits.REFUSED, [])
    assert "schemas/avro/time.TimeRemoved_v1.avsc differ from main" in ran.err
    checkout.commit()
    assert checkout("register", "--yes").code == exits.REFUSED, "committed on a branch is not reviewed either"
    assert checkout("register", "--dry-run", "--main-line", "branch", "--output", "json").code == exits.CLEAN
    checkout.git("branch", "-f", "main", "branch")
    ran = checkout("register", "--yes", "--output", "json")
    assert (ran.code, ran.json["main_line"]) == (exits.CLEAN, checkout.git("rev-parse", "main"))
    (checkout.top / "schemas/avro/time.TimeDreamt_v1.avsc").write_text("{}")
    ran = checkout("register", "--yes")
    assert (ran.code, "time.TimeDreamt_v1.avsc differ" in ran.err) == (exits.REFUSED, True)


def test_a_version_that_no_commit_had_is_drift_and_one_of_the_main_line_is_not(
    checkout: Checkout, registry_window: Window
) -> None:
    checkout.git("checkout", "-q", "main")
    registry_window.post("psf.time.TimeRemoved", shorter("time.TimeRemoved", "extensions"), schemaType="AVRO")
    assert checkout("register", "--yes").code == exits.CLEAN
    checkout.edit("time.TimeApproved_v1")
    checkout.commit()
    assert checkout("register", "--yes").code == exits.CLEAN
    ran = checkout("drift", "--output", "json")
    assert ran.code == exits.FINDINGS
    assert [(each["kind"], each["subject"], each["version"]) for each in ran.json["differences"]] == [
        ("version-unknown", "psf.time.TimeRemoved", 1)
    ], "the approved time before is that of a commit, and combinations with the unknown one are not told of again"


def test_without_a_main_line_it_says_what_to_do(checkout: Checkout, registry_window: Window) -> None:
    ran = checkout("register", "--main-line", "trunk")
    assert (ran.code, "no branch trunk here, nor origin/trunk" in ran.err) == (exits.REFUSED, True)
    (checkout.top / ".gitignore").write_text("*\n")
    checkout.git("rm", "-q", "-r", "--cached", "schemas")
    checkout.git("commit", "-q", "-m", "as an installed package lies in a repository")
    checkout.git("branch", "-f", "main", "branch")
    ran = checkout("register")
    assert (ran.code, "main has nothing in" in ran.err) == (exits.REFUSED, True)
    shutil.rmtree(checkout.top / ".git")
    ran = checkout("drift")
    assert (ran.code, "is in no git repository" in ran.err) == (exits.REFUSED, True)
    assert "--from-working-tree takes the schemas as they lie here" in ran.err
    assert registry_window.writes == []


def test_an_installation_without_git_registers_what_it_has(checkout: Checkout, registry_window: Window) -> None:
    shutil.rmtree(checkout.top / ".git")
    ran = checkout("register", "--from-working-tree", "--yes", "--output", "json")
    assert (ran.code, ran.json["main_line"], ran.json["done"]) == (exits.CLEAN, None, 2 * len(SUBJECTS))
