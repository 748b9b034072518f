"""One running sandbox for the tests of this folder, and a receiver that stands in for intake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from sandbox.control import Control

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "PSF_JIRA_USER": "fabric@acme.example",
    "PSF_JIRA_TOKEN": "token-of-the-test",
    "PSF_JIRA_WEBHOOK_SECRET": "secret-of-the-test",
    "PSF_SALESFORCE_CLIENT_ID": "client-of-the-test",
    "PSF_SALESFORCE_CLIENT_SECRET": "client-secret-of-the-test",
}


@dataclass(frozen=True)
class Hook:
    """A webhook as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["x-atlassian-webhook-identifier"]


@dataclass
class Receiver:
    """Records webhooks; `answers` are the statuses of the next posts, 202 when there are none left."""

    url: str = ""
    hooks: list[Hook] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def about(self, worklog: int) -> list[Hook]:
        """Those of one worklog, in order of arrival."""
        return [hook for hook in self.hooks if f'"id":"{worklog}"'.encode() in hook.body]


@pytest.fixture(scope="package")
def door() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.hooks.append(Hook(self.path, headers, body))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()


@pytest.fixture
def receiver(door: Receiver) -> Receiver:
    door.hooks.clear()
    door.answers.clear()
    return door


@dataclass(frozen=True)
class Running:
    """Where the sandbox listens."""

    jira: str
    salesforce: str
    pubsub: str


def start(*options: str, environment: dict[str, str] | None = None, stderr: int | None = None) -> subprocess.Popen[str]:
    """`python -m sandbox serve` with the credentials of the tests."""
    env = os.environ | SECRETS | (environment or {})
    command = [sys.executable, "-m", "sandbox", "serve", *options]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True)


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    process.communicate(timeout=10)
    return process.returncode


@pytest.fixture(scope="package")
def running(door: Receiver) -> Iterator[Running]:
    process = start(f"--intake-url={door.url}", "--keep-alive=0.3")
    assert process.stdout
    yield Running(**json.loads(process.stdout.readline()))
    assert stop(process) == 0


@pytest.fixture
def control(running: Running, receiver: Receiver) -> Iterator[Control]:
    with Control(running.jira, running.salesforce) as steering:
        yield steering
        steering.hold_clock(None)
        steering.jira_faults(throttle=0, server_error=0, delay=0)
        steering.salesforce_faults(throttle=0, server_error=0, delay=0)
        receiver.answers.clear()
        steering.settle()


@pytest.fixture
def rest(running: Running) -> Iterator[httpx.Client]:
    """Jira's REST API, signed in."""
    auth = (SECRETS["PSF_JIRA_USER"], SECRETS["PSF_JIRA_TOKEN"])
    with httpx.Client(base_url=f"{running.jira}/rest/api/3", auth=auth, verify=False) as client:
        yield client


def sign_in(running: Running) -> dict[str, str]:
    """The answer of Salesforce's token endpoint."""
    form = {
        "grant_type": "client_credentials",
        "client_id": SECRETS["PSF_SALESFORCE_CLIENT_ID"],
        "client_secret": SECRETS["PSF_SALESFORCE_CLIENT_SECRET"],
    }
    answer: dict[str, str] = httpx.post(f"{running.salesforce}/services/oauth2/token", data=form, verify=False).json()
    return answer


@pytest.fixture
def org(running: Running) -> Iterator[httpx.Client]:
    """Salesforce's REST API, signed in."""
    headers = {"Authorization": f"Bearer {sign_in(running)['access_token']}"}
    with httpx.Client(base_url=f"{running.salesforce}/services/data/v62.0", headers=headers, verify=False) as client:
        yield client
