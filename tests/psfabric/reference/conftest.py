from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.psfabric.reference.server import Server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"), "--save", "", "--appendonly", "no")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty(shared: Server) -> Server:
    """A running Redis that holds nothing and has default settings."""
    with redis.Redis.from_url(shared.url) as client:
        client.flushall()
        client.config_set("maxmemory", 0)
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A Redis that the test may stop, started with persistence so that a restart brings the data back."""
    server = Server(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()
