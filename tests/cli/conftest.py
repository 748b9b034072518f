from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cli.main import execute
from tests.replay.conftest import plant, registry, trail
from tests.replay.plant import Plant

__all__ = ["plant", "registry", "trail"]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """One command line in this process."""

    def ran(*args: str) -> Ran:
        capsys.readouterr()
        code = execute(args)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return ran


@pytest.fixture
def here(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """The planted installation is the one that commands work on."""
    for name, value in plant.environment().items():
        monkeypatch.setenv(name, value)
    return plant
