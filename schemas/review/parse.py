"""JSON to a schema, with everything that is wrong with it: one sentence and one path for each mistake.

Source: Avro 1.12 specification, "Schema Declaration" to "Aliases". A mistake is *tolerable* when every reader gets over
it and it cannot change how bytes are read (a dash in a namespace, a default that fits no branch): `schema lint` reports
it, `schema diff` goes on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from schemas.review.avro import (
    PRIMITIVES,
    Array,
    Attributes,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Type,
    Union,
    below,
)
from schemas.review.defaults import fits

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
COMPLEX = ("record", "error", "enum", "array", "map", "fixed")
MAX_DEPTH = 60
"""Types inside each other, so that no walk over a schema can exhaust the stack."""


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong with a schema: where, and a sentence that says what and what is allowed."""

    path: str
    sentence: str
    tolerable: bool = False

    def __str__(self) -> str:
        return f"{self.path or 'the schema'}: {self.sentence}"


@dataclass(frozen=True)
class Definition:
    """JSON of a named type that another file holds, and that file's name."""

    json: dict[str, Any]
    namespace: str
    file: str


Elsewhere = Callable[[str], Definition | None]
"""Finds the definition of a full name outside of the schema; None when there is none."""


@dataclass(frozen=True)
class Parsed:
    """A schema and its mistakes; where a mistake is not tolerable, the type at fault is read as `null`."""

    type: Type
    mistakes: tuple[Mistake, ...]

    @property
    def fatal(self) -> tuple[Mistake, ...]:
        return tuple(each for each in self.mistakes if not each.tolerable)


def parse(schema: Any, elsewhere: Elsewhere = lambda _: None) -> Parsed:
    """A schema as JSON gives it (text, object or list). Names it does not define are asked of `elsewhere`."""
    parser = _Parser(elsewhere)
    root = parser.type(schema, "", "", 1)
    return Parsed(root, tuple(parser.mistakes))


@dataclass
class _Parser:
    elsewhere: Elsewhere
    names: dict[str, Named] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    borrowing: int = 0
    """Definitions of other files that are being read: what one repeats of a type that is known is no second one."""
    borrowed: set[str] = field(default_factory=set)
    """Names that came from other files; the schema may define them itself all the same."""

    def wrong(self, path: str, sentence: str, tolerable: bool = False) -> Type:
        self.mistakes.append(Mistake(path, sentence, tolerable))
        return Primitive("null")

    def type(self, node: Any, space: str, path: str, depth: int) -> Type:
        if depth > MAX_DEPTH:
            return self.wrong(path, f"types are nested more than {MAX_DEPTH} deep")
        match node:
            case str():
                return self.reference(node, space, path, {}, depth)
            case list():
                return self.union(node, space, path, depth)
            case dict():
                return self.object(node, space, path, depth)
        return self.wrong(path, f"a type is a name, an object or a list (a union), not {_shown(node)}")

    def object(self, node: dict[str, Any], space: str, path: str, depth: int) -> Type:
        kind = node.get("type")
        if isinstance(kind, dict | list):
            self.wrong(path, '"type" holds a whole type; write that type itself', tolerable=True)
            return self.type(kind, space, path, depth + 1)
        if not isinstance(kind, str):
            return self.wrong(path, 'the object has no "type"' if kind is None else f'"type" is {_shown(kind)}')
        rest = {key: value for key, value in node.items() if key != "type"}
        if kind in ("array", "map"):
            return self.container(kind, rest, space, path, depth)
        if kind in COMPLEX:
            return self.named(kind, rest, space, path, depth)
        return self.reference(kind, space, path, rest, depth)

    def container(self, kind: str, node: dict[str, Any], space: str, path: str, depth: int) -> Type:
        inside, mark = ("items", "[]") if kind == "array" else ("values", "{}")
        if inside not in node:
            return self.wrong(path, f'the {kind} has no "{inside}"')
        rest = {key: value for key, value in node.items() if key != inside}
        part = self.type(node[inside], space, path + mark, depth + 1)
        return Array(part, rest) if kind == "array" else Map(part, rest)

    def reference(self, name: str, space: str, path: str, attributes: Attributes, depth: int) -> Type:
        if name in PRIMITIVES:
            return Primitive(name, attributes)
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self.names:
            return self.names[full]
        if name in COMPLEX:
            return self.wrong(path, f'{name!r} takes an object of its own: "type": {{"type": "{name}", …}}')
        found = self.elsewhere(full)
        if found is None:
            return self.wrong(path, f"{full!r} is not a type, and nothing before it defines it")
        known = set(self.names)
        self.borrowing += 1
        self.type(found.json, found.namespace, path, depth + 1)
        self.borrowing -= 1
        self.borrowed |= self.names.keys() - known
        if full not in self.names:
            return self.wrong(path, f"{full!r} is said to be in {found.file}, which does not define it so")
        return self.names[full]

    def union(self, node: list[Any], space: str, path: str, depth: int) -> Type:
        branches = tuple(self.type(each, space, path, depth + 1) for each in node)
        if not branches:
            self.wrong(path, "the union has no branch, so there is no value of it", tolerable=True)
        if any(isinstance(each, Union) for each in branches):
            self.wrong(path, "a union stands directly in a union; put its branches into the outer one")
        labels = [each.label for each in branches]
        for label in sorted(each for each, count in Counter(labels).items() if count > 1):
            self.wrong(path, f"the union has two branches of {label}, and a value would fit both")
        return Union(branches)

    def named(self, kind: str, node: dict[str, Any], space: str, path: str, depth: int) -> Type:
        name = self.full_name(kind, node, space, path)
        if name is None:
            return Primitive("null")
        if self.borrowing and name in self.names:
            return self.names[name]
        inner = name.rpartition(".")[0]
        aliases = tuple(each if "." in each or not inner else f"{inner}.{each}" for each in self.aliases(node, path))
        rest = {key: value for key, value in node.items() if key not in ("name", "namespace", "aliases")}
        if kind == "enum":
            return self.enum(name, aliases, rest, path)
        if kind == "fixed":
            return self.fixed(name, aliases, rest, path)
        return self.record(name, aliases, rest, path, depth)

    def full_name(self, kind: str, node: dict[str, Any], space: str, path: str) -> str | None:
        name = node.get("name")
        if not isinstance(name, str) or not name:
            self.wrong(path, f"the {kind} has no name" if name is None else f"the name of the {kind} is {_shown(name)}")
            return None
        spaced = node.get("namespace", space)
        if "." in name:
            spaced, _, name = name.rpartition(".")
        if not isinstance(spaced, str):
            self.wrong(path, f"the namespace of {kind} {name} is {_shown(spaced)}; it must be text")
            spaced = ""
        if not NAME.fullmatch(name):
            self.wrong(path, f"{name!r} is no name: a name has letters, digits and _, and begins with no digit")
        if name in PRIMITIVES and not spaced:
            self.wrong(path, f"the {kind} is called {name!r}, which is the name of a primitive type")
        if any(not NAME.fullmatch(part) for part in spaced.split(".")) and spaced:
            self.wrong(path, f"{spaced!r} is no namespace: names as of types, with dots between", tolerable=True)
        full = f"{spaced}.{name}" if spaced else name
        if full in self.names and not self.borrowing and full not in self.borrowed:
            self.wrong(path, f"{full!r} is defined twice; define it once and refer to it by name")
        return full

    def record(self, name: str, aliases: tuple[str, ...], node: dict[str, Any], path: str, depth: int) -> Type:
        fields = node.pop("fields", None)
        found = Record(name, aliases, node)
        self.names[name] = found
        if not isinstance(fields, list):
            self.wrong(path, f'record {name} has no list "fields"')
            return found
        for at, each in enumerate(fields):
            part = self.field(each, at, name, path, depth)
            if part and found.get(part.name):
                self.wrong(below(path, part.name), f"record {name} has two fields of that name")
            elif part:
                found.by_name[part.name] = part
        return found

    def field(self, node: Any, at: int, record: str, path: str, depth: int) -> Field | None:
        if not isinstance(node, dict) or not isinstance(node.get("name"), str):
            self.wrong(path, f"field {at + 1} of record {record} is no object with a name")
            return None
        name = node["name"]
        here = below(path, name)
        if not NAME.fullmatch(name):
            self.wrong(here, f"{name!r} is no name of a field: letters, digits and _, no digit first")
        if "type" not in node:
            self.wrong(here, "the field has no type")
            return None
        kind = self.type(node["type"], record.rpartition(".")[0], here, depth + 1)
        if node.get("order", "ascending") not in ("ascending", "descending", "ignore"):
            self.wrong(here, f"order is {_shown(node['order'])}; it may be ascending, descending or ignore", True)
        rest = {key: value for key, value in node.items() if key not in ("name", "type", "default", "aliases")}
        made = Field(name, kind, node.get("default"), "default" in node, self.aliases(node, here), rest)
        if made.has_default and not fits(kind, made.default):
            self.wrong(here, f"the default {_shown(made.default)} is no value of {kind.label}", tolerable=True)
        return made

    def enum(self, name: str, aliases: tuple[str, ...], node: dict[str, Any], path: str) -> Type:
        symbols, default = node.pop("symbols", None), node.pop("default", None)
        found = Enum(name, (), None, aliases, node)
        self.names[name] = found
        if not isinstance(symbols, list) or not all(isinstance(each, str) for each in symbols):
            self.wrong(path, f'enum {name} has no list of texts "symbols"')
            return found
        found.symbols, found.default = tuple(symbols), default if isinstance(default, str) else None
        for each in sorted(each for each, count in Counter(symbols).items() if count > 1):
            self.wrong(path, f"enum {name} has the symbol {each} twice")
        for each in symbols:
            if not NAME.fullmatch(each):
                self.wrong(path, f"{each!r} is no symbol: letters, digits and _, no digit first")
        if default is not None and default not in symbols:
            self.wrong(path, f"the default {_shown(default)} of enum {name} is none of its symbols")
        return found

    def fixed(self, name: str, aliases: tuple[str, ...], node: dict[str, Any], path: str) -> Type:
        size = node.pop("size", None)
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            shown = "no size" if size is None else f"the size {_shown(size)}"
            self.wrong(path, f"fixed {name} has {shown}; it needs a whole number of bytes")
            size = 0
        found = Fixed(name, size, aliases, node)
        self.names[name] = found
        return found

    def aliases(self, node: dict[str, Any], path: str) -> tuple[str, ...]:
        found = node.get("aliases", [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            self.wrong(path, f"aliases are a list of names, not {_shown(found)}", tolerable=True)
            return ()
        return tuple(found)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
