"""Dead letters counted by what they have in common, with the time and money they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import typer

from cli import show
from psfabric.money import hours
from replay import Group, Worth
from replay.catalogue import GROUPS
from replay.plan import value
from replay.worth import total as summed


def columns(by: Sequence[str]) -> tuple[str, ...]:
    """Raises typer.BadParameter for what dead letters cannot be counted by."""
    for name in by:
        if name not in GROUPS:
            raise typer.BadParameter(
                f"{name!r} is nothing to count by; there is {', '.join(GROUPS)}", param_hint="--by"
            )
    return tuple(dict.fromkeys(by))


def as_dict(causes: Sequence[Group], groups: Sequence[Group] | None, total: Group, away: str) -> dict[str, Any]:
    """`groups` where something else than the cause was asked for."""
    others = {} if groups is None else {"groups": [_as_dict(group) for group in groups]}
    return {
        "causes": [_as_dict(group) for group in causes],
        **others,
        "total": total.records,
        "hours": f"{hours(_seconds(total)):f}",
        "money": {currency: _plain(money) for currency, money in _money(total.worth).items()},
        "worth": _values(total.worth),
        "without_worth": total.without_worth,
        "worth_unknown_because": away,
    }


def printed(groups: Sequence[Group], total: Group) -> None:
    """The groups, then time and money by legal entity, client, currency and period, then all together."""
    show.table(
        [*groups[0].by, "records", "oldest", "newest", "hours", "money"],
        [[*group.by.values(), *_cells(group)] for group in groups],
    )
    values = _values(total.worth)
    if values:
        show.table([name.replace("_", " ") for name in values[0]], [list(each.values()) for each in values])
    if total.without_worth:
        show.say(f"{total.without_worth} are no events, or cannot be read: their time and money is not known.")
    money = _money_text(total)
    show.say(f"{total.records} in all, {hours(_seconds(total))} hours{f', {money}' if money else ''}.")


def _as_dict(group: Group) -> dict[str, Any]:
    return {
        **group.by,
        "records": group.records,
        "oldest": group.oldest,
        "newest": group.newest,
        "hours": f"{hours(_seconds(group)):f}",
        "money": {currency: _plain(money) for currency, money in _money(group.worth).items()},
        "worth": _values(group.worth),
        "without_worth": group.without_worth,
    }


def _cells(group: Group) -> tuple[Any, ...]:
    return group.records, group.oldest[:19], group.newest[:19], hours(_seconds(group)), _money_text(group)


def _values(worth: Iterable[Worth]) -> list[dict[str, Any]]:
    return [value(each).model_dump() for each in summed(worth)]


def _seconds(group: Group) -> int:
    return sum(each.seconds for each in group.worth)


def _money(worth: Iterable[Worth]) -> dict[str, Decimal]:
    """By currency, sorted; those of which no amount is known yet are left out."""
    bare = (replace(each, legal_entity="", client_id="", period="") for each in worth if each.currency)
    return {each.currency: each.money for each in summed(bare)}


def _money_text(group: Group) -> str:
    return ", ".join(f"{_plain(money)} {currency}" for currency, money in _money(group.worth).items())


def _plain(money: Decimal) -> str:
    return f"{money.normalize():f}"
