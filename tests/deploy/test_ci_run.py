"""`.ci/run`: all steps run, and its status tells whether any failed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = """#!/bin/sh
read -r line && exit 9  # nothing may be asked
echo "made $1, CI=$CI"
[ "$1" != "$FAILING" ] || exit 2
"""


def run(folder: Path, failing: str = "") -> tuple[int, list[str]]:
    """Status and what was made, with a pretended make of which one target fails."""
    (folder / "make").write_text(MAKE)
    (folder / "make").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FAILING": failing}
    ran = subprocess.run([ROOT / ".ci/run"], env=environment, input="y\n", capture_output=True, text=True, check=False)
    return ran.returncode, [line for line in ran.stdout.splitlines() if line.startswith("made")]


def test_it_makes_everything(tmp_path: Path) -> None:
    assert run(tmp_path) == (0, [f"made {step}, CI=true" for step in ("venv", "check", "test", "demo")])


@pytest.mark.parametrize("failing", ["check", "test", "demo"])
def test_a_failed_step_fails_it_and_the_others_still_run(tmp_path: Path, failing: str) -> None:
    status, made = run(tmp_path, failing)
    assert status == 2
    assert len(made) == 4


def test_without_an_environment_nothing_else_is_tried(tmp_path: Path) -> None:
    assert run(tmp_path, "venv") == (2, ["made venv, CI=true"])
