"""As much of JSON Schema draft 7 as the schema of AsyncAPI uses. A keyword that it does not know is refused.

A library for this is not among the dependencies; what is here agreed with one on the document and on 400 broken copies
of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

NOTES = {
    "$schema", "$id", "$comment", "title", "description", "default", "examples", "definitions", "format", "readOnly",
    "contentEncoding", "contentMediaType", "markdownDescription", "example",
}  # fmt: skip
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
WORDS: dict[str, Callable[[Validator, Any, Any, Mapping[str, Any], str], Iterator[str]]] = {}


class Validator:
    """One schema document; `$ref` goes to a `$id` in it, or to a place in it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._within = dict(_schemas(schema, schema))
        documents = {id(each): each for each in self._within.values()}
        self._by_id = {each["$id"].rstrip("#"): each for each in documents.values() if "$id" in each}

    def errors(self, value: Any, schema: Any = None, place: str = "") -> Iterator[str]:
        """What does not fit, with its place."""
        schema = self._root if schema is None else schema
        if schema is True or schema is False:
            yield from () if schema else (f"{place}: nothing is allowed here",)
            return
        if "$ref" in schema:
            yield from self.errors(value, self.found(schema), place)
            return
        for word, given in schema.items():
            if word not in NOTES and word not in ("then", "else"):
                assert word in WORDS, f"the keyword {word} is not supported"
                yield from WORDS[word](self, value, given, schema, place)

    def found(self, schema: Mapping[str, Any]) -> Any:
        """What a reference leads to. Raises `KeyError`."""
        base, _, pointer = schema["$ref"].partition("#")
        here: Any = self._within[id(schema)] if not base else self._by_id[base.rstrip("#")]
        for step in filter(None, pointer.split("/")):
            here = here[step.replace("~1", "/").replace("~0", "~")]
        return here

    def fits(self, value: Any, schema: Any) -> bool:
        return next(self.errors(value, schema), None) is None


def _schemas(node: Any, within: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Identity of every object of a schema -> the innermost document with an `$id` that it belongs to."""
    if isinstance(node, dict):
        within = node if isinstance(node.get("$id"), str) else within
        yield id(node), within
        for part in node.values():
            yield from _schemas(part, within)
    elif isinstance(node, list):
        for part in node:
            yield from _schemas(part, within)


def word(name: str) -> Callable[..., Any]:
    def put(function: Any) -> Any:
        WORDS[name] = function
        return function

    return put


@word("type")
def _type(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if not any(TYPES[each](value) for each in ([given] if isinstance(given, str) else given)):
        yield f"{place}: is no {given}"


@word("const")
def _const(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if value != given:
        yield f"{place}: must be {given!r}"


@word("enum")
def _enum(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if value not in given:
        yield f"{place}: must be one of {given}"


@word("required")
def _required(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{place}: {name} is missing" for name in given if name not in value)


@word("properties")
def _properties(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for name in given if isinstance(value, dict) else ():
        if name in value:
            yield from v.errors(value[name], given[name], f"{place}/{name}")


@word("patternProperties")
def _pattern_properties(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for name, part in value.items() if isinstance(value, dict) else ():
        for pattern, inner in given.items():
            if re.search(pattern, name):
                yield from v.errors(part, inner, f"{place}/{name}")


@word("additionalProperties")
def _additional(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for name, part in value.items() if isinstance(value, dict) else ():
        patterns = schema.get("patternProperties", {})
        if name not in schema.get("properties", {}) and not any(re.search(each, name) for each in patterns):
            yield from v.errors(part, given, f"{place}/{name}")


@word("propertyNames")
def _names(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        yield from v.errors(name, given, f"{place}/{name}")


@word("items")
def _items(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for index, part in enumerate(value) if isinstance(value, list) else ():
        if isinstance(given, list):
            yield from v.errors(part, given[index], f"{place}/{index}") if index < len(given) else ()
        else:
            yield from v.errors(part, given, f"{place}/{index}")


@word("additionalItems")
def _more_items(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if isinstance(value, list) and isinstance(schema.get("items"), list):
        for index, part in enumerate(value[len(schema["items"]) :], len(schema["items"])):
            yield from v.errors(part, given, f"{place}/{index}")


@word("contains")
def _contains(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if isinstance(value, list) and not any(v.fits(part, given) for part in value):
        yield f"{place}: none of its items has the form asked for"


@word("dependencies")
def _dependencies(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for name, needed in given.items() if isinstance(value, dict) else ():
        if name in value:
            yield from v.errors(value, {"required": needed} if isinstance(needed, list) else needed, place)


@word("uniqueItems")
def _unique(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if given and isinstance(value, list) and any(part in value[:index] for index, part in enumerate(value)):
        yield f"{place}: an item is there twice"


@word("allOf")
def _all_of(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    for each in given:
        yield from v.errors(value, each, place)


@word("anyOf")
def _any_of(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if not any(v.fits(value, each) for each in given):
        yield f"{place}: fits none of {len(given)} forms"


@word("oneOf")
def _one_of(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if (fitting := sum(v.fits(value, each) for each in given)) != 1:
        yield f"{place}: fits {fitting} of {len(given)} forms, not one"


@word("not")
def _not(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if v.fits(value, given):
        yield f"{place}: has a form that is not allowed"


@word("if")
def _if(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    yield from v.errors(value, schema.get("then" if v.fits(value, given) else "else", True), place)


@word("pattern")
def _pattern(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(given, value):
        yield f"{place}: is not like {given}"


def _bound(name: str, measure: Callable[[Any], Any], fits: Callable[[Any, Any], bool]) -> None:
    @word(name)
    def check(v: Validator, value: Any, given: Any, schema: Any, place: str) -> Iterator[str]:
        measured = measure(value)
        if measured is not None and not fits(measured, given):
            yield f"{place}: {name} is {given}"


def _size(kind: type[str] | type[list[Any]] | type[dict[str, Any]]) -> Callable[[Any], int | None]:
    return lambda value: len(value) if isinstance(value, kind) else None


_bound("minLength", _size(str), lambda size, given: size >= given)
_bound("maxLength", _size(str), lambda size, given: size <= given)
_bound("minItems", _size(list), lambda size, given: size >= given)
_bound("maxItems", _size(list), lambda size, given: size <= given)
_bound("minProperties", _size(dict), lambda size, given: size >= given)
_bound("maxProperties", _size(dict), lambda size, given: size <= given)
_bound("minimum", lambda value: value if TYPES["number"](value) else None, lambda value, given: value >= given)
_bound("maximum", lambda value: value if TYPES["number"](value) else None, lambda value, given: value <= given)
_bound("exclusiveMinimum", lambda value: value if TYPES["number"](value) else None, lambda value, given: value > given)
_bound("multipleOf", lambda value: value if TYPES["number"](value) else None, lambda value, given: value % given == 0)
