"""What a changed mapping changes at the targets: in time and money, and field by field.

Money is an estimate as in `worth`: the price of an hour, or the amount, as it was sent to the target before. Where what
decides the price changed with it (project, role, currency), or what was sent is no longer kept, it is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from replay.patch import COVERED, classified_at
from replay.worth import Worth, of_event
from schemas import HEAD_FIELDS, Model, models

PRICED_BY = ("project_id", "role")
NAMES_IT = ("event_id", "revision")
"""What may differ between two events that say the same."""
_IDENTITY = frozenset(HEAD_FIELDS[:5])
"""Of the head: what says which event it is. The enriched event of a target may be another one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """New less old, of `events` corrections, in one group. `unpriced` counts those whose money is not known."""

    legal_entity: str
    client_id: str
    period: str
    currency: str
    events: int = 0
    seconds: int = 0
    money: Decimal = Decimal(0)
    unpriced: int = 0


def difference(sent: Model | None, said: Model | None, now: Model) -> Difference:
    """What one correction changes. `sent`: the enriched event that the target holds; `said`: the canonical one, where
    that was not kept."""
    base = sent if sent is not None else said
    if base is None:
        return Difference("", "", "", "", 1, unpriced=1)
    before, after = of_event(base), _after(base, now)
    priced = before.currency != "" and not _repriced(base, now)
    money = after.money - before.money if priced else Decimal(0)
    group = before.legal_entity, before.client_id, before.period, before.currency
    worthless = not (before.seconds or after.seconds or before.currency)
    return Difference(*group, 1, after.seconds - before.seconds, money, 0 if priced or worthless else 1)


def total(each: Iterable[Difference]) -> list[Difference]:
    """Summed by legal entity, client, period and currency, sorted by these."""
    sums: dict[tuple[str, ...], Difference] = {}
    for one in each:
        group = one.legal_entity, one.client_id, one.period, one.currency
        known = sums.get(group, Difference(*group))
        sums[group] = Difference(
            *group,
            known.events + one.events,
            known.seconds + one.seconds,
            known.money + one.money,
            known.unpriced + one.unpriced,
        )
    return [sums[group] for group in sorted(sums)]


def changes(before: Model | None, after: Model) -> dict[str, tuple[str, str]]:
    """The fields that differ, each with its text before and after; personal and confidential ones are covered."""
    old, new = (dict(_leaves(model)) if model is not None else {} for model in (before, after))
    differ = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    shown = partial(_shown, after.EVENT)
    return {path: (shown(path, old.get(path)), shown(path, new.get(path))) for path in differ}


def _after(base: Model, now: Model) -> Worth:
    """The worth of what the target would hold: what it was sent, with the fields that the mapping says now."""
    if isinstance(now, models.TimeRemoved):
        return replace(of_event(base), seconds=0, money=Decimal(0))
    shared = type(base).model_fields.keys() & type(now).model_fields.keys() - _IDENTITY
    return of_event(base.model_copy(update={name: getattr(now, name) for name in shared}))


def _repriced(base: Model, now: Model) -> bool:
    if isinstance(now, models.TimeRemoved):
        return False
    amounts = [getattr(each, "amount", None) for each in (base, now)]
    moved = any(getattr(base, name, "") != getattr(now, name, getattr(base, name, "")) for name in PRICED_BY)
    return moved or len({amount.currency for amount in amounts if amount is not None}) > 1


def _leaves(model: Model) -> Iterator[tuple[str, Any]]:
    body = model.model_dump(mode="json")
    return _flat({name: part for name, part in body.items() if name not in NAMES_IT}, "")


def _flat(body: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for name, part in body.items():
        at = f"{path}.{name}" if path else name
        if isinstance(part, dict):
            yield from _flat(part, at)
        else:
            yield at, part


def _shown(event: str, path: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if classified_at(event, path):
        return COVERED
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
