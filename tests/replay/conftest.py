from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from psfabric.connection import Kafka
from psfabric.registry import Registry, register_all
from replay import ledger, operations
from tests.kafka.topics import topic
from tests.replay.plant import Plant, planted


@pytest.fixture(scope="session")
def registry(registry_url: str) -> Registry:
    """With every bundled schema registered."""
    found = Registry(registry_url)
    register_all(found)
    return found


@pytest.fixture
def plant(kafka: Kafka, registry: Registry, registry_url: str, tmp_path: Path) -> Iterator[Plant]:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    made = planted(kafka, registry, registry_url, folder)
    yield made
    made.producer.close()


@pytest.fixture
def trail(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> str:
    """An audit trail of the test's own; its topic."""
    name = topic(kafka)
    for module in (operations, ledger):
        monkeypatch.setattr(module, "TOPIC", name)
    return name
