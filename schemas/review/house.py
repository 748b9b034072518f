"""The rules of this house for a type and for a field: documented, with units, protected (schemas/README.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from schemas.review.avro import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union, namespace, text
from schemas.review.logical import logical, why_ignored
from schemas.review.subject import holds_money, parts
from schemas.review.vocabulary import vocabulary

Fault = tuple[str, str]
"""A code, and what is wrong and what to do, as a sentence without its place."""

SHORTEST_TYPE_DOC, SHORTEST_FIELD_DOC = 20, 10
UNITS = ("s", "h", "currency", "currency/h", "1")
CLASSIFICATIONS = ("internal", "confidential", "personal")
CURRENCY_PATTERN = "^[A-Z]{3}$"


def leaves(node: Type) -> Iterator[Type]:
    """What a field holds in the end: unions, arrays and maps opened, named types not entered."""
    match node:
        case Union():
            for each in node.branches:
                yield from leaves(each)
        case Array():
            yield from leaves(node.items)
        case Map():
            yield from leaves(node.values)
        case _:
            yield node


def type_doc(node: Type) -> Iterator[Fault]:
    if isinstance(node, Record | Enum | Fixed) and len(text(node.attributes, "doc")) < SHORTEST_TYPE_DOC:
        yield "doc-missing", f"the {node.kind} {node.name} says in its doc not what it stands for; write a sentence"


def type_namespace(node: Type) -> Iterator[Fault]:
    if isinstance(node, Record | Enum | Fixed) and not namespace(node.name):
        yield "namespace-missing", f"the {node.kind} {node.name} has no namespace; give it one"


def type_logical(node: Type) -> Iterator[Fault]:
    why = why_ignored(node)
    if why:
        yield "logical-type-ignored", f"{why}. Readers ignore the logical type and take the bare value"


def field_doc(field: Field) -> Iterator[Fault]:
    if len(field.doc) < SHORTEST_FIELD_DOC:
        yield "doc-missing", "the field has no doc that says what it means; write one, and say what stands for none"


def field_unit(field: Field) -> Iterator[Fault]:
    unit, number = text(field.attributes, "unit"), any(_is_number(each) for each in leaves(field.type))
    if number and not unit:
        yield "unit-missing", f"a number has a unit: one of {', '.join(UNITS)}, in the attribute unit"
    elif unit and not number:
        yield "unit-needless", f"the unit {unit!r} stands on what is no number; leave it out"
    elif unit and unit not in UNITS:
        yield "unit-unknown", f"the unit {unit!r} is none of {', '.join(UNITS)}"


def _is_number(node: Type) -> bool:
    if logical(node) in ("decimal", "big-decimal"):
        return True
    return isinstance(node, Primitive) and node.kind in ("int", "long", "float", "double") and not logical(node)


def field_float(field: Field) -> Iterator[Fault]:
    if any(each.kind in ("float", "double") for each in leaves(field.type)):
        yield "float-used", "floats do not hold amounts and hours exactly; take bytes with logicalType decimal"


def field_beside(field: Field) -> Iterator[Fault]:
    beside = text(field.attributes, "logicalType")
    if beside:
        yield "logical-type-ignored", f'{beside} stands beside the type; write "type": {{"type": …, "logicalType": …}}'


def field_protection(field: Field) -> Iterator[Fault]:
    tag = field.attributes.get("classification", "internal")
    if tag not in CLASSIFICATIONS:
        yield "classification-unknown", f"the classification {tag!r} is none of {', '.join(CLASSIFICATIONS)}"
        return
    closed = all(isinstance(each, Enum) or each.kind in ("null", "boolean") for each in leaves(field.type))
    if tag != "personal" and not closed and vocabulary().personal.search(" ".join(parts(field.name))):
        yield "personal-untagged", 'it is about a person; give it "classification": "personal"'
    elif tag == "internal" and _is_money(field):
        yield "money-untagged", 'it holds an amount; give it "classification": "confidential"'


def _is_money(field: Field) -> bool:
    return text(field.attributes, "unit").startswith("currency") or any(
        holds_money(each) for each in leaves(field.type)
    )


def field_currency(field: Field) -> Iterator[Fault]:
    texts = any(each.kind == "string" for each in leaves(field.type))
    if parts(field.name)[-1:] == ["currency"] and texts and field.attributes.get("pattern") != CURRENCY_PATTERN:
        yield "currency-unchecked", f'a currency has "pattern": "{CURRENCY_PATTERN}", so that `eur` and `€` are refused'


TYPE_RULES: tuple[Callable[[Type], Iterator[Fault]], ...] = (type_doc, type_namespace, type_logical)
RULES: tuple[Callable[[Field], Iterator[Fault]], ...] = (
    field_doc,
    field_unit,
    field_float,
    field_beside,
    field_protection,
    field_currency,
)
