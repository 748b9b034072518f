"""Starting and stopping the sandbox, and what it says when it cannot start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sandbox.serve import SECRETS, Unusable, secrets_of
from tests.sandbox.conftest import start, stop

Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """`start`, ending whatever a failed test leaves running."""
    started: list[subprocess.Popen[str]] = []

    def launched(*options: str, **more: Any) -> subprocess.Popen[str]:
        started.append(start(*options, **more))
        return started[-1]

    yield launched
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_credential_is_refused_by_name(name: str, value: str) -> None:
    given = dict.fromkeys(SECRETS, "something")
    assert secrets_of(given) == given
    with pytest.raises(Unusable, match=name):
        secrets_of(given | {name: value})


def test_without_a_credential_it_ends_with_a_sentence(launch: Launch) -> None:
    process = launch(environment={"PSF_JIRA_TOKEN": ""}, stderr=subprocess.PIPE)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said.startswith("sandbox: ")
    assert "PSF_JIRA_TOKEN" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("option", ["--jira-port", "--salesforce-port", "--pubsub-port"])
def test_a_taken_port_is_said(launch: Launch, option: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = launch(f"{option}={port}", stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert str(port) in said
    assert option in said
    assert "Traceback" not in said


def test_two_sandboxes_do_not_share_a_port(launch: Launch) -> None:
    first = launch()
    assert first.stdout
    port = json.loads(first.stdout.readline())["pubsub"].rpartition(":")[2]
    second = launch(f"--pubsub-port={port}", stderr=subprocess.PIPE)
    _, said = second.communicate(timeout=20)
    assert stop(first) == 0
    assert second.returncode == 2
    assert port in said


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_health_and_stops_on_a_signal(launch: Launch, sent: signal.Signals) -> None:
    process = launch()
    assert process.stdout
    places = json.loads(process.stdout.readline())
    with httpx.Client(verify=False) as client:  # its open connections must not delay the end
        for name in ("jira", "salesforce"):
            assert client.get(f"{places[name]}/health").json() == {"ready": True}
        process.send_signal(sent)
        process.communicate(timeout=5)
    assert process.returncode == 0


def test_it_listens_where_it_is_told(launch: Launch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = launch(f"--jira-port={port}")
    assert process.stdout
    assert json.loads(process.stdout.readline())["jira"] == f"http://127.0.0.1:{port}"
    assert stop(process) == 0
