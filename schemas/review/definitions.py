"""Named types as files define them, before anything is resolved: which there are, and whether two are alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.review.avro import PRIMITIVES
from schemas.review.parse import COMPLEX, Definition

NAMED = ("record", "error", "enum", "fixed")
INSIDE = ("type", "items", "values", "fields")


def definitions(node: Any, file: str, space: str = "") -> Iterator[tuple[str, Definition]]:
    """Every record, enum and fixed that JSON of a file defines, by full name, outermost first."""
    if isinstance(node, list):
        for each in node:
            yield from definitions(each, file, space)
    if not isinstance(node, dict):
        return
    name = full_name(node, space)
    if name:
        yield name, Definition(node, space, file)
        space = name.rpartition(".")[0]
    for key in INSIDE:
        yield from definitions(node.get(key), file, space)


def full_name(node: dict[str, Any], space: str) -> str:
    """Full name of the type that a JSON object defines; "" where it defines none."""
    name = node.get("name")
    if node.get("type") not in NAMED or not isinstance(name, str):
        return ""
    inner = node.get("namespace", space)
    return name if "." in name or not isinstance(inner, str) or not inner else f"{inner}.{name}"


def outline(found: Definition) -> Any:
    """A definition with the types nested in it replaced by their full names, so that a first use, which defines them,
    and a later one, which names them, are alike."""
    return _outline(found.json, found.namespace, top=True)


def _outline(node: Any, space: str, top: bool = False) -> Any:
    if isinstance(node, list):
        return [_outline(each, space) for each in node]
    if isinstance(node, str):
        return node if "." in node or not space or node in (*PRIMITIVES, *COMPLEX) else f"{space}.{node}"
    if not isinstance(node, dict):
        return node
    name = full_name(node, space)
    if name and not top:
        return name
    inner = name.rpartition(".")[0] if name else space
    rest = {key: _outline(value, inner) if key in INSIDE else value for key, value in node.items()}
    return rest | {"name": name, "namespace": inner} if name else rest
