"""Cross-field rules of events: what Avro and one field alone cannot say.

    rules.violations("invoice.InvoicePosted", event)   what an event breaks: code, place, message
    rules.disagreements("time.TimeSubmitted", event, look_ups)   the same of it and the objects that it names
    rules.of("invoice.InvoicePosted")                  its rules;  rules.every() all of them

The rules stand in `<entity>.toml` in this folder; README.md of the contract has the vocabulary, docs/adr/0015 why it is
small and exact. They are read and fitted to their schemas once, when first asked. Pure: no clock, and no look-up but
those that are brought.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from schemas import contract
from schemas.base import Record
from schemas.rules.across import LookUp, LookUps
from schemas.rules.book import Across, Book, Rule, Violation, read

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
    return tuple(rule for name in _names(event) for rule in book().of(name))


def violations(event: str, data: Record | Mapping[str, Any]) -> tuple[Violation, ...]:
    """What an event breaks, nothing when all is right or when it has no rules.

    `data` is valid for the schema of the event: its model, or the fields as fastavro decodes them. Never raises for
    such data.
    """
    rules = book()
    if not event.startswith(contract.ENRICHED):
        return rules.violations(event, data)
    return tuple(found for name in _names(event) for found in rules.violations(name, data))


def disagreements(event: str, data: Record | Mapping[str, Any], look_ups: LookUps) -> tuple[Violation, ...]:
    """Where an event and the objects that it names by id do not agree, as far as `look_ups` (by entity) can find them.

    Data as for `violations`. Raises what a look-up raises.
    """
    return tuple(found for name in _names(event) for found in book().disagreements(name, data, look_ups))


@cache
def named_by(event: str) -> frozenset[str]:
    """The entities of which `disagreements` may ask a look-up for an event."""
    return frozenset().union(*(rule.names.entities for rule in _across(event)))


def read_across(event: str, entities: Collection[str]) -> set[tuple[str, str]]:
    """Event and path of each field that `disagreements` reads of an event, and of what it names of these entities."""
    asked = (rule for rule in _across(event) if rule.names.entities <= set(entities))
    return {pair for rule in asked for pair in rule.reads(event)}


def _across(event: str) -> tuple[Across, ...]:
    return tuple(rule for name in _names(event) for rule in book().across.get(name, ()))


@cache
def _names(event: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((event.removeprefix(contract.ENRICHED), event)))


__all__ = [
    "FOLDER",
    "Book",
    "LookUp",
    "LookUps",
    "Rule",
    "Violation",
    "book",
    "disagreements",
    "every",
    "named_by",
    "of",
    "read_across",
    "violations",
]
