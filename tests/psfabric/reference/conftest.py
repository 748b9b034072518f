from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local import Stack
from tests.psfabric.reference.server import Server, program


@pytest.fixture(scope="session")
def redis_program(request: pytest.FixtureRequest) -> str:
    """The server binary; the test stack fetches it when this checkout has none yet."""
    if program() is None:
        stack: Stack = request.getfixturevalue("stack_on_demand")
        stack.start("redis")
    found = program()
    assert found is not None, "no redis-server in .local/parts nor on the PATH (PSF_REDIS_URL is set: unset it once)"
    return found


@pytest.fixture(scope="session")
def shared(redis_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(redis_program, tmp_path_factory.mktemp("redis"), "--save", "", "--appendonly", "no")
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
def own(redis_program: str, tmp_path: Path) -> Iterator[Server]:
    """A Redis that the test may stop, started with persistence so that a restart brings the data back."""
    server = Server(redis_program, tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    yield server
    server.stop()
