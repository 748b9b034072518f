"""What `psfabric demo` says when it cannot start; each leaves nothing running (what happens later: test_watch)."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cli.demo
from deploy.local import Stack
from deploy.local.processes import marked, wait_until
from tests.cli.conftest import Run

INTERRUPTED = """
import functools, sys
from pathlib import Path
import cli.demo, deploy.local
from cli.main import execute
from tests.deploy.fakes import Web, catalogue, never_ready
parts = catalogue(Web(), never_ready())
cli.demo.ROOT, deploy.local.ALL = Path(sys.argv[1]), parts
deploy.local.Stack = functools.partial(deploy.local.Stack, catalogue=parts)
sys.exit(execute(["demo"]))
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with nothing in it, so that neither a demo of this one is disturbed nor disturbs."""
    (tmp_path / "Makefile").touch()
    monkeypatch.setattr(cli.demo, "ROOT", tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert list(marked(str(tmp_path.resolve()))) == []


def test_a_configured_port_that_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PSF_LOCAL_KAFKA_PORT", str(port))
        ran = run("demo")
    assert ran.code == 2
    assert f"Port {port}, configured for kafka by PSF_LOCAL_KAFKA_PORT, is taken by another program." in ran.err
    assert "Set PSF_LOCAL_KAFKA_PORT to a free port" in ran.err


def test_a_second_demo_in_the_same_checkout(run: Run, checkout: Path) -> None:
    first = Stack(checkout, cli.demo.STACK, ())
    first.claim()
    try:
        ran = run("demo")
    finally:
        first.down()
    assert ran.code == 4
    assert "The stack 'demo' of this checkout is in use by process" in ran.err
    assert "Wait until it ends or stop it" in ran.err


def test_outside_a_checkout(run: Run, checkout: Path) -> None:
    (checkout / "Makefile").unlink()
    ran = run("demo")
    assert ran.code == 2
    assert "needs a checkout" in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_start_is_a_sentence_and_130(checkout: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(checkout)]
    starting = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True)
    log = checkout / ".local/demo/log/slow.log"
    assert wait_until(lambda: log.exists() and log.read_text() == "waiting\n", 30)
    starting.send_signal(number)
    _, said = starting.communicate(timeout=30)
    assert starting.returncode == 130
    assert "Interrupted; everything this demo had started is stopped again." in said
    assert "Traceback" not in said
