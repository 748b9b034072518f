"""The command line of the local stack, as make calls it: exit codes, sentences, interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.__main__ import main
from deploy.local.processes import marked, wait_until
from tests.deploy.fakes import Web, catalogue, crashing

ROOT = Path(__file__).resolve().parents[2]
SLOW = """
import sys
from deploy.local.__main__ import main
from tests.deploy.fakes import Web, catalogue, never_ready
sys.exit(main(sys.argv[1:], catalogue(Web(), never_ready())))
"""


def run(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), *arguments], catalogue(Web(), crashing()))


def test_up_status_restart_logs_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "up", "web") == 0
    assert "up in" in capsys.readouterr().err
    assert run(tmp_path, "up", "web") == 0
    assert run(tmp_path, "restart", "web") == 0
    assert run(tmp_path, "status", "web") == 0
    assert "web       ready" in capsys.readouterr().out
    assert run(tmp_path, "logs") == 0
    assert "serving" in capsys.readouterr().out
    assert run(tmp_path, "down") == 0
    assert run(tmp_path, "status", "web") == 1
    assert run(tmp_path, "down") == 0


def test_a_failure_is_a_sentence_and_an_exit_code_without_a_stack_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "up") == 5
    said = capsys.readouterr().err
    assert "crashing ended with exit code 3" in said
    assert "Traceback" not in said


def test_an_unknown_part_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "up", "wep") == 2
    assert "Parts are: web, crashing" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SLOW, "--root", str(tmp_path), "up"]
    starting = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    mark = str(tmp_path.resolve() / ".local" / "up")
    log = tmp_path / ".local/up/log/slow.log"
    assert wait_until(lambda: log.exists() and log.read_text() == "waiting\n", 20)
    starting.send_signal(number)
    _, said = starting.communicate(timeout=20)
    assert starting.returncode == 130
    assert "Interrupted; what this command had started is stopped again." in said
    assert "Traceback" not in said
    assert list(marked(mark)) == []
    assert run(tmp_path, "up", "web") == 0
    assert run(tmp_path, "down") == 0
