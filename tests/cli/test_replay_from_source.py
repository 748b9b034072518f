"""`replay plan --from`: a mended mapping of Jira, from the plan to what is sent and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from cli import exits
from cli.from_source import mapping
from cli.installation import Installation
from producers.jira import Jira
from psfabric.adapters import Source
from psfabric.engine import Write
from psfabric.engine import receipts as receipt
from psfabric.kafka import read_topic
from psfabric.pipelines import Declared, Instance, Pipelines
from psfabric.settings import settings
from psfabric.stages import about_id
from tests.cli.conftest import Run
from tests.replay.jira import Rounding, full, mapping_of
from tests.replay.plant import Plant
from tests.replay.sources import Notes, SourcePlant

JIRA = """
[[source]]
name = "{name}"
use = "jira"
settings = {{ base_url = "http://127.0.0.1:1", user = "fabric", token = "t", secret = "s" }}
"""


class Sourced:
    """A Jira in front of the planted sink."""

    def __init__(self, here: Plant) -> None:
        self.source = SourcePlant(here, thin=True)
        self.name = self.source.name
        (here.folder / "source.toml").write_text(JIRA.format(name=self.name))
        self.then, self.now = mapping_of(Rounding, self.name), mapping_of(Jira, self.name)

    @property
    def topic(self) -> str:
        return f"full.{self.name}"

    def worked(self, number: int, seconds: int, mapping: Jira | None = None, **issue: Any) -> None:
        """Read for a notice, said as then, sent to the sink and posted there."""
        record = self.source.store(full(number, seconds, **issue), key=str(number))
        for event in self.source.say(record, mapping or self.then):
            self.source.apply(self.source.send(event))
        self.source.read()


@pytest.fixture
def jira(here: Plant) -> Sourced:
    return Sourced(here)


def test_a_mended_mapping_is_planned_with_its_difference_and_samples(run: Run, jira: Sourced, tmp_path: Path) -> None:
    jira.worked(1, 7200)
    jira.worked(2, 5400)
    path = tmp_path / "fix.json"
    ran = run("replay", "plan", "--from", jira.topic, "--since", "1d", "--to", str(path))
    assert ran.code == exits.CLEAN, ran.err
    assert "changed, already delivered" in ran.out
    assert "+0.5000" in ran.out
    assert "+62.5" in ran.out
    assert "worked_seconds" in ran.out
    assert "5400" not in ran.out, "personal"
    body = json.loads(path.read_text())
    assert [entry["id"] for entry in body["entries"]] == [f"{jira.topic}/0/1"]
    assert (body["format"], body["selection"]["from"]) == (2, jira.topic)


def test_apply_asks_with_the_number_and_the_difference_of_the_corrections(
    run: Run, jira: Sourced, tmp_path: Path
) -> None:
    jira.worked(1, 5400)
    jira.worked(2, 3700)
    path = tmp_path / "fix.json"
    run("replay", "plan", "--from", jira.topic, "--to", str(path))
    asked = run("replay", "apply", str(path))
    assert asked.code == exits.REFUSED
    assert "2 corrections of already delivered records, difference +0.53 h, +65.98 GBP. Send 2 of 2" in asked.err
    assert read_topic(jira.source.plant.kafka, f"redo.{jira.name}") == []
    assert run("replay", "apply", str(path), "--yes").code == exits.CLEAN
    assert len(read_topic(jira.source.plant.kafka, f"redo.{jira.name}")) == 2


def test_the_revision_of_a_plan_is_the_number_of_its_row_in_the_audit_trail(
    run: Run, jira: Sourced, tmp_path: Path
) -> None:
    jira.worked(1, 5400)
    revisions = []
    for number in range(2):
        path = tmp_path / f"{number}.json"
        assert run("replay", "plan", "--from", jira.topic, "--to", str(path)).code == exits.CLEAN
        revisions.append(json.loads(path.read_text())["revision"])
    assert revisions[0] < revisions[1], "never one twice"
    rows = [json.loads(record.value or b"") for record in read_topic(jira.source.plant.kafka, "fabric.operations")]
    mine = [row for row in rows if row["detail"].get("from") == jira.topic]
    assert [row["act"] for row in mine] == ["replay.plan", "replay.plan"]
    assert mine[0]["detail"] == {"from": jira.topic, "selection": {}, "records": 1}


def test_a_dry_run_takes_no_number_and_writes_no_file(run: Run, jira: Sourced, tmp_path: Path) -> None:
    jira.worked(1, 5400)
    path = tmp_path / "fix.json"
    ran = run("replay", "plan", "--from", jira.topic, "--dry-run", "--to", str(path), "--output", "json")
    assert ran.code == exits.CLEAN
    assert ran.json["plan"]["remapped"]["changed"] == 1
    assert not path.exists()
    trail = read_topic(jira.source.plant.kafka, "fabric.operations")
    assert not any(jira.topic.encode() in (record.value or b"") for record in trail)


@pytest.mark.parametrize("output", ["table", "json"])
def test_an_unchanged_mapping_has_nothing_to_do(run: Run, jira: Sourced, tmp_path: Path, output: str) -> None:
    jira.worked(1, 5400, jira.now)
    path = tmp_path / "fix.json"
    ran = run("replay", "plan", "--from", jira.topic, "--to", str(path), "--output", output)
    assert ran.code == exits.FINDINGS
    assert "Nothing to do: of 1 records the mapping says 1 events as they were said" in ran.err
    assert not path.exists()
    if output == "json":
        assert (ran.json["plan"], ran.json["remapped"]["unchanged"]) == (None, 1)


def test_a_time_without_records_is_told(run: Run, jira: Sourced) -> None:
    jira.worked(1, 5400)
    ran = run("replay", "plan", "--from", jira.topic, "--until", "2d")
    assert ran.code == exits.FINDINGS
    assert f"{jira.topic} holds no record of that time" in ran.err


def test_what_the_component_has_not_read_is_left_to_it(run: Run, jira: Sourced) -> None:
    jira.source.store(full(1, 5400))
    ran = run("replay", "plan", "--from", jira.topic)
    assert ran.code == exits.FINDINGS
    assert "none of these 1 records was read by its component yet" in ran.err


def test_what_the_mapping_refuses_is_told_with_its_code(run: Run, jira: Sourced) -> None:
    jira.worked(1, 5400, customfield_10107="")
    ran = run("replay", "plan", "--from", jira.topic)
    assert ran.code == exits.FINDINGS
    assert "project-code-missing" in ran.out
    assert "customfield_10107 of issue A-1 is empty" in ran.out


def test_a_mapping_that_calls_out_or_breaks_is_told_once_and_not_called(
    run: Run, jira: Sourced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jira, "translate", lambda self, full: [self.http])
    for number in range(3):
        jira.worked(number, 5400, jira.now)
    ran = run("replay", "plan", "--from", jira.topic)
    assert ran.code == exits.FINDINGS
    assert f"RuntimeError in {jira.name}" in ran.out
    assert "Traceback" not in ran.err
    assert ran.err.count("RuntimeError") == 0, "not once for each record"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("full.{name}x", "no source '{name}x'; did you mean {name}?"),
        ("raw.{name}", "raw.{name} holds thin notices, which say nothing by themselves"),
        ("raw.{name}", "what was read for them is in full.{name}"),
        ("psf.time", "'psf.time' holds no source record that a mapping reads; there is full.{name}"),
        ("orders", "'orders' holds no source record that a mapping reads; there is full.{name}"),
        ("full.", "'full.' holds no source record that a mapping reads; there is full.{name}"),
    ],
)
def test_a_topic_that_no_mapping_reads_is_exit_2(run: Run, jira: Sourced, given: str, said: str) -> None:
    ran = run("replay", "plan", "--from", given.format(name=jira.name))
    assert ran.code == exits.USAGE
    assert said.format(name=jira.name) in ran.err


def test_of_a_fat_source_full_means_raw(here: Plant) -> None:
    notes: Declared[Source] = Declared(Instance(name="notes-fat", use="notes"), Notes(name="notes-fat"))
    where = Installation(settings(), Pipelines((notes,), (), ()))
    assert [mapping(where, f"{family}.notes-fat").topic for family in ("full", "raw")] == ["raw.notes-fat"] * 2


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--component", "x"), "it chooses among dead letters; --from"),
        (("--code", "x"), "it chooses among dead letters"),
        (("--topic", "dlq.x", "--to-topic", "x"), "the record of a source or dead letters"),
        (("--type", "time.TimePosted"), "no event of {name} 'time.TimePosted'"),
        (("--since", "yesterday-ish"), "is no date, instant or age"),
    ],
)
def test_a_filter_that_does_not_fit_is_exit_2(run: Run, jira: Sourced, option: tuple[str, ...], said: str) -> None:
    ran = run("replay", "plan", "--from", jira.topic, *option)
    assert ran.code == exits.USAGE
    assert said.format(name=jira.name) in " ".join(ran.err.split())


def test_a_topic_that_was_never_made_is_exit_5(run: Run, jira: Sourced) -> None:
    admin = AdminClient({"bootstrap.servers": jira.source.plant.kafka.bootstrap})
    for done in admin.delete_topics([jira.topic]).values():
        done.result(20)
    ran = run("replay", "plan", "--from", jira.topic)
    assert ran.code == exits.UNREACHABLE
    assert "run `psfabric topics apply`" in ran.err


def test_verify_tells_what_the_targets_answered(run: Run, jira: Sourced, tmp_path: Path) -> None:
    jira.worked(1, 5400)
    plan, plant = str(tmp_path / "fix.json"), jira.source.plant
    run("replay", "plan", "--from", jira.topic, "--to", plan)
    run("replay", "apply", plan, "--yes")
    (sent,) = read_topic(plant.kafka, f"redo.{jira.name}")
    about = f"{jira.name}/{sent.header('fabric-notice-id')}"
    passed = receipt.passed_on(jira.name, about_id(sent), sent.topic)
    own = (("ce_type", passed.CE_TYPE.encode()), ("ce_id", passed.event_id.encode()))
    key = receipt.receipt_key(jira.name, about, "terminal")
    plant.write(Write(receipt.TOPIC, key, plant.codec.value(passed), own))
    early = run("replay", "verify", plan, "--wait", "0", "--output", "json")
    assert (early.code, early.json["home"], list(early.json["events"].values())) == (exits.PARTIAL, True, ["unknown"])
    (event,) = jira.source.again(sent, jira.now)
    plant.deliver(jira.source.send(event), duplicate=True)
    ran = run("replay", "verify", plan, "--wait", "5")
    assert ran.code == exits.CLEAN, ran.out
    assert plant.name in ran.out
    assert "1 corrections changed nothing" in ran.out
