"""The environment that make installs, and the files that say what is in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = (ROOT / "requirements.lock", ROOT / "deploy/local/tryton/requirements.lock")


def locked(lock: Path) -> dict[str, set[str]]:
    """Locked versions by package; a package may have one for each of several Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_locked_package_has_hashes_and_no_lock_names_an_index(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index" not in text


def test_the_lock_holds_everything_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    versions = locked(LOCKS[0])
    for text in (*project["dependencies"], *extras["local"], *extras["dev"]):
        wanted = Requirement(text)
        have = versions.get(canonicalize_name(wanted.name), set())
        assert have, f"{text}: not in requirements.lock; run make lock"
        assert all(wanted.specifier.contains(version) for version in have), f"{text}: locked {have}; run make lock"


def test_the_tryton_lock_holds_what_it_is_made_from() -> None:
    lines = (ROOT / "deploy/local/tryton/requirements.in").read_text().splitlines()
    versions = locked(LOCKS[1])
    for wanted in (Requirement(line) for line in lines if line and not line.startswith("#")):
        assert all(wanted.specifier.contains(version) for version in versions[canonicalize_name(wanted.name)])


def environment_made_with(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Run deploy/environment.py of a copied checkout with nothing on the PATH but pretended Pythons."""
    (folder / "deploy").mkdir()
    for name in ("deploy/environment.py", "requirements.lock", "pyproject.toml"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / "bin").mkdir()
    for name, answer in pythons.items():
        program = folder / "bin" / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHON"} | {"PATH": f"{folder}/bin"}
    command = [sys.executable, str(folder / "deploy/environment.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_python_3_10_is_refused_in_a_sentence(tmp_path: Path) -> None:
    made = environment_made_with(tmp_path, python3="3 10")
    assert made.returncode == 2
    assert made.stderr.startswith("psfabric needs Python 3.11, 3.12 or 3.13; python3 is 3.10.\nInstall one of them")
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_there_but_does_not_run_is_passed_over(tmp_path: Path) -> None:
    made = environment_made_with(tmp_path, python3_12="pyenv: command not found", python3="3 14")
    assert made.returncode == 2
    assert "python3 is 3.14" in made.stderr


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    made = environment_made_with(tmp_path)
    assert "there is no python3 on the PATH" in made.stderr


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(phony[1].split()) == set(re.findall(r"^  make ([\w-]+)", listed, re.MULTILINE))
