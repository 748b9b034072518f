"""Whether an upgrade rule rests on nothing but the record: what it imports, calls and keeps, as its text says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

IMPORTS = frozenset(
    {
        "__future__",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "decimal",
        "fractions",
        "functools",
        "itertools",
        "math",
        "re",
        "string",
        "typing",
        "unicodedata",
    }
)
CALLS = frozenset({"open", "input", "print", "exec", "eval", "compile", "__import__", "globals", "vars", "id", "hash"})
CLOCK = frozenset({"now", "today", "utcnow", "fromtimestamp", "timestamp", "localcontext", "setcontext", "getcontext"})
"""Attributes that ask the clock, the zone of the machine, or a setting of the process."""


def impurities(file: Path) -> Iterator[tuple[str, str]]:
    """Line, as `line 3`, and what is impure there; also that the file is no Python or has no `upgrade(old)`."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError) as error:
        yield f"line {getattr(error, 'lineno', None) or 1}", f"it is no Python: {type(error).__name__}"
        return
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "upgrade"]
    if not functions:
        yield "line 1", "it has no function `upgrade(old)`"
    for node in ast.walk(tree):
        for text in _of(node):
            yield f"line {getattr(node, 'lineno', 1)}", text


def _of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"it imports {each.name}" for each in names if each.name not in IMPORTS)
        case ast.ImportFrom(module=module, level=level) if level or module not in IMPORTS:
            yield f"it imports {module or 'a neighbour'}"
        case ast.Name(id=name) if name in CALLS:
            yield f"`{name}` reaches beyond the record"
        case ast.Attribute(attr=name) if name in CLOCK or name.startswith("__"):
            yield f"`.{name}` asks the clock, the machine or the process"
        case ast.Global() | ast.Nonlocal():
            yield "it keeps something from one record to the next"
        case ast.AsyncFunctionDef() | ast.Await():
            yield "it waits for something"
