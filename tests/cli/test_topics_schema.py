"""Topics and schemas from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import schemas
from cli import exits
from psfabric.kafka import Admin
from schemas import Topic
from tests.cli.conftest import Run
from tests.replay.plant import SINK, Plant


@pytest.fixture
def fresh(here: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a sink whose topics do not exist yet."""
    (tmp_path / "sink.toml").write_text(SINK.format(name=f"{here.name}-b"))
    monkeypatch.setenv("PSF_PIPELINES", str(tmp_path))
    return f"{here.name}-b"


def own(changes: list[dict[str, str]], name: str) -> dict[str, str]:
    """Only those of the test's sink: shared topics may have been made with other counts by other tests."""
    return {change["topic"]: change["action"] for change in changes if change["topic"].endswith(f".{name}")}


def test_plan_shows_what_is_missing_and_apply_makes_it(run: Run, here: Plant, fresh: str) -> None:
    before = run("topics", "plan", "--output", "json")
    wanted = {f"{family}.{fresh}": "create" for family in ("applied", "deliver", "dlq", "hold", "redo")}
    assert (before.code, own(before.json["changes"], fresh)) == (exits.FINDINGS, wanted)
    run("topics", "apply", "--yes")
    after = run("topics", "plan", "--output", "json")
    assert own(after.json["changes"], fresh) == {}


def test_apply_asks_and_a_dry_run_changes_nothing(run: Run, here: Plant, fresh: str) -> None:
    assert run("topics", "apply").code == exits.REFUSED
    assert "--dry-run" in run("topics", "apply", "--dry-run").out
    assert len(own(run("topics", "plan", "--output", "json").json["changes"], fresh)) == 5


def test_a_topic_with_another_count_is_a_finding_and_is_left_alone(run: Run, here: Plant, fresh: str) -> None:
    other = Topic(name=f"dlq.{fresh}", partitions=1, config={}, rule="dlq.<component>", tombstones=True)
    Admin(here.kafka).apply([other])
    ran = run("topics", "apply", "--yes", "--output", "json")
    assert (ran.code, own(ran.json["changes"], fresh)[f"dlq.{fresh}"]) == (exits.FINDINGS, "conflict")


def test_a_topic_that_is_set_otherwise_is_shown_and_altered(run: Run, here: Plant, fresh: str) -> None:
    short = Topic(
        name=f"dlq.{fresh}", partitions=4, config={"retention.ms": "1000"}, rule="dlq.<component>", tombstones=True
    )
    Admin(here.kafka).apply([short])
    planned = run("topics", "plan")
    assert "retention.ms from 1000 to 34560000000" in "".join(planned.out.split("\n")).replace("  ", " ")
    assert " 1 altered." in run("topics", "apply", "--yes").out
    assert own(run("topics", "plan", "--output", "json").json["changes"], fresh) == {}


def test_list_shows_the_ids(run: Run, here: Plant) -> None:
    listed = run("schema", "list", "--output", "json")
    assert listed.code == exits.CLEAN
    assert {row["event"] for row in listed.json["schemas"]} == set(schemas.events())
