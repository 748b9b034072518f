"""Crash points: every await, and every call that makes something durable, between poll and commit, has a name.

The names are made when a module is imported, by rewriting its syntax tree in the child: the product has no hook and
the list cannot go stale. `await x` and the calls of `CALLS` become two points, `…#n:before` and `…#n:after`, where n
counts within the function: `psfabric.hosts.aio.Member._turn#1:before`. Each await counts, those of a generator's loop
(`async for`) and of a context (`async with`) by the first statement of its body.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

WATCHED = (
    "psfabric/hosts/aio.py",
    "psfabric/hosts/pure.py",
    "psfabric/hosts/faust.py",
    "psfabric/hosts/polling.py",
    "psfabric/hosts/writing.py",
    "psfabric/hosts/loading.py",
    "psfabric/hosts/faust_chunks/*.py",
    "psfabric/stages/*.py",
    "psfabric/http.py",
    "psfabric/kafka/producer.py",
    "psfabric/kafka/group.py",
    "psfabric/kafka/messages.py",
)

CALLS = {
    ("producer", "write"),
    ("producer", "produce"),
    ("reader", "commit"),
    ("reader", "poll"),
    ("consumer", "commit"),
    ("consumer", "consume"),
    ("engine", "settle"),
    ("engine", "written"),
    ("engine", "committed"),
    ("stage", "handle"),
}
"""Receiver (its last name, without a leading underscore) and method."""

HIT = "_crash_point_"


def watched(root: Path) -> dict[str, Path]:
    """Module name -> file, of everything that lies between poll and commit."""
    paths = [path for pattern in WATCHED for path in sorted(root.glob(pattern))]
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def named(source: str, module: str) -> tuple[ast.Module, list[str]]:
    """The tree with its points, and their names in order."""
    rewriting = _Rewriting(module)
    tree = ast.fix_missing_locations(rewriting.visit(ast.parse(source)))
    return tree, rewriting.names


def listed(root: Path) -> list[str]:
    """Every point there is."""
    return [name for module, path in watched(root).items() for name in named(path.read_text(), module)[1]]


class _Rewriting(ast.NodeTransformer):
    def __init__(self, module: str) -> None:
        self.names: list[str] = []
        self._path = [module]
        self._counts = [0]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._path.append(node.name)
        self.generic_visit(node)
        self._path.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._path.append(node.name)
        self._counts.append(0)
        node.body = [self.visit(statement) for statement in node.body]
        self._counts.pop()
        self._path.pop()
        return node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        name = self._next()
        self.generic_visit(node)
        return self._between(name, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not (isinstance(node.func, ast.Attribute) and (_last(node.func.value), node.func.attr) in CALLS):
            self.generic_visit(node)
            return node
        name = self._next()
        self.generic_visit(node)
        return self._between(name, node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self._entered(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        return self._entered(node)

    def _entered(self, node: ast.AsyncFor | ast.AsyncWith) -> ast.AST:
        name = self._next() + ":after"
        self.names.append(name)
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(_hit(name)))
        return node

    def _next(self) -> str:
        self._counts[-1] += 1
        return f"{'.'.join(self._path)}#{self._counts[-1]}"

    def _between(self, name: str, node: ast.expr) -> ast.expr:
        """`(hit("…:before"), node, hit("…:after"))[1]`: evaluated in this order, and worth what the node is worth."""
        before, after = f"{name}:before", f"{name}:after"
        self.names += [before, after]
        whole = ast.Tuple([_hit(before), node, _hit(after)], ast.Load())
        return ast.Subscript(whole, ast.Constant(1), ast.Load())


def _last(node: ast.expr) -> str:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lstrip("_")


def _hit(name: str) -> ast.Call:
    return ast.Call(ast.Name(HIT, ast.Load()), [ast.Constant(name)], [])


# ------------------------------------------------------------------------------------------ in the child


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> Any:
        """Never from a cache: a cached file has no points."""
        path = self.get_filename(fullname)
        return compile(named(Path(path).read_text(), fullname)[0], path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[HIT] = hit
        super().exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, modules: dict[str, Path]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = self._modules.get(fullname)
        if file is None:
            return None
        inside = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _Loader(fullname, str(file))
        return importlib.util.spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=inside)


def install(root: Path) -> None:
    """From now on the watched modules are imported with their points. None may have been imported before."""
    modules = watched(root)
    early = sorted(modules.keys() & sys.modules.keys())
    if early:
        raise RuntimeError(f"imported too early for points: {', '.join(early)}")
    sys.meta_path.insert(0, _Finder(modules))


_at, _left, _note = "", 0, -1
_seen: dict[str, int] = {}
_lock = threading.Lock()


def arm(point: str, reached: int, notes: str) -> None:
    """End this process when `point` is reached for the `reached`-th time; append what is reached to file `notes`."""
    global _at, _left, _note
    _at, _left = point, reached
    _note = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if notes else -1


def hit(name: str) -> None:
    global _left
    if _note >= 0:
        _noted(name)
    if name == _at:
        with _lock:
            _left -= 1
            if _left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _noted(name: str) -> None:
    """The 1st, 2nd, 4th, 8th … time: enough to choose a time to be killed at."""
    with _lock:
        count = _seen[name] = _seen.get(name, 0) + 1
    if count & (count - 1) == 0:
        os.write(_note, f"{name} {count}\n".encode())


def reached(notes: Path) -> dict[str, int]:
    """Point -> how often it was reached at least."""
    found: dict[str, int] = {}
    for line in notes.read_text().splitlines() if notes.exists() else ():
        name, _, count = line.rpartition(" ")
        found[name] = max(int(count), found.get(name, 0))
    return found
