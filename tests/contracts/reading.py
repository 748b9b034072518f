"""Which fields of events the code of adapters reads, as the type checker sees it.

The code is strictly typed, so mypy knows for every attribute of whose class it is, in every branch and after every
`match` and `isinstance`. A plugin of it writes down what belongs to a class of the contract. What mypy could not follow
(a name of a field that is only known when it runs, a model that is dumped whole) is written down as `OPAQUE`.
"""

from __future__ import annotations

import ast
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from mypy import build
from mypy.config_parser import parse_config_file
from mypy.modulefinder import BuildSource
from mypy.nodes import SetExpr, StrExpr
from mypy.options import Options
from mypy.plugin import AttributeContext, FunctionContext, MethodContext, Plugin
from mypy.types import Instance, LiteralType, Type, UnionType, get_proper_type
from pydantic import BaseModel

import schemas
from schemas import HEAD_FIELDS, models
from schemas.base import Record

ROOT = Path(__file__).resolve().parents[2]
OURS = ("schemas.models.", "schemas.base.")
OPAQUE = "?"
DUMPS = ("model_dump", "model_dump_json", "model_copy", "dict")

Pair = tuple[str, str]
"""Class of the contract, and field of it."""


def read_by(modules: Iterable[str]) -> dict[str, set[Pair]]:
    """Module -> what it reads."""
    return _checked([BuildSource(str(path_of(module)), module) for module in modules])


def read_by_text(text: str) -> set[Pair]:
    """What a module with such a text would read."""
    return _checked([BuildSource(None, "planted", text)])["planted"]


def _checked(sources: list[BuildSource]) -> dict[str, set[Pair]]:
    noted: dict[str, set[Pair]] = defaultdict(set)
    options = Options()
    parse_config_file(options, lambda: None, str(ROOT / "pyproject.toml"), sys.stdout, sys.stderr)
    options.incremental, options.cache_dir = False, os.devnull
    result = build.build(sources, options, extra_plugins=[_Noting(options, lambda file, pair: noted[file].add(pair))])
    assert not result.errors, result.errors[:5]
    return {source.module: noted[source.path or "<string>"] for source in sources}


class _Noting(Plugin):
    def __init__(self, options: Options, note: Callable[[str, Pair], None]) -> None:
        super().__init__(options)
        self._note = note

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        return self._attribute(fullname.rpartition(".")[2]) if fullname.startswith(OURS) else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        return self._dump if fullname.rpartition(".")[2] in DUMPS else None

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        return self._getattr if fullname in ("builtins.getattr", "builtins.vars", "operator.attrgetter") else None

    def _attribute(self, name: str) -> Callable[[AttributeContext], Type]:
        def noted(context: AttributeContext) -> Type:
            self._found(context, context.type, [name])
            return context.default_attr_type

        return noted

    def _dump(self, context: MethodContext) -> Type:
        included = [
            arg
            for name, args in zip(context.callee_arg_names, context.args, strict=True)
            if name == "include"
            for arg in args
        ]
        named = [
            item.value
            for arg in included
            if isinstance(arg, SetExpr)
            for item in arg.items
            if isinstance(item, StrExpr)
        ]
        self._found(context, context.type, named or [OPAQUE])
        return context.default_return_type

    def _getattr(self, context: FunctionContext) -> Type:
        asked = _parts(context.arg_types[1][0]) if len(context.arg_types) > 1 and context.arg_types[1] else []
        names = [_literal(each) for each in asked] or [OPAQUE]
        if context.arg_types and context.arg_types[0]:
            self._found(context, context.arg_types[0][0], names)
        return context.default_return_type

    def _found(self, context: Any, owner: Type, names: Iterable[str]) -> None:
        for part in _parts(owner):
            if isinstance(part, Instance) and part.type.fullname.startswith("schemas.models."):
                for name in names:
                    self._note(context.api.path, (part.type.name, name))


def _parts(found: Type) -> list[Any]:
    proper = get_proper_type(found)
    return [p for item in proper.items for p in _parts(item)] if isinstance(proper, UnionType) else [proper]


def _literal(found: Any) -> str:
    value = found.last_known_value if isinstance(found, Instance) else found
    return value.value if isinstance(value, LiteralType) and isinstance(value.value, str) else OPAQUE


# ------------------------------------------------------------------------------------------ modules of an adapter


def path_of(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def rooms(module: str) -> list[str]:
    """A module and what it imports of its own package, and that in turn."""
    package, found, waiting = module.split(".")[0], [], [module]
    while waiting:
        at = waiting.pop()
        if at in found or not path_of(at).exists():
            continue
        found.append(at)
        for node in ast.walk(ast.parse(path_of(at).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
                waiting += [str(node.module), *(f"{node.module}.{name.name}" for name in node.names)]
    return found


# ------------------------------------------------------------------------------------------ what is declared


def declared(reads: Mapping[str, Iterable[str]]) -> set[Pair]:
    """The same pairs of what an adapter declares, path by path. Raises AssertionError for a path that is not there."""
    return {pair for event, paths in reads.items() for path in paths for pair in _along(schemas.model(event), path)}


def _along(kind: type[BaseModel], path: str) -> Iterator[Pair]:
    for name in path.split("."):
        assert kind is not None, f"{path}: nothing is inside {name}"
        assert name in kind.model_fields, f"{kind.__name__} has no field {name}; a consumer declares {path}"
        yield kind.__name__, name
        kind = _record(kind.model_fields[name].annotation)  # type: ignore[assignment]


def _record(annotation: Any) -> type[BaseModel] | None:
    """The record inside a type of a field: as such, optional, in a list or a map."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    return next((found for part in get_args(annotation) if (found := _record(part))), None)


def fields(pairs: Iterable[Pair]) -> set[Pair]:
    """Without the head, which everybody reads, and without what is no field (`EVENT`, members of an enum)."""
    return {
        (kind, name) for kind, name in pairs if name == OPAQUE or (name not in HEAD_FIELDS and _is_field(kind, name))
    }


def _is_field(kind: str, name: str) -> bool:
    found = getattr(models, kind, None)
    assert found is not None, f"{kind} is not among schemas.models"
    return name in getattr(found, "model_fields", {})
