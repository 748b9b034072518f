"""Every verb explains itself, with an example, and quickly."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from cli.main import app
from tests.cli.conftest import Run

HEAVY = ("confluent_kafka", "pydantic", "structlog", "fastavro", "faust", "httpx")


def verbs(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    command = command or typer.main.get_command(app)
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from verbs(inner, (*path, name))
    if not hasattr(command, "commands"):
        yield path


@pytest.mark.parametrize("verb", list(verbs()), ids=" ".join)
def test_the_help_of_every_verb_has_an_example(run: Run, verb: tuple[str, ...]) -> None:
    ran = run(*verb, "--help")
    assert ran.code == 0
    assert "Example: " in ran.out
    assert f"psfabric {' '.join(verb)}" in ran.out.partition("Example: ")[2]


def test_every_verb_of_this_path_is_there() -> None:
    have = {" ".join(verb) for verb in verbs()}
    assert have >= {
        "config check", "dlq list", "dlq show", "dlq stats", "hold list", "replay apply", "replay cancel",
        "replay pause", "replay plan", "replay resume", "replay status", "replay verify", "run deliver",
        "run intake", "run process", "schema drift", "schema list", "schema register",
        "source cursor", "source list",
        "status", "topics apply", "topics plan", "where",
    }  # fmt: skip


def test_help_loads_nothing_heavy_and_is_quick() -> None:
    code = f"import sys, cli.main; cli.main.execute(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    begun = os.times()
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert os.times().children_user - begun.children_user < 3, "0.2 s; by the processor's time, not by the clock"


@pytest.mark.parametrize("args", [("dlq", "lst"), ("nothing",), ("dlq", "list", "--cod", "x"), ("dlq", "show")])
def test_wrong_use_is_exit_2_without_a_stack_trace(run: Run, args: tuple[str, ...]) -> None:
    ran = run(*args)
    assert ran.code == 2
    assert "Traceback" not in ran.err
