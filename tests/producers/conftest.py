"""The simulated vendors as a process of their own, on ports that the kernel chose."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Vendors:
    """Where the vendors listen and what they accept."""

    jira: str = ""
    salesforce: str = ""
    pubsub: str = ""
    user: str = "fabric@acme.example"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    webhook_secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    client_id: str = "psfabric"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PSF_JIRA_USER": self.user,
            "PSF_JIRA_TOKEN": self.token,
            "PSF_JIRA_WEBHOOK_SECRET": self.webhook_secret,
            "PSF_SALESFORCE_CLIENT_ID": self.client_id,
            "PSF_SALESFORCE_CLIENT_SECRET": self.client_secret,
        }

    def steer_jira(self, path: str, **body: Any) -> Any:
        return _post(f"{self.jira}/_sandbox/{path}", body)

    def steer_salesforce(self, path: str, **body: Any) -> Any:
        return _post(f"{self.salesforce}/_sandbox/{path}", body)


def _post(url: str, body: Any) -> Any:
    answer = httpx.post(url, json=body, timeout=10)
    assert answer.status_code < 300, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    made = Vendors()
    command = [sys.executable, "-m", "sandbox", "serve", "--keep-alive", "0.2"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **made.environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        places = json.loads(process.stdout.readline())
        made.jira, made.salesforce, made.pubsub = places["jira"], places["salesforce"], places["pubsub"]
        yield made
        process.terminate()
