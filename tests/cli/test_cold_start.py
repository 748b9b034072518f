"""A process that starts while the schema registry is away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from psfabric import pipelines
from psfabric.engine import Write
from psfabric.kafka import Admin, read_topic
from psfabric.registry import SCHEMAS, Registry, believed, register_all
from tests.cli.conftest import Run
from tests.contracts.given import example
from tests.psfabric.reference.server import free_port
from tests.replay.plant import Plant

WITHIN = 30.0


@contextmanager
def silent() -> Iterator[str]:
    """A registry that takes every connection and never answers: worse than one that is not there."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def process(env: dict[str, str], log: Path) -> Iterator[str]:
    """`psfabric run process`; yields the address of its health."""
    port = free_port()
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-m", "cli.main", "run", "process"],
            env={**os.environ, **env, "PSF_HEALTH_PORT": str(port)},
            stdout=out,
            stderr=out,
        ) as running,
    ):
        try:
            yield f"http://127.0.0.1:{port}/health"
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()
                raise


def until_healthy(url: str, log: Path) -> float:
    began = time.monotonic()
    while time.monotonic() - began < WITHIN + 30:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return time.monotonic() - began
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


@pytest.mark.parametrize("how", [pytest.param("refuses", marks=pytest.mark.faults), "is silent"])
def test_a_process_starts_within_30_s_and_works_while_the_registry_is_away(
    how: str, run: Run, here: Plant, tmp_path: Path
) -> None:
    assert run("schema", "register", "--from-working-tree", "--yes").code == 0
    name = f"approve-{uuid.uuid4().hex[:6]}"
    folder = tmp_path / "processor"
    folder.mkdir()
    (folder / "p.toml").write_text(f'[[processor]]\nname = "{name}"\nuse = "approve_time"\n')
    Admin(here.kafka).apply(pipelines.load(folder, {}).topics())
    event = example("time.TimeSubmitted")
    key, value, headers = here.codec.encode(event)
    here.write(Write("psf.time", key, value, headers))
    with silent() as url:
        away = url if how == "is silent" else f"http://127.0.0.1:{free_port()}"
        env = {**here.environment(), "PSF_PIPELINES": str(folder), "PSF_REGISTRY_URL": away}
        log = tmp_path / "process.log"
        with process(env, log) as health:
            assert until_healthy(health, log) < WITHIN
            deadline = time.monotonic() + 30
            while Admin(here.kafka).lag({name: ["psf.time"]})[name][0].behind:
                assert time.monotonic() < deadline, log.read_text()[-2000:]
                time.sleep(0.2)
    for kind in ("hold", "dlq"):  # what other tests wrote to the topic may well have failed
        assert [record for record in read_topic(here.kafka, f"{kind}.{name}") if record.key == key] == []


def test_registering_keeps_every_id(run: Run, here: Plant) -> None:
    assert run("schema", "register", "--from-working-tree", "--yes").code == 0
    assert believed(read_topic(here.kafka, SCHEMAS)) == register_all(Registry(here.registry_url))
