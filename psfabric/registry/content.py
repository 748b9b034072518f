"""What a schema says, however a registry writes it down, and the enriched schema made of one that it gave.

Registries keep schemas in a form of their own: attributes in another order, the namespace of a nested type left out
where it is that around it, a change of `doc` or `aliases` alone not taken at all (Apicurio). None of it changes a byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import schemas
from schemas.contract import PRIMITIVES, stated
from schemas.review.definitions import full_name
from schemas.review.parse import Definition

NAMED = frozenset({"record", "error", "enum", "fixed"})
COMPLEX = NAMED | {"array", "map"}
WORDS = frozenset({"doc", "aliases"})
"""What a registry may drop: people read it, and readers resolve by their own aliases, never by the writer's."""


def is_record(schema: Any) -> bool:
    """Whether it has the outline of a record; what its fields are is for a parser to say."""
    return isinstance(schema, dict) and schema.get("type") == "record" and isinstance(schema.get("fields"), list)


def derived(writer: dict[str, Any], event: str, enrichment: dict[str, Any] | None = None) -> str:
    """Text of the enriched `event` whose canonical part is as `writer` (a record) wrote it; with the enrichment of
    this release, or another."""
    made = schemas.enriched({"doc": "", **writer}, {"doc": "", **(enrichment or schemas.enrichment(event))})
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def completed(schema: Any, find: Callable[[str], Definition | None]) -> Any:
    """The same schema, self-contained: a name that it does not define is defined where it stands first, as `find`
    knows it; one that nobody knows stays a name."""
    return _completed(stated(schema), find, set())


def _completed(node: Any, find: Callable[[str], Definition | None], known: set[str]) -> Any:
    if isinstance(node, list):
        return [_completed(each, find, known) for each in node]
    if isinstance(node, str):
        elsewhere = None if node in PRIMITIVES or node in known else find(node)
        return _completed(stated(elsewhere.json, elsewhere.namespace), find, known) if elsewhere else node
    if not isinstance(node, dict):
        return node
    kind, own = node.get("type"), dict(node)
    if isinstance(kind, str) and kind in NAMED:
        known.add(full_name(node, ""))
    elif not (isinstance(kind, str) and kind in COMPLEX):
        own["type"] = _completed(kind, find, known)
    own |= {key: _completed(own[key], find, known) for key in ("items", "values") if key in own}
    if isinstance(own.get("fields"), list):
        own["fields"] = [{**each, "type": _completed(each["type"], find, known)} for each in own["fields"]]
    return own


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
    if full_name(node, ""):
        kept["name"] = full_name(node, "")
        kept.pop("namespace", None)
    kept |= {key: _content(kept[key], but) for key in ("type", "items", "values", "fields") if key in kept}
    return kept["type"] if kept.keys() == {"type"} else kept
