"""Real parts and processes for the runs under faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import Console, Stack
from psfabric.registry import Registry, register_all
from tests.conftest import Terminal, own_stack
from tests.faults.fabric import Parts
from tests.faults.ground import TIERS, Ground, own_parts
from tests.faults.processes import Nursery
from tests.faults.report import Report
from tests.faults.summary import REPORT

pytest.register_assert_rewrite("tests.faults.rows")


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[REPORT]


@pytest.fixture(scope="session")
def parts(stack: Stack) -> Parts:
    """The parts that all tests share: only what hurts nobody else is done here."""
    known = stack.endpoints
    register_all(Registry(known["PSF_REGISTRY_URL"]))
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
    with own_stack("faults", parts, Console(Terminal(pytestconfig)), env={}) as stack:
        stack.up()
        register_all(Registry(stack.endpoints["PSF_REGISTRY_URL"]))
        own, redis, registry = own_parts(stack)
        tier = TIERS[report.tier]
        yield Ground(stack, nursery, redis, registry, own, tmp_path_factory.mktemp("faults"), report.seed, tier)
        redis.close()
        registry.close()
