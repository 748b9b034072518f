"""The real parts that tests run against: one stack for the whole run, each part started when first asked for.

Endpoints given in the environment (PSF_KAFKA_BOOTSTRAP, …) are used instead; then that part is not started.
"""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local import Console, Stack, StackBusy
from psfabric.connection import Kafka

ROOT = Path(__file__).resolve().parent.parent
# A shell that starts the tests in the background has them ignore Ctrl-C, and so would the programs that they interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

CORE = ("kafka", "registry", "redis")


@dataclass(frozen=True)
class TrytonServer:
    """`admin_password` is that of the user `admin`, for tests that close periods and on-board people."""

    url: str
    database: str
    user: str
    password: str
    admin_password: str


class _Terminal(io.StringIO):
    """Where pytest itself writes: what is printed the usual way is captured, and shown only for a test that fails."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")

    def write(self, text: str) -> int:
        if self._reporter:
            self._reporter.ensure_newline()
            self._reporter.write(text, flush=True)
        return len(text)


@pytest.fixture(scope="session")
def stack_on_demand(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """A stack with nothing started yet: `test`, or `test-2` … when another run in this checkout has that one."""
    tell = Console(_Terminal(pytestconfig))
    with contextlib.ExitStack() as stopping:
        for name in ("test", "test-2", "test-3", "test-4", "test-5", "test-6"):
            with contextlib.suppress(StackBusy):
                stack = Stack(ROOT, name, (), on_progress=tell)
                stack.claim()
                stopping.callback(stack.down)
                break
        else:
            pytest.exit("Six test runs use this checkout already; wait until one ends.", returncode=4)
        yield stack


@pytest.fixture(scope="session")
def stack(stack_on_demand: Stack) -> Stack:
    """Kafka, the schema registry and Redis, ready."""
    stack_on_demand.parts += [part for part in CORE if part not in stack_on_demand.parts]
    return stack_on_demand.up()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Stack) -> str:
    return stack.endpoints["PSF_KAFKA_BOOTSTRAP"]


@pytest.fixture(scope="session")
def kafka(kafka_bootstrap: str) -> Kafka:
    return Kafka(kafka_bootstrap)


@pytest.fixture(scope="session")
def registry_url(stack: Stack) -> str:
    """Base URL of the Confluent-compatible API, ending in /apis/ccompat/v7 for the local registry."""
    return stack.endpoints["PSF_REGISTRY_URL"]


@pytest.fixture(scope="session")
def redis_url(stack: Stack) -> str:
    return stack.endpoints["PSF_REDIS_URL"]


@pytest.fixture(scope="session")
def tryton(stack_on_demand: Stack) -> TrytonServer:
    """A Tryton with the golden database, shared by the whole run: tests keep to records they made themselves."""
    stack_on_demand.start("tryton")
    known = stack_on_demand.endpoints
    return TrytonServer(
        url=known["PSF_TRYTON_URL"],
        database=known["PSF_TRYTON_DATABASE"],
        user=known["PSF_TRYTON_USER"],
        password=known["PSF_TRYTON_PASSWORD"],
        admin_password=known.get("PSF_TRYTON_ADMIN_PASSWORD", ""),
    )
