"""What a schema says, however a registry writes it down, and the enriched schema made of one that it gave.

Registries keep schemas in a form of their own: attributes in another order, the namespace of a nested type left out
where it is that around it, a change of `doc` or `aliases` alone not taken at all (Apicurio). None of it changes a byte.
"""

from __future__ import annotations

import json
from typing import Any

import schemas

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED = frozenset({"record", "error", "enum", "fixed"})
COMPLEX = NAMED | {"array", "map"}
WORDS = frozenset({"doc", "aliases"})
"""What a registry may drop: people read it, and readers resolve by their own aliases, never by the writer's."""


def derived(writer: dict[str, Any], event: str, enrichment: dict[str, Any] | None = None) -> str:
    """Text of the enriched `event` whose canonical part is as `writer` (a record) wrote it; with the enrichment of
    this release, or another."""
    made = schemas.enriched({"doc": "", **stated(writer)}, {"doc": "", **(enrichment or schemas.enrichment(event))})
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def stated(node: Any, space: str = "") -> Any:
    """The same schema in which each named type states its namespace, and each name is a full one: then the record may
    get another namespace, and what is in it keeps its own."""
    if isinstance(node, list):
        return [stated(each, space) for each in node]
    if isinstance(node, str):
        return node if "." in node or not space or node in PRIMITIVES else f"{space}.{node}"
    if not isinstance(node, dict):
        return node
    kind, inner = node.get("type"), space
    own = dict(node)
    if isinstance(kind, str) and kind in NAMED:
        own, inner = _named(node, space)
    if not (isinstance(kind, str) and kind in COMPLEX):
        own["type"] = stated(kind, inner)
    own |= {key: stated(own[key], inner) for key in ("items", "values") if key in own}
    if isinstance(own.get("fields"), list):
        own["fields"] = [_field(each, inner) for each in own["fields"]]
    return own


def _named(node: dict[str, Any], space: str) -> tuple[dict[str, Any], str]:
    """A named type with `name` and `namespace` apart, where the name stands; and the namespace for what is in it."""
    name = str(node.get("name", ""))
    above, _, short = name.rpartition(".")
    inner = above or str(node.get("namespace", space))
    rest = {key: value for key, value in node.items() if key not in ("type", "name", "namespace")}
    return {"type": node["type"], "name": short, "namespace": inner, **rest}, inner


def _field(field: Any, space: str) -> Any:
    return {**field, "type": stated(field.get("type"), space)} if isinstance(field, dict) else field


def content(schema: Any, words: bool = False) -> str:
    """What a schema says without its form, and without `doc` and `aliases` unless `words` is set: equal for two that
    say the same. The order of attributes does not count, that of fields and symbols does."""
    return json.dumps(_content(stated(schema), frozenset() if words else WORDS), sort_keys=True)


def _content(node: Any, but: frozenset[str]) -> Any:
    if isinstance(node, list):
        return [_content(each, but) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in but and (key, value) != ("order", "ascending")}
    kept |= {key: _content(kept[key], but) for key in ("type", "items", "values", "fields") if key in kept}
    return kept["type"] if kept.keys() == {"type"} else kept
