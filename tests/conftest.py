"""The real parts that tests run against: one stack for each worker of a run, each part started when first asked for.

Endpoints given in the environment (PSF_KAFKA_BOOTSTRAP, …) are used instead; then that part is not started.
"""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local import Console, Stack, StackBusy
from deploy.local.part import Part
from deploy.local.parts import ALL
from deploy.local.progress import Tell as Progressed
from deploy.local.progress import silent
from psfabric.connection import Kafka

ROOT = Path(__file__).resolve().parent.parent
# A shell that starts the tests in the background has them ignore Ctrl-C, and so would the programs that they interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

CORE = ("kafka", "registry", "redis")
STACKS = 16
TOLD = "told"

pytest_plugins = ["tests.faults.summary"]


@dataclass(frozen=True)
class TrytonServer:
    """`admin_password` is that of the user `admin`, for tests that close periods and on-board people."""

    url: str
    database: str
    user: str
    password: str
    admin_password: str


class Terminal(io.StringIO):
    """Where pytest itself writes: what is printed the usual way is captured, and shown only for a test that fails."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")

    def write(self, text: str) -> int:
        if self._reporter:
            self._reporter.ensure_newline()
            self._reporter.write(text, flush=True)
        return len(text)


Tell = Callable[[str], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Says a line at the end of the run, which every worker's way leads to; what is printed by one is lost."""
    return lambda line: record_property(TOLD, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    passed = terminalreporter.getreports("passed")
    told = [line for report in passed for name, line in report.user_properties if name == TOLD]
    if told:
        terminalreporter.section("counted and measured")
        terminalreporter.write_line("\n".join(str(line) for line in told))


@contextlib.contextmanager
def own_stack(
    name: str,
    parts: Sequence[str],
    tell: Progressed = silent,
    env: Mapping[str, str] | None = None,
    catalogue: Mapping[str, Part] = ALL,
) -> Iterator[Stack]:
    """A stack with nothing started yet: `name`, or `name-2` … when another run or worker in this checkout has that."""
    for folder in (name, *(f"{name}-{n}" for n in range(2, STACKS + 1))):
        with contextlib.suppress(StackBusy):
            stack = Stack(ROOT, folder, parts, env, tell, catalogue=catalogue)
            stack.claim()
            break
    else:
        pytest.exit(f"{STACKS} test runs or workers use this checkout already; wait until one ends.", returncode=4)
    try:
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="session")
def stack_on_demand(pytestconfig: pytest.Config) -> Iterator[Stack]:
    with own_stack("test", (), Console(Terminal(pytestconfig))) as stack:
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
