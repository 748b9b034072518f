"""Cross-field rules of events: what Avro and one field alone cannot say.

    rules.violations("invoice.InvoicePosted", event)   what an event breaks: code, place, message
    rules.of("invoice.InvoicePosted")                  its rules;  rules.every() all of them

The rules stand in `<entity>.toml` in this folder; README.md of the contract has the vocabulary, docs/adr/0015 why it is
small and exact. They are read and fitted to their schemas once, when first asked. Pure: no clock, no look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from schemas import contract
from schemas.base import Record
from schemas.rules.book import Book, Rule, Violation, read

FOLDER = Path(__file__).parent


@cache
def book() -> Book:
    """All rules, fitted to the schemas of this release. Raises `schemas.toml.FileError` naming every mistake."""
    return read(FOLDER, contract.avro)


def every() -> tuple[Rule, ...]:
    """Every rule, in the order of the files."""
    return book().rules


def of(event: str) -> tuple[Rule, ...]:
    """The rules that an event is asked: for an enriched one those of the canonical event and its own."""
    return tuple(fitted.rule for name in _names(event) for fitted in book().by_event.get(name, ()))


def violations(event: str, data: Record | Mapping[str, Any]) -> tuple[Violation, ...]:
    """What an event breaks, nothing when all is right or when it has no rules.

    `data` is valid for the schema of the event: its model, or the fields as fastavro decodes them. Never raises for
    such data.
    """
    rules = book()
    if not event.startswith(contract.ENRICHED):
        return rules.violations(event, data)
    return tuple(found for name in _names(event) for found in rules.violations(name, data))


@cache
def _names(event: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((event.removeprefix(contract.ENRICHED), event)))


__all__ = ["FOLDER", "Book", "Rule", "Violation", "book", "every", "of", "violations"]
