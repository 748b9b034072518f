"""Fields of an event by path, and values for them from text.

Paths: `worked_seconds`, `amount.currency`, `lines[0].amount.amount`; behind the name of a map everything is its key:
`extensions.jira.issue_type`. Values are read as the type that the schema gives the field, never guessed from their
looks, and never as a float: `27000`, `120.50`, `true`, `2026-06-03`, `2026-06-03T08:30:00Z`, a symbol; `null` empties
what may be empty and takes an entry out of a map; a whole record, list or map is JSON as in the contract.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psfabric import strict_json
from replay.errors import NotThere, nearest

NULL = "null"
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]+(?:\.([0-9]+))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<index>[0-9]{1,9})\]")

_KINDS = {"int": "int", "long": "long", "string": "text", "boolean": "boolean", "bytes": "bytes"}
_LOGICAL = {"decimal": "decimal", "date": "date", "timestamp-micros": "instant"}
_BITS = {"int": 31, "long": 63}


class Setting(NamedTuple):
    path: str
    text: str


def parse(given: str) -> Setting:
    """`path=value`. Raises NotThere."""
    path, sign, text = given.partition("=")
    if not sign or not path.strip(".") or path.startswith("."):
        raise NotThere(f"{given!r} sets nothing: write path=value, for example worked_seconds=27000")
    return Setting(path, text)


class Fields:
    """Those of one event. `schema` is its Avro record; types that are used again are found by their full name."""

    def __init__(self, event: str, schema: Mapping[str, Any]) -> None:
        self._event, self._schema = event, schema
        self._types: dict[str, Mapping[str, Any]] = {}
        self._collect(schema)

    def put(self, fields: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
        """The fields with one of them set. Raises NotThere for a path that leads nowhere, a value of another type, and
        a record that is begun and lacks a field."""
        found = self._put(self._schema, fields, setting.path, setting.text, "")
        return dict(found)

    def lacking(self, fields: Any) -> list[str]:
        """Paths of fields that a record begun by `put` still needs."""
        return list(self._lacking(self._schema, fields, ""))

    # ------------------------------------------------------------------------------------------ along the path

    def _put(self, node: Any, value: Any, rest: str, text: str, at: str) -> Any:
        node, nullable = self._resolved(node)
        if not rest:
            return None if nullable and text == NULL else self._read(node, text, at)
        match _kind(node):
            case "record":
                return self._in_record(node, value or {}, rest, text, at)
            case "array":
                return self._in_list(node, value or [], rest, text, at)
            case "map":
                return self._in_map(node, value or {}, rest.removeprefix("."), text, at)
        raise NotThere(f"{at} of {self._event} has no parts: there is no {at}{rest}")

    def _in_record(self, node: Any, value: Mapping[str, Any], rest: str, text: str, at: str) -> dict[str, Any]:
        step = _STEP.match(rest)
        name = step["name"] if step else None
        types = {field["name"]: field["type"] for field in node["fields"]}
        if step is None or name is None or name not in types:
            raise nearest(f"field of {f'{at} of ' if at else ''}{self._event}", name or rest, types)
        inner = f"{at}.{name}" if at else name
        return {**value, name: self._put(types[name], value.get(name), rest[step.end() :], text, inner)}

    def _in_list(self, node: Any, value: list[Any], rest: str, text: str, at: str) -> list[Any]:
        step = _STEP.match(rest)
        place = int(step["index"]) if step is not None and step["index"] else -1
        if step is None or not 0 <= place < len(value):
            has = f"it has {at}[0] to {at}[{len(value) - 1}]" if value else "it is empty"
            raise NotThere(f"{at} of {self._event} is a list, there is no {at}{rest}: {has}")
        item = self._put(node["items"], value[place], rest[step.end() :], text, f"{at}[{place}]")
        return [*value[:place], item, *value[place + 1 :]]

    def _in_map(self, node: Any, value: Mapping[str, Any], key: str, text: str, at: str) -> dict[str, Any]:
        if text == NULL:
            if key not in value:
                raise nearest(f"entry of {at} of {self._event}", key, value)
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: self._put(node["values"], value.get(key), "", text, f"{at}.{key}")}

    # ------------------------------------------------------------------------------------------ values

    def _read(self, node: Any, text: str, at: str) -> Any:
        kind = _kind(node)
        try:
            if kind in ("record", "array", "map"):
                return self._of_json(node, strict_json.loads(text.encode()))
            return _leaf(kind, node, text)
        except (strict_json.NotJson, UnicodeEncodeError) as error:
            why = error if isinstance(error, strict_json.NotJson) else "it is no text"
            raise NotThere(f"{at} of {self._event} takes JSON: {why}") from None
        except _Takes as error:
            raise NotThere(f"{at} of {self._event} takes {error}, not {text!r}") from None

    def _of_json(self, node: Any, body: Any) -> Any:
        """From JSON as the contract has it: a decimal, a date, an instant and bytes are text."""
        node, nullable = self._resolved(node)
        if body is None and nullable:
            return None
        match _kind(node), body:
            case "record", dict():
                types = {field["name"]: field["type"] for field in node["fields"]}
                if unknown := sorted(body.keys() - types.keys()):
                    raise _Takes(f"an object without {unknown[0]!r}, which {node['name']} has not")
                return {name: self._of_json(types[name], part) for name, part in body.items()}
            case "array", list():
                return [self._of_json(node["items"], part) for part in body]
            case "map", dict():
                return {name: self._of_json(node["values"], part) for name, part in body.items()}
            case "boolean", bool():
                return body
            case ("int" | "long") as kind, int() if not isinstance(body, bool):
                return _leaf(kind, node, str(body))
            case ("text" | "decimal" | "date" | "instant" | "enum" | "bytes") as kind, str():
                return body if kind == "text" else _leaf(kind, node, body)
            case kind, _:
                raise _Takes(f"JSON with {_named(kind)} where there is {strict_json.dumps(body).decode()[:40]}")

    # ------------------------------------------------------------------------------------------ types

    def _collect(self, node: Any) -> None:
        if isinstance(node, list):
            for part in node:
                self._collect(part)
        elif isinstance(node, Mapping):
            if node.get("type") in ("record", "enum"):
                space = node.get("namespace", "")
                self._types[node["name"] if "." in node["name"] or not space else f"{space}.{node['name']}"] = node
            for part in [*(field["type"] for field in node.get("fields", ())), node.get("items"), node.get("values")]:
                self._collect(part)

    def _resolved(self, node: Any) -> tuple[Any, bool]:
        """The type itself, and whether null may stand in its place."""
        nullable = isinstance(node, list) and NULL in node
        if isinstance(node, list):
            node = next(each for each in node if each != NULL)
        while isinstance(node, Mapping) and not isinstance(node["type"], str):
            node = node["type"]
        return (self._types.get(node, node) if isinstance(node, str) else node), nullable

    def _lacking(self, node: Any, value: Any, at: str) -> list[str]:
        node, _ = self._resolved(node)
        if not isinstance(node, Mapping) or value is None:
            return []
        match _kind(node):
            case "record":
                inner = f"{at}." if at else ""
                absent = [
                    f"{inner}{f['name']}" for f in node["fields"] if f["name"] not in value and "default" not in f
                ]
                there = [(f["type"], f["name"]) for f in node["fields"] if f["name"] in value]
                return absent + [x for type_, name in there for x in self._lacking(type_, value[name], inner + name)]
            case "array":
                return [x for i, each in enumerate(value) for x in self._lacking(node["items"], each, f"{at}[{i}]")]
        return []


class _Takes(Exception):
    """What a field takes, in words."""


def _kind(node: Any) -> str:
    if isinstance(node, str):
        return _KINDS.get(node, node)
    logical = _LOGICAL.get(node.get("logicalType", ""))
    return logical or _KINDS.get(node["type"], node["type"])


def _named(kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} {kind}"


def _leaf(kind: str, node: Any, text: str) -> Any:
    match kind:
        case "text":
            if text == NULL:
                raise _Takes('text, where nothing behind the "=" means none')
            return _text(text)
        case "boolean":
            if text not in ("true", "false"):
                raise _Takes("true or false")
            return text == "true"
        case "int" | "long":
            return _whole(text, _BITS[kind])
        case "decimal":
            return _decimal(text, node["precision"], node.get("scale", 0))
        case "date":
            return _day(text)
        case "instant":
            return _instant(text)
        case "enum":
            if text not in node["symbols"]:
                raise _Takes(f"one of {', '.join(node['symbols'])}")
            return text
        case "bytes":
            return _bytes(text)
    raise _Takes(f"a {kind}, which cannot be set here")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Takes("text that UTF-8 can carry") from None
    return text


def _whole(text: str, bits: int) -> int:
    if not _WHOLE.fullmatch(text) or not -(2**bits) <= int(text) < 2**bits:
        raise _Takes("a whole number, such as 27000")
    return int(text)


def _decimal(text: str, digits: int, places: int) -> Decimal:
    found = _DECIMAL.fullmatch(text)
    if not found or len(found[1] or "") > places or len(text.partition(".")[0].lstrip("-0")) > digits - places:
        raise _Takes(f"a number of up to {digits - places} digits and {places} places behind the point, such as 120.50")
    number = Decimal(f"{text}{'' if found[1] else '.'}{'0' * (places - len(found[1] or ''))}" if places else text)
    return number if number else abs(number)  # Avro has no negative zero


def _day(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _Takes("a date, such as 2026-06-03")


def _instant(text: str) -> datetime:
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Takes("an instant with its zone, such as 2026-06-03T08:30:00Z")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Takes("base64") from None
