"""What goes wrong gets a sentence and the right exit code, and nothing is sent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli import exits
from cli.main import execute
from tests.cli.conftest import Run
from tests.replay.plant import SINK, Plant

PARTS = ("PSF_KAFKA_BOOTSTRAP", "PSF_REGISTRY_URL", "PSF_REDIS_URL")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No endpoints and no pipeline files."""
    for name in (*PARTS, "PSF_PARTITIONS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "none.env").touch()
    monkeypatch.setenv("PSF_ENDPOINTS", str(tmp_path / "none.env"))
    monkeypatch.setenv("PSF_PIPELINES", str(tmp_path))
    return tmp_path


def silent_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_without_settings_every_missing_one_is_named(run: Run, nowhere: Path) -> None:
    ran = run("status")
    assert ran.code == exits.USAGE
    assert all(f"{name} is not set" in ran.err for name in PARTS)
    assert "Traceback" not in ran.err


def test_config_check_names_settings_and_pipeline_mistakes_together(run: Run, nowhere: Path) -> None:
    (nowhere / "a.toml").write_text(SINK.format(name="tryton-x").replace("company", "compny"))
    (nowhere / "b.toml").write_text("[[snik]]\n")
    ran = run("config", "check", "--output", "json")
    assert ran.code == exits.USAGE
    mistakes = "\n".join(ran.json["mistakes"])
    assert "PSF_REDIS_URL is not set" in mistakes
    assert "compny is not a setting; did you mean company?" in mistakes
    assert "[[snik]] is unknown; did you mean sink?" in mistakes
    assert ran.err.count("psfabric: ") == len(ran.json["mistakes"])


def test_config_check_is_clean_when_nothing_is_wrong(run: Run, here: Plant) -> None:
    ran = run("config", "check")
    assert ran.code == exits.CLEAN
    assert here.name in ran.out


def test_a_broker_that_is_away_is_exit_5_within_seconds(
    run: Run, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / "a.toml").write_text(SINK.format(name="tryton-x"))
    for name, scheme in zip(PARTS, ("", "http://", "redis://"), strict=True):
        monkeypatch.setenv(name, f"{scheme}127.0.0.1:{silent_port()}")
    begun = time.monotonic()
    ran = run("dlq", "list")
    assert ran.code == exits.UNREACHABLE
    assert "does not answer" in ran.err
    assert time.monotonic() - begun < 25


def process(role: str, **env: str) -> subprocess.CompletedProcess[str]:
    """One of the fabric's own processes, until it ends by itself."""
    command = [sys.executable, "-m", "cli.main", "run", role]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False)


def test_a_process_waits_for_a_broker_with_progress_shown_and_gives_up_with_exit_5(nowhere: Path) -> None:
    (nowhere / "a.toml").write_text(SINK.format(name="tryton-x"))
    addresses = (f"{scheme}127.0.0.1:{silent_port()}" for scheme in ("", "http://", "redis://"))
    ran = process("process", **dict(zip(PARTS, addresses, strict=True)), PSF_START_WITHIN="3")
    assert ran.returncode == exits.UNREACHABLE
    assert "still waits for Kafka" in ran.stdout + ran.stderr
    assert "does not answer" in ran.stderr.splitlines()[-1]


def test_a_time_to_wait_that_is_none_is_exit_2(nowhere: Path) -> None:
    ran = process("intake", PSF_START_WITHIN="abc")
    assert ran.returncode == exits.USAGE
    assert "PSF_START_WITHIN is 'abc'; seconds from 0 to 86400 are allowed" in ran.stderr


def test_a_registry_that_is_away_is_exit_5(run: Run, here: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSF_REGISTRY_URL", f"http://127.0.0.1:{silent_port()}/apis/ccompat/v7")
    assert run("schema", "list").code == exits.UNREACHABLE


@pytest.mark.parametrize("verb", [("dlq", "list"), ("replay", "plan"), ("hold", "list"), ("status",)])
def test_an_unknown_component_names_the_nearest(run: Run, here: Plant, verb: tuple[str, ...]) -> None:
    ran = run(*verb, "--component", here.name[:-1])
    assert ran.code == exits.USAGE
    assert f"did you mean {here.name}?" in ran.err


def test_an_unknown_code_or_type_names_the_nearest(run: Run, here: Plant) -> None:
    code = run("dlq", "list", "--code", "resource-unknwon")
    kind = run("dlq", "list", "--type", "time.TimeAproved")
    assert (code.code, kind.code) == (exits.USAGE, exits.USAGE), code.err
    assert "did you mean resource-unknown?" in code.err
    assert "did you mean time.TimeApproved" in kind.err


def test_an_instant_that_is_none_is_explained(run: Run, here: Plant) -> None:
    ran = run("dlq", "list", "--since", "yesterday-ish")
    assert ran.code == exits.USAGE
    assert "is no date, instant or age" in ran.err


def test_topics_that_were_never_made_are_exit_5_and_say_how_to_make_them(
    run: Run, here: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text(SINK.format(name="tryton-never"))
    monkeypatch.setenv("PSF_PIPELINES", str(tmp_path))
    ran = run("dlq", "list")
    assert ran.code == exits.UNREACHABLE
    assert "psfabric topics apply" in ran.err


def test_a_fault_of_ours_is_101_with_the_log_and_no_stack_trace(
    run: Run, here: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*args: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cli.choosing.catalogue", broken)
    ran = run("dlq", "list")
    log = tmp_path / ".local/log/psfabric-cli.log"
    assert ran.code == exits.INTERNAL
    assert str(log) in ran.err
    assert "Traceback" not in ran.err
    assert "a fault of ours" in log.read_text()


def test_ctrl_c_is_130(here: Plant) -> None:
    """A process of its own, interrupted while it waits for receipts."""
    here.bury(here.record(here.time_event()))
    plan = here.folder / "plan.json"
    env = {**os.environ, **here.environment()}
    assert execute_there(env, "replay", "plan", "--to", str(plan)) == exits.CLEAN
    assert execute_there(env, "replay", "apply", str(plan), "--yes") == exits.CLEAN
    command = [sys.executable, "-m", "cli.main", "replay", "verify", str(plan), "--wait", "60"]
    master, slave = os.openpty()
    waiting = subprocess.Popen(command, env=env, stderr=slave, stdout=subprocess.PIPE)
    os.close(slave)
    try:
        assert b"unknown" in os.read(master, 1000), "the first look is shown on a terminal"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(20) == exits.INTERRUPTED
    finally:
        waiting.kill()
        waiting.wait()
        os.close(master)


def execute_there(env: dict[str, str], *args: str) -> int:
    command = [sys.executable, "-m", "cli.main", *args]
    return subprocess.run(command, env=env, capture_output=True, timeout=60, check=False).returncode


def test_the_console_script_ends_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from cli import main

    monkeypatch.setattr(sys, "argv", ["psfabric", "nothing"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == exits.USAGE == execute(["nothing"])
