"""Walks the adapters that exist: a new one is checked without editing a list, and none goes without its test."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from psfabric.adapters import Component, Processor, Sink, Source
from psfabric.pipelines import KINDS, discover
from tests.contracts.processors import ProcessorContract
from tests.contracts.sinks import SinkContract
from tests.contracts.sources import SourceContract

SUITES: dict[type[Component], type] = {Source: SourceContract, Processor: ProcessorContract, Sink: SinkContract}
ADAPTERS = [
    pytest.param(package, module, adapter, SUITES[base], id=f"{package}.{module}")
    for package, base in KINDS.values()
    for module, adapter in discover(package, base).items()
]
CHANCE = {"time", "random", "secrets", "uuid", "os", "socket", "asyncio", "threading", "subprocess", "logging"}
NOW = {"now", "utcnow", "today"}

every = pytest.mark.parametrize(("package", "module", "adapter", "suite"), ADAPTERS)


def tree(adapter: type[Component]) -> ast.Module:
    return ast.parse(Path(inspect.getfile(adapter)).read_text())


def imported(code: ast.Module) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_there_are_adapters_of_each_kind() -> None:
    assert {package for package, _ in KINDS.values()} == {str(p.values[0]) for p in ADAPTERS}


def test_a_module_has_at_most_one_adapter_and_helpers_stand_beside_theirs() -> None:
    for package, base in KINDS.values():
        adapters = discover(package, base)
        for path in Path(inspect.getfile(importlib.import_module(package))).parent.glob("*.py"):
            if path.stem != "__init__" and path.stem not in adapters:
                assert any(path.stem.startswith(f"{name}_") for name in adapters), f"{path} has no one adapter"


@every
def test_it_has_its_tests(package: str, module: str, adapter: type[Component], suite: type) -> None:
    """`tests/<package>/test_<module>.py` runs the suite of its kind."""
    name = f"tests.{package}.test_{module}"
    try:
        tests = importlib.import_module(name)
    except ModuleNotFoundError:
        pytest.fail(f"{package}/{module}.py has no {name.replace('.', '/')}.py")
    ours = [v for v in vars(tests).values() if inspect.isclass(v) and v.__module__ == name]
    assert any(issubclass(v, suite) and v.__name__.startswith("Test") for v in ours), f"{name} runs no {suite.__name__}"


@every
def test_its_class_is_called_like_its_module(package: str, module: str, adapter: type[Component], suite: type) -> None:
    assert adapter.__name__.lower() == module.replace("_", "")


@every
def test_every_setting_is_explained(package: str, module: str, adapter: type[Component], suite: type) -> None:
    text = inspect.getdoc(adapter) or ""
    assert text
    for name, field in adapter.model_fields.items():
        if name != "name":
            assert field.description or name in text, f"{adapter.__name__}.{name} is explained nowhere"


@every
def test_it_neither_sleeps_nor_retries(package: str, module: str, adapter: type[Component], suite: type) -> None:
    for node in ast.walk(tree(adapter)):
        assert not (isinstance(node, ast.Attribute) and node.attr == "sleep"), f"line {node.lineno} sleeps"
        if isinstance(node, ast.ExceptHandler):
            named = ast.unparse(node.type) if node.type else "everything"
            assert named not in ("everything", "Exception", "BaseException"), f"line {node.lineno} swallows {named}"


@pytest.mark.parametrize("adapter", discover(*KINDS["processor"]).values())
def test_a_processor_asks_neither_the_clock_nor_chance(adapter: type[Component]) -> None:
    code = tree(adapter)
    assert not {name.partition(".")[0] for name in imported(code)} & CHANCE
    called = {n.func.attr for n in ast.walk(code) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
    assert not called & NOW
