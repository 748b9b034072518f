"""Walks the producers that exist: each runs the suite of every interface it has, and stays within its room."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import producers
import schemas
from psfabric.adapters import Polled, Source, Thin, Webhook
from psfabric.pipelines import KINDS, discover
from tests.contracts.sources import PolledContract, SourceContract, ThinContract, WebhookContract

SUITES = {Source: SourceContract, Webhook: WebhookContract, Polled: PolledContract, Thin: ThinContract}
FOLDER = Path(inspect.getfile(producers)).parent
FILES = sorted(FOLDER.glob("*.py"))
every = pytest.mark.parametrize(("module", "adapter"), discover(*KINDS["source"]).items())


@every
def test_it_runs_the_suite_of_every_interface_it_has(module: str, adapter: type[Source]) -> None:
    tests = importlib.import_module(f"tests.producers.test_{module}")
    ran = [value for name, value in vars(tests).items() if name.startswith("Test") and inspect.isclass(value)]
    for interface, suite in SUITES.items():
        if issubclass(adapter, interface):
            assert any(issubclass(test, suite) for test in ran), f"test_{module} does not run {suite.__name__}"


@every
def test_it_says_what_it_emits_and_somebody_may_read_it(module: str, adapter: type[Source]) -> None:
    assert adapter.emits
    for event in adapter.emits:
        assert event in schemas.topics().rule(schemas.model(event).TOPIC).types


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_one_room_and_imports_no_client(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) < 300
    found = {name.split(".")[0] for node in ast.walk(ast.parse(text)) for name in _names(node)}
    assert not found & {"httpx", "requests", "confluent_kafka", "redis", "starlette", "faust", "sandbox"}
    assert file.stem == "salesforce_pubsub" or not found & {"grpc", "fastavro"}


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_code_that_a_producer_raises_is_listed(file: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    raised = [
        c.args[0] for c in calls if isinstance(c.func, ast.Name) and c.func.id in ("Invalid", "Refused") and c.args
    ]
    codes = {code.value for code in raised if isinstance(code, ast.Constant)}
    assert codes <= set(schemas.codes())
