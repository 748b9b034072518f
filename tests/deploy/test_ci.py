"""The pipeline files of deploy/ci: what they may do, and their own shell lines, run in a clone with a pull request."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import exits
from schemas import contract
from schemas.review.reports import MARKER

ROOT = Path(__file__).resolve().parents[2]
CI = ROOT / "deploy/ci"
NAME = "schemas/avro/time.TimeApproved_v1.avsc"
TIME = contract.read(contract.AVRO / "time.TimeApproved_v1.avsc")
DOC = (ROOT / "docs/schema-review.md").read_text(encoding="utf-8")


def parsed(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((CI / name).read_text(encoding="utf-8"))
    return found


GITHUB, GITLAB = parsed("github-schema-check.yml"), parsed("gitlab-schema-check.yml")
CHECK, REPORT = GITHUB["jobs"]["check"], GITHUB["jobs"]["report"]


def steps(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    return [each for each in job["steps"] if each.get("uses", "").startswith(f"{action}@")]


def test_it_runs_for_every_pull_request_with_no_permission_but_what_a_job_asks_for() -> None:
    assert GITHUB[True] == {"pull_request": None}, "YAML 1.1 reads `on` as true, GitHub does not mind"
    assert GITHUB["permissions"] == {}
    assert CHECK["permissions"] == {"contents": "read"}
    writing = {name for name, may in REPORT["permissions"].items() if may == "write"}
    assert writing == {"pull-requests", "security-events"}
    assert set(REPORT["permissions"].values()) == {"read", "write"}


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    used = re.findall(r"uses: (\S+)(.*)", (CI / "github-schema-check.yml").read_text())
    assert len(used) == 6
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_code_of_the_pull_request_never_meets_a_token_that_may_write() -> None:
    (own,), (trusted,) = steps(CHECK, "actions/checkout"), steps(REPORT, "actions/checkout")
    assert own["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert trusted["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert trusted["with"]["persist-credentials"] is False
    assert "github.token" not in str(CHECK)
    assert "secrets." not in str(GITHUB)
    assert [each["run"] for each in REPORT["steps"] if "run" in each] == [
        f"python3 {trusted['with']['path']}/deploy/ci/comment.py schema-review.md"
    ]


def test_no_text_of_a_pull_request_stands_in_a_shell_line() -> None:
    for job in GITHUB["jobs"].values():
        assert not [each["run"] for each in job["steps"] if "${{" in each.get("run", "")]


def test_gitlab_runs_for_merge_requests_with_the_whole_history_and_comments_after_a_failure() -> None:
    check, comment = GITLAB["schema-check"], GITLAB["schema-comment"]
    assert all("merge_request_event" in job["rules"][0]["if"] for job in (check, comment))
    assert check["variables"] == {"GIT_DEPTH": "0"}
    assert check["artifacts"]["when"] == "always"
    assert comment["rules"][0]["when"] == "always"
    assert comment["needs"] == [{"job": "schema-check", "artifacts": True}]
    assert "SCHEMA_REVIEW_TOKEN" not in str(GITLAB), "it comes from the settings of the project"


# ------------------------------------------------------------------------------------------ run as they stand


@dataclass
class Checkout:
    """A clone of a repository with schemas whose branch `change` shall go to `main`, as a pipeline has it."""

    top: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """Lines of one step, as a runner runs them: the first that fails ends it."""
        script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.env}
        return subprocess.run(
            script, cwd=self.top, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def text(self, name: str) -> str:
        return (self.top / name).read_text(encoding="utf-8")


def git(top: Path, *args: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@acme.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(top), *identity, *args], check=True, capture_output=True)


def clone(folder: Path, change: dict[str, Any]) -> Checkout:
    """Beside the real environment there is a pretended `make`: installing takes minutes."""
    origin, top, made = folder / "origin", folder / "clone", folder / "bin"
    (origin / NAME).parent.mkdir(parents=True)
    (origin / "deploy/ci").mkdir(parents=True)
    git(origin.parent, "init", "-q", "-b", "main", str(origin))
    for name in ("Makefile", "deploy/ci/comment.py"):
        (origin / name).write_bytes((ROOT / name).read_bytes())
    (origin / ".gitignore").write_text(".venv\n")
    for branch, schema in (("main", TIME), ("change", change)):
        git(origin, "checkout", "-q", "-B", branch)
        (origin / NAME).write_text(json.dumps(schema, indent=1), encoding="utf-8")
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", branch)
    git(folder, "clone", "-q", "-b", "change", str(origin), str(top))
    (top / ".venv").symlink_to(ROOT / ".venv")
    made.mkdir()
    (made / "make").write_text('#!/bin/sh\n[ "$*" = venv ]\n')
    (made / "make").chmod(0o755)
    return Checkout(top, {"PATH": f"{made}:{os.environ['PATH']}"})


def with_unit(unit: str) -> dict[str, Any]:
    fields = [each | {"unit": unit} if each["name"] == "worked_seconds" else each for each in TIME["fields"]]
    return {**TIME, "fields": fields}


NOTE = {"name": "note_of_the_day", "type": "string", "doc": 'Free text of the source; "" when none.', "default": ""}
HARMLESS = {**TIME, "fields": [*TIME["fields"], NOTE]}
BREAKING = with_unit("h")
changes = pytest.mark.parametrize(("change", "status"), [(HARMLESS, exits.CLEAN), (BREAKING, exits.FINDINGS)])


def reviewed(checkout: Checkout, status: int) -> None:
    """Both files are there and say what the status says."""
    comment, log = checkout.text("schema-review.md"), json.loads(checkout.text("schema-review.sarif"))
    assert comment.splitlines()[0] == MARKER
    assert ("does not pass" in comment) is (status == exits.FINDINGS)
    errors = [each for each in log["runs"][0]["results"] if each["level"] == "error"]
    assert bool(errors) is (status == exits.FINDINGS)


@changes
def test_the_shell_lines_of_the_workflow_review_a_pull_request(
    tmp_path: Path, change: dict[str, Any], status: int
) -> None:
    checkout = clone(tmp_path, change)
    checkout.env |= {
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    install, check, tell = [each["run"] for each in CHECK["steps"] if "run" in each]
    assert checkout.run(install).returncode == 0
    ran = checkout.run(check)
    assert ran.returncode == status, ran.stderr
    reviewed(checkout, status)
    assert checkout.run(tell).returncode == 0
    assert (tmp_path / "summary").read_text() == checkout.text("schema-review.md")
    assert (tmp_path / "output").read_text() == "reviewed=true\n"


@changes
def test_the_script_of_the_gitlab_job_reviews_a_merge_request(
    tmp_path: Path, change: dict[str, Any], status: int
) -> None:
    checkout = clone(tmp_path, change)
    checkout.env |= {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    git(checkout.top, "update-ref", "-d", "refs/remotes/origin/main")
    ran = checkout.run(*GITLAB["schema-check"]["script"])
    assert ran.returncode == status, ran.stderr
    reviewed(checkout, status)


def test_the_comment_in_gitlab_is_written_by_the_code_of_the_main_line(tmp_path: Path) -> None:
    checkout = clone(tmp_path, BREAKING)
    (checkout.top / "deploy/ci/comment.py").write_text("raise SystemExit('code of the merge request')")
    checkout.env |= {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "GITLAB_CI": "true", "SCHEMA_REVIEW_TOKEN": ""}
    (checkout.top / "schema-review.md").write_text(f"{MARKER}\n")
    ran = checkout.run(*GITLAB["schema-comment"]["script"])
    assert (ran.returncode, "no comment" in ran.stdout) == (0, True), ran.stderr


def test_without_the_history_the_check_fails_and_nothing_is_reported(tmp_path: Path) -> None:
    checkout = clone(tmp_path, HARMLESS)
    git(checkout.top, "checkout", "-q", "--orphan", "apart")
    git(checkout.top, "commit", "-q", "-m", "apart")
    checkout.env |= {"GITHUB_BASE_REF": "main"}
    ran = checkout.run(*[each["run"] for each in CHECK["steps"] if each.get("name") == "Check"])
    assert (ran.returncode, "fetch-depth: 0" in ran.stderr) == (exits.USAGE, True)
    assert not (checkout.top / "schema-review.md").exists()


def test_a_file_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    checkout = clone(tmp_path, HARMLESS)
    for option in ("--sarif", "--markdown"):
        ran = checkout.run(f".venv/bin/psfabric schema check {option} no/such/file")
        assert (ran.returncode, f"Invalid value for {option}: no/such/file cannot be written" in ran.stderr) == (
            exits.USAGE,
            True,
        ), ran.stderr


@changes
def test_make_schema_check_reviews_a_clean_clone(tmp_path: Path, change: dict[str, Any], status: int) -> None:
    checkout = clone(tmp_path, change)
    checkout.env.clear()
    ran = checkout.run("make -o .venv/installed schema-check")  # the environment is that of this checkout
    assert ran.returncode == (2 if status else 0), "make says 2 for whatever has failed"
    assert ("unit-changed" in ran.stdout) is (status == exits.FINDINGS)
    assert "1 files changed since" in ran.stdout
    other = checkout.run("make -o .venv/installed schema-check AGAINST=trunk")
    assert "there is no branch trunk" in other.stderr


def test_the_page_tells_of_the_command_that_both_call() -> None:
    command = "psfabric schema check --against {} --sarif schema-review.sarif --markdown schema-review.md"
    assert command.format("origin/<target>") in DOC
    (github,) = [each["run"] for each in CHECK["steps"] if each.get("name") == "Check"]
    assert command.format('"origin/$GITHUB_BASE_REF"') in github
    target = '"origin/$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"'
    assert command.format(target) in GITLAB["schema-check"]["script"][-1]
