"""The seed of the runs under faults, and their summary at the end, also when several workers share the tests.

pytest tests/faults -m faults -k row17 --seed 5        (or ROW=17 SEED=5 make test-faults)
"""

from __future__ import annotations

import os
import pickle
import random

import pytest
from xdist.workermanage import WorkerController

from tests.faults.ground import QUICK, TIERS
from tests.faults.report import Report

REPORT = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="repeat a run under faults from its seed")
    parser.addoption(
        "--tier", choices=list(TIERS), default=None, help="quick, long (unscaled, ten times as many), small"
    )


def pytest_configure(config: pytest.Config) -> None:
    told = getattr(config, "workerinput", {}).get("faults.seed", 0)  # one seed for all workers of a run
    given = told or config.getoption("--seed", None) or int(os.environ.get("SEED") or 0)
    seed = given or random.SystemRandom().randrange(1, 10**6)
    tier = config.getoption("--tier", None) or os.environ.get("TIER") or QUICK.name
    config.stash[REPORT] = Report(seed, tier)


@pytest.hookimpl(trylast=True)
def pytest_report_header(config: pytest.Config) -> str:
    return f"seed of the faults: {config.stash[REPORT].seed}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["faults.seed"] = node.config.stash[REPORT].seed


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["faults.report"] = pickle.dumps(session.config.stash[REPORT])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    output = getattr(node, "workeroutput", None) or {}  # none of a worker that crashed
    if "faults.report" in output:
        node.config.stash[REPORT].add(pickle.loads(output["faults.report"]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[REPORT]
    if not report.empty:
        terminalreporter.section(f"under faults, seed {report.seed}, tier {report.tier}")
        terminalreporter.write_line("\n".join(report.lines()))
    if report.totals or report.controls or "deaths" in report.points:
        report.write()
