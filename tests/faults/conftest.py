"""Real parts and processes for the runs under faults, their seed, and the summary at the end.

pytest tests/faults -m faults -k row17 --seed 5        (or ROW=17 SEED=5 make test-faults)
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from deploy.local import Console, Stack
from psfabric.registry import Registry
from tests.conftest import ROOT, _Terminal
from tests.faults.fabric import Parts
from tests.faults.ground import QUICK, TIERS, Ground, own_parts
from tests.faults.processes import Nursery
from tests.faults.report import Report

pytest.register_assert_rewrite("tests.faults.rows")
REPORT = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="repeat a run under faults from its seed")
    parser.addoption(
        "--tier", choices=list(TIERS), default=None, help="quick, long (unscaled, ten times as many), small"
    )


def pytest_configure(config: pytest.Config) -> None:
    given = config.getoption("--seed", None) or int(os.environ.get("SEED") or 0)
    seed = given or random.SystemRandom().randrange(1, 10**6)
    tier = config.getoption("--tier", None) or os.environ.get("TIER") or QUICK.name
    config.stash[REPORT] = Report(seed, tier)


@pytest.hookimpl(trylast=True)
def pytest_report_header(config: pytest.Config) -> str:
    return f"seed of the faults: {config.stash[REPORT].seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    if report.totals or report.controls or report.points:
        terminalreporter.section(f"under faults, seed {report.seed}, tier {report.tier}")
        terminalreporter.write_line("\n".join(report.lines()))
    if report.totals or report.controls or "deaths" in report.points:
        report.write()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[REPORT]


@pytest.fixture(scope="session")
def parts(stack: Stack) -> Parts:
    """The parts that all tests share: only what hurts nobody else is done here."""
    known = stack.endpoints
    Registry(known["PSF_REGISTRY_URL"]).register_all()
    return Parts(known["PSF_KAFKA_BOOTSTRAP"], known["PSF_REGISTRY_URL"], known["PSF_REDIS_URL"])


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="session")
def ground(
    pytestconfig: pytest.Config, nursery: Nursery, report: Report, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A broker, a registry and a Redis of the harness's own, to be killed and flushed."""
    parts = ("kafka", "registry", "redis")
    with Stack(ROOT, "faults", parts, env={}, on_progress=Console(_Terminal(pytestconfig))) as stack:
        Registry(stack.endpoints["PSF_REGISTRY_URL"]).register_all()
        own, redis, registry = own_parts(stack)
        tier = TIERS[report.tier]
        yield Ground(stack, nursery, redis, registry, own, tmp_path_factory.mktemp("faults"), report.seed, tier)
        redis.close()
        registry.close()
