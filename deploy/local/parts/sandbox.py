"""The simulated vendors (Jira, Salesforce REST and Pub/Sub), for the working day and for tests."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.local.part import Part, Place, answers
from deploy.local.ports import LOOPBACK


class Sandbox(Part):
    name = "sandbox"
    ports = ("jira", "salesforce", "pubsub")
    gives = ("PSF_JIRA_URL", "PSF_SALESFORCE_URL", "PSF_SALESFORCE_PUBSUB")
    wants = (
        "PSF_JIRA_USER",
        "PSF_JIRA_TOKEN",
        "PSF_JIRA_WEBHOOK_SECRET",
        "PSF_SALESFORCE_CLIENT_ID",
        "PSF_SALESFORCE_CLIENT_SECRET",
    )
    ready_within = 30.0

    def secrets(self) -> tuple[str, ...]:
        return self.wants[1:]

    def endpoints(self, place: Place) -> dict[str, str]:
        return {
            "PSF_JIRA_URL": f"http://{LOOPBACK}:{place.ports['jira']}",
            "PSF_JIRA_USER": "fabric@acme.example",
            "PSF_SALESFORCE_URL": f"http://{LOOPBACK}:{place.ports['salesforce']}",
            "PSF_SALESFORCE_PUBSUB": f"{LOOPBACK}:{place.ports['pubsub']}",
        }

    def command(self, place: Place) -> list[str]:
        options = [f"--{name}-port={port}" for name, port in place.ports.items()]
        intake = place.env.get("PSF_INTAKE_URL")
        return [sys.executable, "-m", "sandbox", "serve", *options, *([f"--intake-url={intake}"] if intake else [])]

    def environment(self, place: Place) -> dict[str, str]:
        return dict(place.env)

    def directory(self, place: Place) -> Path:
        return place.root

    def healthy(self, place: Place) -> bool:
        served = (f"http://{LOOPBACK}:{place.ports[name]}/health" for name in ("jira", "salesforce"))
        return all(answers(url) for url in served)
