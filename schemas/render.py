"""Avro records to Python source: pure, so that the same files always give the same text.

`collect` flattens self-contained schemas into their named types; `module` writes the Python module of one namespace.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.base import HEAD_FIELDS, Model
from schemas.contract import EventName, Schema

HEADER = '"""Generated from schemas/avro by `python -m schemas.generate`; do not edit."""'
BOUND = {"int": 2**31, "long": 2**63}
PLAIN = {"string": "Text", "boolean": "bool", "bytes": "bytes"}
LOGICAL = {"date": "date", "timestamp-micros": "Annotated[datetime, Instant()]"}
SOURCE_OF = {
    "date": "datetime",
    "datetime": "datetime",
    "Decimal": "decimal",
    "StrEnum": "enum",
    "Annotated": "typing",
    "ClassVar": "typing",
    "Field": "pydantic",
    "StringConstraints": "pydantic",
    "Instant": "schemas.base",
    "Model": "schemas.base",
    "Record": "schemas.base",
    "Scaled": "schemas.base",
    "Text": "schemas.base",
}
"""Where the names that generated source uses come from."""


@dataclass(frozen=True)
class Type:
    """One named type, its own nested types replaced by their full names."""

    full: str
    schema: Schema
    event: EventName | None = None

    @property
    def module(self) -> str:
        return self.full.split(".")[1]

    @property
    def cls(self) -> str:
        name = self.full.rpartition(".")[2]
        return f"Enriched{name}" if self.module == "enriched" else name


def collect(roots: Iterable[tuple[Schema, EventName | None]]) -> dict[str, Type]:
    """Named types by full name, each after those it uses. One name with two meanings raises `ValueError`."""
    found: dict[str, Type] = {}
    for schema, event in roots:
        _flatten(schema, found, event)
    return found


def _flatten(node: Any, found: dict[str, Type], event: EventName | None = None) -> Any:
    if isinstance(node, list):
        return [_flatten(part, found) for part in node]
    if not isinstance(node, dict):
        return node
    nested = ("type", "items", "values", "fields")
    flat = {key: _flatten(part, found) if key in nested else part for key, part in node.items()}
    if node.get("type") not in ("record", "enum"):
        return flat
    full = f"{node['namespace']}.{node['name']}"
    if full in found and found[full].schema != flat:
        raise ValueError(f"{full} is defined in two files with different content: make them equal")
    found.setdefault(full, Type(full, flat, event))
    return full


def package(types: Mapping[str, Type]) -> str:
    """Source of `schemas/models/__init__.py`: every class by its name. Two types with one class name: `ValueError`."""
    classes: dict[str, Type] = {}
    for known in types.values():
        if classes.setdefault(known.cls, known) is not known:
            raise ValueError(f"{known.full} and {classes[known.cls].full} would be one Python class: rename one")
    members: dict[str, set[str]] = {}
    for cls, known in classes.items():
        members.setdefault(f"schemas.models.{known.module}", set()).add(cls)
    imports = "\n".join(_import(source, members[source]) for source in sorted(members))
    exported = "".join(f'    "{cls}",\n' for cls in sorted(classes))
    return f"{HEADER}\n\nfrom __future__ import annotations\n\n{imports}\n\n__all__ = [\n{exported}]\n"


def module(types: Mapping[str, Type], name: str) -> str:
    """Source of one module: the types of namespace `psf.<name>`, with the imports that they use."""
    writer = _Writer(types)
    body = "\n\n\n".join(writer.type(known) for known in types.values() if known.module == name)
    return f"{HEADER}\n\nfrom __future__ import annotations\n\n{writer.imports(name)}\n\n\n{body}\n"


@dataclass
class _Writer:
    types: Mapping[str, Type]
    used: set[str] = field(default_factory=set)

    def type(self, known: Type) -> str:
        lines = [f"class {known.cls}({self._use(self._parent(known))}):", _doc(known.schema["doc"])]
        if known.schema["type"] == "enum":
            return "\n".join([*lines, "", *(f'    {symbol} = "{symbol}"' for symbol in known.schema["symbols"])])
        lines += ["", *self._constants(known)]
        for part in known.schema["fields"]:
            if not (known.event and part["name"] in HEAD_FIELDS):
                lines += self._field(known, part)
        return "\n".join(lines)

    def imports(self, own: str) -> str:
        wanted: dict[str, set[str]] = {}
        for name in self.used:
            wanted.setdefault(self._source(name), set()).add(name)
        wanted.pop(f"schemas.models.{own}", None)
        ours = [source for source in sorted(wanted) if source.startswith("schemas.")]
        library = [source for source in sorted(wanted) if source == "pydantic"]
        standard = [source for source in sorted(wanted) if source not in [*ours, *library]]
        blocks = ["\n".join(_import(source, wanted[source]) for source in part) for part in (standard, library, ours)]
        return "\n\n".join(block for block in blocks if block)

    def _parent(self, known: Type) -> str:
        if known.schema["type"] == "enum":
            return "StrEnum"
        return "Model" if known.event else "Record"

    def _source(self, name: str) -> str:
        if name in SOURCE_OF:
            return SOURCE_OF[name]
        return next(f"schemas.models.{known.module}" for known in self.types.values() if known.cls == name)

    def _use(self, expression: str) -> str:
        for name in [*SOURCE_OF, *(known.cls for known in self.types.values())]:
            if name in expression.replace("[", " ").replace("]", " ").replace("(", " ").replace(",", " ").split():
                self.used.add(name)
        return expression

    def _constants(self, known: Type) -> list[str]:
        constants = {"SUBJECT": known.full}
        if event := known.event:
            topic = "" if event.enriched else topic_of(event)
            constants = {"EVENT": event.event, "CE_TYPE": event.ce_type, "TOPIC": topic} | constants
        self._use("ClassVar")
        return [*(f'    {name}: ClassVar[str] = "{value}"' for name, value in constants.items()), ""]

    def _field(self, owner: Type, part: Schema) -> list[str]:
        name = part["name"]
        if keyword.iskeyword(name) or name in SOURCE_OF or hasattr(Model, name):
            raise ValueError(f"{owner.full}.{name}: the name is taken in Python; choose another")
        annotation = self._use(self._annotation(part["type"], part, f"{owner.full}.{name}"))
        default = self._use(self._default(part, f"{owner.full}.{name}"))
        notes = [part[tag] for tag in ("classification",) if tag in part]
        notes += [f"unit {part['unit']}"] if "unit" in part else []
        text = part["doc"] + (f" ({', '.join(notes)})" if notes else "")
        return [f"    {name}: {annotation}{default}", _doc(text)]

    def _annotation(self, node: Any, part: Schema, path: str) -> str:
        """The Python type of an Avro type; what we do not use is refused, so that nobody meets it half supported."""
        if isinstance(node, list) and len(node) == 2 and node[0] == "null":
            return f"{self._annotation(node[1], part, path)} | None"
        if isinstance(node, dict) and node.get("type") == "array":
            return f"Annotated[tuple[{self._annotation(node['items'], {}, path)}, ...], Field(strict=False)]"
        if isinstance(node, dict) and node.get("type") == "map":
            return f"dict[Text, {self._annotation(node['values'], {}, path)}]"
        if isinstance(node, dict) and node.get("logicalType") == "decimal":
            return f"Annotated[Decimal, Scaled({node['precision']}, {node['scale']})]"
        if isinstance(node, dict) and node.get("logicalType") in LOGICAL:
            return LOGICAL[node["logicalType"]]
        if isinstance(node, str) and node in self.types:
            known = self.types[node]
            return f"Annotated[{known.cls}, Field(strict=False)]" if known.schema["type"] == "enum" else known.cls
        if node == "string" and "pattern" in part:
            return f'Annotated[Text, StringConstraints(pattern=r"{part["pattern"]}")]'
        if isinstance(node, str) and node in BOUND:
            low = part.get("minimum", -BOUND[node])
            return f"Annotated[int, Field(ge={low}, le={BOUND[node] - 1})]"
        if isinstance(node, str) and node in PLAIN:
            return PLAIN[node]
        raise ValueError(f"{path}: no Python type for Avro {node!r}; see schemas/README.md for the types we use")

    def _default(self, part: Schema, path: str) -> str:
        """What a field is where its writer did not know it yet: a list is a tuple and a symbol its member, as read."""
        if "default" not in part:
            return ""
        kind, default = part["type"], part["default"]
        known = self.types.get(kind) if isinstance(kind, str) else None
        if known is not None and known.schema["type"] == "enum":
            return f" = {known.cls}.{default}"
        if default == {} and isinstance(kind, dict) and kind["type"] == "map":
            return " = Field(default_factory=dict)"
        if default == [] and isinstance(kind, dict) and kind["type"] == "array":
            return " = ()"
        if default is None or kind in ("string", "boolean", "int", "long"):
            return f" = {default!r}"
        raise ValueError(f"{path}: no Python value for the default {default!r}; a field like this is none by null")


def topic_of(event: EventName) -> str:
    """Topic of a canonical event: its entity's; ids between systems live only in `ref.xref`."""
    return "ref.xref" if event.entity == "xref" else f"psf.{event.entity}"


def _import(source: str, names: set[str]) -> str:
    line = f"from {source} import {', '.join(sorted(names, key=_as_ruff))}"
    if len(line) <= 120:
        return line
    return f"from {source} import (\n" + "".join(f"    {name},\n" for name in sorted(names, key=_as_ruff)) + ")"


def _as_ruff(name: str) -> tuple[bool, str]:
    return (name[0].islower(), name)


def _doc(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = textwrap.wrap(safe, 112, initial_indent='    """', subsequent_indent="    ", break_on_hyphens=False)
    quoted = lines[-1].endswith('"')
    return "\n".join(lines) + ('\n    """' if quoted or len(lines) > 1 else '"""')
