"""What the rules look at: the old and the new of one field or type, and what the field is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from schemas.review.avro import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union, branch_path, short
from schemas.review.subject import subjects

T = TypeVar("T")


@dataclass(frozen=True)
class Pair(Generic[T]):
    """The old and the new of one thing; `field` is the field around it, None at the root."""

    path: str
    old: T
    new: T
    field: Pair[Field] | None = None

    @property
    def about(self) -> set[str]:
        """What the field around it is about (money, tax …), by its old or its new name."""
        return subjects(self.field.old) | subjects(self.field.new) if self.field else set()

    @property
    def where(self) -> str:
        return f"`{self.path}`" if self.path else "the record"

    def of(self, old: Any, new: Any, path: str | None = None) -> Pair[Any]:
        return replace(self, old=old, new=new, path=self.path if path is None else path)


def aligned(pair: Pair[Type]) -> Iterator[Pair[Type]]:
    """The types inside unions that correspond: the one besides null, else by kind and name."""
    old, new = _branches(pair.old), _branches(pair.new)
    if len(old) == len(new) == 1:
        yield pair.of(old[0], new[0])
        return
    by_kind = {_calling(each): each for each in reversed(old)}
    for each in new:
        names = (_calling(each), *_aliases(each))
        partner = next((by_kind[name] for name in names if name in by_kind), None)
        if partner is not None:
            path = branch_path(pair.new, each, pair.path) if isinstance(pair.new, Union) else pair.path
            yield pair.of(partner, each, path)


def _branches(node: Type) -> tuple[Type, ...]:
    return node.others if isinstance(node, Union) else (node,)


def _calling(node: Type) -> tuple[str, str]:
    """By what a branch is known: its kind, and its short name where it has one."""
    return node.kind, short(node.name) if isinstance(node, Record | Enum | Fixed) else ""


def _aliases(node: Type) -> list[tuple[str, str]]:
    return [(node.kind, short(each)) for each in node.aliases] if isinstance(node, Record | Enum | Fixed) else []


def said(field: Field) -> Mapping[str, Any]:
    """Doc and tags of a field with those of its type, where that is a number or text of its own."""
    node: Type = field.type
    while not isinstance(node, Primitive):
        inside = _branches(node) if isinstance(node, Union) else (node,)
        if len(inside) != 1 or isinstance(inside[0], Record | Enum | Fixed):
            return field.attributes
        node = inside[0].items if isinstance(inside[0], Array) else inside[0]
        node = node.values if isinstance(node, Map) else node
    docs = [doc for each in (field.attributes, node.attributes) if isinstance(doc := each.get("doc"), str)]
    return {**node.attributes, **field.attributes, "doc": " ".join(docs)}
