"""From the filter options to dead letters: shared by `dlq list`, `dlq stats` and `replay plan`."""

from __future__ import annotations

from collections.abc import Sequence

import schemas
from cli.installation import Installation
from cli.options import instant
from replay import DeadLetter, NotThere, Selection, dead_letters, select
from replay.errors import nearest


def selection(
    components: Sequence[str] | None,
    codes: Sequence[str] | None,
    types: Sequence[str] | None,
    keys: Sequence[str] | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> Selection:
    return Selection(
        component=tuple(components or ()),
        code=tuple(codes or ()),
        type=tuple(map(_event, types or ())),
        key=tuple(keys or ()),
        since=instant(since, "--since"),
        until=instant(until, "--until"),
        limit=limit,
    )


def chosen(where: Installation, wanted: Selection, *, closed: bool = False) -> list[DeadLetter]:
    """The open (or all) dead letters that fit. Raises NotThere for a component or code that does not exist."""
    letters = dead_letters(where.kafka, where.components(wanted.component))
    known = {*schemas.codes(), *(letter.code for letter in letters)}
    for code in wanted.code:
        if code not in known:
            raise nearest("code", code, known)
    return select([letter for letter in letters if letter.open or closed], wanted)


def _event(name: str) -> str:
    try:
        return schemas.model(name).EVENT
    except schemas.UnknownEvent as error:
        raise NotThere(str(error)) from None
