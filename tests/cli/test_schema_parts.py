"""Whoever reviews or registers schemas names the registry, and the broker where it is asked: no secret of a vendor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli import exits
from tests.cli.conftest import Run

REGISTRY, KAFKA = {"PSF_REGISTRY_URL": "http://127.0.0.1:1"}, {"PSF_KAFKA_BOOTSTRAP": "127.0.0.1:1"}


@pytest.mark.parametrize(
    ("words", "named", "away"),
    [
        (["schema", "drift", "--from-working-tree"], REGISTRY, "127.0.0.1"),
        (["schema", "list"], REGISTRY, "127.0.0.1"),
        (["schema", "register", "--from-working-tree", "--yes"], REGISTRY | KAFKA, "127.0.0.1"),
    ],
)
def test_nothing_else_has_to_be_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], named: dict[str, str], away: str
) -> None:
    for name in [name for name in os.environ if name.startswith("PSF_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # where no local stack is
    ran = run(*words)
    assert ran.code == exits.USAGE
    assert [line.split()[1] for line in ran.err.splitlines()] == sorted(named)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    ran = run(*words)
    assert (ran.code, ran.out) == (exits.UNREACHABLE, "")
    assert away in ran.err
