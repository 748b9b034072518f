"""What a field is about, by the words of its name and its tags: money, tax, billability, approval, identity.

The words are those of professional services (words.toml); a field that none of them knows is neutral data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schemas.review.avro import Field, Type, Union
from schemas.review.logical import logical
from schemas.review.vocabulary import vocabulary

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def parts(name: str) -> list[str]:
    """Words of a name: `workedSeconds` and `worked_seconds` are worked, seconds."""
    return [part.lower() for part in _PART.findall(name)]


def subjects(field: Field) -> set[str]:
    """Which of money, tax, billability, approval, currency, time, quantity a field is about."""
    named = " ".join(parts(field.name))
    found = {subject for subject, phrase in vocabulary().subjects.items() if phrase.search(named)}
    unit = str(field.attributes.get("unit", ""))
    if unit.startswith("currency") or holds_money(field.type):
        found.add("money")
    if unit in ("s", "h"):
        found.add("time")
    return found


def holds_money(node: Type) -> bool:
    """Whether a type is a decimal, or a record called Money, as such or optional."""
    if isinstance(node, Union):
        return any(holds_money(each) for each in node.others)
    return logical(node) in ("decimal", "big-decimal") or getattr(node, "name", "").endswith("Money")


def is_identity(field: Field) -> bool:
    """Whether a field says which object is meant, or is a key: by its name, or by a tag `key` or `identity`."""
    named = parts(field.name)
    tagged = any(field.attributes.get(tag) is True for tag in KEY_TAGS)
    return tagged or (bool(named) and named[-1] in vocabulary().identity)


KEY_TAGS = (
    "key",
    "keys",
    "primaryKey",
    "primary_key",
    "partitionKey",
    "partition_key",
    "kafkaKey",
    "kafka_key",
    "identity",
)
"""Tags of a record that name the fields which are its key; on a field, true."""

_KEY_DOC = re.compile(
    r"\b(primary key|kafka key|partition(ing)? key|message key|record key|idempotency key|business key|unique key|"
    r"identifies|identity of|unique identifier|uniquely)\b",
    re.IGNORECASE,
)


def claims_identity(field: Field) -> bool:
    """Whether doc or tags say that a field identifies something, whatever its name."""
    tagged = any(field.attributes.get(tag) is True for tag in KEY_TAGS)
    return tagged or bool(_KEY_DOC.search(field.doc))


LADDERS = (
    ("classification", ("public", "internal", "confidential", "restricted", "secret", "personal")),
    (
        "sensitivity",
        ("public", "low", "internal", "medium", "confidential", "high", "restricted", "secret", "personal"),
    ),
    ("confidentiality", ("public", "internal", "confidential", "restricted", "secret", "personal")),
    ("pii", ("false", "none", "no", "low", "true", "yes", "high")),
    ("personal", ("false", "no", "true", "yes")),
    ("gdpr", ("false", "no", "true", "yes")),
)
"""Tags that protect a field, and their values from the least to the most protected."""


def key_fields(attributes: Mapping[str, Any]) -> set[str]:
    """Names of the fields that the tags of a record call its key: text with commas, or a list."""
    found: set[str] = set()
    for tag in KEY_TAGS:
        value = attributes.get(tag)
        names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
        found |= {str(each).strip() for each in names}
    return found
